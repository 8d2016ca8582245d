"""``harness run``: run a suite, judge it, leave a sealed hub."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness import records
from harness.cli import execution, hub_names, live, options, resolve, run_options
from harness.cli.options import Session
from harness.config import config_file, suite_rules
from harness.config.project import MOST_RUNS, Project
from harness.errors import ConfigError
from harness.reporting import rendering, screen, terminal, text
from harness.runner import observer, workflow
from harness.runner.options import Draw, RunOptions, RunOutcome
from harness.verdict import AnswerClass

if TYPE_CHECKING:
    from harness.experiments.campaign.run import CellResult
    from harness.experiments.execute.unit import Executor
    from harness.records import MemberRecord
    from harness.runner.stages.child import Stop

EXAMPLES = """\b
Examples:
  harness run quick
  harness run quick --if-stale
  harness run forward-parity --dataset train.npz --test-dataset test.npz
  harness run forward-parity --set seed=7 --set epochs=20
  harness run quick --stage selectors
  harness run quick --expect changed
  harness run quick --runs 3
  harness run quick --matrix seeds --jobs 2
  harness run quick --matrix seeds --scheduler tcp://head:8786
"""


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("suite")
@run_options.run_options
@click.option("--stage", "only", multiple=True, metavar="ID", help="Run only this stage.")
@click.option(
    "--expect",
    type=click.Choice([one.value for one in AnswerClass]),
    help="The most that the numbers may differ by; more is red.",
)
@click.option(
    "--runs",
    type=click.IntRange(min=1, max=MOST_RUNS),
    help="Runs that the verdict stands on, each of another seed; no fewer than declared.",
)
@click.option(
    "--if-stale", is_flag=True, help="Do nothing where a fresh green hub of the suite exists."
)
@click.option(
    "--matrix", metavar="NAME", help="Run every cell of this matrix that is not done yet."
)
@click.option(
    "--name-hubs",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the hub's folder to this file, for harness gate; one on a line.",
)
@execution.execution_options
@options.common
@options.pass_session
def command(session: Session, /, suite: str, **flags: Any) -> int:
    """Run a suite and leave a sealed hub of evidence.

    Stages run in order, artifacts are collected, guards judge them, and the hub is sealed
    whatever the verdict is. The exit code is the verdict's: 0 green, 1 red, 3 inconclusive.

    With --runs, or where the suite says so, the verdict stands on several runs with seeds that
    follow from the run's id: all else must hold in each, goldens judge their mean. Where
    nothing but goldens is red, they judge once more, over twice as many runs, over three where
    the suite makes one: a seed that went astray is no defect. The others lie in
    .harness/series.

    With --matrix there is a hub for each cell, in hubs/matrix/SUITE@NAME, and the exit code is
    that of the worst. Called again after whatever happened, it goes on where it stopped.
    """
    project = resolve.project(session)
    hub_names.forget(flags["name_hubs"])
    parameters, files = run_options.parameters(flags), run_options.datasets(flags)
    if flags["matrix"] is not None:
        from harness.cli import matrix

        if flags["expect"] is not None:
            remedy = "Leave it out, or declare it in the suite's fingerprint."
            raise ConfigError(
                "--expect", found="a matrix", expected="one single run", remedy=remedy
            )
        return matrix.run(session, project, suite, flags, (parameters, files))
    runs = _count_runs(project, suite, flags)
    _refuse_many(flags, runs)
    watcher = _watcher(session)
    asked_of = RunOptions(
        datasets=files,
        parameters=parameters,
        only=tuple(flags["only"]),
        if_stale=flags["if_stale"],
        expects=flags["expect"] or "",
        renderers=rendering.FILES,
        observer=watcher or observer.Silent(),
        runs=runs,
    )
    try:
        if runs > 1:
            outcome = _run_several(project, suite, asked_of, flags)
        else:
            draw = _draw_when_red(project, suite, asked_of)
            outcome = workflow.run_suite(project, suite, replace(asked_of, draw=draw))
    finally:
        if watcher is not None:
            watcher.close()
    hub_names.name_hubs(project, [outcome.hub], flags["name_hubs"])
    _tell(session, outcome, project)
    return outcome.exit_code


def _count_runs(project: Project, suite: str, flags: dict[str, Any]) -> int:
    """Return how many runs the verdict stands on: as the suite says, or more.

    Raises:
        ConfigError: Fewer than that, or several runs of a suite without a seed.
    """
    declared = config_file.find_suite(project, suite)
    runs = flags["runs"] or declared.runs
    if runs < declared.runs:
        raise ConfigError(
            "--runs",
            found=f"{runs} runs",
            expected=f"at least {declared.runs}, as suite {suite} declares",
            remedy="Leave it out.",
        )
    suite_rules.check_runs(replace(declared, runs=runs), "--runs")
    return runs


def _run_several(
    project: Project, suite: str, asked_of: RunOptions, flags: dict[str, Any]
) -> RunOutcome:
    """Run a suite whose verdict stands on several runs."""
    # Executors are for who asks for several runs.
    from harness.experiments.execute import factory

    with factory.open_executor(execution.choice(flags, 1)) as executor:
        draw = _make_draw(project, suite, asked_of, executor)
        return workflow.run_suite(project, suite, replace(asked_of, draw=draw))


def _draw_when_red(project: Project, suite: str, asked_of: RunOptions) -> Draw | None:
    """Return what makes further runs of a suite that seldom needs any, one after the other.

    Without a seed every run would be the same one, and nothing makes another.
    """
    if not suite_rules.is_seeded(config_file.find_suite(project, suite)):
        return None

    def draw(run_id: str, indices: range, stop: Stop) -> tuple[MemberRecord, ...]:
        from harness.experiments.execute.inline import InlineExecutor  # few runs come here

        make = _make_draw(project, suite, asked_of, InlineExecutor(1))
        return make(run_id, indices, stop)

    return draw


def _make_draw(project: Project, suite: str, asked_of: RunOptions, executor: Executor) -> Draw:
    from harness.experiments import series  # calibration and campaigns: not for every run

    def tell_done(done: CellResult) -> None:
        asked_of.observer.note(f"{done.cell.name}: {done.verdict} by itself")

    return series.make_draw(
        project, suite, asked_of.parameters, asked_of.datasets, executor, tell_done
    )


def _refuse_many(flags: dict[str, Any], runs: int) -> None:
    """Refuse options that only many runs have.

    Raises:
        ConfigError: One was given.
    """
    if runs > 1:
        return
    for name in ("executor", "jobs", "scheduler"):
        if flags[name] is not None:
            expected = "--matrix NAME or --runs N beside it"
            remedy = "Leave it out, or name a matrix."
            raise ConfigError(
                f"--{name}", found="one single run", expected=expected, remedy=remedy
            )


def _watcher(session: Session) -> live.Plain | live.Live | None:
    if session.json or session.verbosity < 0:
        return None
    return live.watcher(
        is_live=options.is_live(),
        has_colour=options.has_colour(),
        is_verbose=session.verbosity > 0,
    )


def _tell(session: Session, outcome: RunOutcome, project: Project) -> None:
    hub, record = resolve.relative_place(outcome.hub, project), outcome.record
    answer = {
        "hub": hub,
        "reused": outcome.reused,
        "exit_code": outcome.exit_code,
        "record": records.encode(record),
        "next": list(text.next_commands(record, Path(hub).parent.parent.as_posix())),
    }
    palette = terminal.Palette(options.has_colour())
    if session.verbosity < 0:
        answer_text = f"{palette.verdict(record.verdict, text.describe_verdict(record))}  {hub}"
    elif outcome.reused:
        since = f"{record.suite}  fresh since {record.finished}"
        verdict = palette.verdict(record.verdict, text.describe_verdict(record))
        answer_text = f"{verdict}  {since}\nhub   {hub}"
        answer_text += f"\nnext  harness verify --hub {hub}"
    else:
        answer_text = "\n" + screen.final(record, hub, palette)
    session.answer(answer, answer_text)
