"""Object patches and probe in, exit waves out.

Notation: ψ = O·P, thin object; the mode axis P stands between group and pixels, so that
a mode can never be mistaken for a batch entry. Units are those of the probe.
"""

from __future__ import annotations

from ptycho_torch.axes import ExitWave, ObjectPatches, Probe

_PATCH_RANK = 4
_PROBE_RANK = 3


def illuminate(patches: ObjectPatches, probe: Probe) -> ExitWave:
    """Multiply every patch with every mode of the probe, once.

    Args:
        patches: Complex transmission [unitless].
        probe: Incoherent modes.

    Returns:
        Field behind the object for each mode.

    Raises:
        ValueError: Patches are not (B, C, N, N) or the probe is not (P, N, N).
    """
    ranks = (patches.ndim, probe.ndim)
    if ranks != (_PATCH_RANK, _PROBE_RANK) or patches.shape[-2:] != probe.shape[-2:]:
        raise ValueError(
            "illuminate needs patches (B, C, N, N) and a probe (P, N, N), "
            f"got {tuple(patches.shape)} and {tuple(probe.shape)}"
        )
    # (B, C, 1, N, N) times (P, N, N): every patch under every mode, and none summed yet. Modes
    # add as intensities, behind the propagation.
    return patches[:, :, None] * probe
