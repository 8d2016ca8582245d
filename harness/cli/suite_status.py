"""Where a suite stands: its last run, whether that still counts, what is open, what to type."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from harness.cli import resolve
from harness.config.project import Project
from harness.errors import HarnessError, IntegrityError
from harness.evidence.hub import starts
from harness.evidence.hub.blockers import Blocker, Register
from harness.evidence.hub.inputs import DigestCache
from harness.evidence.hub.ledgers import SealedRun
from harness.evidence.hub.metrics_cache import MetricsCache
from harness.evidence.hub.starts import UnsealedRun
from harness.evidence.hub.store import HubStore
from harness.frozen import dataclass
from harness.judgement import freshness
from harness.judgement.freshness import Cause, Freshness
from harness.judgement.golden import digest as golden_digest
from harness.judgement.proof_cache import ProofCache
from harness.records import HubRecord
from harness.verdict import Verdict

TREND_RUNS = 12
_TRENDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A guarded number over the last runs, oldest first; runs without it are left out."""

    guard: str
    verdict: Verdict
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteStatus:
    """Where one suite stands; without a readable run there is no record.

    ``problem`` is set when the newest hub is not as it was sealed, ``gone`` when the newest
    run was not green and its hub is not here any more: its seal counts all the same.
    ``unsealed`` are the runs that began after the last seal and have none themselves.
    """

    suite: str
    hub: str | None
    record: HubRecord | None
    causes: tuple[Cause, ...]
    accepted: tuple[Cause, ...] = ()
    blockers: tuple[Blocker, ...]
    trends: tuple[Trend, ...]
    problem: str | None
    next_command: str
    gone: SealedRun | None = None
    unsealed: tuple[UnsealedRun, ...] = ()

    @property
    def exit_code(self) -> int:
        """Exit code that this standing is worth: a stale green is missing evidence."""
        if self.problem is not None:
            return IntegrityError.exit_code
        if self.gone is not None:
            is_red = self.gone.verdict == Verdict.RED.value
            return (Verdict.RED if is_red else Verdict.INCONCLUSIVE).exit_code
        if self.record is None:
            return Verdict.INCONCLUSIVE.exit_code
        if self.record.verdict is Verdict.GREEN and self.causes:
            return Verdict.INCONCLUSIVE.exit_code
        return self.record.verdict.exit_code


def of_project(
    project: Project, now: freshness.Now, only: Collection[str] = ()
) -> tuple[SuiteStatus, ...]:
    """Say where every declared suite stands, and every suite that left hubs.

    Args:
        project: The project.
        now: What evidence is compared with.
        only: Suites to look at; all without it.

    Raises:
        IntegrityError: The register of blockers is damaged.
    """
    store, cache = resolve.store(project), freshness.cache_of(project)
    metrics_cache, proved = (
        MetricsCache(project.work / "cache" / "trends.json"),
        ProofCache(project),
    )
    open_blockers = [b for b in Register(project.hubs).entries() if b.status == "open"]
    left = dict.fromkeys([*store.suites(), *(run.suite for run in store.runs().values())])
    names = [*project.suites, *(name for name in left if name not in project.suites)]
    statuses = []
    for name in names:
        if only and name not in only:
            continue
        hubs = store.hubs(name)
        if name in project.suites or hubs:
            mine = tuple(b for b in open_blockers if name in b.suites)
            today = (now, cache, metrics_cache, proved)
            statuses.append(_suite_status(project, name, (store, hubs), mine, today))
    # With some suites left out, their numbers were not asked for and would be forgotten.
    if not only:
        metrics_cache.save()
    proved.save()
    return tuple(statuses)


def _suite_status(
    project: Project,
    name: str,
    stored: tuple[HubStore, list[Path]],
    blockers: tuple[Blocker, ...],
    today: tuple[freshness.Now, DigestCache, MetricsCache, ProofCache],
) -> SuiteStatus:
    store, hubs = stored
    last = hubs[-1] if hubs else None
    record, problem = _newest(store, last, today[3])
    state = Freshness(causes=())
    if last is not None and record is not None:
        state = _freshness(project, last, record, today[:2])
    place = None if last is None else resolve.relative_place(last, project)
    return SuiteStatus(
        suite=name,
        hub=place,
        record=record,
        causes=state.causes,
        accepted=state.accepted,
        blockers=blockers,
        trends=_trends(record, hubs[-TREND_RUNS:], today[2]),
        problem=problem,
        gone=store.newest_gone(name),
        unsealed=starts.list_unsealed(store.read_runs().late.get(name, ()), project.work),
        next_command=_next(name, record, state.causes, blockers, place)
        if name in project.suites
        else f"harness verify --hub {place} --allow-stale",
    )


def _freshness(
    project: Project,
    hub: Path,
    record: HubRecord,
    today: tuple[freshness.Now, DigestCache],
) -> Freshness:
    """Compare a hub with the work tree and with the golden of today."""
    now, cache = today
    try:
        digest = golden_digest.digest_goldens(project.goldens(record.suite))
    except HarnessError as error:
        damaged = f"the golden cannot be read: {error.where}: {error.found}"
        return Freshness(causes=(Cause(kind="golden", what=damaged, cure=error.remedy),))
    known = replace(now, golden_sha256=digest, is_golden_known=True)
    return freshness.check(project, hub, record, known, cache)


def _newest(
    store: HubStore, hub: Path | None, proved: ProofCache
) -> tuple[HubRecord | None, str | None]:
    """Read the newest run; should it not be as it was sealed, say why."""
    if hub is None:
        return None, None
    if damage := proved.damage_of(hub, store.runs()):
        return None, damage
    try:
        return store.read(hub), None
    except HarnessError as error:
        return None, f"{error.where}: {error.found}"


def _trends(last: HubRecord | None, hubs: list[Path], cache: MetricsCache) -> tuple[Trend, ...]:
    """Follow the guards of the last run; those that are not green come first."""
    if last is None:
        return ()
    numbers = [guard for guard in last.guards if guard.value is not None]
    # False sorts before True: what is red gets a place among the few that are drawn.
    numbers.sort(key=lambda guard: guard.verdict is Verdict.GREEN)
    runs = [cache.numbers(hub) for hub in hubs]
    trends = []
    for guard in numbers[:_TRENDS]:
        values = tuple(run[guard.id] for run in runs if guard.id in run)
        trends.append(Trend(guard=guard.id, verdict=guard.verdict, values=values))
    return tuple(trends)


def _next(
    suite: str,
    record: HubRecord | None,
    causes: tuple[Cause, ...],
    blockers: tuple[Blocker, ...],
    hub: str | None,
) -> str:
    if hub is None:
        return f"harness run {suite}"
    if record is not None and record.verdict is Verdict.RED and blockers:
        return f"harness blockers show {blockers[0].id}"
    if record is None or (record.verdict is Verdict.GREEN and not causes):
        return f"harness verify --hub {hub}"
    if record.verdict is Verdict.GREEN:
        return f"harness run {suite} --if-stale"
    return f"harness run {suite}"
