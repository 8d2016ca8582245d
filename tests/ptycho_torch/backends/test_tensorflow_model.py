"""TensorFlow's network and physics against the oracle and PyTorch, stage by stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ptycho_torch import oracle
from ptycho_torch.physics import losses as torch_losses
from tests.builders import backends
from tests.builders.backends import Case, case

backends.require_tensorflow()

import tensorflow as tf  # noqa: E402 - only where the extra is installed

from ptycho_torch.backends.tensorflow import losses, weights  # noqa: E402

CASES = [
    (1, 3, 1, {}),
    (1, 2, 2, {"amp_activation": "softplus", "object_big": True}),
    (2, 3, 1, {}),
    (2, 2, 2, {"probe_big": False, "amp_activation": "sigmoid"}),
    (2, 5, 1, {"object_big": False, "amp_activation": "swish"}),
    (3, 2, 2, {"amp_max": 3.0}),
]
TOLERANCE = {np.float64: 1e-7, np.float32: 2e-5}


def _distance(actual: Any, wanted: NDArray[Any]) -> float:
    assert actual.shape == wanted.shape
    return float(np.linalg.norm(actual - wanted) / np.linalg.norm(wanted))


def _inputs(made: Case, count: int | None = None, dtype: Any = np.float32) -> tuple[Any, Any]:
    groups = slice(count)
    return tf.constant(made.X[groups], dtype), tf.constant(made.rel[groups], dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("gridsize", "B", "modes", "settings"), CASES)
def test_every_stage_agrees(
    gridsize: int, B: int, modes: int, settings: dict[str, Any], dtype: Any
) -> None:
    """From features to intensity and loss, TensorFlow matches the oracle at every stage."""
    made = case(gridsize, B, modes, **settings)

    stages_ = made.tensorflow_model(dtype).stages(*_inputs(made, dtype=dtype))

    wanted = oracle.forward(made.state, made.X, made.rel, made.probe, made.config)
    assert stages_.keys() == wanted.keys()
    far = {name: _distance(stages_[name].numpy(), wanted[name]) for name in wanted}
    failed = [name for name, distance in far.items() if not distance <= TOLERANCE[dtype]]
    assert not failed, f"first stage that fails: {failed[0]}, {far}"

    mask = np.random.default_rng(6).random((backends.N, backends.N)) > 0.1
    terms = losses.poisson(
        stages_["intensity"], _inputs(made, dtype=dtype)[0], 19.764235, tf.constant(mask), 1e-8
    )
    nll, deviance = oracle.poisson_nll(wanted["intensity"], made.X, 19.764235, mask)
    assert float(terms.loss) == pytest.approx(nll, rel=1e-5)
    assert terms.deviance is not None
    assert float(terms.deviance) == pytest.approx(deviance, rel=1e-5)
    misfit = losses.mae(
        stages_["intensity"], _inputs(made, dtype=dtype)[0], 19.764235, tf.constant(mask), 1e-12
    )
    expected = oracle.mae(wanted["intensity"], made.X, 19.764235, mask)
    assert float(misfit.loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("architecture", ["cnn", "cnn-lite"])
def test_both_networks_agree_with_torch(architecture: str) -> None:
    """The light network, which the oracle does not know, gives the patches that torch gives."""
    made = case(2, 3, architecture=architecture)

    result = made.tensorflow_model().forward(*_inputs(made))

    wanted = made.torch_model(torch.from_numpy(made.X), torch.from_numpy(made.rel).float())
    assert _distance(result.patches.numpy(), wanted.patches.detach().numpy()) <= 2e-5
    assert _distance(result.intensity.numpy(), wanted.intensity.detach().numpy()) <= 2e-5


@pytest.mark.slow
@pytest.mark.parametrize("with_xla", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("gridsize", [1, 2, 3])
def test_any_number_of_groups(gridsize: int, *, with_xla: bool) -> None:
    """One graph serves empty, single, odd, full and short last batches with equal numbers."""
    made = case(gridsize, 32)
    model = made.tensorflow_model()
    run = model.compile_forward(with_xla=with_xla)
    whole = model.forward(*_inputs(made))

    for count in (0, 1, 5, 32):
        for eager in (run, model.forward):
            part = eager(*_inputs(made, count))
            for name, values in part._asdict().items():
                wanted = getattr(whole, name).numpy()[:count]
                assert values.shape == wanted.shape, (count, name)
                assert np.allclose(values.numpy(), wanted, rtol=1e-4, atol=1e-4), (count, name)


@pytest.mark.parametrize("loss", ["poisson", "mae"])
def test_gradients_agree_with_torch(loss: str) -> None:
    """Every weight gets the gradient that torch computes, to rounding, for both losses."""
    made = case(2, 3)
    model, mask = made.tensorflow_model(np.float64), np.ones((backends.N, backends.N), np.bool_)
    X, rel = _inputs(made, dtype=np.float64)

    with tf.GradientTape() as tape:
        mine = {"poisson": losses.poisson, "mae": losses.mae}[loss]
        value = mine(model.forward(X, rel).intensity, X, 3.0, tf.constant(mask), 1e-8).loss
    slopes = tape.gradient(value, model.variables)

    torch_model = made.torch_model.double()
    inputs = torch.from_numpy(made.X).double(), torch.from_numpy(made.rel).double()
    theirs = {"poisson": torch_losses.poisson, "mae": torch_losses.mae}[loss]
    result = torch_model(*inputs)
    theirs(result.intensity, inputs[0], 3.0, torch.from_numpy(mask), 1e-8).loss.backward()
    slopes_ = weights.to_bundle({name: slope.numpy() for name, slope in slopes.items()})
    for name, parameter in torch_model.network.named_parameters():
        assert parameter.grad is not None
        assert _distance(slopes_[name], parameter.grad.numpy()) <= 1e-10, name


def test_weights_survive_the_round_trip() -> None:
    """To TensorFlow and back, the stored bytes of all weights are the same."""
    made = case(2, 1)

    again = made.tensorflow_model().state()

    assert again.keys() == made.state.keys()
    assert weights.digest(again) == weights.digest(made.state)
    turned = weights.from_bundle(made.state)
    assert weights.digest(turned) != weights.digest(made.state)
    kernel = made.state["encoder.stage0.conv1.weight"]
    assert turned["encoder.stage0.conv1.weight"][0, 2, 1, 3] == kernel[3, 1, 0, 2]


def test_wrong_shapes_are_refused() -> None:
    """Amplitudes of another group size are refused with both shapes."""
    made = case(2, 1)

    with pytest.raises(ValueError, match=r"\(B, 4, 32, 32\).*\(1, 3, 32, 32\)"):
        made.tensorflow_model().predict(tf.zeros((1, 3, 32, 32)))
