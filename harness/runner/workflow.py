"""The road of a run: plan frozen, stages, artifacts, guards, verdict, blockers, seal.

A stage never decides about guards; a guard never runs anything. What is rendered for people
(summary, report) is given from above and is never evidence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from harness.config import config_file, suite_rules
from harness.config.project import Project, StageSpec, SuiteSpec
from harness.config.toml_table import nearest
from harness.errors import ConfigError
from harness.evidence.hub import (
    constancy,
    interpreter,
    layout,
    ledgers,
    seal,
    starts,
    strays,
)
from harness.evidence.hub.blockers import Register
from harness.evidence.hub.store import HubStore
from harness.evidence.ledger.log import Ledger, now
from harness.files import clear_parts, subfolders, write_text
from harness.judgement import freshness
from harness.judgement.proof_cache import ProofCache
from harness.records import ArtifactRecord, HubRecord, StageRecord
from harness.runner import finalize, run_stage, workspace
from harness.runner.finalize import CompletedRun
from harness.runner.options import Renderer, RunOptions, RunOutcome
from harness.runner.prepare import Prepared, prepare
from harness.runner.stages import child, datasets
from harness.verdict import Verdict

# What a page that has a bug raises: none of it may lose a run.
_BUGS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class _SealFacts(TypedDict):
    suite: str
    run_id: str
    verdict: Verdict
    notes: Mapping[str, Any]


__all__ = ["Renderer", "RunOptions", "RunOutcome", "ledger_of", "run_suite", "tidy"]


def run_suite(project: Project, suite_name: str, options: RunOptions) -> RunOutcome:
    """Run a suite and seal its evidence.

    Raises:
        ConfigError: The suite, a parameter, a stage or a dataset cannot be used as given.
        StorageError: The disk refused; nothing half-written is left.
        LockTimeoutError: Another process holds the ledger.
    """
    suite = _apply_options(config_file.find_suite(project, suite_name), options)
    ledger = tidy(project, options.observer.note)
    if options.if_stale and (known := _still_fresh(project, suite, options)):
        return known
    workspace.clear_kept(project, suite.name)
    began, started = time.monotonic(), datetime.now(UTC)
    earlier = HubStore(project.hubs, project.work).hubs(suite.name)
    run_id = layout.new_run_id(started, max((hub.name for hub in earlier), default=""))
    with workspace.run_workspace(project, suite.name, run_id, options.stop) as opened:
        options.observer.run_started(suite, run_id, len(suite.stages))
        prepared = prepare(project, suite, options, opened)
        if not options.is_staged:  # the store that takes it in logs it
            start = starts.log_start(ledger, opened.places.hub, prepared.plan)
            prepared = replace(prepared, start=start)
        stages, artifacts = _stages(prepared, opened, options)
        run = CompletedRun(
            prepared=prepared,
            stages=stages,
            artifacts=artifacts,
            began=began,
            started=started,
            stopped=opened.stop.signal,
            runs=1 if options.draw is None else options.runs or suite.runs,
        )
        record = _seal(project, run, options, ledger)
        opened.keep_work = record.verdict is Verdict.RED
        stopped = opened.stop.signal  # also while the hub was sealed
    hub = layout.final(project.hubs, suite.name, run_id)
    options.observer.run_sealed(hub, record)
    return RunOutcome(hub=hub, record=record, signal=stopped)


def ledger_of(project: Project) -> Ledger:
    """Return the ledger that runs of a project seal into; see ``hub.ledgers``."""
    return ledgers.of_store(project.hubs, project.work).local


def tidy(project: Project, tell: Callable[[str], None] | None = None) -> Ledger:
    """Clear what killed runs left and finish the seals they began; return the ledger.

    Args:
        project: The project.
        tell: Called with a sentence for each run that was lost with its process or machine.
    """
    cleared = HubStore(project.hubs, project.work).clean_leftovers()
    child.end_orphans([layout.work(project.work, run_id) for run_id in cleared])
    for top in (project.hubs, project.work, project.golden):
        for folder in (top, *subfolders(top)):  # what runs keep deeper is theirs
            clear_parts(folder)
    ledger = ledger_of(project)
    if seal.intents(project.hubs):
        sealed = HubStore(project.hubs, project.work).runs()
        seal.resume(project.hubs, ledger, sealed)
    if cleared and tell is not None:
        started = ledgers.of_store(project.hubs, project.work).read_unsealed()
        for lost in starts.list_unsealed(started, project.work):
            if lost.run_id in cleared:
                tell(f"{lost.subject} {lost.state}, without a blocker")
    return ledger


def _apply_options(suite: SuiteSpec, options: RunOptions) -> SuiteSpec:
    for name in options.parameters:
        if name not in suite.parameters:
            raise ConfigError(
                f"parameter {name!r}",
                found=f"no parameter of suite {suite.name}",
                expected="a declared parameter",
                remedy=nearest(name, suite.parameters),
            )
    known = [stage.id for stage in suite.stages]
    for name in options.only:
        if name not in known:
            raise ConfigError(
                f"stage {name!r}",
                found=f"no stage of suite {suite.name}",
                expected="a declared stage",
                remedy=nearest(name, known),
            )
    return replace(suite, parameters={**suite.parameters, **options.parameters})


def _still_fresh(project: Project, suite: SuiteSpec, options: RunOptions) -> RunOutcome | None:
    store = HubStore(project.hubs, project.work)
    hubs = store.hubs(suite.name)
    if not hubs or store.newest_gone(suite.name) is not None:
        return None
    hub, proved = hubs[-1], ProofCache(project)
    if proved.damage_of(hub, store.runs()):
        return None
    proved.save()
    record = store.read(hub)
    cache = freshness.cache_of(project)
    digests = {
        role: datasets.record_given(role, path, cache.digest).record.sha256
        for role, path in options.datasets.items()
    }
    was_given = {d.role for d in record.datasets if not d.generated}
    changed = replace(project, suites={**project.suites, suite.name: suite})
    now = freshness.now(changed, suite, digests)
    is_same = was_given == set(digests)
    is_fresh = freshness.check(changed, hub, record, now, cache, may_start=True).is_fresh
    if record.verdict is Verdict.GREEN and is_same and is_fresh:
        return RunOutcome(hub=hub, record=record, reused=True)
    return None


def _stages(
    prepared: Prepared, opened: workspace.RunWorkspace, options: RunOptions
) -> tuple[tuple[StageRecord, ...], tuple[ArtifactRecord, ...]]:
    records = {r.id: r for r in (prepared.failed,) if r is not None}
    artifacts: list[ArtifactRecord] = []
    order = suite_rules.order_stages(prepared.plan.suite)
    absent = interpreter.absent_modules(prepared.plan.suite, prepared.context.root)
    for index, spec in enumerate(order, 1):
        options.observer.stage_started(spec, index, len(order))
        reason = absent or _obstacle(spec, records, opened, options)
        if reason:
            records[spec.id] = run_stage.skipped_record(spec, reason)
        else:
            made, made_artifacts = run_stage.run_stage(
                spec, prepared.context, opened.places, prepared.redactor
            )
            records[spec.id] = made
            artifacts += made_artifacts
        options.observer.stage_finished(records[spec.id])
    return tuple(records.values()), tuple(artifacts)


def _obstacle(
    spec: StageSpec,
    records: dict[str, StageRecord],
    opened: workspace.RunWorkspace,
    options: RunOptions,
) -> str:
    """Say why a stage cannot run; nothing when it can."""
    if opened.stop.signal is not None:
        return "the run was told to stop"
    if options.only and spec.id not in options.only:
        return "not asked for"
    for record in records.values():
        is_needed = record.id in spec.needs or record.id.startswith("dataset-")
        if is_needed and record.verdict is not Verdict.GREEN:
            return f"{record.id} did not pass"
    return ""


def _seal(
    project: Project, run: CompletedRun, options: RunOptions, ledger: Ledger
) -> HubRecord:
    hub = run.prepared.context.hub
    store = HubStore(project.hubs, project.work)
    suite, run_id = run.prepared.plan.suite.name, run.prepared.plan.run_id
    previous = store.latest(suite)
    run = replace(run, strange=strays.remove_strays(hub))
    run, results = finalize.judge(run, project, options)
    watched = run.prepared.watched
    changes = constancy.find_changes(watched, freshness.cache_of(project))
    run = replace(run, changes=changes)
    record = finalize.record(run, results, previous.name if previous else None)
    finalize.write(hub, record)
    written = finalize.notes(run, record, project, options)
    _render(hub, record, store.read(previous) if previous else None, options)
    final = layout.final(project.hubs, suite, run_id)
    notes: dict[str, Any] = {"commit": record.stamp.commit, **finalize.left_out(record)}
    notes |= finalize.describe_answer(record)
    if run.prepared.start is not None:
        notes |= {starts.KEY: run.prepared.start}
    if published := ledgers.of_store(project.hubs, project.work).published.count():
        notes |= {ledgers.AFTER: published}
    said: _SealFacts = {
        "suite": suite,
        "run_id": run_id,
        "verdict": record.verdict,
        "notes": notes,
    }
    if options.is_staged:
        seal.stage(hub, final, now(), **said)
        return record
    seal.seal(hub, final, ledger, **said)
    register = Register(project.hubs)
    for blocker, body in written.values():
        register.keep(blocker, body)
    if record.verdict is Verdict.GREEN:
        for id_ in register.note_green(suite, record.finished, finalize.still_red(record)):
            ledger.append("blocker-closed", id_, {"suite": suite, "run_id": run_id})
    return record


def _render(
    hub: Path, record: HubRecord, previous: HubRecord | None, options: RunOptions
) -> None:
    """Write what people look at; a bug in that loses no evidence, and is said."""
    for name, render in options.renderers.items():
        try:
            text = render(hub, record, previous)
        except _BUGS as error:
            text = f"{name} could not be written: {type(error).__name__}: {error}\n"
            options.observer.note(f"{text.strip()}; a bug of the harness, please report it")
        write_text(hub / name, text)
