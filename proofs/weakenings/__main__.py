"""Weaken a gate in every way and write docs/gate-power.md: ``python -m proofs.weakenings``."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click

from harness.files import sha256_bytes
from proofs.docs import regions
from proofs.weakenings.campaign import Answered, Answers, list_parts, run_part
from proofs.weakenings.grounds import SUITES

PAGE = regions.DOCS / "gate-power.md"
_WIDEST = 60
_HEAD = """\
# What the gate notices

Written by `make gate-power`. In a repository of three suites, each with every kind of guard, a
model is broken and its gate weakened in the same change; that is committed, run and judged by
`harness gate --base`. *Alone* is the exit code of the run by its own rules: 0 is what a
reviewer saw before there was a gate. Each weakening is also made with the model left whole, so
that nothing but the change of the rule can refuse it.

"""


@click.command()
@click.option("--suite", "suites", multiple=True, type=click.Choice(SUITES))
@click.option("--only", default="", help="Names that hold these words.")
@click.option("--jobs", type=int, default=os.cpu_count(), help="Parts at once.")
@click.option(
    "--keep", type=click.Path(path_type=Path), help="Folder of answers to go on from."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Another page.")
def main(
    suites: tuple[str, ...], only: str, jobs: int, keep: Path | None, output: Path | None
) -> None:
    """Make every weakening and every honest change, and write what the gate said."""
    chosen = suites or SUITES
    keep = None if keep is None else keep / digest_code()
    said = Answers()
    context = multiprocessing.get_context("spawn")
    parts = list_parts(chosen)
    with ProcessPoolExecutor(min(jobs, len(parts)), mp_context=context) as pool:
        for one in pool.map(run_part, parts, [only] * len(parts), [keep] * len(parts)):
            said.broken += one.broken
            said.whole += one.whole
            said.fine += one.fine
    if output is None and (only or suites):
        click.echo("A part alone is not written.")
    else:
        (output or PAGE).write_text(write_page(said), "utf-8")


def digest_code() -> str:
    """Return what answers depend on: code that is another answers anew."""
    root = regions.DOCS.parent
    places = ("harness", "proofs/weakenings", "tests/builders")
    paths = sorted(path for place in places for path in (root / place).rglob("*.py"))
    return sha256_bytes(b"\0".join(path.read_bytes() for path in paths))[:12]


def write_page(said: Answers) -> str:
    """Write the page from what the gate said."""
    called = sum(bool(one.weaker) or one.code != 0 for one in said.fine)
    rows = [
        ("weakenings of a broken model", *_count(said.broken)),
        ("the same, the model whole", *_count(said.whole)),
    ]
    green = sum(one.alone == 0 for one in said.broken)
    names, suites = ({getattr(o, key) for o in said.broken} for key in ("name", "suite"))
    counted = f"""
Of the {len(said.broken)} changes with a broken model, {green} were green by their own rules.
Of {len(said.fine)} honest changes, {called} were called weaker or refused.

## Weakenings

{len(names)} of them, on {len(suites)} suites; shown for the first suite that has it.

"""
    head = ("weakening", "rule", "was", "is", "alone", "gate")
    return "".join(
        [
            _HEAD,
            regions.table(("", "made", "not green", "named (was → is)"), rows),
            counted,
            regions.table(head, _rows(said.broken)),
            "\n## Honest changes\n\n",
            regions.table(("change", "gate"), [(o.name, str(o.code)) for o in said.fine]),
        ]
    )


def _count(answers: Sequence[Answered]) -> tuple[str, str, str]:
    held = sum(one.code != 0 for one in answers)
    named = sum(one.named is not None for one in answers)
    return str(len(answers)), f"{held} of {len(answers)}", f"{named} of {len(answers)}"


def _rows(answers: Iterable[Answered]) -> list[tuple[str, ...]]:
    rows: dict[str, tuple[str, ...]] = {}
    for one in answers:
        codes = (str(one.alone), str(one.code))
        if one.named is None:
            rows[one.name] = (one.name, "**not named**", "", "", *codes)
            continue
        difference = one.named
        cells = (difference.was, difference.now)
        short = [c if len(c) <= _WIDEST else f"{c[: _WIDEST - 1]}…" for c in cells]
        rows.setdefault(one.name, (one.name, f"`{difference.rule}`", *short, *codes))
    return list(rows.values())


if __name__ == "__main__":
    main()
