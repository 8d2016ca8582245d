"""The numbers of every stage of the model, against files that only a person changes.

Tolerance: the files were written in double precision, and single precision is held to them
too. The distance of the two bounds what another number of threads, instruction set or release
of a library can do, since these change only the order of sums. It is below 2·10⁻⁶ of a
column's largest number, 5·10⁻⁶ in the gradient; the tolerance is four times that, and a
fiftieth of the change that must be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ptycho_torch.network import heads
from ptycho_torch.network.blocks import Initialiser
from ptycho_torch.network.decoder import Tower
from ptycho_torch.network.encoder import Encoder
from ptycho_torch.physics import canvas, detector, exit_wave, far_field, losses, overlap
from tests.numbers import stages
from tests.numbers.stages import CASES, ROWS, Case

TOLERANCE = 2e-5
CHANGE = 1e-3
MERGING = Case("cnn", 2, 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_stages_keep_their_numbers(
    case: Case, dtype: torch.dtype, numbers: Callable[..., None]
) -> None:
    """Weights, every stage, the stitched object and the gradient are what they were."""
    arrays, _ = stages.run(case, dtype)

    numbers(case.name, arrays, ROWS, TOLERANCE)


@pytest.fixture(scope="module")
def losses_of_cases() -> dict[str, NDArray[np.float64]]:
    """Both losses and the deviance, one number per case."""
    losses_ = [stages.run(case)[1] for case in CASES]
    return {name: np.array([terms[name] for terms in losses_]) for name in stages.LOSSES}


def test_losses_keep_their_numbers(
    losses_of_cases: dict[str, NDArray[np.float64]], numbers: Callable[..., None]
) -> None:
    """Both losses and the deviance of every case are what they were."""
    numbers("losses", losses_of_cases, [case.name for case in CASES], TOLERANCE)


def _scaled(real: Callable[..., Any]) -> Callable[..., Any]:
    """Make a stage that says a thousandth more."""

    def stage(*arguments: Any, **named: Any) -> Any:
        return real(*arguments, **named) * (1 + CHANGE)

    return stage


def _heavier(real: Callable[..., Any]) -> Callable[..., Any]:
    """Make initial weights a thousandth larger."""

    def convolution(*arguments: Any, **named: Any) -> Any:
        layer = real(*arguments, **named)
        layer.weight.data *= 1 + CHANGE
        return layer

    return convolution


def _brighter(real: Callable[..., Any]) -> Callable[..., Any]:
    """Stitch an object that is a thousandth brighter."""
    return lambda patches, *rest: real(patches * (1 + CHANGE), *rest)


def _steeper(real: Callable[..., Any]) -> Callable[..., Any]:
    """Leave the loss as it is and make its slope a thousandth larger."""

    def loss(*arguments: Any) -> Any:
        terms = real(*arguments)
        return terms._replace(loss=terms.loss + CHANGE * (terms.loss - terms.loss.detach()))

    return loss


@pytest.mark.parametrize(
    ("stage", "owner", "name", "plant"),
    [
        ("weights", Initialiser, "convolution", _heavier),
        ("features", Encoder, "forward", _scaled),
        ("amp_logits", Tower, "forward", _scaled),
        ("patches", heads, "combine", _scaled),
        ("merged", overlap, "merge_group", _scaled),
        ("consistent", overlap, "extract_group", _scaled),
        ("exit_wave", exit_wave, "illuminate", _scaled),
        ("far_field", far_field, "propagate", _scaled),
        ("intensity", detector, "intensity", _scaled),
        ("stitched", canvas, "stitch", _brighter),
        ("gradient", losses, "poisson", _steeper),
    ],
)
def test_a_thousandth_is_seen(
    stage: str,
    owner: Any,
    name: str,
    plant: Callable[[Callable[..., Any]], Callable[..., Any]],
    red_columns: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stage that is off by 10⁻³ is the first one that is red."""
    monkeypatch.setattr(owner, name, plant(getattr(owner, name)))
    arrays, _ = stages.run(MERGING)

    assert red_columns(MERGING.name, arrays, ROWS, TOLERANCE)[:1] == [stage]


@pytest.mark.parametrize("loss", stages.LOSSES)
def test_a_thousandth_of_a_loss_is_seen(
    loss: str,
    losses_of_cases: dict[str, NDArray[np.float64]],
    red_columns: Callable[..., list[str]],
) -> None:
    """A loss that is off by 10⁻³ in the largest of the cases is red, and no other."""
    planted = losses_of_cases[loss].copy()
    planted[planted.argmax()] *= 1 + CHANGE
    table = {**losses_of_cases, loss: planted}

    names = [case.name for case in CASES]
    assert red_columns("losses", table, names, TOLERANCE) == [loss]


@pytest.mark.parametrize("axes", [(-1,), (-2,), (0,)])
def test_a_mirrored_tensor_is_seen(axes: tuple[int, ...]) -> None:
    """Statistics that forget the order would not see a field that is upside down."""
    values = torch.from_numpy(np.random.default_rng(5).gamma(1.0, size=(3, 4, 9, 7)))

    distance = np.abs(stages.statistics(values) - stages.statistics(values.flip(axes)))

    assert distance[ROWS.index("placed")] > 10 * TOLERANCE
