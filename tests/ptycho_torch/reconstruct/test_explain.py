"""The judgement without truth, on scans whose truth is known: right ones and spoilt ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ptycho_torch.data.scan import ScanData
from ptycho_torch.physics.canvas import StitchResult
from ptycho_torch.reconstruct import explain
from ptycho_torch.simulation.recipe import SimulationRecipe
from tests.builders import bad_scans, scans

# What the guard of suite quick asks for.
ENOUGH = 0.99


def sound(**changes: Any) -> ScanData:
    """Simulate a scan of a strong object."""
    recipe = SimulationRecipe(**{"n": 32, "n_points": 100, "pitch": 3.0, "seed": 5, **changes})
    return scans.simulated_scan(recipe)


def judged(
    scan: ScanData, object_canvas: NDArray[np.complexfloating[Any, Any]]
) -> dict[str, Any]:
    """Judge an object whose pixel (0, 0) is scan coordinate (0, 0)."""
    plane = object_canvas.astype(np.complex64)
    stitched = StitchResult(plane, np.abs(plane), np.ones(plane.shape, bool), (0, 0))
    return explain.judge_object(stitched, scan, np.arange(scan.point_count))


def test_the_truth_explains_its_frames() -> None:
    """At whole positions and without noise the known object leaves no error at all."""
    scan = sound(integer_positions=True, noise=False)

    report = judged(scan, scan.object_canvas)

    assert report["fit_residual"] < 1e-3
    assert report["null_residual"]["mean"] > 0.1


def test_fractional_positions_are_looked_at() -> None:
    """Between pixels the object is interpolated: far better than at the next whole pixel."""
    scan = sound(noise=False)

    report = judged(scan, scan.object_canvas)
    rounded = judged(
        dataclasses.replace(scan, positions=np.rint(scan.positions)),
        scan.object_canvas,
    )

    assert report["fit_residual"] < 0.8 * rounded["fit_residual"]


def test_canvas_may_begin_anywhere() -> None:
    """The origin of a canvas is where its first pixel lies on the scan."""
    scan = sound(integer_positions=True, noise=False)
    part = scan.object_canvas[5:, 3:].astype(np.complex64)
    stitched = StitchResult(part, np.abs(part), np.ones(part.shape, bool), (3, 5))

    report = explain.judge_object(stitched, scan, np.arange(scan.point_count))

    assert report["fit_residual"] < 1e-3


@pytest.mark.parametrize("kind", list(bad_scans.SPOILERS))
def test_a_spoilt_file_is_not_explained(kind: str) -> None:
    """Even the truth explains a spoilt file no better than the best model without content."""
    scan = sound()
    spoilt = bad_scans.SPOILERS[kind](scan)

    assert judged(scan, scan.object_canvas)["ratio"]["best"] < 0.8
    assert judged(spoilt, scan.object_canvas)["ratio"]["best"] > ENOUGH


def test_a_flat_plate_explains_nothing() -> None:
    """On a weak phase at low dose the truth is better than a plate, and the plate is red."""
    scan = scans.simulated_scan(bad_scans.weak_phase(n=32, n_points=196))
    assert np.square(scan.amplitude).mean() == pytest.approx(
        bad_scans.PHOTONS_PER_PIXEL, rel=0.02
    )

    truth = judged(scan, scan.object_canvas)
    plate = judged(scan, np.ones_like(scan.object_canvas))

    assert plate["ratio"]["constant"] == pytest.approx(1.0, abs=1e-3)
    assert plate["ratio"]["best"] > ENOUGH
    assert truth["ratio"]["best"] < 0.97


def test_bad_pixels_do_not_count() -> None:
    """A dead row of the detector changes nothing once the mask names it."""
    scan = sound(integer_positions=True, noise=False)
    frames = np.array(scan.amplitude)
    frames[:, 11] = 0
    mask = np.ones((32, 32), bool)
    mask[11] = False
    dead = dataclasses.replace(scan, amplitude=frames)

    assert judged(dead, scan.object_canvas)["fit_residual"] > 0.01
    named = dataclasses.replace(dead, valid_mask=mask)
    assert judged(named, scan.object_canvas)["fit_residual"] < 1e-3
