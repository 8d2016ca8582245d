"""Two runs to at most three suspects, each with its evidence; none where nothing stands out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.config.project import Project
from harness.errors import HarnessError
from harness.evidence.hub.causes import list_failed_tests, tail
from harness.evidence.hub.store import HubStore
from harness.evidence.numerics import numeric_class
from harness.experiments.explain import curves, likeness, source
from harness.experiments.explain.curves import Departure
from harness.experiments.explain.likeness import Likeness
from harness.experiments.explain.source import ChangedFile
from harness.frozen import dataclass
from harness.judgement import causes
from harness.records import CauseRecord, HubRecord
from harness.reporting import changes
from harness.reporting.changes import Changes, Moved
from harness.verdict import Verdict

_MOST, _TAIL = 3, 256 << 10
_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class Suspect:
    """What may be at fault, and why it is thought so."""

    what: str
    evidence: tuple[str, ...]
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What can be told of a run that is not green; ``base`` is the green run before it.

    ``machine`` says in what the numeric classes of both differ; nothing where they are one.
    """

    record: HubRecord
    base: HubRecord | None
    machine: str
    causes: tuple[CauseRecord, ...]
    changes: Changes | None
    files: tuple[ChangedFile, ...]
    moved: tuple[tuple[str, Moved], ...]
    departures: tuple[Departure, ...]
    tests: tuple[str, ...]
    drills: tuple[Likeness, ...]
    suspects: tuple[Suspect, ...]


def explain(project: Project, hub: Path) -> Explanation:
    """Explain a run against the last green one of its suite with equal data and machine.

    Raises:
        HarnessError: The hub cannot be read.
    """
    store = HubStore(project.hubs, project.work)
    record = store.read(hub)
    before = find_base(store, hub, record)
    base = None if before is None else store.read(before)
    compared = None if base is None else changes.compare(base, record)
    files = () if before is None else source.list_changed(project.root, before, hub)
    logs = _read_logs(hub, record)
    tests = list_failed_tests(record, hub)
    suite = project.suites.get(record.suite)
    likely = () if suite is None else likeness.compare_drills(project, suite, record, tests)
    return Explanation(
        record=record,
        base=base,
        machine="" if compared is None else compared.machine,
        causes=causes.causes_of(record),
        changes=compared,
        files=files,
        moved=() if compared is None else _order_moved(record, compared.metrics),
        departures=_depart(before, base, hub, record),
        tests=tests,
        drills=likely[:_MOST],
        suspects=_rank(files, compared, logs, likely),
    )


def _depart(
    before: Path | None, base: HubRecord | None, hub: Path, record: HubRecord
) -> tuple[Departure, ...]:
    if before is None or base is None:
        return ()
    return curves.find_departures(before, base, hub, record)


def find_base(store: HubStore, hub: Path, record: HubRecord) -> Path | None:
    """Return the last green hub before a run with the same data, parameters and machine.

    Where every such run was on a machine of another numeric class, it is the last of those.
    """
    elsewhere = None
    for other in reversed(store.hubs(record.suite)):
        if other.name >= hub.name:
            continue
        try:
            candidate = store.read(other)
        except HarnessError:
            continue
        same = (
            candidate.datasets == record.datasets and candidate.parameters == record.parameters
        )
        if candidate.verdict is not Verdict.GREEN or not same:
            continue
        if candidate.environment == record.environment:
            return other
        if elsewhere is None and _strip_class(candidate) == _strip_class(record):
            elsewhere = other
    return elsewhere


def _strip_class(record: HubRecord) -> dict[str, str]:
    """Return the environment of a run but for the numeric class of its machine."""
    ignored = ("cpu_count",)  # how many threads compute is told by the class
    return {
        key: value
        for key, value in record.environment.items()
        if key not in ignored and not numeric_class.is_numeric(key)
    }


def _order_moved(record: HubRecord, metrics: Sequence[Moved]) -> tuple[tuple[str, Moved], ...]:
    """Order what moved along the pipeline: the stage that wrote it, then how much it moved.

    A number that is not there did not move: the cause says which stage or file is missing.
    """
    makers = {artifact.id: artifact.stage for artifact in record.artifacts}
    order = [stage.id for stage in record.stages]

    def stage_of(moved: Moved) -> str:
        return next((s for a, s in makers.items() if f"{a}:" in moved.name), "")

    by_stage = [(stage_of(moved), moved) for moved in metrics if moved.after is not None]
    return tuple(
        sorted(
            by_stage, key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order)
        )
    )


def _read_logs(hub: Path, record: HubRecord) -> tuple[str, ...]:
    return tuple(
        tail(hub / stage.log, _TAIL)
        for stage in record.stages
        if stage.verdict is Verdict.RED and stage.log
    )


def _rank(
    files: Iterable[ChangedFile],
    compared: Changes | None,
    logs: Sequence[str],
    likely: Sequence[Likeness],
) -> tuple[Suspect, ...]:
    """Rank what changed by how much speaks against it; what did not change is no suspect."""
    files = tuple(files)
    alike = [one for one in likely[:_MOST] if one.share >= _ALIKE]
    suspects = []
    for file in files:
        weight, reasons = 1, ["it changed since the last green run"]
        if len(files) == 1:
            weight, reasons = 2, ["it is the only file that changed since the last green run"]
        if any(file.path in log for log in logs):
            weight += 2
            reasons.append("the log of what failed passes through it")
        for one in (one for one in alike if file.path in one.files):
            weight += 1
            reasons.append(f"the drill {one.drill} plants its defect there")
        functions = f": {', '.join(file.functions[:4])}" if file.functions else ""
        suspects.append(Suspect(file.path + functions, tuple(reasons), weight))
    if compared is not None and any(d.name == "harness.toml" for d in compared.source):
        words = "the suite's declaration changed since the last green run"
        suspects.append(Suspect("harness.toml", (words,), 2 if not files else 1))
    if not suspects and alike and alike[0].share == 1.0:
        words = f"all that is red is what the drill {alike[0].drill} turns red"
        suspects = [Suspect(path, (words,), 1) for path in alike[0].files]
    suspects.sort(key=lambda one: one.weight, reverse=True)
    # Many changes of which none stands out are no answer.
    stands_out = [one for one in suspects if one.weight > 1] or suspects
    return tuple(stands_out[:_MOST]) if len(stands_out) <= _MOST * 2 else ()
