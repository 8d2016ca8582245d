"""References of two revisions side by side: what goldens and bands of curves have in common.

Each is known by metric, environment and datasets. One that only got another name is still held
to what it said; which of two is narrower is for their kinds to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from harness.frozen import dataclass
from harness.judgement.gate import difference
from harness.judgement.gate.difference import Change, Classed, Difference
from harness.judgement.golden import store
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.golden.store import GoldenValue

# Fields that decide nothing, and those by which one is found and held against another.
PROVENANCE = ("hubs", "seeds", "reason", "author", "date", "commit")
IDENTITY = ("metric", "environment", "datasets")
_Reference = TypeVar("_Reference", GoldenValue, GoldenCurve)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[_Reference]):
    """How references of a kind are told and classed; ``gone`` says that one is no more."""

    tell: Callable[[_Reference], str]
    compare: Callable[[_Reference, _Reference], Classed | None]
    class_new: Callable[[_Reference], Classed]
    gone: str


def compare(
    suite: str, was: Sequence[_Reference], now: Sequence[_Reference], kind: Kind[_Reference]
) -> Iterator[Difference]:
    """Compare the references of a kind that judge a suite."""
    before, after = _by_identity(was), _by_identity(now)
    heirs = _pair_renamed(before, after)
    for key, value in before.items():
        rule = _name(suite, value)
        if key in after:
            classed = kind.compare(value, after[key])
            if classed is not None:
                words = kind.tell(value), kind.tell(after[key])
                yield difference.make_difference(rule, *words, classed)
        elif key in heirs:
            change = (Change.OTHER, "the metric has another name, its statistics are the same")
            name = after[heirs[key]].metric
            yield difference.make_difference(rule, value.metric, name, change)
        else:
            yield difference.mark_removed(rule, kind.tell(value), kind.gone)
    taken = set(heirs.values())
    for key, value in after.items():
        if key not in before and key not in taken:
            change = kind.class_new(value)
            yield difference.make_difference(
                _name(suite, value), None, kind.tell(value), change
            )


def find_renamed(was: Sequence[_Reference], now: Sequence[_Reference]) -> dict[str, str]:
    """Return the new name of each metric all of whose references only have another name."""
    before, after = _by_identity(was), _by_identity(now)
    names = {value.metric for value in now}
    return {
        before[old].metric: after[new].metric
        for old, new in _pair_renamed(before, after).items()
        if before[old].metric not in names
    }


def _by_identity(values: Sequence[_Reference]) -> dict[Any, _Reference]:
    return {store.identity(value): value for value in values}


def _pair_renamed(
    before: Mapping[Any, _Reference], after: Mapping[Any, _Reference]
) -> dict[Any, Any]:
    """Pair each that is gone with a new one that has another metric and nothing else."""
    new = {key: _strip(value) for key, value in after.items() if key not in before}
    heirs = {}
    for key, value in before.items():
        heir = next((other for other, plain in new.items() if plain == _strip(value)), None)
        if key not in after and heir is not None:
            heirs[key] = heir
            del new[heir]
    return heirs


def _strip(value: _Reference) -> _Reference:
    """Leave out the name, and who renamed it."""
    return replace(value, metric="", reason="", author="", date="", commit="")


def _name(suite: str, value: GoldenValue | GoldenCurve) -> str:
    return f"goldens.{suite}.{value.metric}@{store.file_name(value).removesuffix('.json')}"
