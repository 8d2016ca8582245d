"""Cells in, one sealed hub for each: planned by key, carried out anywhere, taken in here.

Whatever dies on the way, the same call goes on where it stopped: a unit whose hub is in the
store is not run again, a hub that was sealed but not taken in is taken in, and everything
half done is cleared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from harness.config import config_file
from harness.config.project import Project
from harness.errors import IntegrityError
from harness.evidence.hub import inputs, seal, stamp
from harness.evidence.hub.store import HubStore, read_record
from harness.experiments.campaign import store as stores
from harness.experiments.campaign import unit as units
from harness.experiments.campaign import work_key as keys
from harness.experiments.execute.unit import Answer, Executor, Unit
from harness.files import real_path
from harness.frozen import dataclass
from harness.judgement import freshness
from harness.judgement.golden import store as golden_store
from harness.judgement.proof_cache import ProofCache
from harness.runner.stages import dataset_log, datasets
from harness.runner.stages.child import Stop
from harness.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """Many runs of one suite.

    Args:
        project: The project whose work tree is run.
        store: The same project with the folders of the campaign's own store.
        suite: Name of the suite.
        ignored: Facts that the results do not depend on, see ``key``.
        is_rendered: Whether each hub gets a summary and a page.
        task: What carries a unit out; described as ``unit.describe_hub`` does.
    """

    project: Project
    store: Project
    suite: str
    ignored: tuple[str, ...] = ()
    is_rendered: bool = True
    task: str = units.TASK


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One run that is wanted; ``salt`` tells repeats of the same run apart.

    ``values`` are what tells it from its neighbours, by the name of what varies.
    """

    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str]
    datasets: Mapping[str, Path] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    salt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult:
    """How a cell went; without a hub nothing came of it, and ``reason`` says why."""

    cell: Cell
    hub: Path | None
    verdict: Verdict
    reason: str
    duration_s: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)
    is_reused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A cell with what it depends on now, and the digest of that."""

    cell: Cell
    facts: keys.Facts
    key: str


OnDone = Callable[[CellResult], None]


def plan(campaign: Campaign, cells: Sequence[Cell], *, may_start: bool) -> tuple[Planned, ...]:
    """Say what each cell depends on now.

    Args:
        campaign: What they are cells of.
        cells: The cells.
        may_start: Whether interpreters that the suite declares may be started.

    Raises:
        ConfigError: A suite, a parameter, an input or a dataset that cannot be used.
        IntegrityError: A golden is damaged.
    """
    project = campaign.project
    suite = config_file.find_suite(project, campaign.suite)
    cache = freshness.cache_of(project)
    now = inputs.summary(freshness.digests_now(project, suite, cache))
    golden = golden_store.load(project.goldens(suite.name))
    environment = stamp.environment_of(suite, project.root, may_start=may_start)
    planned_units = []
    for cell in cells:
        datasets.check_given(suite.datasets, cell.datasets)
        facts = keys.facts_now(
            replace(suite, parameters={**suite.parameters, **cell.parameters}),
            now,
            {
                role: datasets.record_given(role, path, cache.digest).record.sha256
                for role, path in cell.datasets.items()
            },
            None if golden.is_empty else golden.digest,
            environment,
        )
        # In the key, so that a part of the stages never passes for the whole suite.
        salt = json.dumps([*cell.only, cell.salt])
        made = keys.digest_facts(facts, salt, ignored=campaign.ignored)
        planned_units.append(Planned(cell=replace(cell, salt=salt), facts=facts, key=made))
    cache.save()
    return tuple(planned_units)


def run_campaign(
    campaign: Campaign,
    cells: Sequence[Cell],
    executor: Executor,
    stop: Stop,
    on_done: OnDone,
) -> tuple[CellResult, ...]:
    """Carry out what is not done, and return the results in the order of the cells.

    After a stop only the cells that have a result are returned.

    Raises:
        ConfigError: See ``plan``.
        IntegrityError: A golden or the ledger of the store is damaged.
        LockTimeoutError: Another living process is at this campaign.
        StorageError: The disk refused.
    """
    planned = plan(campaign, cells, may_start=True)
    results: dict[str, CellResult] = {}

    def settle(key: str, result: CellResult) -> None:
        results[key] = result
        on_done(result)

    with stores.hold_store(campaign.store):
        known = stores.finished_units(campaign.store)
        stores.sweep(campaign.store, {item.key for item in planned if item.key not in known})
        _require_sealed(campaign.store, [known[i.key].hub for i in planned if i.key in known])
        for item in planned:
            if item.key in known:
                settle(item.key, _result_from_hub(item, known[item.key].hub))
        # By key: cells that depend on the same are one run.
        waiting = {item.key: item for item in planned if item.key not in results}
        for batch in _batches(campaign, tuple(waiting.values()), stop):
            for answers in executor.run([_unit(campaign, item) for item in batch], stop):
                for key, result in _taken_in(campaign, waiting, answers):
                    settle(key, result)
    return tuple(results[item.key] for item in planned if item.key in results)


def _batches(
    campaign: Campaign, waiting: tuple[Planned, ...], stop: Stop
) -> Iterator[tuple[Planned, ...]]:
    """Let one run go first where data must be generated, so that it is done once."""
    if waiting and not _has_data(campaign, waiting[0].cell):
        yield waiting[:1]
        waiting = waiting[1:]
    if waiting and stop.signal is None:
        yield waiting


def _has_data(campaign: Campaign, cell: Cell) -> bool:
    project = campaign.project
    cache, proven = freshness.cache_of(project), dataset_log.read_log(project.shared_folder)
    digest = datasets.digest_of(project.root, cache.digest)
    for spec in config_file.find_suite(project, campaign.suite).datasets:
        if spec.role not in cell.datasets:
            recipe = freshness.recipe_of(project, spec, cache)
            place = project.shared_folder
            if datasets.find_cached(place, spec, recipe, proven, digest) is None:
                return False
    return True


def _unit(campaign: Campaign, item: Planned) -> Unit:
    own = stores.of_unit(campaign.store, item.key)
    payload = {
        "root": str(campaign.project.root),
        "hubs": str(own.hubs),
        "work": str(own.work),
        "suite": campaign.suite,
        "parameters": dict(item.cell.parameters),
        "datasets": {role: str(real_path(path)) for role, path in item.cell.datasets.items()},
        "only": list(item.cell.only),
        "salt": item.cell.salt,
        "ignored": list(campaign.ignored),
        "is_rendered": campaign.is_rendered,
        "key": item.key,
    }
    return Unit(
        key=item.key, name=item.cell.name, task=campaign.task, payload=json.dumps(payload)
    )


def _taken_in(
    campaign: Campaign, planned: Mapping[str, Planned], answers: Sequence[Answer]
) -> Iterator[tuple[str, CellResult]]:
    """Take all hubs of a batch into the store at once, then tell of each."""
    good: dict[str, Mapping[str, Any]] = {}
    failed: dict[str, str] = {}
    names: set[str] = set()
    for answer in answers:
        key, value = answer.unit.key, answer.value
        if value is not None and "interrupted" in value:
            continue
        why = _describe_failure(campaign, planned[key], answer, names)
        if why:
            failed[key] = why
        elif value is not None:
            good[key] = value
            names.add(_subject(value))
    stores.take_in(campaign.store, good)
    for key, value in good.items():
        yield key, _result(campaign, planned[key], value)
    for key, why in failed.items():
        stores.clear(campaign.store, key)
        yield (
            key,
            CellResult(
                cell=planned[key].cell, hub=None, verdict=Verdict.INCONCLUSIVE, reason=why
            ),
        )


def _describe_failure(
    campaign: Campaign, item: Planned, answer: Answer, names: set[str]
) -> str:
    """Say why an answer is no result of its cell; nothing when it is one."""
    value = answer.value
    if value is None:
        return f"no worker brought it to its end: {answer.lost}"
    if "error" in value:
        error = value["error"]
        text = f"found {error['found']}; expected {error['expected']}"
        return f"{error['where']}: {text}. {error['remedy']}"
    changed = [
        name
        for name in keys.differences(item.facts, value["facts"])
        if name not in campaign.ignored
    ]
    if changed:
        return f"it ran with another {', '.join(changed)} than planned; run it again"
    subject = _subject(value)
    if subject in names or stores.has(campaign.store, subject):
        return "another run has its name; run it again"
    return ""


def _subject(value: Mapping[str, Any]) -> str:
    return seal.subject(value["body"]["suite"], value["body"]["run_id"])


def _result(campaign: Campaign, item: Planned, value: Mapping[str, Any]) -> CellResult:
    return CellResult(
        cell=item.cell,
        hub=campaign.store.hubs / _subject(value),
        verdict=Verdict(value["verdict"]),
        reason=value["reason"],
        duration_s=value["duration_s"],
        metrics=value["metrics"],
    )


def _require_sealed(store: Project, hubs: Sequence[Path]) -> None:
    """Require that the hubs whose results are taken over are as they were sealed.

    Raises:
        IntegrityError: One is not; which and how is named.
    """
    proved, sealed = ProofCache(store), HubStore(store.hubs, store.work).runs()
    for hub in hubs:
        if damage := proved.damage_of(hub, sealed):
            raise IntegrityError(
                f"{hub.parent.name}/{hub.name}",
                found=damage,
                expected="the hub as it was sealed",
                remedy="Restore it from a copy, or remove its folder: then it is run again.",
            )
    proved.save()


def _result_from_hub(item: Planned, hub: Path) -> CellResult:
    record = read_record(hub)
    return CellResult(
        cell=item.cell,
        hub=hub,
        verdict=record.verdict,
        reason=record.reason,
        duration_s=record.duration_s,
        metrics=record.metrics,
        is_reused=True,
    )
