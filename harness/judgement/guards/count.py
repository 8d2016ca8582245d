"""Kind ``count``: how many records there are, and that no two are the same one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.frozen import dataclass
from harness.judgement.guards import metrics, options
from harness.judgement.guards.base import Evidence, Golden, interval, result
from harness.records import GuardResult
from harness.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class CountOptions:
    """The parameters of kind ``count``."""

    records: str = key("Path expression of the records.", is_metric=True)
    equals: int | None = key("Exact number of records.", default=None)
    min: int | None = key("Least number of records.", default=None)
    max: int | None = key("Largest number of records.", default=None)
    unique_by: tuple[str, ...] | None = key(
        "Keys that together identify a record; no identity may occur twice.", default=None
    )
    distinct: bool = key("No two records may hold the same statistics.", default=False)


class CountGuard:
    """Records that a path matches: ``equals``, or ``min`` and ``max``, of them.

    ``unique_by`` names the keys that identify a record; ``distinct`` asks that no two
    records hold the same statistics, those being their numbers with a fraction part.
    """

    kind = "count"
    options = CountOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require a readable path and something to hold it to."""
        wanted = options.read(CountOptions, spec)
        options.one_of(spec, ("equals", "min", "max", "unique_by", "distinct"))
        options.require_order(spec)
        metrics.parse(wanted.records)

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red for another number of records and for two that are the same one."""
        wanted = options.read(CountOptions, spec)
        records = _records(evidence, wanted.records)
        low = wanted.min if wanted.equals is None else wanted.equals
        high = wanted.max if wanted.equals is None else wanted.equals
        count, problem = len(records), ""
        if (low is not None and count < low) or (high is not None and count > high):
            problem = f"{count} records"
        elif wanted.unique_by is not None:
            problem = twice(records, wanted.unique_by)
        if not problem and wanted.distinct:
            problem = same_statistics(records)
        expected = (
            "distinct records" if low is None and high is None else _expected_text(low, high)
        )
        verdict = Verdict.RED if problem else Verdict.GREEN
        return result(spec, verdict, f"{count} records", expected, problem)


def twice(records: Sequence[Any], keys: Sequence[str]) -> str:
    """Say which identity occurs more than once, or return an empty string."""
    counts = Counter(
        json.dumps([record.get(key) for key in keys])
        for record in records
        if isinstance(record, dict)
    )
    for identity, count in counts.most_common(1):
        if count > 1:
            names = ", ".join(keys)
            return f"{count} records have ({names}) = {identity}"
    return ""


def same_statistics(records: Sequence[Any]) -> str:
    """Say which two records hold the same statistics, or return an empty string."""
    seen: dict[str, int] = {}
    for index, record in enumerate(records):
        numbers = fractions(record)
        if not numbers:
            continue
        first = seen.setdefault(json.dumps(numbers), index)
        if first != index:
            return f"records {first} and {index} hold the same statistics"
    return ""


def fractions(record: Any) -> list[float]:
    """Return the floating numbers at the top of a record, in the order of their keys."""
    if not isinstance(record, dict):
        return []
    return [value for _, value in sorted(record.items()) if isinstance(value, float)]


def _records(evidence: Evidence, expression: str) -> list[Any]:
    try:
        return metrics.find(evidence, expression)
    except metrics.TooManyError:
        raise  # how many there are is not known
    except metrics.MetricError:
        artifact, _ = metrics.parse(expression)
        # An artifact that is there and holds no such record has zero of them.
        if artifact in evidence.artifacts and isinstance(
            metrics.read_root(evidence, artifact), list
        ):
            return []
        raise


def _expected_text(low: int | None, high: int | None) -> str:
    return f"{low} records" if low == high else f"{interval(low, high)} records"
