"""The model: one forward path, independent of company and order, reproducible."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from ptycho_torch.config_params import ModelConfig
from ptycho_torch.errors import ConfigError
from ptycho_torch.pinn import ForwardResult, PtychoPINN
from tests.builders import fields

N = 32


def _model(
    gridsize: int = 2, modes: int = 1, *, seed: int = 5, **settings: object
) -> PtychoPINN:
    config = ModelConfig(n_filters_scale=1, head_gain=1.0, **settings)
    probe = fields.probe(N, modes)
    model = PtychoPINN(
        config, N=N, gridsize=gridsize, probe=probe, padded_size=N + 10, seed=seed
    )
    return model.eval()


def _batch(B: int, C: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(11)
    X = torch.from_numpy(rng.gamma(1.0, size=(B, C, N, N))).float()
    return X, torch.from_numpy(fields.offsets(rng, B, C, 2.5)).float()


def _distance(actual: torch.Tensor, wanted: torch.Tensor) -> float:
    return float(((actual - wanted).norm() / wanted.norm()).detach())


@pytest.mark.parametrize(
    ("gridsize", "object_big", "probe_big", "head"),
    [
        (1, None, True, "bounded"),
        (2, None, True, "softplus"),
        (2, False, False, "sigmoid"),
        (3, True, False, "bounded"),
        (3, False, True, "swish"),
    ],
)
def test_company_and_order_do_not_matter(
    gridsize: int, head: str, *, object_big: bool | None, probe_big: bool
) -> None:
    """A group gives the same patches and intensity alone, in a batch, and in any order."""
    model = _model(gridsize, 2, object_big=object_big, probe_big=probe_big, amp_activation=head)
    X, rel = _batch(7, gridsize**2)
    order = torch.tensor([4, 2, 6, 0, 5, 1, 3])

    with torch.inference_mode():
        whole = model(X, rel)
        shuffled = model(X[order], rel[order])
        for size in (1, 4):
            parts = [model(x, r) for x, r in zip(X.split(size), rel.split(size), strict=True)]
            for field, values in zip(ForwardResult._fields, whole, strict=True):
                joined = torch.cat([getattr(part, field) for part in parts])
                assert _distance(joined, values) <= 1e-6, (size, field)

    for values, permuted in zip(whole, shuffled, strict=True):
        assert _distance(permuted, values[order]) <= 1e-6


def test_training_and_prediction_share_one_path() -> None:
    """Gradient mode, training mode and predict alone give the same bits."""
    model = _model()
    X, rel = _batch(3, 4)

    with torch.inference_mode():
        quiet = model(X, rel)
        alone = model.predict(X)
    loud = model.train()(X, rel)

    assert all(torch.equal(a, b) for a, b in zip(quiet, loud, strict=True))
    assert torch.equal(alone, loud.patches)


def test_reruns_are_bit_identical() -> None:
    """The same seed gives the same weights, outputs and gradients, bit for bit."""
    X, rel = _batch(3, 4)
    runs = []
    for _ in range(2):
        torch.rand(3)  # a moved global generator must not matter
        model = _model()
        model(X, rel).intensity.square().mean().backward()
        runs.append([*model.state_dict().values(), *(p.grad for p in model.parameters())])

    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


def test_seed_alone_decides_the_weights() -> None:
    """Another seed gives other weights; the global generator is neither read nor moved."""
    before = torch.get_rng_state()

    first, other = _model(seed=5), _model(seed=6)

    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(first.network.amp.centre.weight, other.network.amp.centre.weight)


def test_state_is_weights_only() -> None:
    """The probe and the weights of its pixels are buffers outside the saved state."""
    model = _model(modes=2)

    assert all(name.startswith("network.") for name in model.state_dict())
    assert dict(model.named_buffers()).keys() == {"probe_parts", "blend_weight", "merge_weight"}
    assert model.probe.shape == (2, N, N)
    assert float(model.blend_weight.max()) == 1.0
    assert (
        float(model.blend_weight.min()) < 1e-3 == pytest.approx(float(model.merge_weight.min()))
    )
    assert model.parameter_count == 438_256


def test_power_is_that_behind_the_object() -> None:
    """Summed over modes and pixels, the intensity is the power of the exit waves."""
    model = _model(modes=2)

    result = model(*_batch(3, 4))

    wave = result.consistent[:, :, None] * model.probe
    power = wave.abs().square().sum(dim=(2, 3, 4))
    torch.testing.assert_close(result.intensity.sum(dim=(2, 3)), power, rtol=1e-5, atol=0)


@pytest.mark.parametrize(("gridsize", "object_big"), [(1, True), (1, None), (2, False)])
def test_nothing_to_merge_changes_nothing(gridsize: int, *, object_big: bool | None) -> None:
    """Single patterns, or groups without overlap, pass by the merge untouched."""
    model = _model(gridsize, object_big=object_big)

    result = model(*_batch(2, gridsize**2))

    assert result.consistent is result.patches


def test_overlap_makes_patches_agree() -> None:
    """With overlap, a second merge and extract at integer offsets changes nothing more."""
    model = _model()
    X, _ = _batch(2, 4)
    rel = torch.tensor([[-2.0, -1.0], [2.0, -1.0], [-2.0, 1.0], [2.0, 1.0]]).expand(2, 4, 2)

    result = model(X, rel)

    assert _distance(result.consistent, result.patches) > 1e-2
    assert _distance(model.agree(result.consistent, rel), result.consistent) <= 1e-6


def test_canvas_follows_the_scan() -> None:
    """A wider scan needs a wider canvas, which changes nothing for a narrow one."""
    model = _model()
    X, rel = _batch(2, 4)
    before = model(X, rel).consistent

    with pytest.raises(ValueError, match="enlarge the canvas"):
        model(X, rel * 10)
    model.resize_canvas(N + 60)

    assert torch.equal(model(X, rel).consistent, before)
    assert model(X, rel * 10).consistent.isfinite().all()


@pytest.mark.parametrize(
    ("dtype", "precision"),
    [(torch.float64, torch.complex128), (torch.float32, torch.complex64)],
)
def test_precision_follows_the_input(dtype: torch.dtype, precision: torch.dtype) -> None:
    """A double model works in double, complex included."""
    model = _model().to(dtype)
    X, rel = _batch(2, 4)

    result = model(X.to(dtype), rel.to(dtype))

    assert result.consistent.dtype == precision
    assert result.intensity.dtype == dtype


def test_mixed_precision_spares_the_physics() -> None:
    """Under reduced precision only the network is coarse; waves stay complex64."""
    model = _model()
    X, rel = _batch(2, 4)

    with torch.autocast("cpu", torch.bfloat16):
        result = model(X, rel)

    assert result.patches.dtype == torch.complex64
    assert result.intensity.dtype == torch.float32
    assert 1e-5 < _distance(result.intensity, model(X, rel).intensity) < 0.2


@pytest.mark.parametrize("side", [16, 63, 68, 520])
def test_unsupported_sides_are_refused(side: int) -> None:
    """A frame side without a layer plan is refused up front."""
    with pytest.raises(ConfigError, match="multiple of 8 from 32 to 512"):
        PtychoPINN(
            ModelConfig(),
            N=side,
            gridsize=1,
            probe=np.ones((1, side, side)),
            padded_size=side,
            seed=1,
        )


@pytest.mark.parametrize("padded_size", [N - 2, N + 3])
def test_impossible_canvas_is_refused(padded_size: int) -> None:
    """A group canvas is never smaller than a patch, nor off centre."""
    with pytest.raises(ValueError, match="even number"):
        _model().resize_canvas(padded_size)


@pytest.mark.parametrize("shape", [(N, N), (1, 1, N, N), (2, N, N + 1)])
def test_probe_of_another_rank_is_refused(shape: tuple[int, ...]) -> None:
    """Only (P, N, N) is a probe, even where broadcasting would allow more."""
    with pytest.raises(ValueError, match="expected a probe"):
        PtychoPINN(
            ModelConfig(n_filters_scale=1),
            N=N,
            gridsize=1,
            probe=np.ones(shape),
            padded_size=N,
            seed=1,
        )


def test_wrong_group_size_is_refused() -> None:
    """Frames must come in groups of gridsize², each of side N."""
    model = _model()
    for shape in itertools.product((2,), (1, 9), (N,), (N,)):
        with pytest.raises(ValueError, match="expected amplitudes"):
            model.predict(torch.zeros(shape))
