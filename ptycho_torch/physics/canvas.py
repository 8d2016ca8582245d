"""Patches and their positions in, one complex object out.

Notation: canvas pixel (row i, column j) is scan coordinate (ox + j, oy + i) [object px];
pixel N / 2 of a patch lies on its position (x, y). A patch times its weight is moved by
the fractional part of its place as in ``shift`` and added by slicing, in index order, in
double precision on the CPU: time grows with the patches, memory with the canvas.

Source:
    Design of the model, sections 5.5 and 5.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float
from numpy.typing import NDArray

from ptycho_torch.axes import Probe
from ptycho_torch.errors import ConfigError
from ptycho_torch.physics.probe import blend_weight

PATCH_WEIGHTS = ("probe", "hann", "uniform")

# Of the largest weight: what lies below it is rounding divided by rounding.
_LEAST_WEIGHT = 1e-6
# Patches that are widened to double precision at a time: bounds memory, not the result.
_CHUNK = 256


class CanvasGeometry(NamedTuple):
    """Rectangle of scan coordinates that a canvas covers [px]."""

    origin_x: int
    origin_y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class StitchResult:
    """A stitched object.

    Attributes:
        object: Complex transmission, 0 where nothing was placed.
        weight: Sum of the weights placed on each pixel.
        mask: Where the weight is large enough to trust the object.
        origin_xy: Scan coordinate of pixel (0, 0).
    """

    object: Complex[np.ndarray, "Y X"]
    weight: Float[np.ndarray, "Y X"]
    mask: Bool[np.ndarray, "Y X"]
    origin_xy: tuple[int, int]


def canvas_geometry(positions: Float[np.ndarray, "n 2"], N: int) -> CanvasGeometry:
    """Find the rectangle that holds a patch at every position, with a pixel to spare.

    Args:
        positions: Centres of the patches, x then y [px].
        N: Side of a patch [px].

    Raises:
        ValueError: There are no positions, or one is not finite.
    """
    if len(positions) == 0 or not np.isfinite(positions).all():
        raise ValueError(f"expected finite positions, got {len(positions)} with gaps or none")
    low, high = positions.min(axis=0), positions.max(axis=0)
    # A pixel to spare on each side: a fraction of a pixel spreads a patch by one row and
    # column.
    origin_x, origin_y = (math.floor(edge) - N // 2 - 1 for edge in low)
    width, height = (
        math.ceil(edge) + N // 2 + 1 - origin
        for edge, origin in zip(high, (origin_x, origin_y), strict=True)
    )
    return CanvasGeometry(origin_x, origin_y, width, height)


def patch_weight(kind: str, probe: Probe, sigma: float = 1.0) -> Float[np.ndarray, "N N"]:
    """Make the weight that a patch is stitched with.

    Args:
        kind: ``probe`` (blurred intensity), ``hann`` (raised cosine about N / 2) or
            ``uniform``.
        probe: Incoherent modes.
        sigma: Blur of the probe weight [px].

    Returns:
        Weight of the patch pixels, largest 1.

    Raises:
        ConfigError: The kind is unknown.
    """
    N = probe.shape[-1]
    if kind == "probe":
        return blend_weight(probe, sigma).cpu().numpy()
    if kind == "hann":
        # Largest at N // 2, which lies on the position of a patch; np.hanning(N) of an even N
        # is largest between two pixels.
        window = np.cos(np.pi * (np.arange(N) - N // 2) / N) ** 2
        return np.outer(window, window)
    if kind == "uniform":
        return np.ones((N, N))
    raise ConfigError("patch_weighting", expected=" or ".join(PATCH_WEIGHTS), found=kind)


class Canvas:
    """Gathers weighted patches; give it batches in order, then finish.

    Args:
        geometry: Rectangle to cover.
        weight: (N, N) weight of the patch pixels, tensor or array.

    Attributes:
        weight: (N, N) float64, of the patch pixels.
        numerator: Sum of weight times patch, complex128.
        denominator: Sum of the weights, float64.
    """

    def __init__(self, geometry: CanvasGeometry, weight: Any) -> None:
        self.geometry = geometry
        self.weight: NDArray[np.float64] = np.asarray(_array(weight), np.float64)
        shape = (geometry.height, geometry.width)
        self.numerator: NDArray[np.complex128] = np.zeros(shape, np.complex128)
        self.denominator: NDArray[np.float64] = np.zeros(shape, np.float64)

    def place(self, patches: Any, positions: Float[np.ndarray, "n 2"]) -> None:
        """Add patches at their positions.

        Args:
            patches: (n, N, N) complex, tensor or array; an empty batch is allowed.
            positions: Where pixel N / 2 of each patch lies, x then y [px].

        Raises:
            ValueError: Shapes do not fit, or a patch would leave the canvas.
        """
        stack = _array(patches)
        side = self.weight.shape[-1]
        if stack.shape != (len(positions), side, side):
            raise ValueError(
                f"expected patches ({len(positions)}, {side}, {side}), got {stack.shape}"
            )
        for start in range(0, len(stack), _CHUNK):
            part = slice(start, start + _CHUNK)
            self._place_chunk(stack[part], np.asarray(positions[part], np.float64))

    def finish(self, coverage_threshold: float = 0.02) -> StitchResult:
        """Divide by the weight; pixels that no patch reached are 0, never NaN.

        Args:
            coverage_threshold: Least weight to trust, as a share of the largest.
        """
        largest = self.denominator.max()
        # Not divided everywhere: 0 / 0 is NaN, and one of them spoils every mean taken later.
        reached = self.denominator > _LEAST_WEIGHT * largest
        stitched = np.zeros_like(self.numerator)
        np.divide(self.numerator, self.denominator, out=stitched, where=reached)
        return StitchResult(
            object=stitched.astype(np.complex64),
            weight=self.denominator.astype(np.float32),
            mask=reached & (self.denominator >= coverage_threshold * largest),
            origin_xy=(self.geometry.origin_x, self.geometry.origin_y),
        )

    def _place_chunk(self, patches: NDArray[Any], positions: NDArray[np.float64]) -> None:
        """Split places into a whole corner and a fraction, and add the chunk there."""
        side = self.weight.shape[-1]
        origin = (self.geometry.origin_x, self.geometry.origin_y)
        places = positions - side // 2 - origin
        # Floor and not truncation: what is left must lie in [0, 1) at negative places too.
        corners = np.floor(places).astype(np.int64)
        self._check_inside(corners, side + 1)
        self.add(patches, corners, places - corners)

    def add(
        self, patches: NDArray[Any], corners: NDArray[np.int64], blend: NDArray[np.float64]
    ) -> None:
        """Add weighted patches, each blended by its fraction, at its whole corner.

        Args:
            patches: (n, N, N) complex.
            corners: (n, 2) column and row of the canvas where each block begins.
            blend: (n, 2) what is left of the position, in [0, 1) [px].
        """
        side = self.weight.shape[-1]
        blocks = _spread(self.weight * patches, blend)
        covers = _spread(np.broadcast_to(self.weight, patches.shape), blend)
        # One after the other in index order: sums of floating-point numbers depend on their
        # order, and the result must not depend on the batch size.
        for (column, row), block, cover in zip(corners.tolist(), blocks, covers, strict=True):
            rows, columns = slice(row, row + side + 1), slice(column, column + side + 1)
            self.numerator[rows, columns] += block
            self.denominator[rows, columns] += cover

    def _check_inside(self, corners: NDArray[np.int64], side: int) -> None:
        """Refuse a block that is not wholly on the canvas; nothing is dropped."""
        limit = np.array([self.geometry.width, self.geometry.height]) - side
        outside = ((corners < 0) | (corners > limit)).any(axis=1)
        if outside.any():
            raise ValueError(
                f"expected every patch inside the canvas {tuple(self.geometry)}, "
                f"got {int(outside.sum())} of {len(corners)} outside"
            )


def stitch(
    patches: Any,
    positions: Float[np.ndarray, "n 2"],
    weights: Any,
    canvas: CanvasGeometry | None = None,
) -> StitchResult:
    """Stitch patches into one object, each at its own position.

    Args:
        patches: (n, N, N) complex, tensor or array.
        positions: Where pixel N / 2 of each patch lies, x then y [px].
        weights: (N, N) weight of the patch pixels.
        canvas: Rectangle to cover; by default the one of the positions.

    Returns:
        The weighted mean of the patches, its weight and where it can be trusted.

    Raises:
        ValueError: Shapes do not fit, or a patch would leave the canvas.
    """
    geometry = canvas or canvas_geometry(positions, _array(weights).shape[-1])
    target = Canvas(geometry, weights)
    target.place(patches, positions)
    return target.finish()


def _spread(stack: NDArray[Any], blend: NDArray[np.float64]) -> NDArray[Any]:
    """Move images by fractions of a pixel, x then y; each grows by one row and column."""
    padded = np.pad(stack, ((0, 0), (1, 1), (1, 1)))
    along_x, along_y = blend[:, 0, None, None], blend[:, 1, None, None]
    across = padded[:, :, 1:] + along_x * (padded[:, :, :-1] - padded[:, :, 1:])
    moved: NDArray[Any] = across[:, 1:] + along_y * (across[:, :-1] - across[:, 1:])
    return moved


def _array(values: Any) -> NDArray[Any]:
    """Bring a tensor or an array to NumPy on the CPU."""
    if isinstance(values, torch.Tensor):
        return values.detach().cpu().numpy()
    return np.asarray(values)
