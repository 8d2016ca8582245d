"""How alike two real maps are inside a region: error, correlation, PSNR, SSIM.

A number that the maps do not define (the correlation with a constant, the PSNR of an
exact copy) is None, never NaN and never infinity.

Source: design of the model, section 14.2, step 4; Wang et al., Image quality assessment:
from error visibility to structural similarity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# Window and constants are those that are usual, so that numbers can be compared with others.
_WINDOW = 7
_BAND = 256  # rows judged at a time
_K1, _K2 = 0.01, 0.03
_FLAT = 1e-12  # spread, against 1 + level, below which a map counts as constant


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """Agreement of a map with its truth inside a region.

    Attributes:
        mae: Mean absolute error.
        mse: Mean squared error.
        pearson: Correlation coefficient, None when a map is constant.
        psnr: 10·log10(peak² / mse) [dB], None when the maps are equal or the truth is flat.
        psnr_peak: Peak of the PSNR and data range of the SSIM: max − min of the truth.
        ssim: Mean structural similarity, window 7, None when the truth is flat.
    """

    mae: float
    mse: float
    pearson: float | None
    psnr: float | None
    psnr_peak: float
    ssim: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Give the fields as JSON values."""
        return {
            "mae": self.mae,
            "mse": self.mse,
            "pearson": self.pearson,
            "psnr": self.psnr,
            "psnr_peak": self.psnr_peak,
            "ssim": self.ssim,
        }


def compare(
    reconstruction: NDArray[np.float64], truth: NDArray[np.float64], region: NDArray[np.bool_]
) -> Similarity:
    """Compare two maps inside a region."""
    difference = reconstruction[region] - truth[region]
    mse = float(np.mean(difference**2))
    peak = float(truth[region].max() - truth[region].min())
    return Similarity(
        mae=float(np.mean(np.abs(difference))),
        mse=mse,
        pearson=pearson(reconstruction[region], truth[region]),
        psnr=10 * math.log10(peak**2 / mse) if peak > 0 and mse > 0 else None,
        psnr_peak=peak,
        ssim=ssim(reconstruction, truth, region, peak) if peak > 0 else None,
    )


def pearson(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Correlate two samples; None when one of them does not vary."""
    a, b = first - first.mean(), second - second.mean()
    spread_a, spread_b = float(np.sqrt(np.sum(a**2))), float(np.sqrt(np.sum(b**2)))
    floors = [_FLAT * (math.sqrt(v.size) + float(np.linalg.norm(v))) for v in (first, second)]
    if spread_a <= floors[0] or spread_b <= floors[1]:
        return None
    return float(np.clip(np.sum(a * b) / (spread_a * spread_b), -1.0, 1.0))


def ssim(
    reconstruction: NDArray[np.float64],
    truth: NDArray[np.float64],
    region: NDArray[np.bool_],
    data_range: float,
) -> float:
    """Average the structural similarity over a region.

    Local moments use sample covariance over the 7 × 7 window; a window that leaves the
    region counts only its pixels inside, so that nothing unjudged enters.
    """
    total = 0.0
    for start in range(0, len(region), _BAND):
        # Rows of which a window at the band's edge still sees some: the moments of a whole
        # canvas would be many times as large as the canvas.
        rows = slice(max(0, start - _WINDOW // 2), start + _BAND + _WINDOW // 2)
        judged = region[rows].copy()
        judged[: start - rows.start] = False
        judged[start - rows.start + _BAND :] = False
        scores = _local_ssim(reconstruction[rows], truth[rows], region[rows], data_range)
        total += float(scores[judged].sum())
    return total / int(region.sum())


def _local_ssim(
    reconstruction: NDArray[np.float64],
    truth: NDArray[np.float64],
    region: NDArray[np.bool_],
    data_range: float,
) -> NDArray[np.float64]:
    """Structural similarity around each pixel."""
    inside = region.astype(np.float64)
    count = _window_sum(inside)
    safe = np.maximum(count, 2.0)
    a, b = reconstruction * inside, truth * inside
    mean_a, mean_b = _window_sum(a) / safe, _window_sum(b) / safe
    norm = safe - 1.0
    var_a = (_window_sum(a * a) - safe * mean_a**2) / norm
    var_b = (_window_sum(b * b) - safe * mean_b**2) / norm
    covariance = (_window_sum(a * b) - safe * mean_a * mean_b) / norm
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    score: NDArray[np.float64] = (
        (2 * mean_a * mean_b + c1)
        * (2 * covariance + c2)
        / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    )
    return score


def _window_sum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over the window around every pixel, nothing outside the image."""
    mean = ndimage.uniform_filter(values, _WINDOW, mode="constant", cval=0.0)
    total: NDArray[np.float64] = mean * _WINDOW**2
    return total
