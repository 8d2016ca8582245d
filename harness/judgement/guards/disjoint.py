"""Kind ``disjoint``: two sets of things that share nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.frozen import dataclass
from harness.judgement.guards import metrics, options, pairs
from harness.judgement.guards.base import Evidence, Golden, result
from harness.records import GuardResult
from harness.verdict import Verdict

_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DisjointOptions:
    """The parameters of kind ``disjoint``."""

    left: str = key("Path expression of numbers or texts, or lists of them.", is_metric=True)
    right: str = key("Path expression of those that must be others.", is_metric=True)
    missing: str = pairs.declare_missing()


class DisjointGuard:
    """No item of ``left`` is one of ``right``: training and test data, for instance.

    An item is what identifies a thing: its index, its name, its digest, or its content.
    """

    kind = "disjoint"
    options = DisjointOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require two readable paths."""
        wanted = options.read(DisjointOptions, spec)
        metrics.parse(wanted.left)
        metrics.parse(wanted.right)

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red when an item is on both sides; an empty side proves nothing."""
        wanted = options.read(DisjointOptions, spec)
        note = pairs.note_missing(spec, evidence, wanted.missing, wanted.left, wanted.right)
        if note is not None:
            return note
        left, right = (_collect(evidence, path) for path in (wanted.left, wanted.right))
        common = left & right
        expected = f"none of the {len(right):,} of {wanted.right}"
        if not common:
            return result(spec, Verdict.GREEN, f"{len(left):,}, none of them common", expected)
        named = ", ".join(sorted(map(str, common))[:_NAMED])
        text = f"{len(common):,} of {len(left):,} are in both"
        return result(spec, Verdict.RED, text, expected, f"{text}: {named}")


def _collect(evidence: Evidence, expression: str) -> frozenset[float | str]:
    """Return the items of a side.

    Raises:
        MetricError: There is none, or one that is neither number nor text.
    """
    items = frozenset(_walk(metrics.find(evidence, expression), expression))
    if not items:
        raise metrics.missing_error(expression, "an empty list", "at least one item")
    return items


def _walk(value: Any, expression: str) -> Iterator[float | str]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, expression)
    elif isinstance(value, str):
        yield value
    else:
        number = metrics.to_number(expression, value)
        if not math.isfinite(number):  # NaN is no item of any list, not even of its own
            raise metrics.missing_error(expression, str(number), "items that are finite")
        yield number
