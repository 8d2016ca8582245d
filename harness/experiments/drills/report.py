"""Outcomes of drills and clean runs to a page: what guards catch, and how often they err."""

from __future__ import annotations

from collections.abc import Sequence

from harness.config.project import Project
from harness.evidence.hub import stamp
from harness.experiments.drills import dose_report, drill, tables
from harness.experiments.drills.doses import DoseSeries
from harness.experiments.drills.drill import DrillOutcome
from harness.judgement.golden import calibrate, power, store, tolerance
from harness.reporting import text

_SIZES = (12, 20, 30)
_FACTOR_SIZES = (3, 5, 6, 8, 10, 12, 20, 30, 50, 100)
_SCATTER = 0.1  # decades
_CONFIDENCE = 0.95
_COMMAND = "make guard-power"
_PAGE = """\
# What the guards catch

Written by `{command}`; measured on commit `{commit}`, or on an earlier one where all that the
outcome depends on was the same ({place}).

**{caught}** planted defects turned the guard red that was to see them. {idle} {clean}
{missing}
## Drills

Each defect is a patch in `drills/`, applied to a checkout of the commit. The time is that of
the stages that its guard looks at, setting up the checkout included: {total} in all, of which
several run at a time where there are cores.

{drills}

{listed}
{doses}## False alarms

Clean runs have seeds that no golden was made of. Where none raised an alarm, the true rate lies
below the bound given with 95 % confidence.

{alarms}

## Tolerance bounds

Factors k of `mean ± k·sd` for 95 % of the runs with 95 % confidence; the tests compare them
with the noncentral t distribution.

{factors}

{trials} simulated calibrations each; power is the share of runs seen whose value collapsed by
a factor of 10 while seeds scatter by {scatter} decades.

{powers}
"""


def page(
    project: Project,
    outcomes: Sequence[DrillOutcome],
    idle: Sequence[str] | None,
    commit: str,
    environment: dict[str, str],
    series: Sequence[DoseSeries] = (),
) -> str:
    """Write the page as Markdown.

    Args:
        project: The project, for its goldens.
        outcomes: Drills and clean runs.
        idle: Guards that no drill turned red; None where not all drills were run.
        commit: Where the source stood.
        environment: What the runs depended on.
        series: Doses of the drills that have a dial; without any, the page has no such section.
    """
    planted = [item for item in outcomes if item.drill.patch is not None]
    clean = [item for item in outcomes if item.drill.patch is None]
    waiting = [item for item in outcomes if item.outcome == drill.NOT_RUN]
    caught = sum(item.outcome == drill.CAUGHT for item in planted)
    place = ", ".join(
        f"{k} {v}" for k, v in stamp.identity(environment).items() if k != "machine"
    )
    values = {
        "command": _COMMAND,
        "commit": commit[:12],
        "place": place,
        "caught": f"{caught} of {len(planted)}",
        "idle": _idle_sentence(project, idle),
        "clean": _clean_sentence(clean),
        "missing": _list_waiting(waiting),
        "total": text.duration(sum(item.duration_s for item in planted)),
        "drills": _drills(planted),
        "doses": dose_report.section(project, series),
        "listed": "".join(f"- {name}\n" for name in idle or ()),
        "alarms": _clean(project, clean),
        "factors": _factors(),
        "trials": f"{power.TRIALS:,}",
        "scatter": f"{_SCATTER:g}",
        "powers": _trials(),
    }
    return _PAGE.format(**values)


def _idle_sentence(project: Project, idle: Sequence[str] | None) -> str:
    if idle is None:
        return "Not all drills were run."
    count = len({spec.id for suite in project.suites.values() for spec in suite.guards})
    if not idle:
        return f"Every guard of every suite ({count} by name) was turned red by at least one."
    return f"{len(idle)} guards were turned red by none; they are listed below the table."


def _clean_sentence(clean: Sequence[DrillOutcome]) -> str:
    made = [item for item in clean if item.outcome != drill.NOT_RUN]
    alarms = sum(item.outcome not in drill.GOOD for item in made)
    return f"{len(made)} clean runs with fresh seeds raised {alarms} alarms."


def _list_waiting(waiting: Sequence[DrillOutcome]) -> str:
    """Say what has not run; a page without this proves all that it lists."""
    if not waiting:
        return ""
    planted = [f"`{item.drill.name}`" for item in waiting if item.drill.patch is not None]
    lines = ["", f"**Incomplete: {len(waiting)} of the runs asked for have not run.**"]
    if planted:
        lines.append(f"Drills without an outcome: {', '.join(planted)}.")
    if len(planted) < len(waiting):
        lines.append(f"Clean runs without an outcome: {len(waiting) - len(planted)}.")
    return "\n".join((*lines, ""))


def _drills(outcomes: Sequence[DrillOutcome]) -> str:
    rows = [
        (
            f"`{item.drill.name}`",
            item.drill.suite,
            f"`{item.drill.guard}`",
            item.outcome,
            "—" if item.outcome == drill.NOT_RUN else text.duration(item.duration_s),
            text.visible(item.drill.defect),
        )
        for item in outcomes
    ]
    return tables.render_table(("drill", "suite", "guard", "outcome", "time", "defect"), rows)


def _clean(project: Project, outcomes: Sequence[DrillOutcome]) -> str:
    rows = []
    for name in project.suites:
        made = [
            item
            for item in outcomes
            if item.drill.suite == name and item.outcome != drill.NOT_RUN
        ]
        alarms = sum(item.outcome not in drill.GOOD for item in made)
        values = store.load(project.goldens(name)).values
        expected = f"{calibrate.suite_rate(values):.2%}" if values else "no golden"
        bound = "—"
        if made and not alarms:
            bound = f"{1 - (1 - _CONFIDENCE) ** (1 / len(made)):.1%}"
        rows.append((name, str(len(made)), str(alarms), bound, expected))
    head = ("suite", "clean runs", "alarms", "rate at most (95 %)", "expected by the goldens")
    return tables.render_table(head, rows)


def _factors() -> str:
    rows = [[str(n), *(f"{make(n, 0.95, 0.95):.4f}" for make in _KINDS)] for n in _FACTOR_SIZES]
    return tables.render_table(("seeds", "two-sided k", "one-sided k"), rows)


_KINDS = (tolerance.two_sided, tolerance.one_sided)


def _trials() -> str:
    simulations = [power.simulate(n, 0.95, 0.95, 1 / _SCATTER) for n in _SIZES]
    rows = [
        (
            str(simulation.n),
            f"{simulation.false_red:.2%}",
            f"{simulation.expected_false_red:.2%}",
            f"{simulation.power:.4f}",
        )
        for simulation in simulations
    ]
    head = ("seeds", "false red, simulated", "false red, computed", "power")
    return tables.render_table(head, rows)
