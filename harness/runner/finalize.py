"""Everything after the last stage: guards, verdict, record, blockers."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path

from harness.config.project import Project
from harness.config.suite_rules import SEED
from harness.errors import HarnessError
from harness.evidence.hub import blockers, causes, inputs, layout
from harness.evidence.hub.constancy import Changes
from harness.evidence.hub.evidence import EDITION, Facts, HubEvidence
from harness.files import json_bytes, write_bytes, write_text
from harness.frozen import dataclass
from harness.judgement import causes as ordering
from harness.judgement import quarantine
from harness.judgement.guards import answers, members, reads, registry
from harness.judgement.roads import roads_of
from harness.records import (
    SCHEMA,
    ArtifactRecord,
    CauseRecord,
    GuardResult,
    HubRecord,
    MemberRecord,
    QuarantineRecord,
    StageRecord,
    encode,
)
from harness.runner import retry
from harness.runner.options import RunOptions
from harness.runner.prepare import Prepared
from harness.runner.stages.registry import kind_of
from harness.verdict import Verdict, combine

_REASONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedRun:
    """A run whose stages are over; ``began`` is on the monotonic clock [s].

    ``strange`` is what a stage left in the hub that no hub may hold. ``runs`` is how many runs
    the verdict is to stand on, ``members`` are those besides this one. ``changes`` says what it
    depends on and did not stay the same while it went.
    """

    prepared: Prepared
    stages: tuple[StageRecord, ...]
    artifacts: tuple[ArtifactRecord, ...]
    began: float
    started: datetime
    stopped: int | None
    strange: tuple[str, ...] = ()
    runs: int = 1
    members: tuple[MemberRecord, ...] = ()
    changes: Changes = field(default_factory=Changes)


def judge(
    run: CompletedRun, project: Project, options: RunOptions
) -> tuple[CompletedRun, tuple[GuardResult, ...]]:
    """Judge a run, and where its verdict stands on several draw the others first.

    Where nothing but goldens is red over as many runs as there are to be, further ones are
    drawn, once: what is red over all of them is to blame. A clean suite is red at most as often
    as by the last of these looks, since it has to be red by it. Where they cannot be made, for
    the run was stopped or their store refused, nothing is blamed by fewer.

    Returns:
        The run with its members, and the results of its guards.
    """
    wanted = run.runs
    results = _judge(replace(run, runs=1), project)  # as it is red by itself
    has_broken = any(stage.verdict is Verdict.RED for stage in run.stages)
    is_whole = all(stage.verdict is Verdict.GREEN for stage in run.stages)
    means = {spec.id for spec in run.prepared.plan.suite.guards if members.is_of_mean(spec)}
    for total in () if has_broken or options.draw is None else members.list_looks(wanted):
        count = 1 + len(run.members)
        if not members.may_draw(results, means, wanted, count):
            break
        run = replace(run, runs=total)
        if is_whole:
            made = _draw(run, options, range(count, total))
            stopped = run.prepared.context.stop.signal
            run = replace(run, members=(*run.members, *made), stopped=stopped)
        results = _judge(run, project)
        if 1 + len(run.members) < total:
            break
    if run.runs > 1 and not run.members:
        results = _judge(run, project)
    for result in results:
        options.observer.guard_judged(result)
    return run, results


def _draw(run: CompletedRun, options: RunOptions, indices: range) -> tuple[MemberRecord, ...]:
    """Make further runs; none where the run was told to stop or their store refuses."""
    stop = run.prepared.context.stop
    if options.draw is None or stop.signal is not None:
        return ()
    note = options.observer.note
    note(f"further runs, up to {indices.stop}, with seeds of their own")
    try:
        return options.draw(run.prepared.plan.run_id, indices, stop)
    except (
        HarnessError,
        OSError,
    ) as error:  # what this run gave is worth its seal all the same
        note(f"further runs could not be made: {error}")
        return ()


def _judge(run: CompletedRun, project: Project) -> tuple[GuardResult, ...]:
    """Judge the evidence by the frozen guards; a value that is no finite number has none."""
    evidence = HubEvidence(
        run.prepared.context.hub,
        Facts(
            stages=run.stages,
            artifacts=run.artifacts,
            datasets=run.prepared.plan.datasets,
            environment=dict(run.prepared.environment),
            parameters=run.prepared.plan.suite.parameters,
            expects=run.prepared.expects[0],
            runs=run.runs,
            members=run.members,
        ),
        project=project.root,
    )
    suite, golden = run.prepared.plan.suite, run.prepared.golden
    judged = registry.judge(suite.guards, evidence, golden, reads.list_makers(suite))
    return tuple(
        result
        if result.value is not None and math.isfinite(result.value)
        else replace(result, value=None)
        for result in judged
    )


def metrics_of(results: Iterable[GuardResult]) -> dict[str, float]:
    """Return the numbers that the guards took from the evidence, by metric."""
    return {r.metric: r.value for r in results if r.metric and r.value is not None}


def _summarise_passed(made: HubRecord, run: CompletedRun) -> str:
    """Say what a green run passed; what does not decide is not silent."""
    names = [quarantine.describe(entry) for entry in quarantine.waived(made)]
    warned = [r.id for r in made.guards if r.verdict is Verdict.RED and r.severity != "fail"]
    open_ = sum(r.verdict is Verdict.INCONCLUSIVE for r in made.guards)
    parts = ["every stage and guard passed"]
    if made.members:
        parts = [f"every stage and guard passed over {1 + len(made.members)} runs"]
    if names:
        parts = ["what counts passed", f"failed in quarantine: {', '.join(names)}"]
    if again := quarantine.flaky(made):
        parts.append(f"flaky: {', '.join(again)}")
    if warned:
        parts.append(f"warned: {', '.join(warned)}")
    if open_:
        parts.append(f"{open_} not compared")
    if run.changes.rewritten:
        parts.append(f"written while the run went: {_list_some(run.changes.rewritten, run)}")
    return "; ".join(parts)


def record(
    run: CompletedRun, results: tuple[GuardResult, ...], previous: str | None
) -> HubRecord:
    """Make the record of a run; its verdict is the worst of stages and guards that count."""
    entries = quarantine.status_after_run(run.prepared.quarantine, run.stages, results)
    causes_ = _find_causes(run, results, entries)
    verdict, reasons = _decide_verdict(run, results, entries, causes_)
    more = f" (and {len(reasons) - _REASONS} more)" if len(reasons) > _REASONS else ""
    frozen = run.prepared.plan
    made = HubRecord(
        schema=SCHEMA,
        suite=frozen.suite.name,
        run_id=frozen.run_id,
        started=layout.instant(run.started),
        finished=layout.instant(datetime.now(UTC)),
        duration_s=round(time.monotonic() - run.began, 4),
        verdict=verdict,
        reason="; ".join(reasons[:_REASONS]) + more,
        stamp=frozen.stamp,
        environment=dict(run.prepared.environment),
        parameters=frozen.suite.parameters,
        datasets=frozen.datasets,
        stages=run.stages,
        artifacts=run.artifacts,
        guards=results,
        metrics=metrics_of(results),
        config_sha256=frozen.config_sha256,
        golden_sha256=frozen.golden_sha256,
        inputs_sha256=inputs.summary(frozen.inputs),
        previous=previous,
        quarantine=entries,
        inputs_meaning=frozen.inputs_meaning,
        causes=causes_,
        default_rules=EDITION,
        answer=answers.find_answer(results) or "",
        expects=run.prepared.expects[0],
        expected_by=run.prepared.expects[1],
        runs=run.runs,
        members=run.members,
    )
    return made if made.reason else replace(made, reason=_summarise_passed(made, run))


def _find_causes(
    run: CompletedRun, results: tuple[GuardResult, ...], entries: Sequence[QuarantineRecord]
) -> tuple[CauseRecord, ...]:
    hub, suite = run.prepared.context.hub, run.prepared.plan.suite
    run_results = ordering.RunResults(
        stages=run.stages,
        guards=results,
        waived={(e.kind, e.id) for e in entries if e.is_waived},
        failures={s.id: causes.read_failures(s, hub) for s in run.stages},
        stopped="" if run.stopped is None else signal.Signals(run.stopped).name,
    )
    return ordering.find_causes(run_results, roads_of(suite))


def _decide_verdict(
    run: CompletedRun,
    results: tuple[GuardResult, ...],
    entries: Sequence[QuarantineRecord],
    causes_: Sequence[CauseRecord],
) -> tuple[Verdict, list[str]]:
    """Return the verdict, and what made it worse than green: the causes, first things first."""
    stages, guards = quarantine.deciding_results(run.stages, results, entries)
    verdict = combine([*(s.verdict for s in stages), *(g.verdict for g in guards)])
    reasons = [ordering.tell(cause) for cause in causes_ if cause.verdict is verdict]
    if verdict is Verdict.INCONCLUSIVE:
        explained = {id_ for cause in causes_ for id_ in cause.unjudged}
        reasons += [
            f"guard {g.id}: {ordering.describe(g)}"
            for g in guards
            if g.verdict is verdict and g.id not in explained
        ]
    if not stages and not guards:
        reasons = ["nothing that counts was judged: all of it failed in quarantine"]
    if run.strange:
        verdict = combine((verdict, Verdict.INCONCLUSIVE))
        listed = "; ".join(run.strange[:_REASONS])
        reasons.append(f"something was put into the hub and taken out of it: {listed}")
    if run.changes.changed:
        verdict = combine((verdict, Verdict.INCONCLUSIVE))
        listed = _list_some(run.changes.changed, run)
        reasons.append(f"changed while the run went, so that it is of no one state: {listed}")
    if run.stopped is not None and not any("interrupted by" in r for r in reasons):
        verdict = combine([verdict, Verdict.INCONCLUSIVE])
        reasons.insert(0, f"interrupted by {signal.Signals(run.stopped).name}")
    return verdict, reasons


def _list_some(names: Sequence[str], run: CompletedRun) -> str:
    rest = f" and {len(names) - _REASONS} more" if len(names) > _REASONS else ""
    return run.prepared.redactor.text(", ".join(names[:_REASONS]) + rest)


def write(hub: Path, made: HubRecord) -> None:
    """Write the record, the guards and the metrics into the hub."""
    write_bytes(hub / layout.RECORD, json_bytes(encode(made)))
    write_bytes(hub / layout.GUARDS, json_bytes(encode(made.guards)))
    write_bytes(hub / layout.METRICS, json_bytes(made.metrics))


def notes(
    run: CompletedRun, made: HubRecord, project: Project, options: RunOptions
) -> dict[str, tuple[blockers.Blocker, str]]:
    """Write a blocker note into the hub for each red cause; what follows from it has none.

    Returns:
        Blockers and their bodies by the name of the note, for the register.
    """
    if made.verdict is not Verdict.RED:
        return {}
    hub = run.prepared.context.hub
    register = blockers.Register(project.hubs)
    sighting = blockers.Sighting(
        run_id=made.run_id,
        commit=made.stamp.commit,
        dirty=made.stamp.dirty,
        instant=made.finished,
    )
    written = {}
    for cause in causes.of_record(made, hub):
        name = blockers.note_name(cause, made.run_id)
        blocker = register.count_sighting(cause, sighting)
        body = blockers.body(cause, hub, _commands(cause, run, project, options))
        write_text(hub / "red" / name, blockers.head(blocker) + body)
        written[name] = (blocker, body)
    return written


def _commands(
    cause: causes.Cause, run: CompletedRun, project: Project, options: RunOptions
) -> list[str]:
    suite = run.prepared.plan.suite.name
    again = retry.run_command(suite, project.root, options.datasets, options.parameters)
    commands = [again]
    if cause.guard == members.GUARD:
        failed = next(member for member in run.members if member.failed)
        seeded = {**options.parameters, SEED: failed.seed}
        commands = [retry.run_command(suite, project.root, options.datasets, seeded)]
    prepared = run.prepared
    for stage in prepared.plan.suite.stages:
        if stage.id == cause.stage:
            argv = kind_of(stage).argv(stage, prepared.context.values)
            commands.append(retry.stage_command(argv, project.root, prepared.declared))
    return commands


def left_out(made: HubRecord) -> dict[str, list[str]]:
    """Return for the ledger what a verdict leaves out: failures in quarantine, flakiness."""
    groups = {
        "quarantined": [quarantine.describe(entry) for entry in quarantine.waived(made)],
        "flaky": list(quarantine.flaky(made)),
    }
    return {name: words for name, words in groups.items() if words}


def describe_answer(made: HubRecord) -> dict[str, str]:
    """Return for the ledger how the numbers stand to the fingerprint, and what was declared."""
    facts = {
        "answer": made.answer,
        "expects": made.expects,
        "expected_by": made.expected_by,
    }
    return {name: word for name, word in facts.items() if word}


def still_red(made: HubRecord) -> tuple[tuple[str, str], ...]:
    """Return kind and id of what failed in a green run: in quarantine, or until retried."""
    named = [(entry.kind, entry.id) for entry in quarantine.waived(made)]
    stages = (
        s.id for s in made.stages if s.is_flaky or quarantine.FAILED in s.quarantined.values()
    )
    return (*named, *(("stage", id_) for id_ in stages))
