"""The conversion of the published star: photons, grids, refinement."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file, star
from ptycho_torch.simulation import probes, simulate
from tests.builders import scans

STAR = scans.REAL_DATA / "siemens_star.npz"


def test_every_photon_ends_in_one_bin() -> None:
    """Binning keeps the photons of the cropped detector, one by one."""
    counts = np.random.default_rng(0).poisson(3.0, (2, 128, 128))

    binned = star.rebin(counts, np.random.default_rng(1))

    assert binned.shape == (2, 64, 64)
    assert (
        binned.sum(axis=(1, 2)).tolist() == counts[:, 24:104, 24:104].sum(axis=(1, 2)).tolist()
    )


def test_shared_photons_split_by_area() -> None:
    """On average a bin holds what its area covers, in rows and in columns."""
    counts = np.zeros((1, 128, 128), np.int64)
    counts[0, 24 + 7, 24 + 1] = 400_000  # row 7 covers 5.6 to 6.4 bins, column 1 0.8 to 1.6

    binned = star.rebin(counts, np.random.default_rng(1))[0] / 400_000

    expected = np.zeros((64, 64))
    expected[5:7, 0:2] = np.outer([0.5, 0.5], [0.25, 0.75])
    np.testing.assert_allclose(binned, expected, atol=0.005)


def test_resampled_probe_keeps_its_shape() -> None:
    """A wide smooth probe, seen on the coarser grid, is the same function."""
    axis = np.arange(128) - 64.0
    x, y = axis[None] - 5.0, axis[:, None] + 3.0
    fine = np.exp(-(x**2 + 2 * y**2) / 200) * np.exp(0.1j * x)
    coarse = (np.arange(64) - 32.0) * 1.6
    u, v = coarse[None] - 5.0, coarse[:, None] + 3.0
    expected = np.exp(-(u**2 + 2 * v**2) / 200) * np.exp(0.1j * u)

    probe = star.resample(fine.astype(np.complex128))

    np.testing.assert_allclose(probe / 1.6, expected, atol=1e-6)


def test_refinement_finds_a_known_object() -> None:
    """From a probe that is 20 percent off, object and probe explain the frames."""
    recipe = scans.tiny_recipe(n_points=64, noise=False, nphotons=1e6)
    made = simulate.simulate(recipe)
    guess = made.probe[0].astype(np.complex128)
    bent = guess + 0.2 * np.linalg.norm(guess) * probes.make(
        scans.tiny_recipe(probe="gaussian")
    )[0] / np.sqrt(1)

    refinement = star.refine(made.amplitude, made.positions, bent, 25)

    assert refinement.errors[-1] < 0.03
    assert refinement.errors[-1] < refinement.errors[0] / 5


@pytest.mark.skipif(not STAR.is_file(), reason=scans.NO_REAL_DATA)
def test_refinement_of_the_star_agrees() -> None:
    """Two sweeps from the known probe of the real star explain it within 20 percent."""
    scan = scan_file.read(STAR, DataConfig(nphotons=4.6e5))

    refinement = star.refine(scan.amplitude, scan.positions, scan.probe[0].astype(complex), 2)

    assert refinement.errors[-1] < 0.2
    assert star.find_illuminated(refinement, scan.positions).mean() > 0.5
