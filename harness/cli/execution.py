"""Options of commands that make many runs: how many at a time, and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from harness.errors import ConfigError
from harness.experiments.execute.factory import DASK, LOCAL, NAMES, Choice, check

F = TypeVar("F", bound=Callable[..., Any])


def execution_options(function: F) -> F:
    """Add ``--executor``, ``--jobs`` and ``--scheduler`` to a command."""
    scheduler = click.option(
        "--scheduler", metavar="ADDRESS", help="Dask scheduler that runs already, tcp://…"
    )
    jobs = click.option(
        "--jobs",
        type=click.IntRange(min=1, max=1024),
        help="Runs at a time; a scheduler's cluster has its own size.",
    )
    executor = click.option(
        "--executor",
        type=click.Choice(NAMES),
        help=f"Where: {LOCAL} (this process), process, {DASK}.  [default: {LOCAL}]",
    )
    return executor(jobs(scheduler(function)))


def choice(flags: dict[str, Any], jobs: int) -> Choice:
    """Read the three options; ``jobs`` is the number at a time that the command prefers.

    Raises:
        ConfigError: They contradict each other, or an extra is missing.
    """
    address = flags["scheduler"] or ""
    if address and flags["jobs"]:
        raise ConfigError(
            "--jobs",
            found=f"{flags['jobs']} beside --scheduler",
            expected="a cluster that has its own number of workers",
            remedy="Leave --jobs out, or scale the cluster.",
        )
    name = flags["executor"] or (DASK if address else LOCAL)
    made = Choice(name=name, jobs=flags["jobs"] or jobs, scheduler=address)
    check(made)
    return made


def describe_executor(made: Choice) -> str:
    """Say where runs go, for the line that opens a command."""
    if made.scheduler:
        return f"on {made.scheduler}"
    return f"{made.jobs} at a time, executor {made.name}"
