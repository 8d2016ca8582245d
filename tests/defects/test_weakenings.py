"""The weakening campaign in short: a few of each kind, and the honest change beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proofs.weakenings import campaign, honest
from proofs.weakenings.campaign import Bench
from proofs.weakenings.grounds import SUITES

pytestmark = [pytest.mark.slow, pytest.mark.road]

_SHORT = (
    "ceiling 5 → 1e9",
    "guard renamed and widened",
    "guard left out by inheritance",
    "artifact from another path",
    "environment with PYTEST_ADDOPTS",
    "quarantine begun anew",
    "goldens of a lender, wider",
    "wider golden of another environment",
    "declaration moved and weakened",
    "test deselected by a conftest.py",
)
_FINE = ("metric renamed with its golden", "model moved", "everything inherited", "tests moved")


@pytest.fixture(scope="module")
def place() -> Iterator[Bench]:
    """Give the repository whose suite has tests too."""
    with campaign.bench("checked") as made:
        yield made


def test_there_are_enough_of_them() -> None:
    """The campaign is as large as its page says, and each name is there once."""
    names = [one.name for one in campaign.WEAKENINGS]

    assert len(SUITES) == 3
    assert sum(not one.only for one in campaign.WEAKENINGS) >= 60
    assert len(honest.ALL) >= 40
    assert len({*names}) == len(names)


_LONG = [pytest.param(name, marks=pytest.mark.long) for name in _SHORT[2:]]


@pytest.mark.parametrize("name", [*_SHORT[:2], *_LONG])
@pytest.mark.parametrize("is_broken", [True, False])
def test_weakening_is_refused_and_named(name: str, *, is_broken: bool, place: Bench) -> None:
    """A weakened gate is not green and says what was and is, the model broken or whole."""
    (one,) = (w for w in campaign.WEAKENINGS if w.name == name)

    answered = campaign.weaken(place, one, is_broken=is_broken)

    assert answered.code != 0
    assert answered.named is not None


@pytest.mark.parametrize(
    "name", [_FINE[0], *(pytest.param(name, marks=pytest.mark.long) for name in _FINE[1:])]
)
def test_honest_change_is_not_weaker(name: str, place: Bench) -> None:
    """What loosens nothing is not called weaker, and passes."""
    (one,) = (h for h in honest.ALL if h.name == name)

    answered = campaign.change(place, one)

    assert (answered.code, answered.weaker) == (0, ())
