"""Two runs of one commit in; out, how near the second answer comes to the first.

What was claimed is compared and not what was measured on the way: artifacts, tests, verdicts
and what they were made from. Times of a run are its own; they are left out, unless a guard
judges them. A number that differs by more than rounding is excused only by a tolerance that the
hub's own golden states; a floor or a ceiling is none: between them anything can be typed in.

Source: design of the harness, section 11 (answer classes).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness import identifiers
from harness.errors import HarnessError
from harness.evidence.hub import digest, plan
from harness.frozen import dataclass
from harness.records import ArtifactRecord, GuardResult, HubRecord
from harness.verdict import AnswerClass

# Eight units in the last place of a single-precision number, the coarsest that suites report.
ROUNDING = 8 * 2.0**-23
_TEXT_LIMIT = 16 << 20
_GOLDEN = "golden"
_OWN_TIME = ("seconds", "duration", "elapsed")
_RUN = "<run>"


_ORDER = tuple(AnswerClass)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that differs: what it is, what the hub says, what the rerun gave."""

    what: str
    claimed: str
    found: str
    answer: AnswerClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A sealed run: its hub, its record, and the project that external artifacts lie below."""

    hub: Path
    record: HubRecord
    root: Path


def compare_runs(claimed: Run, again: Run) -> tuple[AnswerClass, tuple[Finding, ...]]:
    """Class a rerun against the run that was sealed.

    Raises:
        HarnessError: A plan cannot be read.
    """
    findings = [
        *_compare_basis(claimed, again),
        *_compare_stages(claimed.record, again.record),
        *_compare_guards(claimed.record, again.record),
        *_compare_artifacts(claimed, again),
    ]
    worst = max((f.answer for f in findings), key=_ORDER.index, default=AnswerClass.IDENTICAL)
    return worst, tuple(findings)


def _find_change(what: str, claimed: object, again: object) -> Finding:
    return Finding(
        what=what, claimed=str(claimed), found=str(again), answer=AnswerClass.CHANGED
    )


def _compare_basis(claimed: Run, again: Run) -> Iterator[Finding]:
    """Hold what both were made from together: code, rules, golden, data."""
    was, now = plan.read_plan(claimed.hub), plan.read_plan(again.hub)
    pairs = {
        "declaration": (plan.suite_sha256(was.suite), plan.suite_sha256(now.suite)),
        "golden": (was.golden_sha256, now.golden_sha256),
    }
    for word, (one, two) in pairs.items():
        if one != two:
            yield _find_change(f"{word} of the commit", _short(one), _short(two))
    if was.inputs_meaning == now.inputs_meaning:
        for path in sorted(was.inputs.keys() | now.inputs.keys()):
            one, two = was.inputs.get(path), now.inputs.get(path)
            if one != two:
                yield _find_change(f"input {path}", _short(one), _short(two))
    old = {d.role: d.sha256 for d in claimed.record.datasets}
    new = {d.role: d.sha256 for d in again.record.datasets}
    for role in sorted(old.keys() | new.keys()):
        if old.get(role) != new.get(role):
            yield _find_change(f"dataset {role}", _short(old.get(role)), _short(new.get(role)))


def _compare_stages(claimed: HubRecord, again: HubRecord) -> Iterator[Finding]:
    was = {stage.id: stage for stage in claimed.stages}
    now = {stage.id: stage for stage in again.stages}
    for name in dict.fromkeys([*was, *now]):
        one, two = was.get(name), now.get(name)
        if one is None or two is None:
            yield _find_change(f"stage {name}", _there(one), _there(two))
        elif one.outcome != two.outcome:
            yield _find_change(f"stage {name}", one.outcome, two.outcome)
        elif one.tests != two.tests:
            yield _find_change(f"tests of stage {name}", _counts(one.tests), _counts(two.tests))


def _compare_guards(claimed: HubRecord, again: HubRecord) -> Iterator[Finding]:
    """Compare verdicts; a guard of the machine's time or memory may fall otherwise."""
    was = {guard.id: guard for guard in claimed.guards}
    now = {guard.id: guard for guard in again.guards}
    for name in dict.fromkeys([*was, *now]):
        one, two = was.get(name), now.get(name)
        if one is None and two is not None and two.kind == "default":
            continue  # this harness judges by default what an older one did not
        if one is None or two is None:
            yield _find_change(f"guard {name}", _there(one), _there(two))
        elif one.verdict is not two.verdict and one.kind != "resource":
            yield _find_change(f"guard {name}", one.verdict, two.verdict)


def _compare_artifacts(claimed: Run, again: Run) -> Iterator[Finding]:
    was = {artifact.id: artifact for artifact in claimed.record.artifacts}
    now = {artifact.id: artifact for artifact in again.record.artifacts}
    for name in dict.fromkeys([*was, *now]):
        one, two = was.get(name), now.get(name)
        if one is None or two is None:
            yield _find_change(f"artifact {name}", _there(one), _there(two))
        elif one.sha256 != two.sha256:
            yield from _compare_contents(claimed, again, one, two)


def _compare_contents(
    claimed: Run, again: Run, one: ArtifactRecord, two: ArtifactRecord
) -> Iterator[Finding]:
    """Compare the numbers of two artifacts whose bytes differ."""
    what = f"artifact {one.id}"
    was, now = _leaves(claimed, one), _leaves(again, two)
    if was is None or now is None:
        yield _find_change(what, _short(one.sha256), _short(two.sha256))
        return
    judged = [g.metric for g in claimed.record.guards if g.metric and f"{one.id}:" in g.metric]
    apart = [
        key
        for key in dict.fromkeys([*was, *now])
        if was.get(key) != now.get(key) and not _is_own_time(key, (was, now), judged)
    ]
    if not apart:
        return
    key = next((key for key in apart if not _is_near(was.get(key), now.get(key))), apart[0])
    words = {"what": f"{what}: {key}", "claimed": _tell(was, key), "found": _tell(now, key)}
    if _is_near(was.get(key), now.get(key)):
        yield Finding(**words, answer=AnswerClass.ROUNDING)
    elif _is_tolerated(one.id, claimed.record, again.record):
        yield Finding(**words, answer=AnswerClass.STATISTICAL)
    else:
        yield Finding(**words, answer=AnswerClass.CHANGED)


def _is_tolerated(artifact: str, claimed: HubRecord, again: HubRecord) -> bool:
    """Say whether goldens judge the artifact, and both answers lie within all of them."""
    now = {guard.id: guard.value for guard in again.guards}
    stated = [
        guard
        for guard in claimed.guards
        if guard.kind == _GOLDEN and guard.metric and f"{artifact}:" in guard.metric
    ]
    return bool(stated) and all(
        _is_inside(guard, guard.value) and _is_inside(guard, now.get(guard.id))
        for guard in stated
    )


def _is_inside(guard: GuardResult, value: float | None) -> bool:
    if value is None or (guard.low is None and guard.high is None):
        return False
    is_above = guard.low is None or guard.low <= value
    return is_above and (guard.high is None or value <= guard.high)


def _is_near(one: Any, two: Any) -> bool:
    """Say whether two leaves are one number but for rounding."""
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    if not isinstance(one, int | float) or not isinstance(two, int | float):
        return bool(one == two)
    return abs(one - two) <= ROUNDING * max(abs(one), abs(two))


def _is_own_time(
    key: str, both: tuple[Mapping[str, Any], Mapping[str, Any]], judged: list[str]
) -> bool:
    """Say whether a leaf is a time of the run itself, which no guard judges."""
    one, two = (leaves.get(key) for leaves in both)
    if isinstance(one, str) and isinstance(two, str):
        return identifiers.is_instant(one) and identifiers.is_instant(two)
    name = key.rpartition(".")[2]
    is_time = name.endswith(("_s", *_OWN_TIME)) or name in _OWN_TIME
    return is_time and not any(name in metric for metric in judged)


def _leaves(run: Run, artifact: ArtifactRecord) -> dict[str, Any] | None:
    """Read the values of a text artifact by their place; None where it holds no such text.

    The run's id, which stands in the paths that a stage is told, is the same word in both.
    """
    path = (run.root if artifact.external else run.hub) / artifact.path
    try:
        text = digest.read_bytes(path, _TEXT_LIMIT).decode()
        text = text.replace(run.record.run_id, _RUN)
        if path.suffix == ".csv":
            rows = enumerate(csv.reader(io.StringIO(text)))
            return {f"[{i}].{j}": _number(v) for i, row in rows for j, v in enumerate(row)}
        return dict(_flat("", json.loads(text)))
    except (HarnessError, ValueError, RecursionError, csv.Error):
        return None


def _flat(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _flat(f"{place}.{name}" if place else str(name), item)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _flat(f"{place}[{index}]", item)
    else:
        yield place, value


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _tell(leaves: Mapping[str, Any], key: str) -> str:
    return str(leaves[key])[:80] if key in leaves else "nothing"


def _short(sha256: str | None) -> str:
    return f"{sha256[:12]}…" if sha256 else "none"


def _there(value: object) -> str:
    return "nothing" if value is None else "one"


def _counts(tests: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(tests.items())) or "none"
