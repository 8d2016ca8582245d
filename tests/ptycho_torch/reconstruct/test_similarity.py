"""Similarity numbers against values worked out by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ptycho_torch.reconstruct import similarity


def everywhere(shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The whole image as region."""
    return np.ones(shape, bool)


def test_constant_offset_by_hand() -> None:
    """An offset of 0.1 on a truth of range 2 is MAE 0.1, MSE 0.01, PSNR 26.0206 dB."""
    truth = np.linspace(-1, 1, 12 * 17).reshape(12, 17)

    result = similarity.compare(truth + 0.1, truth, everywhere(truth.shape))

    assert result.mae == pytest.approx(0.1)
    assert result.mse == pytest.approx(0.01)
    assert result.psnr_peak == pytest.approx(2.0)
    assert result.psnr == pytest.approx(26.0206, abs=1e-4)
    assert result.pearson == pytest.approx(1.0)


def test_peak_of_255_reads_higher() -> None:
    """A peak of 255 instead of 1 would read 48.13 dB higher."""
    truth = np.linspace(0, 1, 99).reshape(9, 11)
    small = similarity.compare(truth + 0.02, truth, everywhere(truth.shape))
    large = similarity.compare(255 * truth + 0.02, 255 * truth, everywhere(truth.shape))

    assert small.psnr is not None
    assert large.psnr is not None
    assert large.psnr - small.psnr == pytest.approx(48.13, abs=0.005)


def test_anticorrelation_is_minus_one() -> None:
    """A map turned upside down correlates as −1."""
    values = np.arange(24.0)

    assert similarity.pearson(values, 7 - 2 * values) == pytest.approx(-1.0)


def test_undefined_numbers_are_none() -> None:
    """An exact copy has no PSNR, a flat truth no correlation, PSNR or SSIM."""
    ramp, flat = np.arange(90.0).reshape(9, 10), np.full((9, 10), 0.3)

    copy = similarity.compare(ramp, ramp, everywhere(ramp.shape))
    against_flat = similarity.compare(ramp, flat, everywhere(ramp.shape))

    assert (copy.psnr, copy.mse) == (None, 0.0)
    assert (against_flat.pearson, against_flat.psnr, against_flat.ssim) == (None, None, None)


@pytest.mark.parametrize("band", [256, 4, 1])
def test_structural_similarity_by_brute_force(
    band: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each window gives the textbook formula, in however many bands the rows are taken."""
    monkeypatch.setattr(similarity, "_BAND", band)
    rng = np.random.default_rng(3)
    truth, image = rng.normal(size=(2, 15, 19))
    data_range = 3.0

    whole = similarity.ssim(image, truth, everywhere(truth.shape), data_range)
    scores = []
    for row in range(15):
        for column in range(19):
            window = (
                slice(max(0, row - 3), row + 4),
                slice(max(0, column - 3), column + 4),
            )
            a, b = image[window].ravel(), truth[window].ravel()
            cov = np.cov(a, b)
            c1, c2 = 0.03**2, 0.09**2
            scores.append(
                (2 * a.mean() * b.mean() + c1)
                * (2 * cov[0, 1] + c2)
                / ((a.mean() ** 2 + b.mean() ** 2 + c1) * (cov[0, 0] + cov[1, 1] + c2))
            )

    assert whole == pytest.approx(np.mean(scores), rel=1e-9)


def test_equal_maps_have_similarity_one() -> None:
    """A map is structurally equal to itself."""
    image = np.random.default_rng(4).normal(size=(20, 13))

    assert similarity.ssim(image, image, everywhere(image.shape), 1.0) == pytest.approx(1.0)


def test_pixels_outside_do_not_count() -> None:
    """Whatever stands outside the region changes no number."""
    rng = np.random.default_rng(5)
    truth, image = rng.normal(size=(2, 18, 25))
    region = np.zeros((18, 25), bool)
    region[4:15, 6:20] = True
    spoiled = np.where(region, image, 1e6)

    assert similarity.compare(spoiled, truth, region) == similarity.compare(
        image, truth, region
    )
