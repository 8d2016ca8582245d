"""Known ways of being wrong: each law holds, and fails once its defect is planted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from ptycho_torch import oracle
from ptycho_torch.config_params import ModelConfig
from ptycho_torch.physics import detector, exit_wave, overlap, shift
from ptycho_torch.pinn import PtychoPINN
from tests.builders import fields

N = 32
Law = Callable[[], None]
Plant = Callable[[pytest.MonkeyPatch], None]


def _model(modes: int) -> PtychoPINN:
    config = ModelConfig(n_filters_scale=1, head_gain=1.0)
    probe = fields.probe(N, modes)
    model = PtychoPINN(config, N=N, gridsize=2, probe=probe, padded_size=N + 8, seed=3)
    return model.eval()


def _batch() -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(6)
    X = torch.from_numpy(rng.gamma(1.0, size=(3, 4, N, N))).float()
    return X, torch.from_numpy(fields.offsets(rng, 3, 4, 3.0)).float()


def object_is_upright() -> None:
    """Patches of one L merge into that L, at unequal x and y spreads."""
    truth = fields.l_shape(40, 50)
    positions = np.array([[20, 18], [26, 18], [20, 22], [26, 22]])
    rel = torch.from_numpy(positions - positions.mean(axis=0))[None]
    patches = torch.from_numpy(fields.cut(truth, positions, 16))[None]

    merged = overlap.merge_group(patches, rel, torch.ones(16, 16, dtype=torch.float64), 22)

    wanted = torch.from_numpy(truth[20 - 10 : 20 + 10, 23 - 11 : 23 + 11])
    assert torch.allclose(merged[0, 1:21], wanted, atol=1e-12)


def modes_add_in_intensity() -> None:
    """The predicted intensity of two modes is the oracle's."""
    _intensity_is_the_oracles(modes=2)


def probe_enters_once() -> None:
    """The predicted intensity of one mode is the oracle's."""
    _intensity_is_the_oracles(modes=1)


def _intensity_is_the_oracles(modes: int) -> None:
    model, (X, rel) = _model(modes), _batch()
    state = {name: value.numpy() for name, value in model.network.state_dict().items()}

    with torch.inference_mode():
        intensity = model(X, rel).intensity.numpy()

    probe = fields.probe(N, modes)
    wanted = oracle.forward(state, X.numpy(), rel.numpy(), probe, model.config)["intensity"]
    assert np.linalg.norm(intensity - wanted) <= 2e-5 * np.linalg.norm(wanted)


def still_image_is_whole() -> None:
    """A shift by nothing keeps every row and column, the last ones included."""
    image = torch.arange(1.0, 55.0).reshape(1, 6, 9)
    assert torch.equal(shift.translate(image, torch.zeros(1, 2)), image)


def company_does_not_matter() -> None:
    """A group alone gives the patches that it gives beside brighter groups."""
    model, (X, _) = _model(1), _batch()
    X[2] *= 4

    with torch.inference_mode():
        assert torch.allclose(model.predict(X)[:1], model.predict(X[:1]), rtol=1e-6, atol=1e-6)


def _mirror_merge(patch: pytest.MonkeyPatch) -> None:
    place, extract = shift.place, shift.extract
    patch.setattr(shift, "place", lambda patches, at, size: place(patches, -at, size))
    patch.setattr(shift, "extract", lambda canvas, at, size: extract(canvas, -at, size))


def _swap_axes(patch: pytest.MonkeyPatch) -> None:
    place, extract = shift.place, shift.extract
    patch.setattr(shift, "place", lambda patches, at, size: place(patches, at.flip(-1), size))
    patch.setattr(shift, "extract", lambda canvas, at, size: extract(canvas, at.flip(-1), size))


def _sum_fields(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(detector, "intensity", lambda field: field.sum(dim=2).abs().square())


def _stop_at_amplitude(patch: pytest.MonkeyPatch) -> None:
    right = detector.intensity
    patch.setattr(detector, "intensity", lambda field: right(field).sqrt())


def _illuminate_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        exit_wave, "illuminate", lambda patches, probe: patches[:, :, None] * probe * probe
    )


def _blank_last_row(patch: pytest.MonkeyPatch) -> None:
    right = shift.translate

    def blanked(images: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        moved = right(images, offsets).clone()
        moved[:, -1] = moved[:, :, -1] = 0
        return moved

    patch.setattr(shift, "translate", blanked)


def _scale_by_batch(patch: pytest.MonkeyPatch) -> None:
    right = PtychoPINN.predict
    patch.setattr(PtychoPINN, "predict", lambda self, X: right(self, X / X.mean()))


DEFECTS: dict[str, tuple[Law, Plant]] = {
    "merge mirrored by the wrong sign": (object_is_upright, _mirror_merge),
    "x and y exchanged in the merge": (object_is_upright, _swap_axes),
    "modes summed as fields": (modes_add_in_intensity, _sum_fields),
    "amplitude where intensity belongs": (probe_enters_once, _stop_at_amplitude),
    "probe applied twice": (probe_enters_once, _illuminate_twice),
    "last row and column blanked": (still_image_is_whole, _blank_last_row),
    "gain that depends on the batch": (company_does_not_matter, _scale_by_batch),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_law_holds(defect: str) -> None:
    """The package obeys the law that the defect would break."""
    DEFECTS[defect][0]()


@pytest.mark.parametrize("defect", DEFECTS)
def test_planted_defect_is_caught(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the defect planted, the law fails."""
    law, plant = DEFECTS[defect]
    plant(monkeypatch)

    with pytest.raises(AssertionError):
        law()
