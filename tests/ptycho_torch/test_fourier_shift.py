"""Moves by phases of the Fourier transform, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho_torch import fourier_shift

SIDE = 16


def random_images(count: int = 3) -> np.ndarray:
    rng = np.random.default_rng(5)
    parts = rng.standard_normal((2, count, SIDE, SIDE))
    return parts[0] + 1j * parts[1]


def test_whole_pixels_roll() -> None:
    """A move by whole pixels is numpy's roll: x along columns, y along rows, each its own."""
    images = random_images(2)
    moved = fourier_shift.apply(
        images, fourier_shift.phases(np.array([[3.0, -2.0], [0.0, 5.0]]), SIDE)
    )

    for image, result, (x, y) in zip(images, moved, [(3, -2), (0, 5)], strict=True):
        np.testing.assert_allclose(result, np.roll(image, (y, x), axis=(0, 1)), atol=1e-12)


@pytest.mark.parametrize("shift", [(0.5, 0.0), (-0.25, 0.75), (1.3, -2.6)])
def test_a_wave_moves_by_part_of_a_pixel(shift: tuple[float, float]) -> None:
    """A plane wave moved by d is the wave at x − d, whatever part of a pixel d is."""
    rows, columns = np.indices((SIDE, SIDE))

    def wave(x: float, y: float) -> np.ndarray:
        return np.exp(2j * np.pi * (3 * (columns - x) - 2 * (rows - y)) / SIDE)

    moved = fourier_shift.apply(wave(0, 0), fourier_shift.phases(np.array(shift), SIDE))

    np.testing.assert_allclose(moved, wave(*shift), atol=1e-12)


def test_the_conjugate_moves_back() -> None:
    """Energy is kept, and the conjugate of the phases undoes the move."""
    image = random_images(1)[0]
    phases = fourier_shift.phases(np.array([0.37, -1.81]), SIDE)
    moved = fourier_shift.apply(image, phases)

    assert np.abs(moved - image).max() > 0.1
    assert np.linalg.norm(moved) == pytest.approx(np.linalg.norm(image), rel=1e-12)
    np.testing.assert_allclose(fourier_shift.apply(moved, phases.conj()), image, atol=1e-12)


def test_single_precision_stays() -> None:
    """What comes in single precision leaves so: a refinement holds whole scans of it."""
    phases = fourier_shift.phases(np.array([0.5, 0.25]), SIDE).astype(np.complex64)

    moved = fourier_shift.apply(random_images(1).astype(np.complex64), phases)

    assert moved.dtype == np.complex64
