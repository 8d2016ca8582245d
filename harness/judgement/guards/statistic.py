"""Kind ``statistic``: what was reported of an array, computed from the array again."""

from __future__ import annotations

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.frozen import dataclass
from harness.judgement.guards import blocks, metrics, options, pairs, series
from harness.judgement.guards.base import Evidence, Golden, is_near, number, result
from harness.judgement.guards.series import Series
from harness.records import GuardResult
from harness.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticOptions:
    """The parameters of kind ``statistic``."""

    reported: str = key(
        "Path expression of the number, or of a small map of numbers.", is_metric=True
    )
    array: str = key("Path expression of the array of rows and columns.", is_metric=True)
    weights: str | None = key(
        "Path expression of an array of its shape: what each pixel weighs, as a mask does.",
        default=None,
        is_metric=True,
    )
    statistic: str = key("What was reported.", default="mean", choices=tuple(blocks.STATISTICS))
    relative: float = key(
        "Tolerance as a share of the largest number that the array gives.", default=1e-5, low=0
    )
    missing: str = pairs.declare_missing()


class StatisticGuard:
    """What is ``reported`` of an ``array`` is what the array gives when it is computed again.

    A number is of the whole array. A map of numbers is of its blocks: as many along each side
    as the map has rows and columns, block i of n on a side of length L beginning at i · L / n,
    rounded down. Where nothing weighs the statistic is zero.
    """

    kind = "statistic"
    options = StatisticOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require readable paths."""
        wanted = options.read(StatisticOptions, spec)
        for expression in filter(None, (wanted.reported, wanted.array, wanted.weights)):
            metrics.parse(expression)

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red when a number is not what its block gives."""
        wanted = options.read(StatisticOptions, spec)
        paths = (wanted.reported, wanted.array, wanted.weights)
        note = pairs.note_missing(spec, evidence, wanted.missing, *paths, find=series.find)
        if note is not None:
            return note
        reported = series.take_plane(evidence, wanted.reported)
        array = series.take_plane(evidence, wanted.array)
        weights = Series(shape=array.shape, numbers=(1.0,) * len(array.numbers))
        if wanted.weights is not None:
            weights = series.take_plane(evidence, wanted.weights)
        if problem := _misfit(reported, array, weights):
            return result(spec, Verdict.RED, problem, "maps that fit each other", problem)
        compute = blocks.STATISTICS[wanted.statistic]
        parts = blocks.split(array.shape, reported.shape, array.numbers, weights.numbers)
        again = [compute(*part) for part in parts]
        allowed = wanted.relative * max(map(abs, again))
        pairs_ = list(zip(reported.numbers, again, strict=True))
        expected = f"{wanted.statistic} of {wanted.array} ± {number(allowed)}"
        if wrong := [(a, b) for a, b in pairs_ if not is_near(a, b, allowed)]:
            text = f"{number(wrong[0][0])} reported, {number(wrong[0][1])} in the array"
            count = f"{len(wrong)} of {len(again)} differ: " if len(again) > 1 else ""
            reason = f"{wanted.reported}: {count}{text}"
            return result(spec, Verdict.RED, count + text, expected, reason)
        text = number(again[0]) if len(again) == 1 else f"{len(again)} numbers"
        return result(spec, Verdict.GREEN, text, expected)


def _misfit(reported: Series, array: Series, weights: Series) -> str:
    """Say why maps do not fit each other; empty where they do."""
    if weights.shape != array.shape:
        return f"weights of shape {list(weights.shape)} for {list(array.shape)}"
    if any(n > m or not n for n, m in zip(reported.shape, array.shape, strict=True)):
        return f"a map of shape {list(reported.shape)} of an array of {list(array.shape)}"
    return ""
