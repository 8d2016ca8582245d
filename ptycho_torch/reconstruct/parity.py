"""Patches of the training process against the same patches by the inference pipeline.

Training stores O and extract(merge(O)) of a few groups as its own loop computed them; here
they are computed again from the data file and the bundle alone. Stages are compared in the
order of the pipeline, so that the first one that differs names the fault.

    relative L2 of a group    ‖again − stored‖ / ‖stored‖ over its C patches
    amplitude ratio           mean |O again| / mean |O stored|

Source: design of the model, section 11.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError
from ptycho_torch.pinn import PtychoPINN
from ptycho_torch.reconstruct import predict, stored
from ptycho_torch.reconstruct.stored import Kind

SCHEMA = 1
TOLERANCE = 1e-6
STAGES = ("patches", "consistent")

_STORED = MappingProxyType(
    {
        "dataset_sha256": Kind(0, "U"),
        "groups": Kind(2, "iu"),
        "positions": Kind(3, "f"),
        "patches": Kind(4, "c"),
        "consistent": Kind(4, "c"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probe:
    """What training stored.

    Attributes:
        dataset_sha256: Digest of the training file.
        groups: (G, C) scan indices in that file.
        positions: (G, C, 2) their positions, x then y [px].
        patches: (G, C, N, N) complex, O.
        consistent: (G, C, N, N) complex, extract(merge(O)).
    """

    dataset_sha256: str
    groups: NDArray[np.int64]
    positions: NDArray[np.float64]
    patches: NDArray[np.complexfloating[Any, Any]]
    consistent: NDArray[np.complexfloating[Any, Any]]


def read_probe(path: Path) -> Probe:
    """Read the patches that training stored; nothing is unpickled.

    Raises:
        MissingInputError: The file is not there.
        InputError: It is not such a file, or its arrays do not fit together.
    """
    arrays = stored.read(
        path,
        _STORED,
        what="patches stored by training",
        remedy="train with --log-patch-stats",
    )
    _check_shapes(path, arrays)
    return Probe(
        dataset_sha256=str(arrays["dataset_sha256"]),
        groups=arrays["groups"].astype(np.int64),
        positions=arrays["positions"].astype(np.float64),
        patches=arrays["patches"],
        consistent=arrays["consistent"],
    )


def check_fit(probe: Probe, scan: ScanData, group_size: int) -> None:
    """Refuse stored groups that the scan or the model cannot hold.

    Raises:
        InputError: Another group size or patch side, or scan points that do not exist.
    """
    shape = (group_size, scan.side, scan.side)
    if probe.patches.shape[1:] != shape:
        actual = str(probe.patches.shape[1:])
        raise InputError("parity probe: patches", expected=f"groups of {shape}", found=actual)
    low, high = int(probe.groups.min()), int(probe.groups.max())
    if low < 0 or high >= scan.point_count:
        raise InputError(
            "parity probe: groups",
            expected=f"scan points below {scan.point_count}",
            found=f"{low} to {high}",
        )


def recompute(
    model: PtychoPINN,
    scan: ScanData,
    groups: NDArray[np.int64],
    input_scale: float,
    engine: predict.Engine,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Compute O and extract(merge(O)), each (G, C, N, N), by the inference pipeline."""
    plan = predict.lay_out(scan, groups)
    results = [
        (result.patches.cpu().numpy(), result.consistent.cpu().numpy())
        for _, result in predict.forward(model, scan, plan, input_scale, engine)
    ]
    return (
        np.concatenate([patches for patches, _ in results]),
        np.concatenate([consistent for _, consistent in results]),
    )


def compare(
    probe: Probe,
    positions: NDArray[np.float64],
    patches: NDArray[Any],
    consistent: NDArray[Any],
    tolerance: float = TOLERANCE,
) -> dict[str, Any]:
    """Compare the two processes stage by stage.

    Args:
        probe: From training.
        positions: (G, C, 2) of the same groups, read again.
        patches: O, computed again.
        consistent: extract(merge(O)), computed again.
        tolerance: Largest relative L2 that counts as equal.

    Returns:
        JSON values: schema, groups, tolerance, relative_l2 (largest over groups and
        stages), relative_l2_patches, relative_l2_consistent, amplitude_ratio and
        first_stage, null when all stages agree. A value that is no number is null.
    """
    by_stage = {
        "patches": relative_l2(patches, probe.patches),
        "consistent": relative_l2(consistent, probe.consistent),
    }
    first = None if np.array_equal(positions, probe.positions) else "positions"
    for stage in STAGES:
        if first is None and not (by_stage[stage] <= tolerance).all():
            first = stage
    worst = float(max(values.max() for values in by_stage.values()))
    level = float(np.abs(probe.patches).mean())
    return {
        "schema": SCHEMA,
        "groups": len(probe.groups),
        "tolerance": tolerance,
        "relative_l2": _number(worst),
        "relative_l2_patches": [_number(value) for value in by_stage["patches"].tolist()],
        "relative_l2_consistent": [_number(value) for value in by_stage["consistent"].tolist()],
        "amplitude_ratio": _number(float(np.abs(patches).mean()) / level if level > 0 else 1.0),
        "first_stage": first,
    }


def relative_l2(values: NDArray[Any], expected: NDArray[Any]) -> NDArray[np.float64]:
    """Compute ‖found − expected‖ / ‖expected‖ for each group.

    A group that is zero on both sides differs by 0; one that is not finite by infinity.
    """
    axes = tuple(range(1, expected.ndim))
    gap = np.abs(values.astype(np.complex128) - expected.astype(np.complex128))
    size = np.sqrt(np.sum(np.abs(expected.astype(np.complex128)) ** 2, axis=axes))
    error = np.sqrt(np.sum(gap**2, axis=axes))
    ratio = np.divide(error, size, out=np.where(error > 0, np.inf, 0.0), where=size > 0)
    return np.where(np.isfinite(ratio), ratio, np.inf)


def _check_shapes(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Refuse arrays that do not describe the same groups."""
    groups, patches = arrays["groups"], arrays["patches"]
    wanted = {
        "positions": (*groups.shape, 2),
        "patches": (*groups.shape, *patches.shape[-1:], *patches.shape[-1:]),
        "consistent": patches.shape,
    }
    for name, shape in wanted.items():
        if arrays[name].shape != shape:
            actual = str(arrays[name].shape)
            raise InputError(f"{path}: {name}", expected=f"shape {shape}", found=actual)


def _number(value: float) -> float | None:
    """A JSON number, or null for infinity and NaN."""
    return value if np.isfinite(value) else None
