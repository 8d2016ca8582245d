"""``harness golden fingerprint`` and ``accept``: the ensemble that a run is held against."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from harness.cli import execution, options, progress, resolve, run_options
from harness.cli.options import Session
from harness.cli.signals import stop_on_signals
from harness.config import config_file
from harness.errors import EvidenceMissingError
from harness.experiments.calibration import fingerprints
from harness.experiments.execute import factory as executors
from harness.judgement.golden import ensemble, store
from harness.records import encode

_MEMBERS = click.option(
    "--members",
    type=click.IntRange(min=ensemble.LEAST_MEMBERS),
    default=fingerprints.MEMBERS,
    show_default=True,
    help="Perturbed runs; one more is not perturbed, and is run twice.",
)
_REASON = click.option("--reason", default="", help="Why; required.")


@click.command("fingerprint", context_settings=options.CONTEXT)
@click.argument("suite")
@_MEMBERS
@_REASON
@run_options.dataset_options
@execution.execution_options
@options.common
@options.pass_session
def fingerprint(session: Session, /, suite: str, **flags: Any) -> int:
    """Run the ensemble of a suite and store its fingerprint.

    Every member runs the same seed, its program perturbed by rounding (parameter K = 1, 2, …);
    the spread of all numbers over them says what rounding does, and the limit holds for all
    numbers at one rate of false alarms. Uses all cores; called again after an interruption, it
    goes on where it stopped. Written to golden/SUITE/fingerprints, as text and one array.
    """
    return _make(session, suite, flags)


@click.command("accept", context_settings=options.CONTEXT)
@click.argument("suite")
@_MEMBERS
@_REASON
@run_options.dataset_options
@execution.execution_options
@options.common
@options.pass_session
def accept(session: Session, /, suite: str, **flags: Any) -> int:
    """Accept that a suite's answer changed: renew its fingerprint in one step.

    Like `fingerprint`, where there is one already: old and new, how the new numbers stood to
    the old ensemble, and the reason are in the ledger, and every report of a run names them.
    """
    project = resolve.project(session)
    golden = store.load(project.golden / config_file.find_suite(project, suite).name)
    if not golden.fingerprints:
        raise EvidenceMissingError(
            f"fingerprint of {suite}",
            found="none yet",
            expected="one to renew",
            remedy=f"Run harness golden fingerprint {suite} --reason …",
        )
    return _make(session, suite, flags)


def _make(session: Session, name: str, flags: dict[str, Any]) -> int:
    project = resolve.project(session)
    suite = fingerprints.require_person(project, name, flags["reason"], os.environ)
    chosen = execution.choice(flags, os.cpu_count() or 1)
    total = flags["members"] + 2
    with (
        progress.show_progress(session, total) as bar,
        stop_on_signals() as stop,
        executors.open_executor(chosen) as executor,
    ):
        session.say(f"{name}: {total} runs, {execution.describe_executor(chosen)}")
        datasets = run_options.datasets(flags)
        try:
            hubs = fingerprints.run_ensemble(
                project, suite, flags["members"], datasets, executor, stop, bar
            )
        except EvidenceMissingError:
            if stop.signal is None:
                raise
            return 128 + stop.signal
    made = fingerprints.propose(project, suite, hubs, flags["reason"])
    paths = fingerprints.save(project, suite, made)
    session.answer(encode(made.about), _describe(name, made, paths, project.root))
    return 0


def _describe(
    name: str, made: fingerprints.Ensemble, paths: tuple[Path, ...], root: Path
) -> str:
    about = made.about
    lines = [f"{count:>7,}  {expression}" for expression, count in about.counts.items()]
    limits = zip(ensemble.SHARES, about.limits, zip(*about.distances, strict=True), strict=True)
    lines += [
        f"{name}: {sum(about.counts.values()):,} numbers of {about.members} perturbed runs",
        *(_describe_limit(share, limit, max(of_share)) for share, limit, of_share in limits),
        f"false alarms at most {about.rate:.2%}; run again: {about.repeat}",
        *([f"renewed {about.origin}"] if about.origin else []),
        *(f"written {path.relative_to(root).as_posix()}" for path in paths),
    ]
    return "\n".join(lines)


def _describe_limit(share: float, limit: float, farthest: float) -> str:
    of = f"of {share:.0%} of all numbers" if share else "of the farthest number"
    return f"limit {limit:>7.4g} spreads {of}; farthest member {farthest:.3g}"
