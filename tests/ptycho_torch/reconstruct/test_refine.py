"""Sweeps over the frames of scans whose object, probe and positions are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ptycho_torch.data import scaling
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import PtychoError
from ptycho_torch.physics.canvas import CanvasGeometry, StitchResult, canvas_geometry
from ptycho_torch.reconstruct import explain, metrics, refinement, sweeps
from ptycho_torch.reconstruct.predict import Plan
from ptycho_torch.reconstruct.refinement import Keeping, Refined
from ptycho_torch.reconstruct.sweeps import Wanted
from ptycho_torch.simulation.recipe import SimulationRecipe
from tests.builders import scans

RECIPE: dict[str, Any] = {"n": 32, "n_points": 100, "pitch": 3.0, "seed": 5}


def made(**changes: Any) -> ScanData:
    """Simulate a scan of a strong object."""
    return scans.simulated_scan(SimulationRecipe(**{**RECIPE, **changes}))


def flat(scan: ScanData, geometry: CanvasGeometry) -> StitchResult:
    """Know nothing: an object of ones, everywhere."""
    shape = (geometry.height, geometry.width)
    origin = (geometry.origin_x, geometry.origin_y)
    covered = np.ones(shape, np.bool_)
    return StitchResult(np.ones(shape, np.complex64), _light(scan, geometry), covered, origin)


def _light(scan: ScanData, geometry: CanvasGeometry) -> NDArray[np.float32]:
    weight = np.zeros((geometry.height, geometry.width), np.float32)
    half = scan.side // 2
    for x, y in np.floor(scan.positions).astype(int) - (geometry.origin_x, geometry.origin_y):
        weight[y - half : y + half, x - half : x + half] += np.abs(scan.probe[0]) ** 2
    return weight


def refined(
    scan: ScanData, folder: Path, start: StitchResult | None = None, **wanted: Any
) -> Refined:
    """Refine a scan from a flat object, or from a given one."""
    contract = scaling.fit(scan, scan.nphotons or 1e5)
    geometry = canvas_geometry(scan.positions, scan.side)
    points = np.arange(scan.point_count)[:, None]
    plan = Plan(
        groups=points, offsets=np.zeros((len(points), 1, 2)), padded_size=32, canvas=geometry
    )
    return refinement.refine(
        flat(scan, geometry) if start is None else start,
        scan,
        plan,
        scaling.normalise_probe(scan.probe, contract),
        (contract.input_scale, contract.intensity_scale),
        Wanted(**{"sweeps": 8, **wanted}),
        Keeping(folder=folder, identity="bundle and data"),
    )


def quality(result: Refined, scan: ScanData) -> tuple[float, float]:
    """Return phase correlation and complex error against the object that is known."""
    truth = metrics.Truth(object_canvas=scan.object_canvas, known=scan.object_mask)
    stitched = result.stitched
    origin = np.array(stitched.origin_xy, np.float64)
    registered = metrics.register(stitched.object, stitched.weight, origin, truth)
    scores = metrics.judge(registered, metrics.REFERENCE)
    return scores["phase"]["pearson"], scores["complex_error"]


@pytest.mark.parametrize("modes", [1, 2])
def test_known_object_is_found(tmp_path: Path, modes: int) -> None:
    """From a flat object, sweeps find the one that was measured."""
    scan = made(modes=modes)

    result = refined(scan, tmp_path, sweeps=8)

    residuals = result.record["residual"]
    assert len(residuals) == 8
    assert residuals[-1] < 0.6 * residuals[0]  # what is left is the noise of the photons
    assert quality(result, scan)[0] > 0.99


def test_a_blurred_start_needs_fewer_sweeps(tmp_path: Path) -> None:
    """What a network finds, a blurred object, is worth sweeps."""
    scan = made()
    first = refined(scan, tmp_path, sweeps=6).stitched
    start = replace(first, object=_blur(first.object))

    assert quality(refined(scan, tmp_path, start, sweeps=3), scan) > quality(
        refined(scan, tmp_path, sweeps=3), scan
    )


def _blur(canvas: NDArray[np.complex64]) -> NDArray[np.complex64]:
    nearest = [np.roll(canvas, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return np.mean(nearest, axis=0).astype(np.complex64)


def test_the_truth_stays(tmp_path: Path) -> None:
    """Without noise and at whole pixels the known object is a fixed point."""
    scan = made(integer_positions=True, noise=False)
    assert scan.object_canvas is not None
    geometry = canvas_geometry(scan.positions, scan.side)
    x, y = geometry.origin_x, geometry.origin_y
    plane = np.ones((geometry.height, geometry.width), np.complex64)
    part = scan.object_canvas[max(y, 0) : y + len(plane), max(x, 0) : x + plane.shape[1]]
    plane[max(-y, 0) :, max(-x, 0) :][: part.shape[0], : part.shape[1]] = part
    start = replace(flat(scan, geometry), object=plane * _find_scale(scan, plane, geometry))

    result = refined(scan, tmp_path, start, sweeps=3)

    assert max(result.record["residual"]) < 1e-3


def _find_scale(
    scan: ScanData, plane: NDArray[np.complex64], geometry: CanvasGeometry
) -> np.float32:
    """Return what the object is multiplied by, where frames and probe have the same energy."""
    contract = scaling.fit(scan, scan.nphotons or 1e5)
    probe = scaling.normalise_probe(scan.probe, contract)
    stitched = replace(flat(scan, geometry), object=plane)
    _, predicted = next(explain.expected_amplitudes(stitched, scan.positions[:8], probe))
    measured = contract.input_scale * np.asarray(scan.amplitude[:8], np.float64)
    return np.float32((measured * predicted).sum() / np.square(predicted).sum())


def test_wrong_positions_are_found(tmp_path: Path) -> None:
    """Places that are off by half a pixel come back, up to a shift of all."""
    scan = made(n_points=80)
    error = np.random.default_rng(1).normal(0, 0.4, scan.positions.shape)
    moved = replace(scan, positions=scan.positions + error)

    held = refined(moved, tmp_path, sweeps=12)
    result = refined(moved, tmp_path, sweeps=12, with_positions=True)

    def spread(positions: NDArray[np.float64]) -> float:
        return float((positions - scan.positions).std(axis=0).mean())

    assert spread(result.scan.positions) < 0.75 * spread(moved.positions)
    assert result.record["residual"][-1] < held.record["residual"][-1]
    assert 0 < result.record["largest_shift_px"] <= 1
    np.testing.assert_array_equal(held.scan.positions, moved.positions)


def test_wrong_probe_is_found(tmp_path: Path) -> None:
    """A probe with a wrong curvature comes nearer to the one of the measurement."""
    scan = made()
    rows, columns = np.indices((32, 32)) - 16
    bent = scan.probe * np.exp(0.01j * (rows**2 + columns**2)).astype(np.complex64)
    wrong = replace(scan, probe=bent.astype(np.complex64))

    held = refined(wrong, tmp_path, sweeps=10)
    result = refined(wrong, tmp_path, sweeps=10, with_probe=True)

    assert result.record["residual"][-1] < 0.9 * held.record["residual"][-1]
    before, after = (_likeness(scan.probe, one) for one in (bent, result.scan.probe))
    assert after > before


def _likeness(first: NDArray[Any], second: NDArray[Any]) -> float:
    norm = np.linalg.norm(first) * np.linalg.norm(second)
    return float(np.abs(np.vdot(first, second)) / norm)


def test_bad_pixels_pull_nothing(tmp_path: Path) -> None:
    """Values behind the mask may be anything."""
    scan = made(n_points=40)
    valid = np.ones((32, 32), np.bool_)
    valid[10:13, 20:23] = False
    spoilt = np.asarray(scan.amplitude).copy()
    spoilt[:, ~valid] = 1e4
    clean, dirty = (
        replace(scan, amplitude=frames, valid_mask=valid)
        for frames in (np.where(valid, np.asarray(scan.amplitude), 0), spoilt)
    )

    first, second = (refined(one, tmp_path, sweeps=3) for one in (clean, dirty))

    np.testing.assert_array_equal(first.stitched.object, second.stitched.object)


@pytest.mark.parametrize("stopped_after", [1, 3])
def test_a_stopped_refinement_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_after: int
) -> None:
    """The state is kept; what comes out is equal to the last bit, and the state is gone."""
    monkeypatch.setattr(refinement, "_SAVE_EVERY_S", 0.0)
    scan = made(n_points=40)
    wanted = {"sweeps": 5, "with_probe": True, "with_positions": True}
    whole = refined(scan, tmp_path / "whole", **wanted)
    sweep, count = sweeps.Sweeper.sweep, 0

    def stop(self: sweeps.Sweeper, state: sweeps.State) -> None:
        nonlocal count
        count += 1
        if count > stopped_after:
            raise KeyboardInterrupt
        sweep(self, state)

    with monkeypatch.context() as patch:
        patch.setattr(sweeps.Sweeper, "sweep", stop)
        with pytest.raises(KeyboardInterrupt):
            refined(scan, tmp_path, **wanted)
    assert (tmp_path / refinement.STATE).is_file()

    again = refined(scan, tmp_path, **wanted)

    assert again.record["resumed_at"] == stopped_after
    np.testing.assert_array_equal(again.stitched.object, whole.stitched.object)
    np.testing.assert_array_equal(again.scan.positions, whole.scan.positions)
    assert not (tmp_path / refinement.STATE).exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", None])
def test_a_foreign_state_is_left_alone(tmp_path: Path, content: bytes | None) -> None:
    """A damaged state, or one of another run, begins nothing."""
    scan = made(n_points=30)
    whole = refined(scan, tmp_path / "whole", sweeps=2)
    path = tmp_path / refinement.STATE
    if content is None:
        other = sweeps.State(
            object_canvas=np.zeros((4, 4), np.complex64),
            probe=scan.probe,
            positions=scan.positions,
            residuals=[1.0],
        )
        refinement._write_state(path, other, "another key")
    else:
        path.write_bytes(content)

    again = refined(scan, tmp_path, sweeps=2)

    assert again.record["resumed_at"] == 0
    np.testing.assert_array_equal(again.stitched.object, whole.stitched.object)


def test_numbers_that_are_none_are_an_error(tmp_path: Path) -> None:
    """An object that leaves the numbers ends in one line."""
    scan = made(n_points=30)
    start = flat(scan, canvas_geometry(scan.positions, scan.side))
    start.object[40, 40] = np.nan

    with pytest.raises(PtychoError, match="refinement: expected a finite object"):
        refined(scan, tmp_path, start, sweeps=1)
