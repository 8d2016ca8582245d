"""``harness history``: the numbers of a suite over its runs, and where their level shifted."""

from __future__ import annotations

import os
from typing import Any

import click

from harness.cli import history_output, options, resolve, run_options
from harness.cli.options import Session
from harness.cli.signals import stop_on_signals
from harness.config import config_file
from harness.config.project import Project
from harness.config.toml_table import nearest
from harness.errors import (
    ConfigError,
    EvidenceMissingError,
    IntegrityError,
    NothingSelectedError,
)
from harness.evidence.hub.store import HubStore
from harness.experiments.history import confirming, judging
from harness.experiments.history.level_shift import History, JudgedSeries, LevelShift
from harness.experiments.history.points import Run
from harness.judgement.shifts import acknowledgement
from harness.judgement.shifts.acknowledgement import Acknowledgement
from harness.judgement.shifts.limits import RATE
from harness.reporting import terminal, text
from harness.verdict import AnswerClass, Verdict

EXAMPLES = """\b
Examples:
  harness history
  harness history golden-residual --suite quick
  harness history --suite quick --check      exit 1 while a shift is open
  harness history --suite quick --confirm    run both sides of open shifts again
  harness history --acknowledge 20260102T030405Z-a1b2c3 --reason "the loss weighs less"
"""


@click.command("history", epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("metric", required=False)
@click.option("--suite", metavar="SUITE", help="Only this suite.")
@click.option("--check", "is_check", is_flag=True, help="Exit with what the shifts are worth.")
@click.option("--confirm", "is_confirm", is_flag=True, help="Run both sides again first.")
@click.option(
    "--acknowledge", metavar="RUN", help="Accept the open shifts that begin with this run."
)
@click.option("--reason", metavar="TEXT", help="Why they are accepted; kept in the ledger.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0.0, max=1.0, min_open=True, max_open=True),
    default=RATE,
    show_default=True,
    help="False alarms: the share of steady suites that may raise one within 100 runs.",
)
@run_options.dataset_options
@options.common
@options.pass_session
def command(session: Session, /, metric: str | None, suite: str | None, **flags: Any) -> int:
    """Say where the numbers of a suite shifted and stayed there.

    METRIC is a metric or a guard that reads it; without it, all series with a shift are shown.
    Numbers come from sealed hubs that verify, in the order of the ledgers, and only runs of the
    same data, parameters and device are compared. Red values are shown, and are never part of
    a baseline.

    A shift is one alarm, with the commits it lies between, its direction and its size. It stays
    open until it is acknowledged with a reason, or a golden is updated after it. Where a golden
    exists, runs of fresh seeds are summed against it as well.

    Nothing is blamed before both sides were run again: harness reproduce, or --confirm.

    Times and memory count only where METRIC names one: a machine that is busy for an hour looks
    like a new level.

    With --check the exit code is 0 where no shift is open, 1 where one is, 3 where there is no
    run or reruns say that it is not the code, 4 where a hub is damaged.
    """
    project = resolve.project(session)
    names = _name_suites(project, suite)
    rate: float = flags["rate"]
    histories = [judging.judge_suite(project, name, rate) for name in names]
    if metric is not None:
        _require_metric(metric, histories)
    if flags["acknowledge"] is not None or flags["reason"] is not None:
        _acknowledge(project, _choose(histories, metric), flags)
        histories = [judging.judge_suite(project, name, rate) for name in names]
    if flags["is_confirm"]:
        with stop_on_signals() as stop:
            confirming.confirm(
                project,
                _choose(histories, metric),
                stop,
                lambda run, answer: _tell(session, run, answer),
                run_options.datasets(flags),
            )
            if stop.signal is not None:
                return 128 + stop.signal
        histories = [judging.judge_suite(project, name, rate) for name in names]
    palette = terminal.Palette(options.has_colour())
    answer = {"rate": rate, "suites": [history_output.as_json(h, metric) for h in histories]}
    answer["exit_code"] = code = _exit_code(histories, metric)
    blocks = [history_output.write_history(h, metric, palette, project) for h in histories]
    session.answer(answer, "\n\n".join(blocks))
    return code if flags["is_check"] else 0


def _tell(session: Session, run: Run, answer: AnswerClass) -> None:
    session.say(text.visible(f"{run.record.suite}/{run.run_id} run again: {answer}"))


def _name_suites(project: Project, suite: str | None) -> list[str]:
    """Return the suite that is named, or all that are declared and have runs."""
    if suite is not None:
        return [config_file.find_suite(project, suite).name]
    left = {run.suite for run in HubStore(project.hubs, project.work).runs().values()}
    return [name for name in project.suites if name in left] or list(project.suites)[:1]


def _require_metric(metric: str, histories: list[History]) -> None:
    """Refuse a metric that no run has.

    Raises:
        NothingSelectedError: There is none of this name.
    """
    series = [one.series for history in histories for one in history.judged]
    if not any(one.is_named(metric) for one in series):
        known = sorted({name for one in series for name in (one.metric, *one.guards)})
        raise NothingSelectedError(
            f"metric {metric}"[:160],
            found="no sealed run with such a number",
            expected="a metric or the id of a guard that reads it",
            remedy=nearest(metric, known),
        )


def _choose(histories: list[History], metric: str | None) -> list[LevelShift]:
    shifts = [shift for history in histories for shift in history.open_shifts]
    return [s for s in shifts if metric is None or s.series.is_named(metric)]


def _acknowledge(project: Project, shifts: list[LevelShift], flags: dict[str, Any]) -> None:
    """Accept open shifts that begin with a run.

    Raises:
        ConfigError: No run or no reason, no such shift, or nobody to decide.
    """
    run_id, reason = flags["acknowledge"] or "", " ".join((flags["reason"] or "").split())
    if not run_id or not reason:
        missing = "no run" if not run_id else "no reason"
        raise _refusal(missing, "--acknowledge RUN and --reason TEXT")
    if os.environ.get("CI"):
        raise _refusal("a run of continuous integration", "a person who decides")
    meant = [shift for shift in shifts if shift.first.run_id.startswith(run_id)]
    if len({shift.first.run_id for shift in meant}) != 1:
        begins = ", ".join(dict.fromkeys(shift.first.run_id for shift in shifts)) or "none"
        raise _refusal(run_id[:40], f"the first run of an open shift: {begins}")
    for shift in meant:
        accepted = Acknowledgement(
            suite=shift.series.suite,
            metric=shift.series.metric,
            group=shift.series.mark,
            run_id=shift.first.run_id,
            direction=shift.direction,
            reason=reason,
        )
        acknowledgement.append(project, accepted, judging.size_in_words(shift))


def _refusal(found: str, expected: str) -> ConfigError:
    remedy = "See harness history --help."
    return ConfigError("history --acknowledge", found=found, expected=expected, remedy=remedy)


def _exit_code(histories: list[History], metric: str | None) -> int:
    """Return what the answer is worth: damaged 4, open 1, nothing or not the code 3, else 0."""
    if any(history.damaged for history in histories):
        return IntegrityError.exit_code
    # Times of a busy machine shift by chance: they count where somebody names one.
    chosen = _choose(histories, metric)
    shifts = [s for s in chosen if metric is not None or not s.series.is_machine]
    if any(not shift.confirmation.is_refuted for shift in shifts):
        return Verdict.RED.exit_code
    judged: list[JudgedSeries] = [one for history in histories for one in history.judged]
    return EvidenceMissingError.exit_code if shifts or not judged else 0
