"""Probe in, weight of each patch pixel out.

Notation: P_p(y, x) are the incoherent modes of the probe [normalised units]; the weight
is their summed intensity, blurred by a Gaussian and divided by its maximum, in [0, 1].
The probe enters the forward model unchanged; it is normalised once, when data are scaled.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from ptycho_torch.axes import PatchWeight, Probe

_RADIUS_SIGMAS = 4


def blend_weight(probe: Probe, sigma: float = 1.0) -> PatchWeight:
    """Weigh each pixel of a patch by how much light the probe puts near it.

    Args:
        probe: Incoherent modes.
        sigma: Blur, a separable Gaussian cut at four sigma, zero outside [px].

    Returns:
        Un-floored weight in float64, maximum 1.

    Raises:
        ValueError: The probe carries no energy.

    Source:
        Design of the model, section 5.4.
    """
    intensity = probe.to(torch.complex128).abs().square().sum(dim=0)
    radius = math.ceil(_RADIUS_SIGMAS * sigma)
    steps = torch.arange(-radius, radius + 1, dtype=torch.float64, device=probe.device)
    # Not normalised: the division by the peak takes every common factor away.
    taps = torch.exp(-0.5 * (steps / sigma).square())
    blurred = functional.conv2d(
        intensity[None, None], taps[None, None, :, None], padding=(radius, 0)
    )
    blurred = functional.conv2d(blurred, taps[None, None, None, :], padding=(0, radius))[0, 0]
    peak = blurred.amax()
    # Asked this way round, a NaN is refused too; peak <= 0 would let it pass.
    if not bool(peak > 0):
        raise ValueError(
            f"expected a probe with energy, got a largest intensity of {float(peak)}"
        )
    return blurred / peak
