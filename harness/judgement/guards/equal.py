"""Kind ``equal``: two metrics of one run, or two rows of numbers, that are the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.frozen import dataclass
from harness.judgement.guards import metrics, options, pairs, series
from harness.judgement.guards.aggregates import AGGREGATE_NAMES
from harness.judgement.guards.base import Evidence, Golden, is_near, number, result
from harness.judgement.guards.series import Series
from harness.records import GuardResult
from harness.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualOptions:
    """The parameters of kind ``equal``."""

    left: str = key("Path expression of the value judged.", is_metric=True)
    right: str = key("Path expression of the reference.", is_metric=True)
    left_aggregate: str | None = key(
        "Aggregate of the left side.", default=None, choices=AGGREGATE_NAMES
    )
    right_aggregate: str | None = key(
        "Aggregate of the right side.", default=None, choices=AGGREGATE_NAMES
    )
    relative: float = key("Tolerance as a share of the right side.", default=1e-9, low=0)
    absolute: float = key(
        "Tolerance as a number; the larger of the two holds.", default=0.0, low=0
    )
    right_at: str | None = key(
        "Path expression of whole numbers: the right side's rows at these places, from 0.",
        default=None,
        is_metric=True,
    )
    centred: int | None = key(
        "Take both sides about the mean of each so many rows: positions up to a shift.",
        default=None,
        low=2,
    )
    missing: str = pairs.declare_missing()


class EqualGuard:
    """``left`` equals ``right`` within a ``relative`` and an ``absolute`` tolerance.

    Each side is a number, or a row of them: then as many on the right, or one for all, and
    each pair is held to the tolerance, the share being one of the largest number on the right.
    """

    kind = "equal"
    options = EqualOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require two readable metrics and tolerances that are not negative."""
        wanted = options.read(EqualOptions, spec)
        for expression in filter(None, (wanted.left, wanted.right, wanted.right_at)):
            metrics.parse(expression)

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red when the two differ by more than the tolerance, or either is not finite."""
        wanted = options.read(EqualOptions, spec)
        paths = (wanted.left, wanted.right, wanted.right_at)
        note = pairs.note_missing(spec, evidence, wanted.missing, *paths, find=series.find)
        if note is not None:
            return note
        left, right = _take(evidence, spec, "left"), _take(evidence, spec, "right")
        if wanted.right_at is not None:
            right = _choose(right, series.take(evidence, wanted.right_at).numbers, spec)
        if len(left.numbers) == 1 == len(right.numbers) and wanted.centred is None:
            return _judge_one(spec, wanted, left.numbers[0], right.numbers[0])
        if wanted.centred is not None:
            _require_rows(left, right, spec)
            width = right.shape[-1] if len(right.shape) > 1 else 1
            left, right = (_centre(side, wanted.centred, width) for side in (left, right))
        return _judge_rows(spec, wanted, left.numbers, right.numbers)


def _take(evidence: Evidence, spec: GuardSpec, side: str) -> Series:
    if f"{side}_aggregate" in spec.options:
        return Series(shape=(), numbers=[pairs.take_side(evidence, spec, side)])
    return series.take(evidence, spec.options[side])


def _require_rows(left: Series, right: Series, spec: GuardSpec) -> None:
    """Refuse to centre single numbers, which would all be zero.

    Raises:
        MetricError: A side has one number.
    """
    for side, one in (("left", left), ("right", right)):
        if len(one.numbers) == 1:
            raise metrics.missing_error(spec.options[side], "one number", "rows to be centred")


def _choose(side: Series, places: Sequence[float], spec: GuardSpec) -> Series:
    """Return the rows of a side at some places.

    Raises:
        MetricError: A place is none of theirs.
    """
    count = side.shape[0] if side.shape else 1
    width = len(side.numbers) // count
    for place in places:
        if not (0 <= place < count and place == int(place)):
            raise metrics.missing_error(
                spec.options["right_at"], f"the place {number(place)}", f"one of {count}"
            )
    starts = [int(place) * width for place in places]
    numbers = [x for start in starts for x in side.numbers[start : start + width]]
    return Series(shape=(len(places), *side.shape[1:]), numbers=numbers)


def _judge_one(spec: GuardSpec, wanted: EqualOptions, left: float, right: float) -> GuardResult:
    allowed = max(wanted.relative * abs(right), wanted.absolute)
    same = is_near(left, right, allowed)
    names = pairs.name_sides(spec, "left", "right", "against")
    return result(
        spec,
        Verdict.GREEN if same else Verdict.RED,
        number(left),
        f"{number(right)} ± {number(allowed)}",
        "" if same else f"{names}: {number(left)} is not {number(right)}",
    )


def _judge_rows(
    spec: GuardSpec, wanted: EqualOptions, left: Sequence[float], right: Sequence[float]
) -> GuardResult:
    names = pairs.name_sides(spec, "left", "right", "against")
    if len(right) == 1 != len(left):
        right = list(right) * len(left)
    if len(left) != len(right):
        problem = f"{names}: {len(left):,} numbers are not {len(right):,}"
        expected = f"{len(right):,} numbers"
        return result(spec, Verdict.RED, f"{len(left):,} numbers", expected, problem)
    allowed = max(wanted.relative * max(map(abs, right)), wanted.absolute)
    sides = zip(left, right, strict=True)
    wrong = [i for i, (a, b) in enumerate(sides) if not is_near(a, b, allowed)]
    expected = f"{len(right):,} numbers, each ± {number(allowed)}"
    if not wrong:
        worst = max(abs(a - b) for a, b in zip(left, right, strict=True))
        text = f"{len(left):,} numbers, at most {number(worst)} apart"
        return result(spec, Verdict.GREEN, text, expected)
    first = wrong[0]
    text = f"{len(wrong):,} of {len(left):,} numbers differ"
    place = f"item {first} is {number(left[first])}, not {number(right[first])}"
    return result(spec, Verdict.RED, text, expected, f"{names}: {text}; {place}")


def _centre(side: Series, count: int, width: int) -> Series:
    """Return rows of a width about the mean of each ``count``; the last ones may be fewer."""
    centred: list[float] = []
    for start in range(0, len(side.numbers), count * width):
        group = side.numbers[start : start + count * width]
        columns = [group[column::width] for column in range(width)]
        means = [math.fsum(values) / max(1, len(values)) for values in columns]
        centred += [value - means[i % width] for i, value in enumerate(group)]
    return Series(shape=side.shape, numbers=centred)
