"""Simulated scans against the physics they claim: energy, dose, shifts, truth."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
import pytest

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file
from ptycho_torch.errors import ConfigError
from ptycho_torch.simulation import expose, probes, scans, simulate
from ptycho_torch.simulation.recipe import OBJECTS, PROBES, SCANS, SimulationRecipe
from tests.builders.scans import tiny_recipe, write_simulated

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "scans"


def _wave(rows: int, columns: int, u: float, v: float) -> np.ndarray:
    """Return a plane wave over the canvas, known at every fraction of a pixel."""
    y, x = np.indices((rows, columns))
    return np.exp(2j * np.pi * (u * x + v * y))


@pytest.mark.parametrize("kind", OBJECTS)
def test_object_keeps_its_bounds(kind: str) -> None:
    """Amplitude stays within its range, phase within half its spread, and both vary."""
    scan = simulate.simulate(tiny_recipe(object=kind, amp_range=(0.3, 0.9), phase_range=1.0))
    amplitude, phase = np.abs(scan.object_canvas), np.angle(scan.object_canvas)

    assert 0.3 - 1e-6 <= amplitude.min() < amplitude.max() <= 0.9 + 1e-6
    assert -0.5 - 1e-6 <= phase.min() < phase.max() <= 0.5 + 1e-6
    assert amplitude.std() > 0.02


@pytest.mark.parametrize("kind", ["dead-leaves", "lshape"])
def test_object_has_no_symmetry(kind: str) -> None:
    """No mirror image, turn or transposition of the object looks like the object."""
    plane = np.abs(simulate.simulate(tiny_recipe(object=kind)).object_canvas)
    side = min(plane.shape)
    square = plane[:side, :side] - plane[:side, :side].mean()
    images = [np.rot90(turned, k) for turned in (square, square.T) for k in range(4)]

    similarity = [(square * image).sum() / (square**2).sum() for image in images[1:]]

    assert max(similarity) < 0.8


@pytest.mark.parametrize("kind", PROBES)
def test_modes_are_orthogonal_and_halve(kind: str) -> None:
    """Modes do not overlap, each has half the energy of the one before, all add up to 1."""
    modes = probes.make(tiny_recipe(probe=kind, modes=4)).reshape(4, -1)

    products = modes @ modes.conj().T

    expected = np.array([8, 4, 2, 1]) / 15
    np.testing.assert_allclose(products, np.diag(expected), atol=1e-12)


def test_aberrated_probe_is_the_closed_form() -> None:
    """The documented disc, edge and phase, at a pixel off both axes."""
    probe = probes.make(tiny_recipe(probe_diameter=0.5))[0]
    x, y, radius = 3.0, -5.0, 8.0
    rho = np.hypot(x, y) / radius
    phase = 1.6 * rho**2 + 0.5 * x * y / radius**2 + 0.4 * (x / radius) ** 3
    value = np.exp(1j * phase) / (1 + np.exp(np.hypot(x, y) - radius))

    ratio = probe[16 - 5, 16 + 3] / probe[16, 16]

    assert ratio == pytest.approx(value * (1 + np.exp(-radius)), rel=1e-9)


def test_patches_sit_on_their_positions() -> None:
    """Whole-pixel patches are exact copies with the position at pixel N / 2."""
    rng = np.random.default_rng(0)
    canvas = (rng.normal(size=(90, 110)) + 1j * rng.normal(size=(90, 110))).astype(np.complex64)
    positions = np.array([[40.0, 35.0], [70.0, 52.0]])

    patches = expose.cut(canvas, positions, 32)

    for patch, (x, y) in zip(patches, positions.astype(int), strict=True):
        np.testing.assert_array_equal(patch, canvas[y - 16 : y + 16, x - 16 : x + 16])


def test_fractional_patches_are_exact_for_waves() -> None:
    """A wave periodic in the crop is evaluated between pixels without error."""
    u, v = 5 / 64, -7 / 64  # whole periods over N + 32 = 64
    canvas = _wave(100, 120, u, v).astype(np.complex64)
    positions = np.array([[50.25, 44.5], [61.9, 47.125]])
    offset = np.arange(32) - 16

    patches = expose.cut(canvas, positions, 32)

    for patch, (x, y) in zip(patches, positions, strict=True):
        expected = np.exp(2j * np.pi * (u * (x + offset) + v * (y + offset)[:, None]))
        np.testing.assert_allclose(patch, expected, atol=1e-5)


def test_intensity_keeps_energy_and_adds_modes() -> None:
    """A frame's sum is the energy behind the object, summed over the modes."""
    recipe = tiny_recipe(modes=3)
    scan = simulate.simulate(recipe)
    probe = scan.probe.astype(np.complex128)

    frames = np.concatenate(list(expose.blocks(scan.object_canvas, probe, scan.positions)))

    patches = expose.cut(scan.object_canvas, scan.positions, 32)
    behind = np.square(np.abs(patches[:, None] * probe)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(frames.sum(axis=(1, 2)), behind, rtol=1e-12)


def test_even_object_diffracts_to_the_centre() -> None:
    """A tilted wave moves the pattern towards its own frequency, x to the right."""
    probe = probes.make(tiny_recipe(probe="gaussian"))
    canvas = _wave(100, 100, 4 / 32, -2 / 32).astype(np.complex64)

    frame = next(expose.blocks(canvas, probe, np.array([[50.0, 50.0]])))[0]

    assert np.unravel_index(frame.argmax(), frame.shape) == (16 - 2, 16 + 4)


@pytest.mark.parametrize("photons", [200.0, 1e5])
def test_mean_frame_has_the_dose(photons: float) -> None:
    """The expected mean is exact; counted frames miss it by the noise of counting only."""
    quiet = simulate.simulate(tiny_recipe(nphotons=photons, noise=False))
    noisy = simulate.simulate(tiny_recipe(nphotons=photons))
    counts = np.square(noisy.amplitude.astype(np.float64))

    assert quiet.measured_photons == pytest.approx(photons, rel=1e-12)
    assert abs(noisy.measured_photons - photons) < 5 * np.sqrt(photons / 24)
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-3)


def test_file_is_consistent_with_its_truth() -> None:
    """Probe times object, transformed, is the noise-free amplitude in the file's units."""
    scan = simulate.simulate(tiny_recipe(noise=False, modes=2))

    probe = scan.probe.astype(np.complex128)
    again = np.concatenate(list(expose.blocks(scan.object_canvas, probe, scan.positions)))

    np.testing.assert_allclose(np.sqrt(again), scan.amplitude, rtol=2e-4, atol=1e-4)


@pytest.mark.parametrize("kind", SCANS)
def test_positions_stay_inside_the_object(kind: str) -> None:
    """Every point is at least N / 2 + 1 px from the border, and all points differ."""
    scan = simulate.simulate(tiny_recipe(scan=kind))
    limits = np.array(scan.object_canvas.shape[::-1]) - 1

    assert len(np.unique(scan.positions, axis=0)) == 24
    assert (scan.positions >= 17).all()
    assert (limits - scan.positions >= 17).all()


def test_jitter_has_its_own_size() -> None:
    """Jittered points leave the raster by at most the jitter, in both axes."""
    recipe = tiny_recipe(n_points=100, jitter=1.5)
    moved = scans.make(recipe, np.random.default_rng(0)) - scans.raster(100, 3.0)

    assert 1.3 < np.abs(moved).max() <= 1.5
    assert (np.abs(moved).max(axis=0) > 1.3).all()


def test_spiral_has_the_pitch() -> None:
    """Each point of the spiral owns a square of one pitch."""
    points = scans.spiral(500, 4.0)
    radius = np.hypot(*points.T).max()

    assert np.pi * radius**2 / 500 == pytest.approx(16.0, rel=0.01)


def test_streams_are_independent() -> None:
    """Changing the object or the noise leaves the scan path as it was."""
    base = simulate.simulate(tiny_recipe())
    other = simulate.simulate(tiny_recipe(object="grf", noise=False))

    np.testing.assert_array_equal(base.positions, other.positions)


def test_default_recipe_is_fast_and_reproducible(tmp_path: Path) -> None:
    """The default scan takes under five seconds and has the same bytes twice."""
    start = time.process_time()
    first = write_simulated(tmp_path / "a.npz", SimulationRecipe())
    spent = time.process_time() - start
    second = write_simulated(tmp_path / "b.npz", SimulationRecipe())
    other = write_simulated(tmp_path / "c.npz", SimulationRecipe(seed=43))

    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (first, second, other)]
    assert digests[0] == digests[1] != digests[2]
    assert spent < 5


def test_written_scan_is_read_back(tmp_path: Path) -> None:
    """The reader returns the simulated arrays, dose and truth."""
    recipe = tiny_recipe(modes=2)
    made = simulate.simulate(recipe)

    scan = scan_file.read(write_simulated(tmp_path / "s.npz", recipe), DataConfig())

    np.testing.assert_array_equal(scan.amplitude, made.amplitude)
    np.testing.assert_array_equal(scan.positions, made.positions)
    np.testing.assert_array_equal(scan.probe, made.probe)
    np.testing.assert_array_equal(scan.object_canvas, made.object_canvas)
    assert scan.nphotons == 1e5


@pytest.mark.parametrize(
    "bad",
    [
        {"n": 44},
        {"n_points": 0},
        {"pitch": 0.0},
        {"amp_range": (1.0, 0.5)},
        {"amp_range": (1.0,)},
        {"nphotons": -1.0},
        {"probe": "square"},
        {"modes": 0},
    ],
)
def test_impossible_recipes_are_refused(bad: dict[str, object]) -> None:
    """A recipe that means nothing is refused before anything is computed."""
    with pytest.raises(ConfigError):
        tiny_recipe(**bad)


def test_shipped_scan_is_what_the_command_makes(tmp_path: Path) -> None:
    """The scan in the repository has its recorded digest and comes out of the recipe again."""
    digest, name = (ASSETS / "golden.sha256").read_text().split()
    shipped = ASSETS / name
    again = write_simulated(tmp_path / "again.npz", SimulationRecipe(n_points=64))

    assert hashlib.sha256(shipped.read_bytes()).hexdigest() == digest
    with np.load(shipped) as old, np.load(again) as new:
        assert old.files == new.files
        for key in ("xcoords", "ycoords", "objectGuess", "probeGuess"):
            np.testing.assert_allclose(new[key], old[key], rtol=1e-5)
        # another FFT may round a rate up or down and move single photons
        assert np.mean(new["diff3d"] != old["diff3d"]) < 1e-3
