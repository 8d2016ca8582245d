"""Prediction covers the scan, keeps partial batches, and applies the stored scales."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from ptycho_torch.config_params import PyTorchExecutionConfig
from ptycho_torch.data import dataset, scaling
from ptycho_torch.data.dataset import Batch
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError
from ptycho_torch.physics import canvas
from ptycho_torch.reconstruct import predict
from tests.builders import scans
from tests.ptycho_torch.reconstruct import trained


@pytest.fixture(scope="module")
def scan() -> ScanData:
    """A simulated scan of 24 points."""
    return scans.simulated_scan()


def run(
    scan: ScanData, engine: predict.Engine, n_groups: int | None = None
) -> tuple[predict.Prediction, predict.Plan]:
    """Predict and stitch a scan with a fixed model."""
    config = trained.settings(2)
    plan = predict.plan(scan, config.data, n_groups, 42)
    model = trained.model_for(scan, config, plan.padded_size)
    alpha = scaling.fit(scan, 1e5).input_scale
    target = canvas.Canvas(plan.canvas, canvas.patch_weight("probe", model.probe))
    batches = predict.forward(model, scan, plan, alpha, engine)
    return predict.stitch(batches, scan, plan, target), plan


@pytest.fixture(scope="module")
def whole(scan: ScanData) -> predict.Prediction:
    """All groups in one batch."""
    return run(scan, predict.Engine(batch_size=64))[0]


@pytest.mark.parametrize("size", [1, 7])
def test_batch_size_changes_nothing(
    scan: ScanData, whole: predict.Prediction, size: int
) -> None:
    """One group at a time, or seven with a short last batch, give the same object."""
    prediction, _ = run(scan, predict.Engine(batch_size=size))

    gap = np.linalg.norm(prediction.stitched.object - whole.stitched.object)
    assert gap / np.linalg.norm(whole.stitched.object) <= 1e-6
    np.testing.assert_allclose(prediction.stitched.weight, whole.stitched.weight, rtol=1e-6)
    assert prediction.data_residual == pytest.approx(whole.data_residual, rel=1e-6)


def test_every_point_is_covered(scan: ScanData, whole: predict.Prediction) -> None:
    """Without a number of groups each scan point is a seed, and its centre is covered."""
    plan = predict.plan(scan, trained.settings(2).data, None, 42)

    assert plan.groups[:, 0].tolist() == list(range(scan.point_count))
    assert all(len(set(group)) == 4 for group in plan.groups.tolist())
    columns, rows = (np.rint(scan.positions) - whole.stitched.origin_xy).astype(int).T
    assert whole.stitched.mask[rows, columns].all()


def test_patches_land_at_their_own_positions(scan: ScanData) -> None:
    """A model that copies frame energy shows each point's value at that point's place."""
    config = trained.settings(2)
    plan = predict.plan(scan, config.data, None, 42)
    levels = np.arange(1.0, scan.point_count + 1)
    weight = np.zeros((32, 32))
    weight[16, 16] = 1.0
    spaced = dataclasses.replace(
        scan, positions=np.stack([40.0 + 9 * (levels % 5), 40.0 + 7 * (levels // 5)], axis=1)
    )
    target = canvas.Canvas(canvas.canvas_geometry(spaced.positions, 32), weight)
    batches = [
        (
            Batch(
                amplitude=torch.ones(4, 4, 32, 32),
                offsets=torch.zeros(4, 4, 2),
                group_index=torch.arange(start, start + 4),
            ),
            predict.ForwardResult(
                *[_constant(levels[plan.groups[start : start + 4]])] * 2,
                torch.ones(4, 4, 32, 32),
            ),
        )
        for start in range(0, 24, 4)
    ]

    prediction = predict.stitch(iter(batches), spaced, plan, target)

    columns, rows = (spaced.positions - prediction.stitched.origin_xy).astype(int).T
    np.testing.assert_allclose(prediction.stitched.object[rows, columns].real, levels)
    assert prediction.data_residual == 0.0


def _constant(levels: np.ndarray) -> torch.Tensor:
    """Patches of one value each."""
    values = torch.tensor(levels, dtype=torch.complex64)
    return values[:, :, None, None].expand(4, 4, 32, 32).clone()


def test_fewer_groups_are_drawn_from_the_seed(scan: ScanData) -> None:
    """A number of groups draws that many seeds; another root seed draws others."""
    config = trained.settings(2).data

    plans = [predict.plan(scan, config, 6, seed).groups for seed in (42, 42, 43)]

    assert len(plans[0]) == 6
    np.testing.assert_array_equal(plans[0], plans[1])
    assert not np.array_equal(plans[0], plans[2])


def test_too_many_groups_are_capped(scan: ScanData, caplog: pytest.LogCaptureFixture) -> None:
    """More groups than points become one per point, and the log says so."""
    with caplog.at_level(logging.INFO):
        plan = predict.plan(scan, trained.settings(1).data, 999, 42)

    assert len(plan.groups) == scan.point_count
    assert "999 groups asked" in caplog.text


def test_residual_by_hand(scan: ScanData) -> None:
    """The residual is Σ|√Î − X| / ΣX over valid pixels only."""
    valid = np.ones((32, 32), bool)
    valid[:5] = False
    masked = dataclasses.replace(scan, valid_mask=valid)
    config = trained.settings(1)
    plan = predict.plan(masked, config.data, 3, 42)
    rng = np.random.default_rng(0)
    measured, intensity = (torch.tensor(rng.uniform(1, 2, (3, 1, 32, 32))) for _ in range(2))
    batch = Batch(
        amplitude=measured.float(),
        offsets=torch.zeros(3, 1, 2),
        group_index=torch.arange(3),
    )
    patches = torch.ones(3, 1, 32, 32, dtype=torch.complex64)
    result = predict.ForwardResult(patches, patches, intensity.float())

    prediction = predict.stitch(
        iter([(batch, result)]), masked, plan, canvas.Canvas(plan.canvas, np.ones((32, 32)))
    )

    x, i = measured.numpy()[:, :, 5:], intensity.numpy()[:, :, 5:]
    assert prediction.data_residual == pytest.approx(
        np.abs(np.sqrt(i) - x).sum() / x.sum(), rel=1e-5
    )


def test_values_that_are_no_numbers_are_counted(scan: ScanData) -> None:
    """A NaN pixel is counted and leaves the canvas finite."""
    config = trained.settings(1)
    plan = predict.plan(scan, config.data, 2, 42)
    patches = torch.ones(2, 1, 32, 32, dtype=torch.complex64)
    patches[1, 0, 16, 16] = complex("nan")
    batch = Batch(
        amplitude=torch.ones(2, 1, 32, 32),
        offsets=torch.zeros(2, 1, 2),
        group_index=torch.arange(2),
    )
    result = predict.ForwardResult(patches, patches, torch.ones(2, 1, 32, 32))

    prediction = predict.stitch(
        iter([(batch, result)]), scan, plan, canvas.Canvas(plan.canvas, np.ones((32, 32)))
    )

    assert prediction.nonfinite_count == 1
    assert np.isfinite(prediction.stitched.object).all()


def test_brighter_scan_is_warned_about(
    scan: ScanData, caplog: pytest.LogCaptureFixture
) -> None:
    """Frames three times as strong hold nine times the energy, outside the trusted range."""
    contract = scaling.fit(scan, 1e5)
    probe = scaling.normalise_probe(scan.probe, contract)
    bright = dataclasses.replace(scan, amplitude=3 * scan.amplitude)

    with caplog.at_level(logging.WARNING):
        same = predict.compare_with_training(scan, contract.input_scale, probe)
        quiet = caplog.text
        ratio, _ = predict.compare_with_training(bright, contract.input_scale, probe)

    assert same == pytest.approx((1.0, 1.0), rel=1e-5)
    assert quiet == ""
    assert ratio == pytest.approx(9.0, rel=1e-5)
    assert "rho=9" in caplog.text


def test_other_probe_is_warned_about(scan: ScanData, caplog: pytest.LogCaptureFixture) -> None:
    """A probe moved by a quarter of the frame is noticed; a factor on it is not."""
    contract = scaling.fit(scan, 1e5)
    probe = scaling.normalise_probe(scan.probe, contract)
    turned = dataclasses.replace(scan, probe=(scan.probe * 5j).astype(np.complex64))
    moved = dataclasses.replace(scan, probe=np.roll(scan.probe, 8, axis=-1))

    with caplog.at_level(logging.WARNING):
        predict.compare_with_training(turned, contract.input_scale, probe)
        quiet = caplog.text
        predict.compare_with_training(moved, contract.input_scale, probe)

    assert quiet == ""
    assert "probe correlates" in caplog.text


def test_missing_mode_lowers_the_correlation() -> None:
    """A second mode of equal energy that the other probe lacks leaves 1/√2."""
    mode = np.zeros((1, 4, 6), np.complex64)
    mode[0, 1, 2] = 2.0
    second = np.roll(mode, 1, axis=2)

    correlation = predict.probe_correlation(mode, np.concatenate([mode, second]))

    assert correlation == pytest.approx(1 / np.sqrt(2))


@pytest.mark.parametrize(("precision", "tolerance"), [("64-true", 1e-5), ("bf16-mixed", 5e-2)])
def test_precision_reaches_the_network(
    scan: ScanData, whole: predict.Prediction, precision: str, tolerance: float
) -> None:
    """Another precision changes the numbers, but only by what it should."""
    prediction, _ = run(scan, predict.Engine(batch_size=64, precision=precision))

    gap = np.linalg.norm(prediction.stitched.object - whole.stitched.object)
    distance = gap / np.linalg.norm(whole.stitched.object)
    assert 0 < distance < tolerance


def test_workers_change_nothing(scan: ScanData, whole: predict.Prediction) -> None:
    """The number of processes that gather frames does not show in the result."""
    prediction, _ = run(scan, predict.Engine(batch_size=64, num_workers=1))

    np.testing.assert_array_equal(prediction.stitched.object, whole.stitched.object)


def test_workers_reach_the_loader(scan: ScanData, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loader is asked for as many processes as the engine says."""
    requests = []
    plan = predict.plan(scan, trained.settings(1).data, 2, 42)
    model = trained.model_for(scan, trained.settings(1), plan.padded_size)

    def catch(
        _source: object, batch_size: int, *, num_workers: int, pin_memory: bool
    ) -> list[Batch]:
        requests.append((batch_size, num_workers, pin_memory))
        return []

    monkeypatch.setattr(dataset, "loader", catch)
    list(predict.forward(model, scan, plan, 1.0, predict.Engine(batch_size=5, num_workers=3)))

    assert requests == [(5, 3, False)]


def test_deterministic_choice_is_put_back(scan: ScanData) -> None:
    """Deterministic algorithms are on during a run and as before after it."""
    seen = []
    config = trained.settings(1)
    plan = predict.plan(scan, config.data, 2, 42)
    model = trained.model_for(scan, config, plan.padded_size)
    for is_on in (True, False):
        engine = predict.Engine(batch_size=2, is_deterministic=is_on)
        seen += [
            torch.are_deterministic_algorithms_enabled()
            for _ in predict.forward(model, scan, plan, 1.0, engine)
        ]

    assert seen == [True, False]
    assert not torch.are_deterministic_algorithms_enabled()


def test_engine_refuses_what_is_not_there() -> None:
    """Two devices, or a GPU on a machine without one, are errors that name the flag."""
    with pytest.raises(InputError) as caught:
        predict.Engine.from_config(PyTorchExecutionConfig(devices=2), 4)
    assert caught.value.where == "--devices"
    if not torch.cuda.is_available():
        with pytest.raises(InputError) as caught:
            predict.Engine.from_config(PyTorchExecutionConfig(accelerator="gpu"), 4)
        assert caught.value.where == "--accelerator"


def test_bundle_goes_round(scan: ScanData, tmp_path: Path) -> None:
    """A model read from its bundle predicts the very same patches."""
    config = trained.settings(2)
    plan = predict.plan(scan, config.data, 3, 42)
    model = trained.model_for(scan, config, plan.padded_size)
    engine = predict.Engine(batch_size=3)
    bundle = trained.write_bundle(tmp_path / "wts.h5.zip", scan, config, model)

    (_, expected), (_, result) = (
        next(iter(predict.forward(each, scan, plan, 0.3, engine)))
        for each in (model, bundle.model)
    )

    assert torch.equal(result.patches, expected.patches)
