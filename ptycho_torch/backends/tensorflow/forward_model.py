"""Patches and offsets in, intensity at the detector out: the physics as pure functions.

Notation: as in ``ptycho_torch.physics``; ψ = O·P, the transform is unitary, modes add as
intensities, and zero spatial frequency ends at (H // 2, W // 2).

Source:
    Design of the model, sections 5.4 and 8.1.
"""

from __future__ import annotations

import tensorflow as tf

from ptycho_torch.backends.tensorflow import shift
from ptycho_torch.backends.tensorflow.axes import (
    Canvases,
    ExitWave,
    FarField,
    Intensity,
    ObjectPatches,
    Offsets,
    PatchWeight,
    Probe,
)

_LEAST_COVER = 1e-6
_PATCH_RANK = 4
_PROBE_RANK = 3


def merge(
    patches: ObjectPatches, offsets: Offsets, weight: PatchWeight, padded_size: int
) -> Canvases:
    """Merge the patches of each group into one weighted mean region.

    Args:
        patches: Object patches of a group.
        offsets: Offsets from the mean position of the group [px].
        weight: Positive weight of the patch pixels.
        padded_size: Side S of the group canvas [px].

    Returns:
        One region per group, zero where no patch reaches.
    """
    total = shift.place(tf.cast(weight, patches.dtype) * patches, offsets, padded_size)
    stack = tf.broadcast_to(weight, tf.shape(patches))
    stack = tf.ensure_shape(stack, (None, *patches.shape[1:]))
    cover = tf.maximum(shift.place(stack, offsets, padded_size), _LEAST_COVER)
    return total / tf.cast(cover, total.dtype)


def extract(merged: Canvases, offsets: Offsets, N: int) -> ObjectPatches:
    """Cut the patches of a group from its region.

    Args:
        merged: One region per group.
        offsets: Offsets from the mean position of the group [px].
        N: Side of a patch [px].
    """
    return shift.extract(merged, offsets, N)


def illuminate(patches: ObjectPatches, probe: Probe) -> ExitWave:
    """Multiply every patch with every mode of the probe, once.

    Args:
        patches: Complex transmission [unitless].
        probe: Incoherent modes.

    Raises:
        ValueError: Patches are not (B, C, N, N) or the probe is not (P, N, N).
    """
    ranks = (patches.shape.rank, probe.shape.rank)
    if ranks != (_PATCH_RANK, _PROBE_RANK) or patches.shape[-2:] != probe.shape[-2:]:
        raise ValueError(
            "illuminate needs patches (B, C, N, N) and a probe (P, N, N), "
            f"got {patches.shape} and {probe.shape}"
        )
    return patches[:, :, None] * probe


def propagate(exit_wave: ExitWave) -> FarField:
    """Propagate an exit wave to the detector plane, zero frequency centred.

    Args:
        exit_wave: Field behind the object.
    """
    height, width = exit_wave.shape[-2:]
    unit = tf.cast((height * width) ** -0.5, exit_wave.dtype)
    return tf.signal.fftshift(unit * tf.signal.fft2d(exit_wave), axes=(-2, -1))


def intensity(far_field: FarField) -> Intensity:
    """Add the intensities of the incoherent modes.

    Args:
        far_field: Field of each mode.

    Returns:
        Σ_p |F_p|², the squared unit of the field.
    """
    squares = tf.square(tf.math.real(far_field)) + tf.square(tf.math.imag(far_field))
    return tf.reduce_sum(squares, axis=2)
