"""What an object shows, in numbers and in pictures: flat is flat, weak is seen, wraps close."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from harness.judgement.guards import images, png
from ptycho_torch.reconstruct import contrast, pictures
from tests.ptycho_torch.reconstruct.images import blob

SHAPE = (90, 120)
# As the guard of the suites has it.
OPTIONS = images.ImageOptions(artifact="p", min_levels=16, level_share=0.001, max_flat=0.8)


def an_object(phase_range: float) -> NDArray[np.complex64]:
    """A smooth phase of this range about 2.9 rad, where an uncentred one would wrap."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    wave = 0.5 * np.sin(x / 7) * np.cos(y / 9)
    return np.exp(1j * (phase_range * wave + 2.9)).astype(np.complex64)


def picture(object_canvas: NDArray[np.complex64]) -> bytes:
    """Draw the phase of an object."""
    view = pictures.View(object_canvas=object_canvas, mask=blob(SHAPE), origin_xy=(0.0, 0.0))
    return pictures.phase(view)


def colourful(content: bytes) -> float:
    """Share of pixels whose colour is no grey and not that of empty places."""
    with Image.open(io.BytesIO(content)) as image:
        rgb = np.asarray(image.convert("RGB")).astype(int)
    is_empty = np.abs(rgb - np.array([0xE9, 0xE6, 0xDF])).max(axis=-1) < 3
    return float(((np.ptp(rgb, axis=-1) > 12) & ~is_empty).mean())


@pytest.mark.parametrize("phase_range", [0.05, 0.8, 5.0])
def test_numbers_follow_the_phase(phase_range: float) -> None:
    """The range is that of the phase about its mean, whatever the constant."""
    report = contrast.measure(an_object(phase_range), blob(SHAPE))

    assert report["phase"]["range"] == pytest.approx(phase_range, rel=0.1)
    assert report["phase_wraps"] is False
    assert report["amplitude"]["range"] < 1e-5


def test_a_phase_of_rounding_errors_is_blank() -> None:
    """A phase constant to 1e-8 rad has no range, and its picture fails its guard."""
    noise = np.random.default_rng(2).uniform(-1e-8, 1e-8, SHAPE)
    # Brought to float32 the phase would be exactly constant: the amplitude carries the noise.
    flat = ((1 + 0.2 * noise) * np.exp(1j * noise)).astype(np.complex64)

    assert contrast.measure(flat, blob(SHAPE))["phase"]["range"] < 1e-6
    assert images.blankness(png.decode(picture(flat)), OPTIONS) != ""


def test_a_weak_phase_is_seen_in_grey() -> None:
    """A fiftieth of a radian fills the grey scale, though its constant lies near π."""
    weak = picture(an_object(0.05))

    assert images.blankness(png.decode(weak), OPTIONS) == ""
    assert colourful(weak) == 0


def test_only_a_phase_that_wraps_is_cyclic() -> None:
    """A ramp over two circles is drawn in the cyclic colours, and is said to wrap."""
    x = np.arange(SHAPE[1])[None, :] * np.ones(SHAPE)
    ramp = np.exp(1j * x * 4 * np.pi / SHAPE[1]).astype(np.complex64)

    assert contrast.wraps(np.angle(ramp).astype(float), np.ones(SHAPE, bool))
    assert colourful(picture(ramp)) > 0.1


def test_single_wild_pixels_do_not_make_a_wrap() -> None:
    """A few pixels of noise at the rim leave the scale of all the others alone."""
    phase = np.full(SHAPE, 0.1)
    phase[3, 4], phase[40, 50] = 3.1, -3.1

    assert not contrast.wraps(phase, np.ones(SHAPE, bool))


def test_nothing_covered_has_no_numbers() -> None:
    """Without a covered pixel there is nothing to measure, and nothing fails."""
    report = contrast.measure(an_object(1.0), np.zeros(SHAPE, bool))

    assert report["phase"] == report["amplitude"] == {"std": None, "range": None}
