"""Weaken a gate in every way and write docs/gate-power.md: ``python -m proofs.weakenings``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from proofs.docs import regions
from proofs.weakenings import campaign, honest
from proofs.weakenings.campaign import Answered
from proofs.weakenings.grounds import SUITES

PAGE = regions.DOCS / "gate-power.md"
_HEAD = """\
# What the gate notices

Written by `make gate-power`. In a repository of three suites, each with every kind of guard, a model is broken and
its gate weakened in the same change; the change is committed, run, and judged by `harness gate --base`. *Alone* is
the exit code of the run by its own rules: 0 is what a reviewer saw before there was a gate. Each weakening is also
made with the model left whole, so that nothing but the change of the rule can refuse it.

"""


@click.command()
@click.option("--suite", "suites", multiple=True, type=click.Choice(SUITES))
@click.option("--only", default="", help="Names that hold these words.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Another page.")
def main(suites: tuple[str, ...], only: str, output: Path | None) -> None:
    """Make every weakening and every honest change, and write what the gate said."""
    broken: list[Answered] = []
    whole: list[Answered] = []
    fine: list[Answered] = []
    for suite in suites or SUITES:
        with campaign.bench(suite) as place:
            for weakening in campaign.WEAKENINGS:
                if only in weakening.name and weakening.only in ("", suite):
                    broken.append(_tell(campaign.weaken(place, weakening)))
                    whole.append(_tell(campaign.weaken(place, weakening, is_broken=False)))
            for one in honest.ALL:
                if only in one.name and one.only in ("", suite):
                    fine.append(_tell(campaign.change(place, one)))
    if only or suites:
        click.echo("A part alone is not written.")
        if output is None:
            return
    (output or PAGE).write_text(write_page(broken, whole, fine), "utf-8")


def _tell(answered: Answered) -> Answered:
    named = "" if answered.named is None else answered.named.difference.rule
    words = f"{answered.suite:8} {answered.name:44} alone {answered.alone} gate {answered.code}"
    click.echo(f"{words}  {named or ', '.join(answered.weaker)}")
    return answered


def write_page(
    broken: Sequence[Answered], whole: Sequence[Answered], fine: Sequence[Answered]
) -> str:
    """Write the page from what the gate said."""
    called = sum(bool(one.weaker) or one.code != 0 for one in fine)
    rows = [
        ("weakenings of a broken model", *_count(broken)),
        ("the same, the model whole", *_count(whole)),
    ]
    green = sum(one.alone == 0 for one in broken), sum(one.proved == 0 for one in broken)
    parts = [
        _HEAD,
        regions.table(("", "made", "not green", "named (was → is)"), rows),
        f"\nOf the {len(broken)} changes with a broken model, {green[0]} were green by their own"
        f" rules (`harness run` exit 0) and {green[1]} by `harness verify`.\n"
        f"\nOf {len(fine)} honest changes, {called} were called weaker or refused.\n",
        f"\n## Weakenings\n\n{len({one.name for one in broken})} of them, on"
        f" {len({one.suite for one in broken})} suites; shown for the first suite that has it.\n\n",
        regions.table(("weakening", "rule", "was", "is", "alone", "gate"), _rows(broken)),
        "\n## Honest changes\n\n",
        regions.table(("change", "suites", "gate"), _honest_rows(fine)),
    ]
    return "".join(parts)


def _count(answers: Sequence[Answered]) -> tuple[str, str, str]:
    held = sum(one.code != 0 for one in answers)
    named = sum(one.named is not None for one in answers)
    return str(len(answers)), f"{held} of {len(answers)}", f"{named} of {len(answers)}"


def _rows(answers: Iterable[Answered]) -> list[tuple[str, ...]]:
    rows: dict[str, tuple[str, ...]] = {}
    for one in answers:
        if one.named is None:
            rows[one.name] = (one.name, "**not named**", "", "", str(one.alone), str(one.code))
            continue
        found = one.named.difference
        cells = (found.was, found.now)
        short = [c if len(c) <= 60 else f"{c[:59]}…" for c in cells]
        row = (one.name, found.rule, *short, str(one.alone), str(one.code))
        rows.setdefault(one.name, row)
    return list(rows.values())


def _honest_rows(answers: Sequence[Answered]) -> list[tuple[str, ...]]:
    names = dict.fromkeys(one.name for one in answers)
    rows = []
    for name in names:
        same = [one for one in answers if one.name == name]
        codes = sorted({str(one.code) for one in same})
        rows.append((name, str(len(same)), ", ".join(codes)))
    return rows


if __name__ == "__main__":
    main()
