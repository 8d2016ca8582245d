"""A history as people and programs read it: sparklines, shifts, the runs of one metric."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.cli import resolve
from harness.config.project import Project
from harness.experiments.history import judging
from harness.experiments.history.level_shift import (
    GOLDEN,
    Confirmation,
    History,
    JudgedSeries,
    LevelShift,
)
from harness.experiments.history.points import Run
from harness.reporting import text
from harness.reporting.terminal import Palette, table
from harness.verdict import Verdict

_NEWEST = 60  # runs of a sparkline
_SHORT = 12


def write_history(
    history: History, metric: str | None, palette: Palette, project: Project
) -> str:
    """Write the history of a suite: of one metric with all its runs, else what shifted."""
    chosen = [
        one
        for one in history.judged
        if (one.shifts if metric is None else one.series.is_named(metric))
    ]
    runs = {point.run.run_id for one in history.judged for point in one.series.points}
    open_count = sum(shift.is_open for one in chosen for shift in one.shifts)
    counted = f"{len(runs)} run{'' if len(runs) == 1 else 's'}"
    if metric is None:
        counted += f", {len(history.judged)} series"
    opened = f"{open_count} open shift{'' if open_count == 1 else 's'}"
    state = Verdict.RED if open_count else Verdict.GREEN
    words = opened if open_count else "no open shift"
    lines = [f"{palette.bold(history.suite)}  {counted}  {palette.verdict(state, words)}"]
    for subject, why in history.damaged.items():
        lines.append(f"  {palette.paint('damaged', '31')}  {text.visible(f'{subject}: {why}')}")
    if history.gone:
        gone = "run whose hub is" if history.gone == 1 else "runs whose hubs are"
        lines.append(f"  {history.gone} more {gone} gone")
    parts = ["\n".join(lines)]
    for one in chosen:
        parts.append("\n".join(_write_series(one, palette, project)))
        if metric is not None:
            parts.append(_write_runs(one, palette))
    return "\n\n".join(parts)


def _write_series(one: JudgedSeries, palette: Palette, project: Project) -> Iterator[str]:
    series = one.series
    guards = text.visible(", ".join(series.guards))
    yield f"{palette.bold(text.visible(series.metric))}  {palette.soft(guards)}"
    yield f"  {palette.soft(text.visible(series.group))}"
    base, red = series.baseline, len(series.points) - len(series.baseline)
    values = [point.value for point in base[-_NEWEST:]]
    if values:
        more = "…" if len(base) > _NEWEST else ""
        beside = f", {red} red beside them" if red else ""
        last = text.number(values[-1])
        counted = f"{len(base)} run{'' if len(base) == 1 else 's'}"
        yield f"  {more}{text.sparkline(values)}  {last}  of {counted}{beside}"
    if series.is_machine:
        yield f"  {palette.soft('of the machine: counts only where it is named')}"
    if one.note:
        yield f"  {palette.soft(one.note)}"
    for shift in one.shifts:
        yield from _write_shift(shift, palette, project)


def _write_shift(shift: LevelShift, palette: Palette, project: Project) -> Iterator[str]:
    verdict = Verdict.RED if shift.is_open else Verdict.GREEN
    place = "beside its golden, " if shift.kind == GOLDEN else ""
    size = judging.size_in_words(shift)
    levels = f"{text.number(shift.before)} → {text.number(shift.after)}"
    yield f"  {palette.verdict(verdict, f'{place}{size}: {levels}')}"
    yield f"    from     {shift.first.run_id} on, noticed at {shift.seen.run_id}"
    yield f"    commits  {text.visible(_describe_commits(shift))}"
    if shift.machine:
        yield f"    machine  {text.visible(shift.machine)}"
    if not shift.is_open:
        yield f"    accepted {text.visible(shift.reason)}"
        return
    yield f"    reruns   {shift.confirmation}"
    if shift.confirmation is Confirmation.NONE:
        for run in (shift.rerun_before, shift.rerun_after):
            if run is not None:
                place = resolve.relative_place(run.hub, project)
                yield f"    rerun    harness reproduce --hub {place}"
        if shift.rerun_before is None or shift.rerun_after is None:
            yield "    rerun    no run of a commit on each side: commit, and run the suite"
    elif shift.confirmation is Confirmation.CODE:
        old, new = shift.commits
        yield f"    blame    git log --oneline {old or ''}..{new}"
    words = f'--acknowledge {shift.first.run_id} --reason "…"'
    yield f"    accept   harness history --suite {shift.series.suite} {words}"


def _describe_commits(shift: LevelShift) -> str:
    old, new = shift.commits
    before = "the beginning" if old is None else f"{old[:_SHORT]} (old)"
    if old == new:
        return f"{new[:_SHORT]} on both sides: not a commit, but what lies beside the code"
    return f"{before} … {new[:_SHORT]} (new)"


def _write_runs(one: JudgedSeries, palette: Palette) -> str:
    """Write the runs of a series as a table, the newest last, shifts marked."""
    marks = {shift.first.run_id: shift for shift in one.shifts}
    rows = []
    for point in one.series.points:
        record, shift = point.run.record, marks.get(point.run.run_id)
        dirty = "+dirty" if record.stamp.dirty else ""
        verdict = Verdict.RED if point.is_red else record.verdict
        mark = "" if shift is None else f"{shift.direction}: a new level"
        beside = "red, in no baseline" if point.is_red else mark
        number = text.number(point.value)
        commit = f"{record.stamp.commit[:_SHORT]}{dirty}"
        rows.append((point.run.run_id, commit, palette.verdict(verdict), number, beside))
    return table(("run", "commit", "verdict", "value", ""), rows, palette)


def as_json(history: History, metric: str | None) -> dict[str, Any]:
    """Return the history of a suite for programs; without a metric, of all series."""
    return {
        "suite": history.suite,
        "damaged": dict(history.damaged),
        "gone": history.gone,
        "series": [
            _series_as_json(one)
            for one in history.judged
            if metric is None or one.series.is_named(metric)
        ],
    }


def _series_as_json(one: JudgedSeries) -> dict[str, Any]:
    series = one.series
    return {
        "metric": series.metric,
        "guards": list(series.guards),
        "group": series.group,
        "machine": series.is_machine,
        "note": one.note,
        "points": [
            {
                "run_id": point.run.run_id,
                "commit": point.run.record.stamp.commit,
                "dirty": point.run.record.stamp.dirty,
                "seed": point.run.seed,
                "value": point.value,
                "red": point.is_red,
            }
            for point in series.points
        ],
        "shifts": [_shift_as_json(shift) for shift in one.shifts],
    }


def _shift_as_json(shift: LevelShift) -> dict[str, Any]:
    old, new = shift.commits
    return {
        "kind": shift.kind,
        "first_run": shift.first.run_id,
        "noticed_at": shift.seen.run_id,
        "last_before": _run_id(shift.last_before),
        "first_after": shift.first_after.run_id,
        "commits": [old, new],
        "before": shift.before,
        "after": shift.after,
        "direction": shift.direction,
        "deviations": shift.deviations,
        "machine": shift.machine,
        "acknowledged": shift.reason or None,
        "reruns": shift.confirmation.value,
        "rerun": [_run_id(shift.rerun_before), _run_id(shift.rerun_after)],
    }


def _run_id(run: Run | None) -> str | None:
    return None if run is None else run.run_id
