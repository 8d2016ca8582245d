"""Torch against the oracle, stage by stage, and the oracle against golden vectors."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ptycho_torch import oracle
from ptycho_torch.config_params import ModelConfig
from ptycho_torch.data import grouping
from ptycho_torch.network import heads
from ptycho_torch.physics import canvas, detector, exit_wave, far_field, losses, overlap
from ptycho_torch.physics.probe import blend_weight
from ptycho_torch.physics.shift import translate
from ptycho_torch.pinn import PtychoPINN
from tests.builders import fields

N = 32
CASES = [
    (1, 3, 1, {}),
    (1, 2, 2, {"amp_activation": "softplus", "object_big": True}),
    (2, 3, 1, {}),
    (2, 2, 2, {"probe_big": False, "amp_activation": "sigmoid"}),
    (2, 3, 2, {"object_big": False, "amp_activation": "swish"}),
    (3, 2, 2, {"amp_max": 3.0}),
    (3, 1, 1, {"object_big": False, "probe_big": False}),
]
TOLERANCE = {torch.float64: 1e-6, torch.float32: 2e-5}


def _distance(actual: torch.Tensor, wanted: NDArray[np.generic]) -> float:
    values = actual.detach().numpy()
    assert values.shape == wanted.shape
    return float(np.linalg.norm(values - wanted) / np.linalg.norm(wanted))


def _torch_stages(
    model: PtychoPINN, X: torch.Tensor, rel: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Run the stages one by one under the oracle's names."""
    network, stages = model.network, {}
    folded = X if network.joins_group else X.reshape(-1, 1, N, N)
    stages["features"] = network.encoder(folded)
    stages["amp_logits"] = network.amp(stages["features"]).reshape(X.shape)
    stages["phase_logits"] = network.phase(stages["features"]).reshape(X.shape)
    stages["patches"] = model.predict(X)
    if model.merges_group:
        stages["merged"] = overlap.merge_group(
            stages["patches"], rel, model.merge_weight, model.padded_size
        )
    stages["consistent"] = model.agree(stages["patches"], rel)
    stages["exit_wave"] = exit_wave.illuminate(stages["consistent"], model.probe)
    stages["far_field"] = far_field.propagate(stages["exit_wave"])
    stages["intensity"] = detector.intensity(stages["far_field"])
    return stages


@pytest.mark.parametrize(("gridsize", "B", "modes", "settings"), CASES)
def test_every_stage_agrees(
    gridsize: int, B: int, modes: int, settings: dict[str, object]
) -> None:
    """From features to intensity and loss, torch matches the oracle at every stage.

    In double and in single precision; the slow oracle is asked once for both.
    """
    rng = np.random.default_rng(gridsize * 10 + B)
    config = ModelConfig(n_filters_scale=1, head_gain=1.0, **settings)
    rel = fields.offsets(rng, B, gridsize**2, 3.0)
    X = rng.gamma(1.0, size=(B, gridsize**2, N, N)).astype(np.float32)
    probe, side = fields.probe(N, modes), fields.canvas_side(N, rel)
    model = PtychoPINN(config, N=N, gridsize=gridsize, probe=probe, padded_size=side, seed=9)
    state = {name: value.numpy() for name, value in model.network.state_dict().items()}
    mask = rng.random((N, N)) > 0.1

    wanted = oracle.forward(state, X, rel, probe, config)

    for dtype in (torch.float32, torch.float64):
        tensors = (torch.from_numpy(values).to(dtype) for values in (X, rel))
        stages = _torch_stages(model.to(dtype), *tensors)
        assert stages.keys() == wanted.keys()
        far = {name: _distance(stages[name], wanted[name]) for name in wanted}
        failed = [name for name, distance in far.items() if not distance <= TOLERANCE[dtype]]
        assert not failed, f"first stage that fails: {failed[0]} in {dtype}, {far}"
        _losses_agree(stages["intensity"], wanted["intensity"], X, mask)


def test_frames_between_powers_of_2_agree() -> None:
    """Where frames get a rim of zeros, torch matches the oracle too."""
    side = 136
    config = ModelConfig(n_filters_scale=1, head_gain=1.0)
    X = np.random.default_rng(2).gamma(1.0, size=(1, 1, side, side)).astype(np.float32)
    probe = fields.probe(side, 1)
    model = PtychoPINN(config, N=side, gridsize=1, probe=probe, padded_size=side, seed=9)
    state = {name: value.numpy() for name, value in model.network.state_dict().items()}

    decoded = oracle.cnn_forward(state, X, config)

    wanted = oracle.heads(decoded["amp_logits"], decoded["phase_logits"], config)
    actual = model.double().predict(torch.from_numpy(X).double())
    assert _distance(actual, wanted) <= TOLERANCE[torch.float64]


def _losses_agree(
    intensity: torch.Tensor,
    wanted: NDArray[np.generic],
    X: NDArray[np.float32],
    mask: NDArray[np.bool_],
) -> None:
    """Both losses and the deviance are the oracle's."""
    measured, valid = torch.from_numpy(X).to(intensity.dtype), torch.from_numpy(mask)
    terms = losses.poisson(intensity, measured, 19.764235, valid, 1e-8)
    nll, deviance = oracle.poisson_nll(wanted, X, 19.764235, mask)
    assert float(terms.loss.detach()) == pytest.approx(nll, rel=1e-5)
    assert terms.deviance is not None
    assert float(terms.deviance) == pytest.approx(deviance, rel=1e-5)
    misfit = losses.mae(intensity, measured, 19.764235, valid, 1e-12).loss
    assert float(misfit.detach()) == pytest.approx(
        oracle.mae(wanted, X, 19.764235, mask), rel=1e-5
    )


def test_double_agreement_is_tight() -> None:
    """In double precision, operators agree to rounding, not only to the tolerance."""
    rng = np.random.default_rng(8)
    rel = fields.offsets(rng, 2, 5, 4.0)
    patches = rng.normal(size=(2, 5, 12, 12)) + 1j * rng.normal(size=(2, 5, 12, 12))
    weight, side = rng.uniform(0.1, 1, (12, 12)), fields.canvas_side(12, rel)
    probe = fields.probe(N, 3)

    merged = overlap.merge_group(*map(torch.from_numpy, (patches, rel, weight)), side)
    again = overlap.extract_group(merged, torch.from_numpy(rel), 12)
    moved = translate(*map(torch.from_numpy, (patches[1], rel[1] * 2)))

    wanted = np.stack(
        [oracle.merge(p, r, weight, side) for p, r in zip(patches, rel, strict=True)]
    )
    assert _distance(merged, wanted) <= 1e-12
    wanted = np.stack([oracle.extract(m, r, 12) for m, r in zip(wanted, rel, strict=True)])
    assert _distance(again, wanted) <= 1e-12
    assert _distance(moved, oracle.translate(patches[1], rel[1] * 2)) <= 1e-12
    assert _distance(blend_weight(torch.from_numpy(probe)), oracle.blend_weight(probe)) <= 1e-12


@pytest.mark.parametrize("head", heads.KINDS)
def test_heads_agree(head: str) -> None:
    """Every head agrees in double precision, far out too."""
    logits = np.random.default_rng(1).normal(0, 6, (2, 2, 3, 8, 8))
    config = ModelConfig(amp_activation=head, amp_max=2.5)

    amplitude = heads.amplitude(torch.from_numpy(logits[0]), head, 2.5)
    patches = heads.combine(amplitude, torch.from_numpy(logits[1]))

    assert _distance(patches, oracle.heads(logits[0], logits[1], config)) <= 1e-12


def test_stitch_agrees() -> None:
    """Stitching agrees to rounding at fractional positions and unequal spreads."""
    rng = np.random.default_rng(2)
    positions = rng.uniform(0, 1, (40, 2)) * [31.0, 12.0] + [7.3, -4.9]
    patches = rng.normal(size=(40, 10, 10)) + 1j * rng.normal(size=(40, 10, 10))
    weight = rng.uniform(0, 1, (10, 10))

    target = canvas.Canvas(canvas.canvas_geometry(positions, 10), weight)
    target.place(torch.from_numpy(patches), positions)
    stitched, wanted = target.finish(), oracle.stitch(patches, positions, weight)

    assert target.geometry == oracle.canvas_geometry(positions, 10)
    np.testing.assert_allclose(target.denominator, wanted["weight"], rtol=1e-12, atol=1e-12)
    cover = np.where(wanted["weight"] > 0, wanted["weight"], 1)
    close = np.where(stitched.mask, target.numerator / cover - wanted["object"], 0)
    assert np.linalg.norm(close) <= 1e-12 * np.linalg.norm(wanted["object"])
    assert np.array_equal(stitched.mask, wanted["mask"])
    np.testing.assert_allclose(stitched.object, wanted["object"], atol=1e-5)


@pytest.mark.parametrize(
    ("C", "K", "n_groups"), [(1, 6, 10), (4, 6, None), (4, 5, 12), (9, 11, 30)]
)
def test_groups_agree(C: int, K: int, n_groups: int | None) -> None:
    """The fast grouping draws the groups that the brute force draws."""
    positions = np.random.default_rng(3).integers(0, 9, (40, 2)).astype(float)

    groups, wanted = (
        module.make_groups(positions, C, K, n_groups, np.random.default_rng(4))
        for module in (grouping, oracle)
    )

    assert np.array_equal(groups, wanted)
    centres, offsets, reach = oracle.relative(positions, wanted)
    geometry = grouping.locate(positions, groups, N)
    np.testing.assert_allclose(geometry.centres, centres, rtol=1e-14)
    np.testing.assert_allclose(geometry.offsets, offsets, atol=1e-13)
    assert geometry.padded_size == N + 2 * reach


def test_golden_vectors_hold() -> None:
    """The oracle itself gives the tabulated shifts, likelihoods, scales and canvas."""
    impulse = np.zeros((1, 9, 9))
    impulse[0, 4, 4] = 1
    moved = oracle.translate(impulse, np.array([[0.25, 0.5]]))[0]
    assert moved[4:6, 4:6].tolist() == [[0.375, 0.125], [0.375, 0.125]]
    moved = oracle.translate(impulse, np.array([[-3.75, 0.0]]))[0]
    assert moved[4, :3].tolist() == [0.75, 0.25, 0.0]

    rates, counts = np.array([4, 9, 0.5, 1e-8, 1, 100]), np.array([9, 9, 0.25, 1, 0, 100])
    table = [4.325178, 2.026806, 0.575015, 18.420681, 1, 3.222357]
    np.testing.assert_allclose(oracle.nll(rates, counts), table, atol=5e-7)

    positions = np.array([[10.25, 20.5], [13.0, 19.0], [40.75, 22.25]])
    assert oracle.canvas_geometry(positions, 8) == (5, 14, 41, 14)

    frames = np.random.default_rng(0).poisson(3.0, (5, 64, 64)) ** 0.5
    scales = oracle.fit_scaling(frames, fields.probe(64, 2) * 7, 1e5)
    assert scales["intensity_scale"] == pytest.approx(9.882118, abs=5e-7)
    assert ((scales["input_scale"] * frames) ** 2).sum(axis=(1, 2)).mean() == pytest.approx(
        1024
    )
    assert scales["probe_scale"] == pytest.approx(1 / 7, rel=1e-6)


def test_oracle_needs_no_torch() -> None:
    """A fresh interpreter imports the oracle without torch or lightning."""
    code = (
        "import sys, ptycho_torch.oracle\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'lightning', 'h5py')))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
