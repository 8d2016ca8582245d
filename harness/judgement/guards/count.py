"""Kind ``count``: how many records there are, and that no two are the same one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from harness.config.project import GuardSpec
from harness.judgement.guards import metrics, options
from harness.judgement.guards.base import Evidence, Golden, interval, result
from harness.judgement.guards.options import Option
from harness.records import GuardResult
from harness.verdict import Verdict

IDENTITY = ("phase", "epoch", "batch_idx")


class CountGuard:
    """Records that a path matches: ``equals``, or ``min`` and ``max``, of them.

    ``unique_by`` names the keys that identify a record; ``distinct`` asks that no two
    records hold the same statistics, those being their numbers with a fraction part.
    """

    kind = "count"
    options = (
        Option("records", required=True),
        Option("equals", "integer"),
        Option("min", "integer"),
        Option("max", "integer"),
        Option("unique_by", "texts"),
        Option("distinct", "flag"),
    )

    def check_spec(self, spec: GuardSpec) -> None:
        """Require a readable path and something to hold it to."""
        options.check(spec, self.options)
        options.one_of(spec, ("equals", "min", "max", "unique_by", "distinct"))
        options.ordered(spec)
        metrics.parse(spec.options["records"])

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red for another number of records and for two that are the same one."""
        choices: dict[str, Any] = spec.options
        records = _records(evidence, choices["records"])
        low = choices.get("equals", choices.get("min"))
        high = choices.get("equals", choices.get("max"))
        count, trouble = len(records), ""
        if (low is not None and count < low) or (high is not None and count > high):
            trouble = f"{count} records"
        elif "unique_by" in choices:
            trouble = twice(records, choices["unique_by"])
        if not trouble and choices.get("distinct"):
            trouble = same_statistics(records)
        expected = "distinct records" if low is None and high is None else _expected(low, high)
        verdict = Verdict.RED if trouble else Verdict.GREEN
        return result(spec, verdict, f"{count} records", expected, trouble)


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
        if artifact in evidence.artifacts and isinstance(evidence.json(artifact), list):
            return []
        raise


def _expected(low: int | None, high: int | None) -> str:
    return f"{low} records" if low == high else f"{interval(low, high)} records"
