"""Patches of a group in, one region per group out, and back to patches that agree.

Notation: rel = r − r̄ is the offset of a patch from the mean of its group, (dx, dy)
[object px]; T_d moves content towards +d. With the weight w,
merged = Σ_c T_{rel_c}(w·O_c) / max(Σ_c T_{rel_c}(w), 1e-6) on a canvas of side S.
Extraction is the unweighted inverse: the centre of T_{−rel_c}(merged).

Source:
    Design of the model, section 5.4.
"""

from __future__ import annotations

import torch

from ptycho_torch.axes import GroupCanvas, ObjectPatches, Offsets, PatchWeight
from ptycho_torch.physics import shift

# Design of the model, section 5.4: pixels that no patch reaches become 0, not 0 / 0.
_LEAST_COVER = 1e-6


def merge_group(
    patches: ObjectPatches, offsets: Offsets, weight: PatchWeight, padded_size: int
) -> GroupCanvas:
    """Merge the patches of each group into one weighted mean region.

    Args:
        patches: Object patches of a group.
        offsets: Offsets from the mean position of the group [px].
        weight: Positive weight of the patch pixels.
        padded_size: Side S of the group canvas [px].

    Returns:
        One region per group, zero where no patch reaches.

    Raises:
        ValueError: A patch would leave the canvas.
    """
    total = shift.place(weight * patches, offsets, padded_size)
    # Offsets and weight are data: nothing here is trained, and a graph would hold every
    # canvas.
    with torch.no_grad():
        stack = weight.expand(*offsets.shape[:2], *weight.shape)
        cover = shift.place(stack, offsets, padded_size).clamp_min(_LEAST_COVER)
    return total / cover


def extract_group(merged: GroupCanvas, offsets: Offsets, N: int) -> ObjectPatches:
    """Cut the patches of a group from its region; the inverse of placing them.

    Args:
        merged: One region per group.
        offsets: Offsets from the mean position of the group [px].
        N: Side of a patch [px].

    Returns:
        Patches that agree wherever they overlap.

    Raises:
        ValueError: A patch would leave the canvas.
    """
    return shift.extract(merged, offsets, N)
