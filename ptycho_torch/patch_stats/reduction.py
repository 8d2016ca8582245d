"""Predicted patches to numbers: one reduction on the device, one transfer to the host.

a  amplitude |O| in gauge units          B  samples of the batch
C  channels of a sample                  H, W  rows, columns of a patch

Elements that are not finite are counted and left out of every statistic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float
from numpy.typing import NDArray

SAMPLES_KEPT = 4

Patches = Float[torch.Tensor, "B C H W"] | Complex[torch.Tensor, "B C H W"]


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Moments of each patch of a batch, and the pixels of its first samples.

    Attributes:
        count: (B, C) finite elements.
        mean: (B, C) mean over them; NaN when there are none.
        squares: (B, C) sum of squared deviations from that mean.
        low: (B, C) smallest element; +∞ when there are none.
        high: (B, C) largest element; −∞ when there are none.
        pixels: (b, C, H, W) amplitude of the first b ≤ 4 samples.
        size: Elements of the batch, finite or not.
        between: Variance over the samples at one pixel, mean over pixels; NaN for one sample.
    """

    count: NDArray[np.float64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    pixels: NDArray[np.float64]
    size: int
    between: float


def moments(patches: Patches) -> Moments:
    """Reduce a batch of patches in float64 and bring the result to the host at once.

    Args:
        patches: Predicted patches, complex or amplitude.
    """
    amplitude = patches.detach().abs().to(torch.float64)
    is_finite = torch.isfinite(amplitude)
    area = (-2, -1)
    count = is_finite.sum(area).to(torch.float64)
    mean = torch.where(is_finite, amplitude, 0.0).sum(area) / count
    deviation = torch.where(is_finite, amplitude - mean[..., None, None], 0.0)
    squares = deviation.square().sum(area)
    low = torch.where(is_finite, amplitude, math.inf).amin(area)
    high = torch.where(is_finite, amplitude, -math.inf).amax(area)
    table = torch.stack([count, mean, squares, low, high])
    pixels = amplitude[:SAMPLES_KEPT]
    between = _measure_spread(amplitude, is_finite)
    packed = torch.cat([table.flatten(), pixels.flatten(), between[None]]).cpu().numpy()
    numbers = packed[: table.numel()].reshape(tuple(table.shape))
    return Moments(
        count=numbers[0],
        mean=numbers[1],
        squares=numbers[2],
        low=numbers[3],
        high=numbers[4],
        pixels=packed[table.numel() : -1].reshape(tuple(pixels.shape)),
        size=amplitude.numel(),
        between=float(packed[-1]),
    )


def _measure_spread(
    amplitude: Float[torch.Tensor, "B C H W"], is_finite: Bool[torch.Tensor, "B C H W"]
) -> Float[torch.Tensor, ""]:
    """Return the variance over the samples at one pixel, mean over the pixels of the batch."""
    if len(amplitude) < 2:  # noqa: PLR2004 - one sample has no spread
        return amplitude.new_full((), math.nan)
    count = is_finite.sum(0).clamp(min=1)
    values = torch.where(is_finite, amplitude, 0.0)
    centre = values.sum(0) / count
    deviation = torch.where(is_finite, amplitude - centre, 0.0)
    return (deviation.square().sum(0) / count).mean()


def response(patches: Patches, exchanged: Patches) -> float:
    """Return how much patches change when the inputs are exchanged among the samples.

    The root mean square of the change over that of the patches: 0 where they do not depend on
    their input, about 1.4 where nothing of them is alike.

    Args:
        patches: Predicted patches.
        exchanged: Those of the same batch with its inputs in another order.
    """
    change = (exchanged - patches).detach().abs().to(torch.float64).square().mean()
    size = patches.detach().abs().to(torch.float64).square().mean()
    return float((change / size).sqrt()) if float(size) > 0 else 0.0


def whole(batch: Moments) -> dict[str, float | int | None]:
    """Return the statistics over all elements of the batch."""
    count, mean, squares = _pool(batch.count, batch.mean, batch.squares)
    return {
        "global_mean": mean,
        "global_std": _std(squares, count),
        "var_zero_mean": _ratio(float(batch.squares.sum()), count),
        "var_between": keep_finite(batch.between),
        "n_nonfinite": batch.size - int(count),
    }


def samples(batch: Moments) -> list[dict[str, float | int | None]]:
    """Return the statistics over (C, H, W) of the first samples."""
    rows = []
    for index in range(len(batch.pixels)):
        count, mean, squares = _pool(
            batch.count[index], batch.mean[index], batch.squares[index]
        )
        rows.append(
            {
                "patch_idx": index,
                "mean": mean,
                "std": _std(squares, count),
                "min": keep_finite(batch.low[index].min()),
                "max": keep_finite(batch.high[index].max()),
            }
        )
    return rows


def patches(batch: Moments) -> list[dict[str, Any]]:
    """Return raw and normalised statistics of each patch of the first samples."""
    rows, channels = batch.pixels.shape[:2]
    return [_patch(batch, row, column) for row in range(rows) for column in range(channels)]


def is_degenerate(low: float, high: float) -> bool:
    """Whether a patch is constant, or holds no finite element."""
    return not high > low


def normalise_patch(batch: Moments, row: int, column: int) -> NDArray[np.float64]:
    """Stretch one kept patch to [0, 1]; a constant one becomes 0.5."""
    low, high = float(batch.low[row, column]), float(batch.high[row, column])
    pixels = batch.pixels[row, column]
    if is_degenerate(low, high):
        return np.full(pixels.shape, 0.5)
    stretched = (np.where(np.isfinite(pixels), pixels, low) - low) / (high - low)
    return np.asarray(stretched, dtype=np.float64)


def _patch(batch: Moments, row: int, column: int) -> dict[str, Any]:
    at = (row, column)
    low, high = float(batch.low[at]), float(batch.high[at])
    count, mean = float(batch.count[at]), float(batch.mean[at])
    variance = _ratio(float(batch.squares[at]), count)
    flat = is_degenerate(low, high)
    norm: dict[str, float | None] = {"mean": 0.5, "var": 0.0, "min": 0.5, "max": 0.5}
    if not flat and variance is not None:
        spread = high - low
        norm = {
            "mean": (mean - low) / spread,
            "var": variance / spread**2,
            "min": 0.0,
            "max": 1.0,
        }
    return {
        "sample": row,
        "channel": column,
        "raw": {
            "mean": keep_finite(mean),
            "var": variance,
            "min": keep_finite(low),
            "max": keep_finite(high),
        },
        "norm": norm,
        "var_zero_mean": variance,
        "degenerate": flat,
    }


def _pool(
    count: NDArray[np.float64], mean: NDArray[np.float64], squares: NDArray[np.float64]
) -> tuple[float, float | None, float]:
    """Combine the moments of patches into those of their union."""
    total = float(count.sum())
    if total == 0:
        return 0.0, None, 0.0
    means = np.where(count > 0, mean, 0.0)
    centre = float((count * means).sum()) / total
    return total, centre, float((squares + count * (means - centre) ** 2).sum())


def _std(squares: float, count: float) -> float | None:
    variance = _ratio(squares, count - 1)
    return None if variance is None else math.sqrt(variance)


def _ratio(value: float, count: float) -> float | None:
    return value / count if count > 0 else None


def keep_finite(value: float) -> float | None:
    """Return a number, or None where it is none that JSON could hold."""
    return float(value) if math.isfinite(value) else None
