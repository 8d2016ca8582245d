"""``harness golden``: show, calibrate, update, rename and explain reference statistics."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import (
    execution,
    golden_audit,
    golden_curves,
    golden_fingerprint,
    golden_retire,
    options,
    progress,
    resolve,
)
from harness.cli.options import Session
from harness.cli.signals import stop_on_signals
from harness.config import config_file
from harness.errors import EvidenceMissingError
from harness.experiments.calibration import goldens
from harness.experiments.calibration import rename as renaming
from harness.experiments.calibration import runs as calibration_runs
from harness.experiments.execute import factory as executors
from harness.judgement.golden import calibrate as statistics
from harness.judgement.golden import curve, store
from harness.records import encode

if TYPE_CHECKING:
    from harness.judgement.golden.curve import GoldenCurve
    from harness.judgement.golden.store import GoldenSet, GoldenValue

EXAMPLES = """\b
Examples:
  harness golden show
  harness golden calibrate forward-parity --seeds 12
  harness golden update forward-parity --reason "the encoder has one block more"
  harness golden fingerprint smoke --reason "the first ensemble"
  harness golden accept smoke --reason "the loss weighs the edge less"
  harness golden rename train-stats:[*].var train-stats:[*].variance
  harness golden explain quick "min(metrics:[split=test].loss)"
  harness golden audit
  harness golden retire quick --before 2026-11-30 --reason "of the model before"
"""


@click.group("golden", epilog=EXAMPLES, context_settings=options.CONTEXT)
def command() -> None:
    """Show, calibrate or update reference statistics.

    A golden is a tolerance interval made of many seeds, for one environment and one set of
    data. It changes only by `harness golden update`, `rename` and `retire`, which the ledger
    tells of.
    """


@command.command("show", context_settings=options.CONTEXT)
@click.argument("suite", required=False)
@options.common
@options.pass_session
def show(session: Session, suite: str | None) -> None:
    """List the goldens that judge a suite, or all."""
    project = resolve.project(session)
    suites = [config_file.find_suite(project, suite)] if suite else project.suites.values()
    names = dict.fromkeys(spec.judged_by for spec in suites)
    goldens_of = {name: store.load(project.golden / name) for name in names}
    lines = [line for name, golden in goldens_of.items() for line in _lines(name, golden)]
    session.answer(
        {name: _encode(golden) for name, golden in goldens_of.items()},
        "\n".join(lines) or "No golden yet: harness golden calibrate SUITE --seeds 12.",
    )


@command.command("calibrate", context_settings=options.CONTEXT)
@click.argument("suite")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=store.LEAST_SEEDS,
    show_default=True,
    help="How many seeds to run; the first is run twice.",
)
@click.option(
    "--first-seed",
    type=click.IntRange(min=0),
    default=calibration_runs.FIRST_SEED,
    show_default=True,
    help="The first seed; the others follow.",
)
@click.option("--dataset", type=click.Path(path_type=Path), help="Training data.")
@click.option("--test-dataset", type=click.Path(path_type=Path), help="Test data.")
@execution.execution_options
@options.common
@options.pass_session
def calibrate(session: Session, /, suite: str, **flags: Any) -> int:
    """Run a suite with many seeds and propose goldens; nothing is changed yet.

    The runs lie in a store of their own, .harness/calibration, and none of them becomes the
    latest run of the suite. Called again after an interruption, it goes on where it stopped.
    Runs at the same time disturb each other's duration: without --jobs there is one.
    """
    project = resolve.project(session)
    declared = config_file.find_suite(project, suite)
    files = {"train": flags["dataset"], "test": flags["test_dataset"]}
    chosen = execution.choice(flags, 1)
    wanted = [str(flags["first_seed"] + i) for i in range(flags["seeds"])]
    total = len(wanted) + 1
    with (
        progress.show_progress(session, total, is_measuring=True) as bar,
        stop_on_signals() as stop,
        executors.open_executor(chosen) as executor,
    ):
        session.say(f"{suite}: {total} runs, {execution.describe_executor(chosen)}")
        reached = ", ".join(calibration_runs.seeded_stages(declared))
        session.say(f"The first whole, the others {reached} alone.")
        datasets = {role: path for role, path in files.items() if path}
        try:
            runs = calibration_runs.run_seeds(
                project, suite, wanted, datasets, executor, stop, bar
            )
        except EvidenceMissingError:
            if stop.signal is None:
                raise
            return 128 + stop.signal
    golden = goldens.propose(project, declared, runs, "a proposal")
    warnings = goldens.tell_reach(declared, golden)
    warnings += goldens.tell_outliers(project, declared, runs)
    lines = [*_lines(suite, golden), *warnings]
    session.answer(_encode(golden), "\n".join(lines))
    session.say(f'Next: harness golden update {suite} --reason "…"')
    return 0


@command.command("update", context_settings=options.CONTEXT)
@click.argument("suite")
@click.option("--reason", default="", help="Why the reference changes; required.")
@options.common
@options.pass_session
def update(session: Session, suite: str, reason: str) -> None:
    """Make the last calibration the reference of a suite.

    Refused without a reason, with too few seeds, when a repeat of a seed disagrees, when a
    guard is red, and when CI is set.
    """
    project = resolve.project(session)
    golden = goldens.update(project, suite, reason, os.environ)
    folder = resolve.relative_place(project.golden / suite, project)
    written = f"Written to {folder}; commit it. The digests of its runs are in the ledger."
    warnings = goldens.tell_reach(config_file.find_suite(project, suite), golden)
    lines = [*_lines(suite, golden), *warnings, written]
    session.answer(_encode(golden), "\n".join(lines))


command.add_command(golden_fingerprint.fingerprint)
command.add_command(golden_fingerprint.accept)
command.add_command(golden_audit.command)
command.add_command(golden_retire.command)


@command.command("rename", context_settings=options.CONTEXT)
@click.argument("old")
@click.argument("new")
@click.option("--suite", help="Change the guards of this suite alone.")
@click.option("--reason", default="", help="Why; without it, that OLD is called NEW.")
@options.common
@options.pass_session
def rename(session: Session, old: str, new: str, suite: str | None, reason: str) -> None:
    """Give a metric another name: path OLD becomes NEW.

    A path is what a guard says, such as metrics:[split=test].loss, without an
    aggregate. Changes the guards in harness.toml, whose comments stay, and the goldens; the
    ledger tells of it. Nothing is calibrated anew, so that what the artifact holds under NEW
    must be what it held under OLD. Refused when CI is set.
    """
    project = resolve.project(session)
    made = renaming.rename(project, (old, new), suite, reason, os.environ)
    answer = {"guards": list(made.guards), "goldens": made.values}
    lines = [f"guard   {place}" for place in made.guards]
    lines += [
        f"golden  {name}: {count} value{'' if count == 1 else 's'}"
        for name, count in made.values.items()
    ]
    session.answer(answer, "\n".join(lines))


@command.command("explain", context_settings=options.CONTEXT)
@click.argument("suite")
@click.argument("metric")
@options.common
@options.pass_session
def explain(session: Session, suite: str, metric: str) -> None:
    """Say where the bounds of a metric come from and what they notice."""
    project = resolve.project(session)
    name = config_file.find_suite(project, suite).name
    values = goldens.find(store.load(project.goldens(name)), metric)
    parts = [_explain(value) for value in values]
    session.answer([answer for answer, _ in parts], "\n\n".join(text for _, text in parts))


def _explain(value: GoldenValue | GoldenCurve) -> tuple[dict[str, Any], str]:
    if isinstance(value, curve.GoldenCurve):
        return golden_curves.describe_curve(value), golden_curves.render_curve(value)
    facts = {**statistics.explain(value), "noticed_by_runs": _find_noticed(value)}
    return {**encode(value), **facts}, _explain_golden(value)


def _encode(golden: GoldenSet) -> list[Any]:
    return [*encode(golden.values), *encode(golden.curves)]


def _lines(suite: str, golden: GoldenSet) -> list[str]:
    ordered = sorted(golden.values, key=lambda value: value.metric)
    width = max((len(value.metric) for value in ordered), default=0)
    lines = [
        f"{suite}  {value.metric:<{width}}  {_bounds(value)}  n {value.n}  {value.scale}"
        f"  {value.environment.get('device', '')}  {value.date[:10]}"
        for value in ordered
    ]
    ordered_curves = sorted(golden.curves, key=lambda one: one.metric)
    lines += [golden_curves.render_line(suite, one) for one in ordered_curves]
    if lines:
        rate = statistics.suite_rate([*ordered, *ordered_curves])
        lines.append(f"{suite}  expected false red of a clean run, at most: {rate:.2%}")
    return lines


def _find_noticed(value: GoldenValue) -> dict[str, tuple[float | None, float | None]]:
    return {str(runs): statistics.find_noticed(value, runs) for runs in statistics.RUNS}


def _bounds(value: GoldenValue) -> str:
    low, high = (
        "open" if bound is None else f"{bound:.4g}" for bound in (value.low, value.high)
    )
    return f"{value.reference:.4g} in [{low}, {high}]"


def _explain_golden(value: GoldenValue) -> str:
    facts = statistics.explain(value)
    sides = {"two": "mean ± k·sd", "low": "mean − k·sd", "high": "mean + k·sd"}[value.sides]
    unit = "a factor" if value.scale == "log10" else "a shift"
    noticed = [
        f"  {'notices' if index == 0 else '':<10}  {unit} of "
        f"{' or '.join(f'{shift:.4g}' for shift in shifts if shift is not None)}"
        f" in 99 of 100 verdicts over {runs} run{'' if runs == '1' else 's'}"
        for index, (runs, shifts) in enumerate(_find_noticed(value).items())
    ]
    share = f"{value.coverage:.4%} of runs with {value.confidence:.0%} confidence"
    data = ", ".join(f"{role} {sha[:12]}" for role, sha in sorted(value.datasets.items()))
    made = f"{value.n} seeds, {value.scale} scale: mean {value.mean:.6g}, sd {value.sd:.4g}"
    origin = f"{value.author}, {value.date}, commit {value.commit[:12]}"
    return "\n".join(
        [
            f"{value.metric}: {_bounds(value)}",
            f"  made of     {made}",
            f"  interval    {sides} with k = {facts['factor']:.4g}, for {share}",
            f"  false red   {facts['false_red_rate']:.2%} of clean runs expected",
            *noticed,
            f"  valid for   {value.environment.get('device', 'any')}; {data or 'no datasets'}",
            f"  because     {value.reason} ({origin})",
        ]
    )
