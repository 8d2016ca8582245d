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

from harness import drill as drills
from harness import drill_report, suite_rules
from harness.cli import bar, options, place
from harness.cli.options import Session
from harness.cli.stopping import stopping
from harness.config import Project
from harness.drill import Drill, DrillOutcome
from harness.files import write_text
from harness.hub import stamp
from harness.report import text

EXAMPLES = """\b
Examples:
  harness drill
  harness drill quick
  harness drill quick intensity-scale-lost patch-grid-is-text
  harness drill quick --clean 30 --jobs 2
  harness drill --clean 30 --report docs/guard-power.md
"""
_CORES_PER_RUN = 2


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
    "--jobs",
    type=click.IntRange(min=1, max=64),
    default=None,
    help="Drills at a time; default: one for every two cores.",
)
@click.option(
    "--report",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the outcomes, the false alarms and the statistics to this file.",
)
@options.common
@options.pass_session
def command(
    session: Session, /, suite: str | None, names: tuple[str, ...], **asked: Any
) -> int:
    """Prove that the guards can fail, by planting defects.

    Each patch in drills/ is applied to a checkout of HEAD outside of your tree, the stages
    that its guard looks at are run there, and the guard must turn red. Outcomes are kept: a
    second call runs only what changed. Exit code 0 when every defect is caught by its guard
    and no clean run raises an alarm, else 1.
    """
    project = place.project(session)
    chosen: list[Drill] = list(drills.select(project, suite, names))
    for name in sorted({drill.suite for drill in chosen}):
        chosen.extend(drills.clean_runs(name, asked["clean"]))
    at_once = asked["jobs"] or max(1, (os.cpu_count() or 1) // _CORES_PER_RUN)
    width = max(len(drill.name) for drill in chosen)
    session.say(f"{len(chosen)} drills, {at_once} at a time, on HEAD in scratch worktrees")
    is_quiet = session.json or session.verbosity < 0
    stream = io.StringIO() if is_quiet else sys.stdout
    with (
        bar.Bar(stream, len(chosen), is_live=options.is_live() and not is_quiet) as shown,
        stopping() as stop,
    ):
        count = itertools.count(1)

        def tell(outcome: DrillOutcome) -> None:
            shown.advance(f"[{next(count)}/{len(chosen)}] {_line(outcome, width)}")

        outcomes = drills.run_all(project, chosen, at_once, stop, tell)
    if stop.signal is not None:
        return 128 + stop.signal
    idle = None if names or suite else drills.idle_guards(project, outcomes)
    if asked["page"] is not None:
        _write(asked["page"], project, outcomes, idle)
    session.answer(_json(outcomes, idle or ()), _summary(outcomes, idle or ()))
    return 0 if all(outcome.outcome in drills.GOOD for outcome in outcomes) else 1


def _write(
    path: Path, project: Project, outcomes: Sequence[DrillOutcome], idle: Sequence[str] | None
) -> None:
    stood = stamp.take(project.root, (project.hubs, project.work))
    argvs = [argv for suite in project.suites.values() for argv in suite_rules.argvs(suite)]
    place_of_runs = stamp.environment(argvs, {})
    write_text(path, drill_report.page(project, outcomes, idle, stood, place_of_runs))


def _line(outcome: DrillOutcome, width: int) -> str:
    drill = outcome.drill
    shown = f"{drill.name:<{width}}  {outcome.outcome:<11}  {text.duration(outcome.duration_s)}"
    if outcome.is_recalled:
        shown += " (kept)"
    if outcome.outcome in drills.GOOD:
        return f"{shown}  {drill.guard}".rstrip()
    red = ", ".join(outcome.red[:4]) or outcome.reason or "nothing red"
    return f"{shown}  wanted {drill.guard or 'no alarm'}; {text.visible(red)}"


def _summary(outcomes: Sequence[DrillOutcome], idle: Sequence[str]) -> str:
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.outcome] = counts.get(outcome.outcome, 0) + 1
    lines = [", ".join(f"{count} {name}" for name, count in counts.items())]
    if idle:
        lines.append(f"{len(idle)} guards that no drill turned red:")
        lines.extend(f"  {name}" for name in idle)
    return "\n".join(lines)


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
                "recalled": outcome.is_recalled,
            }
            for outcome in outcomes
        ],
        "idle_guards": list(idle),
    }
