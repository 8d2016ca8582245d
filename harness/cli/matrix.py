"""``harness run --matrix``: every cell to a hub, and the table of all of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.cli import execution, hub_names, options, progress, resolve
from harness.cli.options import Session
from harness.cli.signals import stop_on_signals
from harness.config import config_file
from harness.config.project import MatrixSpec, Project, SuiteSpec
from harness.errors import ConfigError
from harness.experiments import matrix_runs
from harness.experiments.campaign.run import CellResult
from harness.experiments.execute import factory as executors
from harness.experiments.matrix_runs import MatrixStatus
from harness.judgement.guards import metrics
from harness.reporting import terminal, text
from harness.reporting.terminal import Palette
from harness.verdict import Verdict, combine

_CORES_PER_RUN = 2
_METRICS = 3
_WIDEST = 28
_ALONE = {"only": "--stage", "if_stale": "--if-stale"}


def run(
    session: Session,
    project: Project,
    suite: str,
    flags: dict[str, Any],
    settings: tuple[Mapping[str, str], Mapping[str, Path]],
) -> int:
    """Run a matrix and show its table; the exit code is that of the worst verdict.

    Args:
        session: What the command line says about the whole program.
        project: The project.
        suite: Name of the suite.
        flags: The options of the command.
        settings: Parameters and files that hold for all cells.

    Raises:
        ConfigError: An option that has no place here, or whatever the cells refuse.
    """
    for name, option in _ALONE.items():
        if flags[name]:
            expected = "whole runs, and only those that are not done"
            raise ConfigError(
                option, found="beside --matrix", expected=expected, remedy="Leave it out."
            )
    spec = matrix_runs.find_matrix(project, suite, flags["matrix"])
    cells = matrix_runs.cells(project, spec, *settings)
    chosen = execution.choice(flags, max(1, (os.cpu_count() or 1) // _CORES_PER_RUN))
    session.say(
        f"{suite} {spec.name}: {len(cells)} cells, {execution.describe_executor(chosen)}"
    )
    with (
        progress.show_progress(session, len(cells)) as bar,
        stop_on_signals() as stop,
        executors.open_executor(chosen) as executor,
    ):
        results = matrix_runs.run_matrix(project, spec, cells, executor, stop, bar)
    named = [result.hub for result in results if result.hub is not None]
    hub_names.name_hubs(project, named, flags["name_hubs"])
    code = combine(result.verdict for result in results).exit_code
    if stop.signal is not None:
        code = 128 + stop.signal
    palette = Palette(options.has_colour())
    suite_spec = config_file.find_suite(project, suite)
    answer = _json(project, spec, results, len(cells), code)
    table = "\n".join(
        [*_table(suite_spec, spec, results, palette), _counts(results, len(cells))]
    )
    session.answer(answer, _counts(results, len(cells)) if session.verbosity < 0 else table)
    return code


def _counts(results: Sequence[CellResult], cells: int) -> str:
    counts = dict.fromkeys(Verdict, 0)
    for result in results:
        counts[result.verdict] += 1
    words = [f"{count} {verdict}" for verdict, count in counts.items() if count]
    left = cells - len(results)
    if left:
        words.append(f"{left} not run; the same command goes on from here")
    return f"{cells} cells: {', '.join(words)}"


def _table(
    suite: SuiteSpec, spec: MatrixSpec, results: Sequence[CellResult], palette: Palette
) -> list[str]:
    if not results:
        return []
    names = _most_different_metrics(results)
    ids = {metrics.key(g.options): g.id for g in suite.guards if "metric" in g.options}
    head = [
        *spec.axes,
        "verdict",
        *(terminal.clip(ids.get(name, name), _WIDEST) for name in names),
        "took",
        "hub",
    ]
    rows = [
        [
            *(text.visible(result.cell.values[axis]) for axis in spec.axes),
            palette.verdict(result.verdict),
            *(text.number(result.metrics.get(name)) for name in names),
            text.duration(result.duration_s),
            result.hub.name if result.hub else terminal.clip(text.visible(result.reason), 60),
        ]
        for result in results
    ]
    return ["", terminal.table(head, rows, palette), ""]


def _most_different_metrics(results: Sequence[CellResult]) -> list[str]:
    """Name the metrics in which cells differ most, relative to their size."""
    spread: dict[str, float] = {}
    for name in {name for result in results for name in result.metrics}:
        values = [r.metrics[name] for r in results if name in r.metrics]
        size = max(abs(value) for value in values)
        if size and max(values) > min(values):
            spread[name] = (max(values) - min(values)) / size
    return sorted(spread, key=lambda name: (-spread[name], name))[:_METRICS]


def _json(
    project: Project, spec: MatrixSpec, results: Sequence[CellResult], count: int, code: int
) -> dict[str, Any]:
    return {
        "suite": spec.suite,
        "matrix": spec.name,
        "axes": {axis: list(values) for axis, values in spec.axes.items()},
        "cells": [
            {
                "values": dict(result.cell.values),
                "verdict": result.verdict.value,
                "reason": result.reason,
                "hub": resolve.relative_place(result.hub, project) if result.hub else None,
                "duration_s": result.duration_s,
                "metrics": dict(result.metrics),
                "reused": result.is_reused,
            }
            for result in results
        ],
        "not_run": count - len(results),
        "exit_code": code,
    }


def read_statuses(project: Project, only: Sequence[str] = ()) -> list[MatrixStatus]:
    """Say where the matrices stand, of all suites or of some."""
    return [
        matrix_runs.matrix_status(project, spec)
        for suite, specs in project.matrices.items()
        if not only or suite in only
        for spec in specs.values()
    ]


def block(stood: MatrixStatus) -> str:
    """Write where a matrix stands and what to type."""
    spec = stood.spec
    done = sum(stood.verdicts.values())
    words = ", ".join(f"{count} {verdict}" for verdict, count in stood.verdicts.items())
    line = f"{spec.suite} matrix {spec.name}  {done} of {stood.count} cells are current"
    if note := text.visible(stood.problem) if stood.problem else words:
        line += f": {note}"
    if done == stood.count:
        return line
    return f"{line}\n  next    harness run {spec.suite} --matrix {spec.name}"


def as_json(stood: MatrixStatus) -> dict[str, Any]:
    """Say the same to a program."""
    return {
        "suite": stood.spec.suite,
        "matrix": stood.spec.name,
        "cells": stood.count,
        "verdicts": dict(stood.verdicts),
        "trouble": stood.problem or None,
    }
