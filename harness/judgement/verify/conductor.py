"""The road of a verification, walked backwards from the files of a hub."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from harness.config.project import Project, SuiteSpec
from harness.errors import HarnessError, IntegrityError
from harness.evidence.hub import plan
from harness.evidence.hub.evidence import Facts, HubEvidence
from harness.evidence.hub.plan import Plan
from harness.frozen import dataclass
from harness.judgement import freshness, quarantine
from harness.judgement.golden import store as golden_store
from harness.judgement.guards.base import Golden
from harness.judgement.verify import (
    contents,
    coverage,
    judging,
    reference,
    report,
    reproductions,
    rules,
    sealing,
    structure,
)
from harness.judgement.verify.report import Outcome, Row, VerifyReport
from harness.records import GuardResult, HubRecord
from harness.verdict import Verdict

_FRESHNESS = "freshness"
_ASK = "Ask harness status, or with --require-fresh, whether it would be the same here."
# What proves nothing has no blockers.
_VERDICT_REMEDIES = {
    Verdict.GREEN: "",
    Verdict.INCONCLUSIVE: "Read summary.md: it says what could not be judged, and why.",
    Verdict.RED: "Read summary.md and the blockers in red/.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hub:
    """A hub whose record could be read, and what it is judged against."""

    folder: Path
    record: HubRecord
    project: Project | None
    allow_stale: bool
    require_fresh: bool
    is_sampled: bool

    @property
    def root(self) -> Path:
        """What paths of external artifacts are relative to."""
        return self.folder.parent.parent.parent if self.project is None else self.project.root


def verify(
    project: Project | None,
    hub: Path,
    *,
    allow_stale: bool = False,
    require_fresh: bool = False,
    fraction: float = 1.0,
    reproduced: int = 0,
    done: Callable[[int], None] | None = None,
) -> VerifyReport:
    """Prove a hub again.

    Args:
        project: What today's guards and freshness are taken from; nothing to leave them out.
        hub: The folder ``hubs/<suite>/<run id>``.
        allow_stale: Judge the hub at its own commit only, as for an archive.
        require_fresh: Whether another Python, library or machine makes it stale too, and is
            not only told.
        fraction: Part of the payload files whose bytes are read.
        reproduced: How many other keys must have signed that they reproduced it.
        done: Called with the size [bytes] of each file that was read.

    Raises:
        NotAProjectError: The folder is no hub.
    """
    folder = hub.absolute()
    try:
        structure.require_hub(folder)
    except IntegrityError as error:
        return _report(folder, [report.of_error(structure.CHECK, error)])
    record, structure_rows = structure.check(folder)
    rows = [*structure_rows, *contents.check(folder, record, fraction=fraction, done=done)]
    trusted = () if project is None else project.trusted_keys
    rows += sealing.check(folder, record, trusted, project)
    if record is None:
        return _report(folder, rows)
    opened = _Hub(
        folder=folder,
        record=record,
        project=project,
        allow_stale=allow_stale,
        require_fresh=require_fresh,
        is_sampled=fraction < 1,
    )
    judged, red = _judge(opened)
    rule_rows = rules.check(record, folder, project)
    rule_rows = (*rule_rows, *reproductions.check(folder, project, reproduced))
    return _report(folder, [*rows, *judged, *rule_rows, *_fresh(opened)], red)


def _report(
    folder: Path, rows: list[Row], red_today: tuple[GuardResult, ...] = ()
) -> VerifyReport:
    suite, run_id = folder.parent.name, folder.name
    return VerifyReport(
        hub=folder, suite=suite, run_id=run_id, rows=tuple(rows), red_today=red_today
    )


def _judge(hub: _Hub) -> tuple[list[Row], tuple[GuardResult, ...]]:
    """Check coverage, then judge by the recorded plan and by today's declaration."""
    external, absent = coverage.check_external(hub.root, hub.record)
    rows = list(external)
    try:
        promised = plan.read_plan(hub.folder)
        evidence = HubEvidence(hub.folder, Facts.from_record(hub.record), project=hub.root)
        golden = _recorded_golden(hub, promised)
    except HarnessError as error:
        return [*rows, report.of_error(coverage.CHECK, error), _verdict(hub.record)], ()
    rows += coverage.check(promised, hub.record)
    rows += judging.check(promised.suite, evidence, golden, hub.record, absent)
    rows += _check_runs(hub, promised)
    rows.append(_verdict(hub.record))
    today, red = _judge_today(hub, promised, evidence, absent)
    if hub.is_sampled:  # nothing is judged by bytes that nobody proved
        rows += contents.check_read(hub.folder, evidence.read_paths)
    return [*rows, *today], red


def _check_runs(hub: _Hub, promised: Plan) -> tuple[Row, ...]:
    """Check the further runs that a verdict stands on, or is to stand on."""
    if promised.suite.runs == 1 and not hub.record.members:
        return ()
    from harness.judgement.verify import members  # noqa: PLC0415 - of several runs only

    return members.check(hub.root, promised.suite, hub.record)


def _verdict(record: HubRecord) -> Row:
    outcome = report.outcome_of(record.verdict)
    remedy = _VERDICT_REMEDIES[record.verdict]
    actual = report.printable(f"recorded {record.verdict}: {record.reason}".rstrip(": "))
    return Row(check="verdict", outcome=outcome, found=actual, remedy=remedy)


def _recorded_golden(hub: _Hub, promised: Plan) -> Golden | None:
    """Load the golden that the run used.

    Raises:
        IntegrityError: It is not the one that the plan names.
        HarnessError: It cannot be read.
    """
    if promised.golden_sha256 is None:
        return None
    golden = golden_store.load(hub.folder / plan.GOLDEN)
    if golden.digest != promised.golden_sha256:
        raise IntegrityError(
            plan.GOLDEN,
            found=f"{golden.digest[:12]}…",
            expected=f"{promised.golden_sha256[:12]}…",
            remedy="Restore the hub from a copy, or run the suite again.",
        )
    return golden


def _judge_today(
    hub: _Hub, promised: Plan, evidence: HubEvidence, absent: frozenset[str]
) -> tuple[tuple[Row, ...], tuple[GuardResult, ...]]:
    if hub.project is None:
        return (report.note_row(judging.TODAY, "not in a project"),), ()
    suite = freshness.declared_suite(hub.project, hub.folder, hub.record)
    if suite is None:
        message = f"suite {hub.record.suite} is not declared any more"
        return (report.note_row(judging.TODAY, message),), ()
    try:
        golden = golden_store.load(hub.project.goldens(suite.name))
    except HarnessError as error:
        outcome = Outcome.NOTE if hub.allow_stale else Outcome.DAMAGED
        return (report.of_error(judging.TODAY, error, outcome),), ()
    logged = reference.check(hub.project, suite.judged_by, golden, counts=not hub.allow_stale)
    rows, red = _judge_by(hub, promised, evidence, (suite, golden), absent)
    return (*logged, *rows), red


def _judge_by(
    hub: _Hub,
    promised: Plan,
    evidence: HubEvidence,
    today: tuple[SuiteSpec, golden_store.GoldenSet],
    absent: frozenset[str],
) -> tuple[tuple[Row, ...], tuple[GuardResult, ...]]:
    suite, golden = today
    if suite.guards == promised.suite.guards and _digest(golden) == promised.golden_sha256:
        return (report.passed_row(judging.TODAY, "as recorded"),), ()
    entries = quarantine.status_before_run(
        suite.quarantine, hub.record.quarantine, dt.datetime.now(dt.UTC).date()
    )
    waived = [e.id for e in entries if e.kind == "guard" and e.state == quarantine.ACTIVE]
    return judging.check_today(
        suite,
        evidence,
        golden,
        hub.record,
        absent,
        counts=not hub.allow_stale,
        waived_guards=waived,
    )


def _digest(golden: golden_store.GoldenSet) -> str | None:
    return None if golden.is_empty else golden.digest


def _fresh(hub: _Hub) -> list[Row]:
    if hub.project is None:
        outcome = Outcome.NOTE if hub.allow_stale else Outcome.INCONCLUSIVE
        remedy = "Verify inside the project, or with --allow-stale as an archive."
        return [Row(check=_FRESHNESS, outcome=outcome, found="no project", remedy=remedy)]
    try:
        suite = freshness.declared_suite(hub.project, hub.folder, hub.record)
        now = None if suite is None else freshness.now(hub.project, suite)
        state = freshness.check(hub.project, hub.folder, hub.record, now)
    except HarnessError as error:
        return [report.of_error(_FRESHNESS, error, Outcome.INCONCLUSIVE)]
    rows = [_cause_row(cause, what, hub) for cause in state.causes for what in _lines(cause)]
    if rows and (hub.allow_stale or any(row.outcome is Outcome.STALE for row in rows)):
        return rows
    if state.accepted and not rows:
        kinds = ", ".join(dict.fromkeys(cause.kind for cause in state.accepted))
        message = f"fresh but for what was accepted: another {kinds}"
        return [report.note_row(_FRESHNESS, message, "See the rows of what was accepted.")]
    same = "declaration" if rows else "declaration, environment"
    return [report.passed_row(_FRESHNESS, f"fresh: same inputs, {same}"), *rows]


def _lines(cause: freshness.Cause) -> list[str]:
    """Return a line for versions and one for the numeric class, so that neither is cut off."""
    numeric = [one for one in cause.items if one.startswith("numeric")]
    others = [one for one in cause.items if one not in numeric]
    if cause.kind != freshness.ENVIRONMENT or not numeric:
        return [cause.what]
    lines = (("another environment", others), ("another numeric class", numeric))
    return [f"{head}: {', '.join(parts)}" for head, parts in lines if parts]


def _cause_row(cause: freshness.Cause, what: str, hub: _Hub) -> Row:
    """Say what a cause does to the answer.

    Proving evidence again takes its files and no machine like the one of the run; whether this
    one would give the same is asked with ``require_fresh``, and by ``harness status``.
    """
    is_told = cause.kind == freshness.ENVIRONMENT and not hub.require_fresh
    return Row(
        check=_FRESHNESS,
        outcome=Outcome.NOTE if hub.allow_stale or is_told else Outcome.STALE,
        found=report.printable(what),
        expected="as at the run",
        remedy=_ASK if is_told else report.printable(cause.cure),
    )
