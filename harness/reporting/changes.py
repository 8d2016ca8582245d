"""Two runs side by side: what moved, the largest movement first."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import EvidenceMissingError
from harness.evidence.numerics import numeric_class
from harness.files import read_bounded
from harness.frozen import dataclass
from harness.judgement.golden import store
from harness.judgement.golden.store import GoldenSet, GoldenValue
from harness.records import HubRecord
from harness.verdict import Verdict

_PLAN_LIMIT = 64 << 20


# What counts as one standard deviation of a metric that no golden describes.
_COMMON_SPREAD = math.log(1.1)


@dataclass(frozen=True, slots=True)
class Moved:
    """A metric in both runs; ``ratio`` is after / before, ``None`` where that says nothing.

    ``z`` is where it is now, in standard deviations of its golden from the golden's mean;
    ``shift`` how far it moved, in the same. ``is_broken`` says that a guard of this metric is
    red now and was not before.
    """

    name: str
    before: float | None
    after: float | None
    ratio: float | None
    z: float | None = None
    shift: float | None = None
    is_broken: bool = False

    @property
    def weight(self) -> tuple[bool, float]:
        """How much it matters: broken first, then by the standard deviations it moved.

        Without a golden a tenth counts as one; without either it comes before all others.
        """
        if self.shift is not None:
            return self.is_broken, abs(self.shift)
        if self.ratio is None:
            return self.is_broken, math.inf
        return self.is_broken, abs(math.log(self.ratio)) / _COMMON_SPREAD


@dataclass(frozen=True, slots=True)
class Differs:
    """A named text that is not the same in both runs; ``None`` where it is absent."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that differs between two runs; ``is_comparable`` is about equal datasets.

    ``machine`` says in what their numeric classes differ; nothing where they are one.
    """

    before: str
    after: str
    verdicts: tuple[Verdict, Verdict]
    is_comparable: bool
    machine: str
    metrics: tuple[Moved, ...]
    metrics_same: int
    guards: tuple[Differs, ...]
    stages: tuple[Differs, ...]
    environment: tuple[Differs, ...]
    parameters: tuple[Differs, ...]
    source: tuple[Differs, ...]
    datasets: tuple[Differs, ...]
    artifacts: tuple[Differs, ...]
    files: tuple[Differs, ...] | None


def inputs_of(hub: Path) -> dict[str, str] | None:
    """Read the path and digest of each input from a hub's frozen plan; ``None`` if absent."""
    plan = hub / "plan" / "plan.json"
    try:
        read: Any = json.loads(read_bounded(plan, _PLAN_LIMIT))
    except (OSError, ValueError, RecursionError):
        return None
    inputs = read.get("inputs") if isinstance(read, dict) else None
    if not isinstance(inputs, dict):
        return None
    return {str(path): str(digest) for path, digest in inputs.items()}


def compare(
    before: HubRecord,
    after: HubRecord,
    inputs: tuple[dict[str, str] | None, dict[str, str] | None] = (None, None),
    golden: GoldenSet | None = None,
) -> Changes:
    """Compare two runs; metrics come by what their movement means, the rest by name.

    Args:
        before: The earlier run.
        after: The later one.
        inputs: Path and digest of the input files of both.
        golden: Reference statistics, which turn a movement into standard deviations.
    """
    known = references(golden, after)
    broken = _red_ids(after) - _red_ids(before)
    moved = _moved_metrics(before.metrics, after.metrics, known, broken)
    datasets = _differing_texts(
        {d.role: d.sha256 for d in before.datasets}, {d.role: d.sha256 for d in after.datasets}
    )
    first, second = inputs
    return Changes(
        before=before.run_id,
        after=after.run_id,
        verdicts=(before.verdict, after.verdict),
        is_comparable=not datasets,
        machine=numeric_class.tell_difference(before.environment, after.environment),
        metrics=moved,
        metrics_same=len(set(before.metrics) & set(after.metrics)) - _in_both(moved),
        guards=_differing_texts(
            {g.id: g.verdict.value for g in before.guards},
            {g.id: g.verdict.value for g in after.guards},
        ),
        stages=_differing_texts(
            {s.id: s.outcome for s in before.stages}, {s.id: s.outcome for s in after.stages}
        ),
        environment=_differing_texts(before.environment, after.environment),
        parameters=_differing_texts(before.parameters, after.parameters),
        source=_differing_texts(_source(before), _source(after)),
        datasets=datasets,
        artifacts=_differing_texts(_artifacts(before), _artifacts(after)),
        files=None if first is None or second is None else _differing_texts(first, second),
    )


def _source(record: HubRecord) -> dict[str, str]:
    return {
        "commit": record.stamp.commit,
        "uncommitted changes": record.stamp.diff_sha256 or "none",
        "declaration": record.config_sha256,
        "golden": record.golden_sha256 or "none",
    }


def _artifacts(record: HubRecord) -> dict[str, str]:
    return {artifact.id: artifact.sha256 for artifact in record.artifacts}


def _in_both(moved: tuple[Moved, ...]) -> int:
    return sum(m.before is not None and m.after is not None for m in moved)


def against_golden(golden: GoldenSet, after: HubRecord) -> Changes:
    """Compare a run with the centres of its golden, as far as there are any."""
    known = references(golden, after)
    centres = {name: value.reference for name, value in known.items()}
    numbers = {name: value for name, value in after.metrics.items() if name in known}
    moved = _moved_metrics(centres, numbers, known, _red_ids(after))
    return Changes(
        before="golden",
        after=after.run_id,
        verdicts=(Verdict.GREEN, after.verdict),
        is_comparable=True,
        machine=_tell_other_class(known, after),
        metrics=moved,
        metrics_same=len(set(centres) & set(numbers)) - _in_both(moved),
        guards=(),
        stages=(),
        environment=(),
        parameters=(),
        source=(),
        datasets=(),
        artifacts=(),
        files=None,
    )


def _tell_other_class(known: Mapping[str, GoldenValue], after: HubRecord) -> str:
    """Say in what the class of a golden is not that of a run; of old runs nothing."""
    environments = [value.environment for value in known.values()]
    if not environments or not numeric_class.classes_of(after.environment):
        return ""
    return numeric_class.tell_difference(environments[0], after.environment)


def references(golden: GoldenSet | None, record: HubRecord) -> dict[str, GoldenValue]:
    """Return the golden of each metric of a run that has one for its data and environment."""
    if golden is None:
        return {}
    datasets = {d.role: d.sha256 for d in record.datasets}
    by_metric = {}
    for name in record.metrics:
        try:
            by_metric[name] = golden.lookup(name, record.environment, datasets)
        except EvidenceMissingError:
            continue  # no golden is no z-score, never a guess
    return by_metric


def _red_ids(record: HubRecord) -> frozenset[str]:
    return frozenset(g.metric for g in record.guards if g.metric and g.verdict is Verdict.RED)


def _moved_metrics(
    before: Mapping[str, float],
    after: Mapping[str, float],
    known: Mapping[str, GoldenValue],
    broken: frozenset[str],
) -> tuple[Moved, ...]:
    moves = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            then, now = (_z(value, known.get(name)) for value in (old, new))
            shift = None if then is None or now is None else now - then
            ratio = _ratio(old, new)
            moves.append(Moved(name, old, new, ratio, now, shift, name in broken))
    return tuple(sorted(moves, key=lambda m: m.weight, reverse=True))


def _z(value: float | None, golden: GoldenValue | None) -> float | None:
    """Place a number on the scale of its golden [standard deviations from the mean]."""
    if value is None or golden is None or (golden.scale == "log10" and value <= 0):
        return None
    z = (store.scale(value, golden.scale) - golden.mean) / golden.sd
    return z if math.isfinite(z) else None


def _ratio(old: float | None, new: float | None) -> float | None:
    """Return new / old where both are finite, not zero and of one sign."""
    if old is None or new is None or not math.isfinite(old) or not math.isfinite(new):
        return None
    if old == 0 or new == 0 or (old < 0) != (new < 0):
        return None
    ratio = new / old
    return ratio if 0 < ratio < math.inf else None


def _differing_texts(
    before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[Differs, ...]:
    names = numeric_class.sort_first(sorted({*before, *after}))
    return tuple(
        Differs(name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    )
