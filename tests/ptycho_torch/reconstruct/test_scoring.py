"""Scans of few photons whose object, and so whose noise, is known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from ptycho_torch.data import scaling
from ptycho_torch.data.scan import ScanData
from ptycho_torch.physics.canvas import canvas_geometry
from ptycho_torch.reconstruct import metrics, scoring
from ptycho_torch.reconstruct.spectra import Image, Rings, Spectra
from ptycho_torch.reconstruct.sweeps import State, Sweeper, Wanted
from ptycho_torch.simulation.recipe import SimulationRecipe
from tests.builders import scans

PHOTONS = 300.0


@cache
def expected(phase_range: float = 0.3) -> ScanData:
    """Simulate a weak phase object under a defocused probe, without noise."""
    recipe = SimulationRecipe(
        n=32,
        n_points=400,
        pitch=2.0,
        jitter=0.5,
        amp_range=(1.0, 1.0),
        phase_range=phase_range,
        probe="defocused",
        nphotons=PHOTONS,
        noise=False,
        seed=7,
    )
    return scans.simulated_scan(recipe)


def counted(seed: int, photons: float = PHOTONS) -> ScanData:
    """Draw counts of the scan; only they follow from the seed."""
    scan = expected()
    means = np.square(np.asarray(scan.amplitude, np.float64)) * photons / PHOTONS
    drawn = np.random.default_rng(seed).poisson(means)
    return replace(scan, amplitude=np.sqrt(drawn).astype(np.float32), nphotons=photons)


def chosen(scan: ScanData, **wanted: Any) -> tuple[Sweeper, State]:
    """Choose sweeps from a flat object."""
    contract = scaling.fit(scan, scan.nphotons or 1.0)
    geometry = canvas_geometry(scan.positions, scan.side)
    state = State(
        object_canvas=np.ones((geometry.height, geometry.width), np.complex64),
        probe=scaling.normalise_probe(scan.probe, contract),
        positions=scan.positions.copy(),
        residuals=[],
    )
    sweeper = scoring.choose(
        scan,
        np.arange(scan.point_count),
        geometry,
        contract.input_scale,
        contract.intensity_scale,
        Wanted(sweeps=1, **wanted),
        state,
    )
    return sweeper, state


def phase_of(seed: int) -> tuple[Image, Spectra, Rings]:
    """Estimate the imaginary part once, from a flat object."""
    scorer, state = chosen(counted(seed))
    assert isinstance(scorer, scoring.Scorer)
    state.background = scorer.leave(scorer.sum_up(state, with_score=False))
    sums = scorer.sum_up(state)
    rings = Rings(sums.light)
    _, _, (_, spectra) = scorer.measure(state, sums, rings)
    return rings.solve(spectra), spectra, rings


def test_variance_is_that_of_repeated_measurements() -> None:
    """What is predicted from one measurement is what many of them vary by, within a fifth."""
    runs = [phase_of(seed) for seed in range(3)]
    rings = runs[0][2]
    bright = rings.root**2 > 0.8 * rings.mean_light

    actual = np.var([values for values, _, _ in runs], axis=0, ddof=1)[bright].mean()
    draws = [rings.solve(spectra, spectra.noise) for _, spectra, rings in runs]
    predicted = np.mean(np.square(draws)[:, bright])

    assert predicted == pytest.approx(actual, rel=0.2)


def test_few_photons_are_better_than_a_constant_object() -> None:
    """Noise is weighed, and the object is better than a constant one by more than a sixth."""
    scan = counted(1)
    sweeper, state = chosen(scan)
    constant = judge(scan, state.object_canvas)

    for _ in range(3):
        sweeper.sweep(state)

    result = judge(scan, state.object_canvas)
    assert result["complex_error"] < 5 / 6 * constant["complex_error"]
    assert result["phase"]["pearson"] > 0.7


@pytest.mark.parametrize(
    ("photons", "wanted", "kind"),
    [
        (PHOTONS, {}, scoring.Scorer),
        (1e7, {}, Sweeper),
        (PHOTONS, {"with_probe": True}, Sweeper),
        (PHOTONS, {"with_positions": True}, Sweeper),
    ],
)
def test_light_chooses(photons: float, wanted: dict[str, bool], kind: type) -> None:
    """Bright frames are followed one by one, and so are those that refine more."""
    assert type(chosen(counted(1, photons), **wanted)[0]) is kind


def _geometry(scan: ScanData) -> Any:
    return canvas_geometry(scan.positions, scan.side)


def judge(scan: ScanData, canvas: Any) -> Any:
    """Judge an object by protocol m1 where light fell."""
    geometry = _geometry(scan)
    weight = np.zeros(canvas.shape, np.float32)
    for x, y in np.floor(scan.positions).astype(int) - (geometry.origin_x, geometry.origin_y):
        weight[y - 16 : y + 16, x - 16 : x + 16] += np.abs(scan.probe[0]) ** 2
    truth = metrics.Truth(object_canvas=scan.object_canvas, known=scan.object_mask)
    origin = np.array([geometry.origin_x, geometry.origin_y], np.float64)
    return metrics.evaluate(canvas, weight, origin, truth)
