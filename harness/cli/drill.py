"""``harness drill``: plant defects in scratch worktrees and see which guard turns red."""

from __future__ import annotations

import io
import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness.cli import bar, execution, options, resolve
from harness.cli.options import Session
from harness.cli.signals import stop_on_signals
from harness.config import config_file, placeholders
from harness.errors import EvidenceMissingError
from harness.evidence.hub import stamp
from harness.experiments.drills import dose_report, doses, report, runs
from harness.experiments.drills import drill as drills
from harness.experiments.drills.dial import FULL
from harness.experiments.drills.doses import DoseSeries
from harness.experiments.drills.drill import Drill, DrillOutcome
from harness.experiments.drills.runs import Ground
from harness.experiments.execute import factory as executors
from harness.experiments.execute.factory import Choice
from harness.files import write_text
from harness.reporting import text

EXAMPLES = """\b
Examples:
  harness drill
  harness drill quick
  harness drill intensity-scale-lost patch-grid-is-text
  harness drill quick --clean 30 --jobs 2
  harness drill --clean 30 --clean-suite smoke --report docs/guard-power.md
  harness drill --clean 30 --kept --report docs/guard-power.md
  harness drill rate-a-percent-lower --doses
"""
_MOST_AT_ONCE = 8


@click.command("drill", epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("suite", required=False)
@click.argument("names", nargs=-1)
@click.option(
    "--clean",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Also run the suite this often without a defect, each with a fresh seed.",
)
@click.option(
    "--clean-suite",
    multiple=True,
    metavar="SUITE",
    help="Suite of the clean runs, repeatable; default: every suite that is drilled.",
)
@click.option(
    "--doses",
    "with_doses",
    is_flag=True,
    help="Also plant each defect that has a dial by 1/3, 1/10, 1/30 and 1/100 of it, until a "
    "dose is not seen.",
)
@click.option("--kept", is_flag=True, help="Run nothing: tell what is kept of earlier calls.")
@click.option(
    "--report",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the outcomes, the false alarms and the statistics to this file.",
)
@execution.execution_options
@options.common
@options.pass_session
def command(
    session: Session, /, suite: str | None, names: tuple[str, ...], **flags: Any
) -> int:
    """Prove that the guards can fail, by planting defects.

    Each patch in drills/ is applied to a checkout of HEAD outside of your tree, the stages
    that its guard looks at are run there, and the guard must turn red. Outcomes are kept: a
    second call runs only what changed, and goes on where the first was interrupted; the
    report says what has not run. Exit code 0 when every defect is caught by its guard and no
    clean run raises an alarm, 3 when the others were not run, else 1.
    """
    where = execution.choice(flags, min(os.cpu_count() or 1, _MOST_AT_ONCE))
    ground = runs.ground(resolve.project(session), 1 if where.scheduler else where.jobs)
    chosen: list[Drill] = list(drills.select(ground.project, suite, names))
    for name in flags["clean_suite"] or sorted({drill.suite for drill in chosen}):
        config_file.find_suite(ground.project, name)
        chosen.extend(drills.clean_runs(name, flags["clean"]))
    signal = None
    if flags["kept"]:
        outcomes = tuple(runs.load_outcome(ground, drill) for drill in chosen)
    else:
        outcomes, signal = _run_drills(session, ground, chosen, where)
    series: tuple[DoseSeries, ...] = ()
    if flags["with_doses"] and signal is None:
        series, signal = _measure_doses(
            session, ground, chosen, None if flags["kept"] else where
        )
    is_whole = not (names or suite) and all(o.outcome != drills.NOT_RUN for o in outcomes)
    idle = drills.idle_guards(ground.project, outcomes) if is_whole else None
    if flags["page"] is not None:
        _write(flags["page"], ground, outcomes, idle, series)
    answer = {**_json(outcomes, idle or ()), "doses": [_encode_series(one) for one in series]}
    lines = [_summary(outcomes, idle or ()), *map(dose_report.describe, series)]
    session.answer(answer, "\n".join(lines))
    return _exit_code(outcomes) if signal is None else 128 + signal


def _measure_doses(
    session: Session, ground: Ground, chosen: Sequence[Drill], where: Choice | None
) -> tuple[tuple[DoseSeries, ...], int | None]:
    """Run the drills with a dial in smaller doses; without a place, look up what is kept."""
    signals: list[int] = []

    def perform(drills_: Sequence[Drill]) -> Sequence[DrillOutcome]:
        if where is None or signals:
            return [runs.load_outcome(ground, drill) for drill in drills_]
        outcomes, signal = _run_drills(session, ground, drills_, where)
        signals.extend(() if signal is None else (signal,))
        return outcomes

    return doses.measure(doses.select_dials(chosen), perform), next(iter(signals), None)


def _run_drills(
    session: Session, ground: Ground, chosen: Sequence[Drill], where: Choice
) -> tuple[tuple[DrillOutcome, ...], int | None]:
    """Run the drills with a progress bar; return the signal that ended them early, if any."""
    width = max(len(drill.name) for drill in chosen)
    session.say(
        f"{len(chosen)} drills in scratch worktrees of {ground.commit[:12]}, "
        f"{execution.describe_executor(where)}"
    )
    is_quiet = session.json or session.verbosity < 0
    stream = io.StringIO() if is_quiet else sys.stdout
    with (
        bar.Bar(stream, len(chosen), is_live=options.is_live() and not is_quiet) as progress,
        stop_on_signals() as stop,
        executors.open_executor(where) as executor,
    ):
        count = itertools.count(1)

        def tell(outcome: DrillOutcome) -> None:
            progress.advance(f"[{next(count)}/{len(chosen)}] {_line(outcome, width)}")

        outcomes = runs.run_all(ground, chosen, executor, stop, tell)
    return outcomes, stop.signal


def _exit_code(outcomes: Sequence[DrillOutcome]) -> int:
    bad = {item.outcome for item in outcomes if item.outcome not in drills.GOOD}
    if not bad:
        return 0
    return EvidenceMissingError.exit_code if bad == {drills.NOT_RUN} else 1


def _write(
    path: Path,
    ground: Ground,
    outcomes: Sequence[DrillOutcome],
    idle: Sequence[str] | None,
    series: Sequence[DoseSeries],
) -> None:
    suites = ground.project.suites.values()
    argvs = [argv for suite in suites for argv in placeholders.argvs(suite)]
    packages = dict.fromkeys(name for suite in suites for name in suite.packages)
    place_of_runs = stamp.environment(argvs, {}, tuple(packages))
    page = report.page(ground.project, outcomes, idle, ground.commit, place_of_runs, series)
    write_text(path, page)


def _line(outcome: DrillOutcome, width: int) -> str:
    drill = outcome.drill
    dose = "" if drill.dose == FULL else f"× {drill.dose:.2g}  "
    spent = text.duration(outcome.duration_s)
    line = f"{drill.name:<{width}}  {dose}{outcome.outcome:<11}  {spent}"
    if outcome.is_cached:
        line += " (kept)"
    if outcome.outcome in drills.GOOD:
        return f"{line}  {drill.guard}".rstrip()
    red = ", ".join(outcome.red[:4]) or outcome.reason or "nothing red"
    return f"{line}  wanted {drill.guard or 'no alarm'}; {text.visible(red)}"


def _summary(outcomes: Sequence[DrillOutcome], idle: Sequence[str]) -> str:
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.outcome] = counts.get(outcome.outcome, 0) + 1
    lines = [", ".join(f"{count} {name}" for name, count in counts.items())]
    if idle:
        lines.append(f"{len(idle)} guards that no drill turned red:")
        lines.extend(f"  {name}" for name in idle)
    return "\n".join(lines)


def _encode_series(series: DoseSeries) -> dict[str, Any]:
    return {
        "name": series.drill.name,
        "suite": series.drill.suite,
        "doses": [
            {
                "dose": outcome.drill.dose,
                "size": outcome.drill.dial and outcome.drill.dial.describe(outcome.drill.dose),
                "outcome": outcome.outcome,
                "guard": outcome.part_by,
                "part_of_limit": outcome.part,
            }
            for outcome in series.outcomes
        ],
    }


def _json(outcomes: Sequence[DrillOutcome], idle: Sequence[str]) -> dict[str, Any]:
    return {
        "drills": [
            {
                "name": outcome.drill.name,
                "suite": outcome.drill.suite,
                "guard": outcome.drill.guard,
                "defect": outcome.drill.defect,
                "outcome": outcome.outcome,
                "red": list(outcome.red),
                "duration_s": outcome.duration_s,
                "reason": outcome.reason,
                "recalled": outcome.is_cached,
            }
            for outcome in outcomes
        ],
        "idle_guards": list(idle),
    }
