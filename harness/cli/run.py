"""``harness run``: run a suite, judge it, leave a sealed hub."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from harness import observer, records, workflow
from harness.cli import execution, live, options, place
from harness.cli.options import Session
from harness.conduct.options import RunOptions, RunOutcome
from harness.config import Project
from harness.errors import ConfigError
from harness.report import rendering, terminal, text, view

EXAMPLES = """\b
Examples:
  harness run quick
  harness run quick --if-stale
  harness run forward-parity --dataset train.npz --test-dataset test.npz
  harness run forward-parity --set seed=7 --set epochs=20
  harness run quick --stage selectors
  harness run quick --matrix seeds --jobs 2
  harness run quick --matrix seeds --scheduler tcp://head:8786
"""
_FILE = click.Path(path_type=Path, dir_okay=False)


def _pairs(values: Iterable[str], option: str, shape: str) -> dict[str, str]:
    """Split ``KEY=VALUE`` words.

    Raises:
        ConfigError: A word is no pair, or a key stands twice.
    """
    found: dict[str, str] = {}
    for word in values:
        key, sign, value = word.partition("=")
        if not key or not sign:
            remedy = f"Write it as {option} {shape}."
            raise ConfigError(option, found=repr(word), expected=shape, remedy=remedy)
        if key in found:
            raise ConfigError(option, found=f"{key} twice", expected="once", remedy="Drop one.")
        found[key] = value
    return found


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("suite")
@click.option("--dataset", type=_FILE, help="File for the role train; not generated then.")
@click.option("--test-dataset", type=_FILE, help="File for the role test.")
@click.option("--with", "given", multiple=True, metavar="ROLE=FILE", help="File for any role.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a parameter."
)
@click.option("--stage", "only", multiple=True, metavar="ID", help="Run only this stage.")
@click.option(
    "--if-stale", is_flag=True, help="Do nothing where a fresh green hub of the suite exists."
)
@click.option(
    "--matrix", metavar="NAME", help="Run every cell of this matrix that is not done yet."
)
@execution.given
@options.common
@options.pass_session
def command(session: Session, /, suite: str, **asked: Any) -> int:
    """Run a suite and leave a sealed hub of evidence.

    Stages run in order, artifacts are collected, guards judge them, and the hub is sealed
    whatever the verdict is. The exit code is the verdict's: 0 green, 1 red, 3 inconclusive.

    With --matrix there is a hub for each cell, in hubs/matrix/SUITE@NAME, and the exit code is
    that of the worst. Called again after whatever happened, it goes on where it stopped.
    """
    project = place.project(session)
    parameters = _pairs(asked["settings"], "--set", "KEY=VALUE")
    if asked["matrix"] is not None:
        from harness.cli import matrix

        return matrix.run(session, project, suite, asked, (parameters, _datasets(asked)))
    _refuse_many(asked)
    watcher = _watcher(session)
    asked_of = RunOptions(
        datasets=_datasets(asked),
        parameters=parameters,
        only=tuple(asked["only"]),
        if_stale=asked["if_stale"],
        renderers=rendering.FILES,
        observer=watcher or observer.Silent(),
    )
    try:
        outcome = workflow.run(project, suite, asked_of)
    finally:
        if watcher is not None:
            watcher.close()
    _tell(session, outcome, project)
    return outcome.exit_code


def _refuse_many(asked: dict[str, Any]) -> None:
    """Refuse options that only many runs have.

    Raises:
        ConfigError: One was given.
    """
    for name in ("executor", "jobs", "scheduler"):
        if asked[name] is not None:
            expected, remedy = "--matrix NAME beside it", "Leave it out, or name a matrix."
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


def _datasets(asked: dict[str, Any]) -> dict[str, Path]:
    """Gather the files by role from the three options that give them.

    Raises:
        ConfigError: A role is given twice.
    """
    roles = _pairs(asked["given"], "--with", "ROLE=FILE")
    found = {role: Path(word) for role, word in roles.items()}
    for role, option in (("train", "dataset"), ("test", "test_dataset")):
        if asked[option] is not None:
            if role in found:
                flag = f"--{option.replace('_', '-')}"
                remedy = f"Use {flag} or --with {role}=FILE."
                raise ConfigError(flag, found="the role twice", expected="once", remedy=remedy)
            found[role] = asked[option]
    return found


def _tell(session: Session, outcome: RunOutcome, project: Project) -> None:
    hub, record = place.shown(outcome.hub, project), outcome.record
    answer = {
        "hub": hub,
        "reused": outcome.reused,
        "exit_code": outcome.exit_code,
        "record": records.encode(record),
        "next": list(view.next_commands(record, Path(hub).parent.parent.as_posix())),
    }
    palette = terminal.Palette(options.has_colour())
    if session.verbosity < 0:
        told = f"{palette.verdict(record.verdict, text.named(record))}  {hub}"
    elif outcome.reused:
        since = f"{record.suite}  fresh since {record.finished}"
        told = f"{palette.verdict(record.verdict, text.named(record))}  {since}\nhub   {hub}"
        told += f"\nnext  harness verify --hub {hub}"
    else:
        told = "\n" + terminal.final(record, hub, palette)
    session.answer(answer, told)
