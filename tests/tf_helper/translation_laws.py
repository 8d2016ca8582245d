"""What any translation must do, as checks that take the function and catch the naive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ptycho_torch import oracle

Translate = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]

# Golden shifts of a 9 × 9 image with an impulse at row 4, column 4: offset, then row, column
# and value of every pixel that is not zero.
GOLDEN = {
    (2.0, 1.0): {(5, 6): 1.0},
    (0.25, 0.5): {(4, 4): 0.375, (4, 5): 0.125, (5, 4): 0.375, (5, 5): 0.125},
    (-3.75, 0.0): {(4, 0): 0.75, (4, 1): 0.25},
    (-4.5, 0.0): {(4, 0): 0.5},
    (0.0, -0.25): {(3, 4): 0.25, (4, 4): 0.75},
}


def golden_shifts(translate: Translate) -> None:
    """Check that content goes towards +d, blended as the design says."""
    image = np.zeros((1, 9, 9))
    image[0, 4, 4] = 1.0
    for offset, pixels in GOLDEN.items():
        wanted = np.zeros((9, 9))
        for place, value in pixels.items():
            wanted[place] = value
        assert np.array_equal(translate(image, np.array([offset]))[0], wanted), offset


def borders_survive(translate: Translate) -> None:
    """Check that standing still and whole steps keep the last row and column."""
    stack = np.arange(1.0, 55.0).reshape(1, 6, 9).repeat(2, axis=0)
    assert np.array_equal(translate(stack, np.zeros((2, 2))), stack)
    moved = translate(stack, np.tile([[1.0, -2.0]], (2, 1)))
    assert np.array_equal(moved[:, :-2, 1:], stack[:, 2:, :-1])
    assert not moved[:, -2:].any()
    assert not moved[:, :, 0].any()


def pairs_only(translate: Translate) -> None:
    """Check that unequal leading lengths are refused, also where one divides the other."""
    for images, offsets in ((128, 4), (4, 128), (1, 3), (3, 1), (0, 2), (2, 0)):
        with pytest.raises(Exception, match=r".") as caught:  # each mode has its own words
            translate(np.zeros((images, 6, 9)), np.zeros((offsets, 2)))
        name = type(caught.value).__name__
        assert name in {"ValueError", "InvalidArgumentError"}, (images, offsets, name)


def any_batch(translate: Translate) -> None:
    """Check every batch size of training and evaluation, empty and short ones included."""
    rng = np.random.default_rng(3)
    for count in (0, 1, 5, 32, 7):
        images = rng.standard_normal((count, 6, 9))
        offsets = rng.uniform(-4, 4, (count, 2))
        moved, wanted = translate(images, offsets), oracle.translate(images, offsets)
        assert moved.shape == wanted.shape, count
        assert np.allclose(moved, wanted, atol=1e-6), count


LAWS = (golden_shifts, borders_survive, pairs_only, any_batch)
