"""One stage of a run: its child, its artifacts, its log put where it belongs, its record.

A stage that may be retried is run again until it passes; the log and the artifacts of every
attempt before the last stay in the hub under ``red/``.
"""

from __future__ import annotations

import select
import shutil
import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from harness.config import interpreters
from harness.config.project import StageSpec
from harness.config.suite_rules import ATTEMPT
from harness.evidence.hub import artifacts, causes, layout
from harness.evidence.hub.redact import Redactor
from harness.judgement import quarantine
from harness.records import ArtifactRecord, AttemptRecord, StageRecord
from harness.runner.stages import registry, watch
from harness.runner.stages.base import StageContext, StageResult
from harness.verdict import Verdict

_NAMED = 5
_RETRIED = ("failed", "timeout")
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HEARD_S = 0.2
_LEAST_ROOM = 4096  # bytes: a block, without which no file grows
_ENDED = {code for number in _STOPS for code in (-number, 128 + number)}


def run_stage(
    spec: StageSpec, context: StageContext, places: artifacts.Places, redactor: Redactor
) -> tuple[StageRecord, tuple[ArtifactRecord, ...]]:
    """Run a stage, again where it may be retried; the artifacts are its last attempt's."""
    attempts: list[AttemptRecord] = []
    context = context.for_stage(spec.id)
    while True:
        record, artifacts_, endings = _attempt(spec, context, places, redactor)
        may_retry = record.outcome in _RETRIED and context.stop.signal is None
        if not may_retry or len(attempts) >= spec.retries:
            break
        attempts.append(_put_aside(record, endings, len(attempts) + 1, places))
        for promised in spec.artifacts:  # the next attempt has to write its own
            if (places.work / promised.path).is_file():
                (places.work / promised.path).unlink()
    if not attempts:
        return record, artifacts_
    retries = quarantine.retries(len(attempts))
    again = f"flaky: {retries}" if record.verdict is Verdict.GREEN else f"after {retries}"
    reason = f"{record.reason}; {again}"
    return replace(record, attempts=tuple(attempts), reason=reason), artifacts_


def _put_aside(
    record: StageRecord, endings: tuple[str, ...], number: int, places: artifacts.Places
) -> AttemptRecord:
    """Keep what an attempt left, under a name of its own, and make room for the next one."""
    name = f"{record.id}{ATTEMPT}{number}"
    for folder in (places.hub / "red", places.hub / "cli"):
        for path in (folder / f"{record.id}{ending}" for ending in endings):
            if path.is_file():
                path.rename(folder / path.name.replace(record.id, name, 1))
    made = places.hub / "analysis" / record.id
    if made.is_dir():
        made.rename(places.hub / "red" / name)
    shutil.rmtree(places.external / record.id, ignore_errors=True)
    log = None if record.log is None else PurePosixPath(record.log)
    return AttemptRecord(
        outcome=record.outcome,
        exit_code=record.exit_code,
        duration_s=record.duration_s,
        log=None if log is None else str(log.with_name(f"{name}.log")),
        reason=record.reason,
    )


def _attempt(
    spec: StageSpec, context: StageContext, places: artifacts.Places, redactor: Redactor
) -> tuple[StageRecord, tuple[ArtifactRecord, ...], tuple[str, ...]]:
    """Run a stage once and take its artifacts; a broken promise makes it red.

    Returns:
        Its record, its artifacts, and the endings of the files beside its log.
    """
    started = layout.instant(datetime.now(UTC))
    marker = artifacts.Marker(places.work)
    result = _heed_stop(registry.kind_of(spec).run(spec, context), context)
    undeclared = watch.find_undeclared(
        context.root, context.work, spec.id, context.declared, context.own
    )
    artifacts_, problems = artifacts.collect(spec.artifacts, spec.id, places, marker, redactor)
    if problems and result.outcome == "passed":
        reason = "; ".join(problems)
        result = replace(result, outcome="failed", verdict=Verdict.RED, reason=reason)
    if undeclared and context.is_strict and result.outcome == "passed":
        reason = f"read, not declared: {', '.join(undeclared[:_NAMED])}"
        result = replace(result, outcome="failed", verdict=Verdict.RED, reason=reason)
    result = _heed_machine(result, places)
    endings = (".log", *result.attachments)
    record = settle(spec, result, context, redactor, started)
    return (
        replace(record, undeclared=tuple(map(redactor.text, undeclared))),
        artifacts_,
        endings,
    )


def _heed_stop(result: StageResult, context: StageContext) -> StageResult:
    """Take a stage that the run's own signal ended too for interrupted.

    Whoever stops a run may signal all of its processes at once (a scheduler, a service
    manager); the stage may be gone before this process has heard its own signal.
    """
    if result.exit.exit_code not in _ENDED or result.outcome != "failed":
        return result
    select.select([context.stop.reader], [], [], _HEARD_S)
    if context.stop.signal is None:
        return result
    verdict, reason = Verdict.INCONCLUSIVE, "the run was told to stop"
    return replace(result, outcome="interrupted", verdict=verdict, reason=reason)


def _heed_machine(result: StageResult, places: artifacts.Places) -> StageResult:
    """Take a stage for interrupted whose disk is full, or whose every test met a lost machine.

    A program may lose what it writes without a word, and its log has no room for one.
    """
    if result.outcome != "failed":
        return result
    folders = (places.work, places.hub)
    if any(shutil.disk_usage(folder).free < _LEAST_ROOM for folder in folders):
        why = f"the disk is full ({result.reason})"
    elif result.tests and (error := causes.lost_tests(result.log)):
        why = error
    else:
        return result
    reason = f"the machine failed, not the stage: {why}"
    return replace(result, outcome="interrupted", verdict=Verdict.INCONCLUSIVE, reason=reason)


def settle(
    spec: StageSpec,
    result: StageResult,
    context: StageContext,
    redactor: Redactor,
    started: str,
) -> StageRecord:
    """Put the log under ``green/`` or ``red/`` and make the record of a stage."""
    hub = context.hub
    folder = hub / ("green" if result.verdict is Verdict.GREEN else "red")
    folder.mkdir(exist_ok=True)
    place = folder / f"{spec.id}.log"
    if result.log.parent == hub / "cli":
        shutil.copyfile(result.log, place)
        log = result.log
    else:
        log = result.log.replace(place)
    for ending, path in result.attachments.items():
        path.replace(folder / f"{spec.id}{ending}")
    argv = interpreters.splice(result.argv, context.python)
    return StageRecord(
        id=spec.id,
        kind=spec.kind,
        argv=tuple(redactor.text(item) for item in argv),
        outcome=result.outcome,
        verdict=result.verdict,
        exit_code=result.exit.exit_code,
        started=started,
        duration_s=round(result.exit.duration_s, 4),
        peak_memory_bytes=result.exit.peak_memory_bytes,
        log=log.relative_to(hub).as_posix(),
        reason=redactor.text(result.reason),
        tests=dict(result.tests),
        flaky=tuple(redactor.text(test) for test in result.flaky),
        quarantined=dict(result.quarantined),
        selection=tuple(redactor.text(line) for line in result.selection),
    )


def skipped_record(spec: StageSpec, reason: str) -> StageRecord:
    """Make the record of a stage that was not run: it proves nothing."""
    return StageRecord(
        id=spec.id,
        kind=spec.kind,
        argv=(),
        outcome="skipped",
        verdict=Verdict.INCONCLUSIVE,
        exit_code=None,
        started=layout.instant(datetime.now(UTC)),
        duration_s=0.0,
        peak_memory_bytes=None,
        log=None,
        reason=reason,
    )
