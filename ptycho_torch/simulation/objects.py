"""Objects with known transmission: amplitude between two bounds, phase around zero.

Every object is drawn as two maps in [0, 1], one for the amplitude and one for the
phase. Edges are softened to about a pixel, so that a shift by part of a pixel through
the Fourier transform is meaningful.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from ptycho_torch.simulation.recipe import SimulationRecipe

Plane = NDArray[np.float64]
Shape = tuple[int, int]

_EDGE_PX = 0.7
_LEAF_RADII = (3.0, 24.0)
_LEAF_COVERS = 5.0
_SPOKES = 24
_SPOKE_TWIST = 0.15
_LINES_PER_AREA = 1 / 260
_FIELD_EXPONENT = 1.5


def draw(
    recipe: SimulationRecipe, shape: Shape, rng: np.random.Generator
) -> NDArray[np.complex64]:
    """Draw the object of a recipe.

    Args:
        recipe: What to draw.
        shape: Rows and columns of the canvas [px].
        rng: Generator of the object stream.

    Returns:
        (Y, X) transmission, |O| within ``amp_range``, phase within ± ``phase_range`` / 2.
    """
    amplitude, phase = _KINDS[recipe.object](shape, rng)
    low, high = recipe.amp_range
    modulus = low + (high - low) * amplitude
    angle = recipe.phase_range * (phase - 0.5)
    transmission: NDArray[np.complex64] = (modulus * np.exp(1j * angle)).astype(np.complex64)
    return transmission


def dead_leaves(shape: Shape, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Discs that hide each other, radii by an inverse cube law: edges at every scale."""
    low, high = _LEAF_RADII
    mean_area = 2 * np.pi * np.log(high / low) / (low**-2 - high**-2)
    count = int(np.ceil(_LEAF_COVERS * shape[0] * shape[1] / mean_area))
    radii = (low**-2 - rng.random(count) * (low**-2 - high**-2)) ** -0.5
    centres = rng.random((count, 2)) * np.array(shape)
    values = rng.random((count, 2))
    maps = np.full((2, *shape), 0.5)
    for radius, (row, column), value in zip(radii, centres, values, strict=True):
        top, left = max(0, int(row - radius)), max(0, int(column - radius))
        rows = np.arange(top, min(shape[0], int(row + radius) + 2))[:, None]
        columns = np.arange(left, min(shape[1], int(column + radius) + 2))
        inside = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
        region = maps[:, top : top + inside.shape[0], left : left + inside.shape[1]]
        region[:, inside] = value[:, None]
    return _soften(maps[0]), _soften(maps[1])


def siemens(shape: Shape, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """A star of spokes, off centre and turned by a random angle."""
    rows, columns = np.indices(shape, dtype=np.float64)
    y, x = rows - 0.47 * shape[0], columns - 0.54 * shape[1]
    radius, angle = np.hypot(x, y), np.arctan2(y, x) + rng.random() * 2 * np.pi
    outer = 0.45 * min(shape)
    spokes = np.sin(_SPOKES * angle + _SPOKE_TWIST) > 0
    star = _soften((spokes & (radius < outer) & (radius > 0.04 * outer)).astype(np.float64))
    return 1 - star, star


def lines(shape: Shape, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Straight strokes of random place, direction, width and depth."""
    rows, columns = np.indices(shape, dtype=np.float64)
    maps = np.zeros((2, *shape))
    for _ in range(max(8, int(shape[0] * shape[1] * _LINES_PER_AREA / 4))):
        row, column, turn = rng.random(3) * np.array([*shape, np.pi])
        width, half_length = rng.uniform(0.8, 3.0), rng.uniform(10.0, 60.0)
        along = (columns - column) * np.cos(turn) + (rows - row) * np.sin(turn)
        across = (rows - row) * np.cos(turn) - (columns - column) * np.sin(turn)
        stroke = np.exp(-0.5 * (across / width) ** 2) / (
            1 + np.exp(np.abs(along) - half_length)
        )
        maps += rng.random(2)[:, None, None] * stroke
    return 1 - np.tanh(maps[0]), np.tanh(maps[1])


def grf(shape: Shape, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Two independent Gaussian random fields with a power-law spectrum."""
    frequency = np.hypot(*np.meshgrid(*(fft.fftfreq(size) for size in shape), indexing="ij"))
    frequency[0, 0] = np.inf
    decay = frequency**-_FIELD_EXPONENT * np.exp(-((frequency / 0.35) ** 4))
    fields = fft.ifft2(fft.fft2(rng.standard_normal((2, *shape))) * decay).real
    fields /= fields.std(axis=(1, 2), keepdims=True)
    return 0.5 + 0.5 * np.tanh(fields[0]), 0.5 + 0.5 * np.tanh(fields[1])


def lshape(shape: Shape, _rng: np.random.Generator) -> tuple[Plane, Plane]:
    """A letter L on an even ground: no mirror image of it looks the same."""
    height, width = shape
    plane = np.zeros(shape)
    thick = max(3, min(shape) // 10)
    top, bottom, left, right = (
        int(0.28 * height),
        int(0.70 * height),
        int(0.32 * width),
        int(0.62 * width),
    )
    plane[top:bottom, left : left + thick] = 1
    plane[bottom - thick : bottom, left:right] = 1
    letter = _soften(plane)
    return 1 - letter, letter


def _soften(plane: Plane) -> Plane:
    soft: Plane = np.clip(ndimage.gaussian_filter(plane, _EDGE_PX, mode="nearest"), 0, 1)
    return soft


_KINDS: Mapping[str, Callable[[Shape, np.random.Generator], tuple[Plane, Plane]]] = (
    MappingProxyType(
        {
            "dead-leaves": dead_leaves,
            "siemens": siemens,
            "lines": lines,
            "grf": grf,
            "lshape": lshape,
        }
    )
)
