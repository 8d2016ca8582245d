"""Predicted intensity and measured amplitude in, the misfit out.

Notation: X is the normalised measured amplitude, Î the predicted intensity in the same
units; s turns them into photons: counts k = (sX)², rate λ = s²Î + ε. Each loss is the
mean over batch, channels and valid pixels.

Source:
    Design of the model, section 8.2.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float

from ptycho_torch.axes import Amplitude, Intensity, ValidMask

Scalar = Float[torch.Tensor, ""]


class LossTerms(NamedTuple):
    """A misfit and, for photon counts, its deviance.

    Attributes:
        loss: The mean to minimise [nats or √photons per pixel].
        deviance: Twice the mean distance from a perfect fit, without gradient.
    """

    loss: Scalar
    deviance: Scalar | None


def poisson(
    intensity: Intensity,
    amplitude: Amplitude,
    intensity_scale: float,
    valid_mask: ValidMask,
    eps: float,
) -> LossTerms:
    """Negative log likelihood of real-valued photon counts.

    λ − k·log λ + lgamma(k + 1) is summed as D + h: D = λ − k − k·log(λ/k) is small near
    a fit and carries the gradient; h depends on the counts alone.

    Args:
        intensity: Predicted intensity [normalised].
        amplitude: Measured amplitude [normalised].
        intensity_scale: s, amplitude to √photons.
        valid_mask: False at pixels to leave out.
        eps: Added to the rate [photons].

    Returns:
        Mean likelihood [nats per pixel] and mean deviance.
    """
    counts = (intensity_scale * amplitude).square()
    rate = intensity_scale**2 * intensity + eps
    # k·log k goes to 0 with k; log(rate / 0) would be infinite, and its gradient NaN even
    # where it is masked afterwards.
    safe = torch.where(counts > 0, counts, 1.0)
    distance = rate - counts - counts * torch.log(rate / safe)
    floor = _perfect_fit(counts.detach())

    mean_distance = _valid_mean(distance, valid_mask)
    mean_floor = _valid_mean(floor, valid_mask).to(mean_distance.dtype)
    return LossTerms(mean_distance + mean_floor, 2 * mean_distance.detach())


def mae(
    intensity: Intensity,
    amplitude: Amplitude,
    intensity_scale: float,
    valid_mask: ValidMask,
    eps: float,
) -> LossTerms:
    """Mean absolute misfit of the amplitude in √photons.

    Args:
        intensity: Predicted intensity [normalised].
        amplitude: Measured amplitude [normalised].
        intensity_scale: s, amplitude to √photons.
        valid_mask: False at pixels to leave out.
        eps: Added below the square root, keeps its slope finite [normalised].

    Returns:
        Mean of s·|√(Î + ε) − X|; there is no deviance.
    """
    # Below the root and not behind it: the slope of √Î is infinite where nothing is predicted.
    misfit = (torch.sqrt(intensity + eps) - amplitude).abs()
    return LossTerms(intensity_scale * _valid_mean(misfit, valid_mask), None)


def _perfect_fit(counts: torch.Tensor) -> torch.Tensor:
    """Likelihood of the counts under their own rate, k − k·log k + lgamma(k + 1)."""
    # Terms of the size of k·log k cancel to about ½·log 2πk (Stirling): in single precision
    # many photons would leave rounding alone.
    wide = counts.double()
    return wide - torch.xlogy(wide, wide) + torch.lgamma(wide + 1)


def _valid_mean(values: torch.Tensor, valid_mask: torch.Tensor) -> torch.Tensor:
    """Mean over all leading axes and the valid pixels."""
    # Not values · mask: a bad pixel may hold an infinity, and 0 · ∞ is NaN.
    valid = torch.where(valid_mask, values, 0.0)
    # The mask is one plane for all frames; the factor counts how often it is applied.
    count = valid_mask.sum() * (values.numel() // valid_mask.numel())
    return valid.sum() / count
