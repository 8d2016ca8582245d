"""Scan paths: positions (x, y) in pixels, up to a common shift."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.simulation.recipe import SimulationRecipe

Positions = NDArray[np.float64]

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


def make(recipe: SimulationRecipe, rng: np.random.Generator) -> Positions:
    """Make the positions of a recipe, the smallest coordinate of each axis near zero.

    Args:
        recipe: What to make.
        rng: Generator of the scan stream.

    Returns:
        (M, 2) float64, x then y [px].
    """
    if recipe.scan == "spiral":
        positions = spiral(recipe.n_points, recipe.pitch)
    elif recipe.scan == "random":
        side = math.sqrt(recipe.n_points) * recipe.pitch
        positions = rng.uniform(0, side, (recipe.n_points, 2))
    else:
        positions = raster(recipe.n_points, recipe.pitch)
    if recipe.scan == "jitter":
        positions = positions + rng.uniform(-recipe.jitter, recipe.jitter, positions.shape)
    return np.rint(positions) if recipe.integer_positions else positions


def raster(count: int, pitch: float) -> Positions:
    """Go row by row through a grid that is as square as the count allows."""
    columns = math.ceil(math.sqrt(count))
    index = np.arange(count)
    return pitch * np.stack([index % columns, index // columns], axis=1).astype(np.float64)


def spiral(count: int, pitch: float) -> Positions:
    """Turn by the golden angle from point to point; every point owns the same area."""
    index = np.arange(count) + 0.5
    radius = pitch * np.sqrt(index / math.pi)
    angle = _GOLDEN_ANGLE * np.arange(count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
