"""Doses of drills to a section of the page: how little of each defect is still seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.config.project import Project
from harness.experiments.drills import doses, tables
from harness.experiments.drills.doses import DoseSeries
from harness.experiments.drills.drill import NOT_RUN, DrillOutcome

_SECTION = """\
## Doses

Where a defect has a size, it is planted whole, then by {steps} of it,
until a dose is not seen any more. *Beyond* is how far the number of the guard lay as a part of
its limit. One run with the suite's own seed decides on a dose. That 99 of 100 would see it is
said where the number lies beyond its limit by more than clean runs scatter: by the members of a
fingerprint's ensemble, each held against the others (99 of 100 of them, with 95 % confidence),
or by the seeds of a golden. Other guards have no known scatter.

{median}

{table}

"""


def section(project: Project, series: Sequence[DoseSeries]) -> str:
    """Write the section as Markdown; nothing without a drill that has a dial."""
    if not series:
        return ""
    steps = [f"1/{1 / dose:.0f}" for dose in doses.DOSES[1:]]
    return _SECTION.format(
        steps=f"{', '.join(steps[:-1])} and {steps[-1]}",
        median=_tell_median(series),
        table=tables.render_table(
            ("drill", "suite", "smallest dose seen", "which is", "by", "beyond", "99 of 100"),
            [_row(project, one) for one in series],
        ),
    )


def describe(series: DoseSeries) -> str:
    """Say in one line which dose of a drill is the smallest that is seen."""
    smallest = series.smallest
    if smallest is None:
        state = series.outcomes[-1].outcome if series.outcomes else NOT_RUN
        return f"{series.drill.name}: no dose seen ({state})"
    end = " or less" if _is_open(series) else ""
    far = "" if smallest.part is None else f", {smallest.part:.3g} of the limit"
    return (
        f"{series.drill.name}: {_tell_dose(smallest.drill.dose)}{end} is seen, "
        f"{_tell_size(smallest)}, by {smallest.part_by or smallest.red[0]}{far}"
    )


def _tell_median(series: Sequence[DoseSeries]) -> str:
    ended = [one for one in series if not _is_waiting(one)]
    median = doses.find_median(ended)
    waiting = len(series) - len(ended)
    rest = f" {waiting} others have not run to their end." if waiting else ""
    if median is None:
        return f"**None of {len(series)} drills has run to its end.**"
    if math.isinf(median):
        return f"**More than half of {len(ended)} defects are not seen whole.**{rest}"
    return f"**Median smallest dose of {len(ended)} drills: {median:.2%} of the defect.**{rest}"


def _row(project: Project, series: DoseSeries) -> tuple[str, ...]:
    head = (f"`{series.drill.name}`", series.drill.suite)
    smallest = series.smallest
    if smallest is None:
        state = series.outcomes[-1].outcome if series.outcomes else NOT_RUN
        return (*head, f"none ({state})", "—", "—", "—", "—")
    open_end = " or less" if _is_open(series) else ""
    if _is_waiting(series):
        open_end = " or less; the next has not run"
    return (
        *head,
        f"{_tell_dose(smallest.drill.dose)}{open_end}",
        _tell_size(smallest),
        f"`{smallest.part_by or smallest.red[0]}`",
        "—" if smallest.part is None else f"{smallest.part:.3g}",
        _tell_certainty(project, smallest),
    )


def _tell_certainty(project: Project, outcome: DrillOutcome) -> str:
    margin = doses.find_margin(project, outcome)
    if margin is None or outcome.part is None:
        return "—"
    return (
        f"yes (> {1 + margin:.3g})" if outcome.part > 1 + margin else f"no (≤ {1 + margin:.3g})"
    )


def _is_open(series: DoseSeries) -> bool:
    """Say whether even the smallest dose that is tried was seen."""
    smallest = series.smallest
    return smallest is not None and smallest.drill.dose == doses.DOSES[-1]


def _is_waiting(series: DoseSeries) -> bool:
    return not series.outcomes or series.outcomes[-1].outcome == NOT_RUN


def _tell_dose(dose: float) -> str:
    return "whole" if dose == 1 else f"1/{1 / dose:.0f}"


def _tell_size(outcome: DrillOutcome) -> str:
    dial = outcome.drill.dial
    return "" if dial is None else dial.describe(outcome.drill.dose)
