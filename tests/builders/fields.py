"""Small asymmetric objects, probes and offsets: nothing square, centred or repeated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def l_shape(height: int, width: int) -> NDArray[np.complex128]:
    """Draw an L with a long foot, a phase ramp across and a bright corner."""
    rows, columns = np.mgrid[:height, :width]
    amplitude = np.full((height, width), 0.6)
    amplitude[height // 5 : 4 * height // 5, width // 5 : width // 5 + width // 10 + 1] = 1.0
    amplitude[4 * height // 5 - height // 10 : 4 * height // 5, width // 5 : 3 * width // 4] = (
        0.9
    )
    amplitude[: height // 8, : width // 9] = 1.3
    return amplitude * np.exp(1j * (0.9 * columns / width - 1.7 * (rows / height) ** 2))


def probe(N: int, modes: int) -> NDArray[np.complex64]:
    """Make lopsided modes whose summed energy is (N/2)²."""
    rows, columns = np.mgrid[:N, :N] - N / 2
    spot = np.exp(-((columns - 1.5) ** 2 + 1.6 * (rows + 1) ** 2) / (N / 4) ** 2)
    spot = spot * np.exp(1j * (0.02 * columns * rows + 0.1 * columns))
    stack = np.stack([spot * (columns / N) ** mode for mode in range(modes)])
    return (stack * (N / 2) / np.sqrt((np.abs(stack) ** 2).sum())).astype(np.complex64)


def offsets(rng: np.random.Generator, batch: int, C: int, spread: float) -> NDArray[np.float64]:
    """Draw fractional offsets with zero mean per group, wider in x than in y [px]."""
    drawn = rng.uniform(-spread, spread, (batch, C, 2)) * [1.0, 0.55]
    return drawn - drawn.mean(axis=1, keepdims=True)


def canvas_side(N: int, rel: NDArray[np.float64]) -> int:
    """Return N plus twice the farthest offset, rounded up [px]."""
    return N + 2 * int(np.ceil(np.abs(rel).max()))


def cut(
    canvas: NDArray[np.complex128], positions: NDArray[np.int64], N: int
) -> NDArray[np.complex128]:
    """Cut patches whose pixel N/2 lies on integer positions (x, y), by plain slicing."""
    half = N // 2
    return np.stack(
        [canvas[y - half : y - half + N, x - half : x - half + N] for x, y in positions]
    )
