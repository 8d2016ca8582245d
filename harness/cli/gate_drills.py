"""The drills that ``harness gate`` runs: those of changed guards, and those of a policy."""

from __future__ import annotations

from dataclasses import replace

from harness.cli.options import Session
from harness.cli.signals import stop_on_signals
from harness.config.project import Project
from harness.errors import NothingSelectedError
from harness.experiments.drills import drill as drills
from harness.experiments.drills import runs
from harness.experiments.drills.drill import Drill, DrillOutcome
from harness.experiments.execute import factory as executors
from harness.judgement.gate.drill_rules import find_changed_guards
from harness.judgement.gate.policy import Policy
from harness.judgement.gate.report import GateReport
from harness.judgement.gate.rules import Reader
from harness.judgement.verify import report as rows
from harness.judgement.verify.report import Outcome, Row
from harness.reporting import text

CHECK = "drills"
_REMEDY = "Look at why the guard did not turn red: harness drill NAME."


def run_changed(
    session: Session, project: Project, report: GateReport, policy: Policy | None
) -> GateReport:
    """Run the drills of changed guards and add a row for each.

    Raises:
        ConfigError: A drill cannot be read.
    """
    chosen = _choose(project, report, policy)
    if not chosen:
        row = rows.note_row(CHECK, "no drill of a changed guard")
        return replace(report, rows=(*report.rows, row))
    session.say(f"{len(chosen)} drills of changed guards")
    where = executors.Choice(name=executors.LOCAL, jobs=1, scheduler="")
    ground = runs.ground(project)
    with stop_on_signals() as stop, executors.open_executor(where) as executor:
        outcomes = runs.run_all(ground, chosen, executor, stop, lambda _outcome: None)
    return replace(report, rows=(*report.rows, *map(_row, outcomes)))


def _choose(project: Project, report: GateReport, policy: Policy | None) -> tuple[Drill, ...]:
    now = Reader(project.root).read("HEAD")
    changed = set(find_changed_guards(now, [c.difference for c in report.changes]))
    names = () if policy is None else policy.drills
    try:
        known = drills.select(project, None, ())
    except NothingSelectedError:
        return ()
    return tuple(d for d in known if (d.suite, d.guard) in changed or d.name in names)


def _row(outcome: DrillOutcome) -> Row:
    name = f"{outcome.drill.name}: {outcome.outcome}"
    if outcome.outcome in drills.GOOD:
        return rows.passed_row(CHECK, f"{name} by {outcome.drill.guard}")
    is_open = outcome.outcome == drills.NOT_RUN
    return Row(
        check=CHECK,
        outcome=Outcome.INCONCLUSIVE if is_open else Outcome.RED,
        found=rows.printable(text.visible(name)),
        expected=f"caught by {outcome.drill.guard}",
        remedy=_REMEDY,
    )
