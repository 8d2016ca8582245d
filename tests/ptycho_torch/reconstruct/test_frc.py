"""Ring correlation against its laws: equal images agree, independent ones do not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import windows

from ptycho_torch.reconstruct import frc


def noise(side: int, seed: int) -> NDArray[np.complex128]:
    """Complex white noise."""
    real, imaginary = np.random.default_rng(seed).normal(size=(2, side, side))
    return np.asarray(real + 1j * imaginary)


def test_equal_images_agree_everywhere() -> None:
    """An image correlates with itself as 1 in every ring and crosses nothing."""
    result = frc.correlate(noise(64, 1), noise(64, 1))

    assert result.curve == pytest.approx(np.ones(32))
    assert (result.f_0p5, result.f_0p143, result.f_halfbit) == (None, None, None)


def test_scale_of_an_image_does_not_matter() -> None:
    """A positive factor leaves the curve, minus one turns its sign."""
    image = noise(48, 2)

    assert frc.correlate(3 * image, image).curve == pytest.approx(np.ones(24))
    assert frc.correlate(-image, image).curve == pytest.approx(-np.ones(24))


def test_independent_noise_does_not_agree() -> None:
    """Independent noise correlates as 1/√n per ring and is cut off at once."""
    result = frc.correlate(noise(128, 3), noise(128, 4))

    assert np.abs(result.curve * np.sqrt(result.n)).mean() < 1.5
    assert np.abs(result.curve[20:]).max() < 0.25
    assert result.f_0p5 is not None
    assert result.f_0p5 < 0.05


def test_detail_lost_beyond_a_frequency() -> None:
    """Two images that share only what lies below 0.2 cycles/px cross 0.5 there."""
    side = 128
    frequency = np.fft.fftfreq(side)
    low = np.hypot(frequency[:, None], frequency[None, :]) < 0.2
    shared = np.fft.fft2(noise(side, 5))
    first, second = (
        np.fft.ifft2(np.where(low, shared, np.fft.fft2(noise(side, seed)))) for seed in (6, 7)
    )

    result = frc.correlate(first, second)

    assert result.f_0p5 == pytest.approx(0.2, abs=0.01)
    assert result.f_0p143 is not None
    assert result.f_0p143 >= result.f_0p5


def test_rings_count_every_pixel_once() -> None:
    """Ring k holds the pixels whose radius rounds to k."""
    side = 20
    k = np.rint(np.fft.fftfreq(side, 1 / side))
    radius = np.sqrt(k[:, None] ** 2 + k[None, :] ** 2)

    result = frc.correlate(noise(side, 8), noise(side, 9))

    expected = [int((np.abs(radius - ring) < 0.5).sum()) for ring in range(1, 11)]
    assert result.n.tolist() == expected
    assert result.freq == pytest.approx(np.arange(1, 11) / 20)


def test_half_bit_at_a_hundred_pixels() -> None:
    """The half-bit threshold of a ring of 100 pixels is 0.306690."""
    assert frc.half_bit(np.array([100]))[0] == pytest.approx(0.306690, abs=5e-7)


def test_window_is_the_usual_one() -> None:
    """The taper equals an independent implementation, at even and odd sizes."""
    for size in (20, 33):
        np.testing.assert_allclose(frc.tukey(size, 0.2), windows.tukey(size, 0.2), atol=1e-12)


def test_crossing_lies_between_rings() -> None:
    """The crossing is interpolated: from 0.7 to 0.3, one half lies midway."""
    freq, curve = np.array([0.1, 0.2, 0.3]), np.array([0.9, 0.7, 0.3])

    assert frc.find_crossing(freq, curve, np.full(3, 0.5)) == pytest.approx(0.25)
    assert frc.find_crossing(freq, curve, np.full(3, 0.95)) == pytest.approx(0.1)
    assert frc.find_crossing(freq, curve, np.full(3, 0.2)) is None


def test_square_is_the_largest_that_fits() -> None:
    """In a rectangle the square has its short side; a frame too thin has none."""
    region = np.zeros((60, 90), bool)
    region[10:40, 5:85] = True

    square = frc.centred_square(region)

    assert square is not None
    rows, columns = square
    assert (rows.stop - rows.start, columns.stop - columns.start) == (28, 28)
    assert region[square].all()
    region[15:35, 10:80] = False
    assert frc.centred_square(region) is None
    assert frc.centred_square(np.zeros((9, 9), bool)) is None


def test_unequal_images_are_refused() -> None:
    """Images that are not one square cannot be correlated."""
    with pytest.raises(ValueError, match="not one square"):
        frc.correlate(noise(16, 1), noise(18, 1))
    with pytest.raises(ValueError, match="not one square"):
        frc.correlate(noise(16, 1)[:, :12], noise(16, 1)[:, :12])
