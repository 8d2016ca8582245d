"""One stage of a run: its child, its artifacts, its log put where it belongs, its record."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime

from harness.config import StageSpec
from harness.hub import artifacts, layout
from harness.hub.redact import Redactor
from harness.records import ArtifactRecord, StageRecord
from harness.stages import registry
from harness.stages.base import StageContext, Trial
from harness.verdict import Verdict


def run(
    spec: StageSpec, context: StageContext, places: artifacts.Places, redactor: Redactor
) -> tuple[StageRecord, tuple[ArtifactRecord, ...]]:
    """Run a stage and take its artifacts; a broken promise makes it red."""
    started = layout.instant(datetime.now(UTC))
    marker = artifacts.Marker(places.work)
    trial = registry.kind_of(spec).run(spec, context)
    found, problems = artifacts.collect(spec.artifacts, spec.id, places, marker, redactor)
    if problems and trial.outcome == "passed":
        reason = "; ".join(problems)
        trial = replace(trial, outcome="failed", verdict=Verdict.RED, reason=reason)
    return settle(spec, trial, context, redactor, started), found


def settle(
    spec: StageSpec, trial: Trial, context: StageContext, redactor: Redactor, started: str
) -> StageRecord:
    """Put the log under ``green/`` or ``red/`` and make the record of a stage."""
    hub = context.hub
    folder = hub / ("green" if trial.verdict is Verdict.GREEN else "red")
    folder.mkdir(exist_ok=True)
    place = folder / f"{spec.id}.log"
    if trial.log.parent == hub / "cli":
        shutil.copyfile(trial.log, place)
        log = trial.log
    else:
        log = trial.log.replace(place)
    for ending, path in trial.attachments.items():
        path.replace(folder / f"{spec.id}{ending}")
    return StageRecord(
        id=spec.id,
        kind=spec.kind,
        argv=tuple(redactor.text(item) for item in trial.argv),
        outcome=trial.outcome,
        verdict=trial.verdict,
        exit_code=trial.exit.exit_code,
        started=started,
        duration_s=round(trial.exit.duration_s, 4),
        peak_memory_bytes=trial.exit.peak_memory_bytes,
        log=log.relative_to(hub).as_posix(),
        reason=redactor.text(trial.reason),
        tests=dict(trial.tests),
    )


def skipped(spec: StageSpec, reason: str) -> StageRecord:
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
