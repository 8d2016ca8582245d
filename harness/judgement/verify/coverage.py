"""A plan and a record in; out, whether everything that was promised is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness import files
from harness.config.project import QuarantineSpec, StageSpec
from harness.errors import IntegrityError
from harness.evidence.hub import digest, inputs
from harness.evidence.hub.plan import Plan
from harness.judgement import quarantine
from harness.judgement.verify import report
from harness.judgement.verify.report import Row
from harness.records import ArtifactRecord, HubRecord, QuarantineRecord, StageRecord
from harness.verdict import Verdict

CHECK = "coverage"
_RESTORE = "Restore the hub from a copy, or run the suite again."
_DECLARE = "Name them in inputs of the suite, or a change of them is not seen."
_PASSED = "passed"
_DATASET = "dataset-"  # the record of a dataset that could not be generated


def check(plan: Plan, record: HubRecord) -> tuple[Row, ...]:
    """Hold the record against the plan that was frozen before the first stage."""
    faults = [*_identity_faults(plan, record), *_stage_faults(plan, record)]
    faults += _quarantine_faults(plan, record)
    judged = {guard.id for guard in record.guards}
    faults += [
        (f"guard {spec.id}: not judged", "a recorded verdict")
        for spec in plan.suite.guards
        if spec.id not in judged
    ]
    if faults:
        return tuple(
            report.damage_row(
                CHECK, report.printable(actual), report.printable(expected), _RESTORE
            )
            for actual, expected in faults
        )
    stages, guards = len(plan.suite.stages), len(plan.suite.guards)
    rows = [report.passed_row(CHECK, f"{stages} stages and {guards} guards as planned")]
    return (*rows, *_left_out(record))


def _left_out(record: HubRecord) -> Iterator[Row]:
    """Say what the verdict leaves out: it counts for nothing, and is never silent."""
    for entry in record.quarantine:
        message = f"quarantine: {quarantine.describe(entry)} {quarantine.status_of(entry)}"
        yield report.note_row(CHECK, report.printable(message), report.printable(entry.reason))
    readers = [(f"dataset {d.role}", d.undeclared) for d in record.datasets]
    readers += [(stage.id, stage.undeclared) for stage in record.stages]
    for reader, names in readers:
        if names:
            message = report.printable(f"{reader}: read, not declared: {', '.join(names)}")
            yield report.note_row(CHECK, message, _DECLARE)
    for name in quarantine.flaky(record):
        yield report.note_row(CHECK, report.printable(f"flaky: {name}"))
    for stage in record.stages:
        for line in stage.selection:
            message = f"selection of stage {stage.id}: {line}"
            yield report.note_row(CHECK, report.printable(message))


def _quarantine_faults(plan: Plan, record: HubRecord) -> Iterator[tuple[str, str]]:
    """Hold what was excused against what the plan declares, and against how it went."""

    def key(entry: QuarantineSpec | QuarantineRecord) -> tuple[str | int, ...]:
        named = (entry.kind, entry.id, entry.owner, entry.reason, entry.expires)
        return (*named, entry.clean_runs)

    if [key(e) for e in record.quarantine] != [key(e) for e in plan.suite.quarantine]:
        yield "other quarantines", "those of the plan"
    for entry in record.quarantine:
        outcome = quarantine.outcome_of(entry, record.stages, record.guards)
        is_late = record.started[:10] > entry.expires
        if entry.outcome != outcome:
            yield f"quarantine of {entry.id}: {entry.outcome}", f"{outcome}, as it went"
        if entry.state == quarantine.ACTIVE and is_late:
            yield f"quarantine of {entry.id}: active", f"expired since {entry.expires}"


def _identity_faults(plan: Plan, record: HubRecord) -> Iterator[tuple[str, str]]:
    pairs = {
        "suite": (record.suite, plan.suite.name),
        "run id": (record.run_id, plan.run_id),
        "commit": (record.stamp.commit, plan.stamp.commit),
        "inputs": (record.inputs_sha256, plan.inputs_sha256),
        "meaning of inputs": (record.inputs_meaning, plan.inputs_meaning),
        "declaration": (record.config_sha256, plan.config_sha256),
        "golden": (record.golden_sha256, plan.golden_sha256),
    }
    for name, (value, planned) in pairs.items():
        if value != planned:
            yield f"{name} {value}", f"{planned} as planned"
    if inputs.summary(plan.inputs) != plan.inputs_sha256:
        yield "digests of the inputs", f"those that make {plan.inputs_sha256[:12]}…"


def _stage_faults(plan: Plan, record: HubRecord) -> Iterator[tuple[str, str]]:
    done = {stage.id: stage for stage in record.stages}
    for spec in plan.suite.stages:
        if spec.id not in done:
            yield f"stage {spec.id}: no record", "a record of each planned stage"
        else:
            yield from _one_stage(spec, done[spec.id], record.artifacts)
    planned = {spec.id for spec in plan.suite.stages}
    for name in done:
        if name not in planned and not name.startswith(_DATASET):
            yield f"stage {name}: not planned", "the planned stages"


def _one_stage(
    spec: StageSpec, stage: StageRecord, artifacts: tuple[ArtifactRecord, ...]
) -> Iterator[tuple[str, str]]:
    has_passed = stage.outcome == _PASSED
    if has_passed != (stage.verdict is Verdict.GREEN):
        yield f"stage {stage.id}: {stage.outcome} but {stage.verdict}", "one or the other"
    if not has_passed:
        return
    if stage.exit_code != 0:
        yield f"stage {stage.id}: passed with exit code {stage.exit_code}", "exit code 0"
    if stage.tests.get("failed", 0) or stage.tests.get("errors", 0):
        yield f"stage {stage.id}: passed with failed tests", "none failed"
    if stage.tests.get("unfinished", 0):
        yield f"stage {stage.id}: passed with tests that did not end", "all ran to their end"
    collected = {artifact.id for artifact in artifacts if artifact.stage == stage.id}
    for promised in spec.artifacts:
        if not promised.optional and promised.id not in collected:
            yield f"artifact {promised.id}: not recorded", f"what stage {stage.id} promised"


def check_external(root: Path, record: HubRecord) -> tuple[tuple[Row, ...], frozenset[str]]:
    """Compare the artifacts that stay outside the hub, where they still are.

    Args:
        root: The project that their paths are relative to.
        record: The record of the hub.

    Returns:
        Rows, and the ids of the artifacts that are not here.
    """
    rows, absent = [], set()
    for artifact in (a for a in record.artifacts if a.external):
        path = root / artifact.path
        if files.path_fault(artifact.path) or not path.exists():
            absent.add(artifact.id)
            continue
        message = _changed_artifact(path, artifact)
        if message:
            where = report.printable(f"{artifact.path}: {message}")
            rows.append(report.damage_row("bytes", where, f"{artifact.sha256[:12]}…", _RESTORE))
    if absent:
        names = report.printable(", ".join(sorted(absent)))
        message = f"outside the hub and not here, known by digest: {names}"
        rows.append(report.note_row("bytes", message))
    return tuple(rows), frozenset(absent)


def _changed_artifact(path: Path, artifact: ArtifactRecord) -> str:
    try:
        sha256 = digest.sha256(path, artifact.size)
    except IntegrityError as error:
        return error.found
    return "" if sha256 == artifact.sha256 else f"changed, {sha256[:12]}…"
