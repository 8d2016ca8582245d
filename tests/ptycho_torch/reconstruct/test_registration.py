"""Registration finds what was done to a known object, and only that."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho_torch.reconstruct import registration
from tests.ptycho_torch.reconstruct.images import blob, waves

SHAPE = (104, 131)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.36, -0.72), (-2.5, 1.24), (7.0, -4.0)])
def test_known_shift_is_found(shift: tuple[float, float]) -> None:
    """A shift that was put in is found to a fiftieth of a pixel, x and y not swapped."""
    moved = waves(SHAPE, (-shift[0], -shift[1]))

    alignment = registration.align(moved, waves(SHAPE), blob(SHAPE, margin=12))

    assert alignment.shift_xy == pytest.approx(shift, abs=0.021)


def test_shifted_image_matches_truth() -> None:
    """After registration a moved, tilted, scaled object equals its reference."""
    truth, region = waves(SHAPE), blob(SHAPE)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    rec = 0.4 * np.exp(1j * (0.11 * x - 0.23 * y + 1.0)) * waves(SHAPE, (-0.4, 0.6))

    alignment = registration.align(rec, truth, region)

    error = np.linalg.norm((alignment.image - truth)[region]) / np.linalg.norm(truth[region])
    assert error < 0.01
    assert alignment.shift_xy == pytest.approx((0.4, -0.6), abs=0.021)
    assert alignment.ramp_xy == pytest.approx((0.11, -0.23), abs=1e-4)


@pytest.mark.parametrize("ramp", [(0.0, 0.0), (0.031, -0.012), (-1.4, 2.2)])
def test_known_ramp_is_found(ramp: tuple[float, float]) -> None:
    """A phase plane of any slope is recovered with its sign and its axes."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    product = 1.7 * np.exp(1j * (ramp[0] * x + ramp[1] * y + 2.9))

    plane = registration.fit_plane(product, blob(SHAPE))

    assert tuple(plane) == pytest.approx(ramp, abs=1e-9)


def test_known_scale_is_found() -> None:
    """The complex factor is the exact inverse of the one put in."""
    truth = waves(SHAPE)
    factor = 0.3 - 1.9j

    scale = registration.fit_scale(truth / factor, truth, blob(SHAPE))

    assert scale == pytest.approx(factor, rel=1e-12)


def test_shift_survives_noise_and_blur() -> None:
    """Noise in the reconstruction does not throw the shift by more than a tenth of a pixel."""
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(2, *SHAPE)) * 0.1
    rec = waves(SHAPE, (-0.5, 0.3)) + noise[0] + 1j * noise[1]

    alignment = registration.align(rec, waves(SHAPE), blob(SHAPE))

    assert alignment.shift_xy == pytest.approx((0.5, -0.3), abs=0.1)


def test_stronger_copy_far_away_is_not_followed() -> None:
    """A poor image that resembles its reference more some 20 px off is judged in its place."""
    here, elsewhere = waves(SHAPE), waves(SHAPE, (-21.0, 13.0))

    alignment = registration.align(0.2 * here + 0.8 * elsewhere, here, blob(SHAPE))

    assert alignment.shift_xy == pytest.approx((0.0, 0.0), abs=1.0)


def test_what_lies_outside_does_not_count() -> None:
    """Pixels outside the region change neither shift, ramp nor scale."""
    truth, region = waves(SHAPE), blob(SHAPE)
    spoiled = np.where(region, truth, 40.0)

    alignment = registration.align(truth, spoiled, region)

    assert alignment.shift_xy == (0.0, 0.0)
    assert alignment.ramp_xy == pytest.approx((0.0, 0.0), abs=1e-12)
    assert alignment.scale == pytest.approx(1.0)


def test_flat_object_needs_no_shift() -> None:
    """An object without structure has no shift rather than a random one."""
    flat = np.full(SHAPE, 0.8 + 0.1j)

    alignment = registration.align(flat, flat, blob(SHAPE))

    assert alignment.shift_xy == (0.0, 0.0)


def test_empty_image_scales_to_nothing() -> None:
    """An all-zero reconstruction has scale 0, not a division by zero."""
    zero = np.zeros(SHAPE, np.complex128)

    assert registration.fit_scale(zero, waves(SHAPE), blob(SHAPE)) == 0
