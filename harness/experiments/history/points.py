"""Sealed runs of a suite in, one series per metric and kind of run out.

Only hubs that are as they were sealed count, in the order of the ledgers. What was left out is
named: damage, runs whose hub is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from harness.config.project import Project
from harness.errors import HarnessError
from harness.evidence.hub import stamp
from harness.evidence.hub.store import HubStore
from harness.frozen import dataclass
from harness.judgement.proof_cache import ProofCache
from harness.records import GuardResult, HubRecord
from harness.reporting.website import rows
from harness.verdict import Verdict

_SEED = "seed"
_RESOURCE = "resource"  # kind of the guards of time and memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A sealed run as a history needs it."""

    hub: Path
    record: HubRecord

    @property
    def run_id(self) -> str:
        """Its run id."""
        return self.record.run_id

    @property
    def is_clean(self) -> bool:
        """Whether a commit holds what ran, so that it can be run again."""
        return not self.record.stamp.dirty and self.record.stamp.commit != stamp.NONE

    @property
    def seed(self) -> str:
        """The seed it was given; empty for suites without one."""
        return self.record.parameters.get(_SEED, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One number of one run; ``is_red`` keeps it out of every baseline."""

    run: Run
    value: float
    is_red: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A metric over comparable runs, oldest first; ``guards`` are the ids that read it.

    ``is_machine`` marks times and memory: runs that follow each other on a busy machine are
    alike, so that their levels shift by chance far more often than those of answers.
    """

    suite: str
    metric: str
    group: str
    guards: tuple[str, ...]
    points: tuple[Point, ...]
    is_machine: bool = False

    @property
    def baseline(self) -> tuple[Point, ...]:
        """The points that may be a baseline."""
        return tuple(point for point in self.points if not point.is_red)

    @property
    def mark(self) -> str:
        """What names the group in the ledger: its digest."""
        return self.group.rpartition(" ")[2]

    def is_named(self, words: str) -> bool:
        """Say whether a user means this series."""
        return words == self.metric or words in self.guards


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSeries:
    """The series of a suite, and what is not in them: damaged hubs by name, hubs gone."""

    series: tuple[Series, ...]
    damaged: Mapping[str, str] = field(default_factory=dict)
    gone: int = 0


def read_series(project: Project, suite: str) -> StoredSeries:
    """Read the guarded numbers of all sealed runs of a suite.

    Raises:
        IntegrityError: A ledger is damaged.
    """
    store, proved = HubStore(project.hubs, project.work), ProofCache(project)
    sealed = store.runs()
    runs, damaged = [], dict[str, str]()
    for hub in store.hubs(suite):
        if (subject := f"{hub.parent.name}/{hub.name}") not in sealed:
            continue  # a run that was cut short, or still goes on
        if damage := proved.damage_of(hub, sealed):
            damaged[subject] = damage
            continue
        try:
            runs.append(Run(hub=hub, record=store.read(hub)))
        except HarnessError as error:
            damaged[subject] = f"{error.where}: {error.found}"
    proved.save()
    mine = [run for run in sealed.values() if run.suite == suite]
    gone = sum(not (project.hubs / run.subject).is_dir() for run in mine)
    return StoredSeries(series=_part_runs(suite, runs), damaged=damaged, gone=gone)


def _part_runs(suite: str, runs: list[Run]) -> tuple[Series, ...]:
    points: dict[tuple[str, str], list[Point]] = {}
    guards: dict[tuple[str, str], dict[str, str]] = {}
    for run in runs:
        group = rows.group(run.record)
        for metric, results in _results(run.record).items():
            is_red = any(result.verdict is Verdict.RED for result in results)
            is_red = is_red or run.record.verdict is Verdict.RED
            value = next(result.value for result in results if result.value is not None)
            key = (group, metric)
            points.setdefault(key, []).append(Point(run=run, value=value, is_red=is_red))
            guards.setdefault(key, {}).update({r.id: r.kind for r in results})
    return tuple(
        Series(
            suite=suite,
            metric=metric,
            group=group,
            guards=tuple(guards[group, metric]),
            points=tuple(several),
            is_machine=set(guards[group, metric].values()) == {_RESOURCE},
        )
        for (group, metric), several in points.items()
    )


def _results(record: HubRecord) -> dict[str, list[GuardResult]]:
    """Return the guards that saw a number, by metric; one without a metric is its own."""
    by_metric: dict[str, list[GuardResult]] = {}
    for result in record.guards:
        if result.value is not None:
            by_metric.setdefault(result.metric or result.id, []).append(result)
    return by_metric
