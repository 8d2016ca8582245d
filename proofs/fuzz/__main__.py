"""Bend stores and read them: ``python -m proofs.fuzz``; goes on where it was stopped.

Batches that an earlier call has run are taken from it; what did not hold is run again with
``--failed`` once it is mended. With ``--case`` one case is run and told.
"""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from proofs.fuzz import batches, case, place
from proofs.fuzz.case import Outcome

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - thousands of small copies, for no disk
_MOST = 40


@click.command()
@click.option("--count", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--seed", type=int, default=18, show_default=True)
@click.option(
    "--commands", type=click.IntRange(1), default=2, show_default=True, help="A case."
)
@click.option("--minutes", type=float, help="Begin no batch after so long.")
@click.option("--case", "number", type=int, help="Run this case alone and tell it.")
@click.option("--failed", is_flag=True, help="Run again the cases that did not hold.")
@click.option("--batch", type=int, hidden=True, help="Run this batch, and keep it.")
def main(
    *,
    count: int,
    seed: int,
    commands: int,
    minutes: float | None,
    number: int | None,
    failed: bool,
    batch: int | None,
) -> None:
    """Run what is not run yet, say what did not hold, and keep the figures of a whole."""
    plan = batches.Plan(count=count, seed=seed, commands=commands)
    if number is not None:
        click.echo(f"{_run(plan, [number])[0]}")
    elif batch is not None:
        plan.keep(batch, _run(plan, plan.numbers(batch)))
    else:
        if failed:
            for index, numbers in plan.failed().items():
                plan.replace(index, _run(plan, numbers))
        _run_missing(plan, math.inf if minutes is None else 60 * minutes)
        sys.exit(_tell(plan))


def _run_missing(plan: batches.Plan, limit_s: float) -> None:
    """Run batch after batch, each in a process: what it loads, leaks or breaks ends with it."""
    began = time.monotonic()
    words = [f"--count={plan.count}", f"--seed={plan.seed}", f"--commands={plan.commands}"]
    for index in plan.missing():
        if time.monotonic() - began > limit_s:
            break
        argv = [sys.executable, "-m", "proofs.fuzz", *words, f"--batch={index}"]
        subprocess.run(argv, check=True)


def _tell(plan: batches.Plan) -> bool:
    """Say what was run; keep the figures. Return whether anything did not hold."""
    total = plan.total()
    click.echo(f"{total.held:,} of {total.cases:,} cases held, {total.calls:,} calls")
    for problem in total.problems[:_MOST]:
        click.echo(f"  {problem}"[:600])
    if total.cases:
        total.write(plan.count)
    return bool(total.problems)


def _run(plan: batches.Plan, numbers: Sequence[int]) -> list[Outcome]:
    """Run cases one after the other in this process, beside one store that is made for them."""
    top = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=top) as folder:
        pristine = place.make(Path(folder) / "pristine")
        case.warm(pristine, Path(folder) / "warm")
        outcomes = [
            case.run(pristine, Path(folder) / "case", number, plan.seed, plan.commands)
            for number in numbers
        ]
        with contextlib.suppress(OSError):
            case.clear(Path(folder) / "case")
    return outcomes


if __name__ == "__main__":
    main()
