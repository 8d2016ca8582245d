"""Plant defects and write down what is said of them: ``python -m proofs.causes``."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from harness.evidence.hub import checkout, code_digest, plan
from harness.files import sha256_bytes
from harness.judgement.declaration import load_project
from proofs.causes import campaign, planting
from proofs.causes.answers import Answer
from proofs.causes.campaign import RED, Campaign
from proofs.causes.planting import Ground
from proofs.docs import regions

PAGE = regions.DOCS / "cause-power.md"
_ROOT = regions.DOCS.parent
# What a run comes to depends on these; what is said of it is read from its hub every time.
_CODE = (
    "ptycho_torch",
    "harness/runner",
    "harness/judgement/guards",
    "harness/judgement/golden",
)
_LARGEST = 3
_PICTURES = 10
_SHOTS = regions.DOCS / "pictures"
_HEAD = """\
# What is said of a defect

Written by `make cause-power`, which plants all drills and further defects one by one in clones
of this repository, runs the suite of each, and writes down what a person reads: how many
blockers are open, the first cause, whom `harness explain` suspects, and which drill it takes
the run for when one red guard is left out. Suites are run without their tests, and their stages
are forked from a Python that has torch and its like imported, so that a run takes seconds;
`smoke-whole` is suite smoke as it is declared, for the drills that only its tests, or only
whole processes, show. The stages of the TensorFlow suites are not forked.

"""


@click.command()
@click.option("--only", default="", help="Defects whose names hold these words.")
@click.option(
    "--ground",
    "chosen",
    multiple=True,
    type=click.Choice([one.name for one in planting.GROUNDS]),
    help="Plant in these suites alone.",
)
@click.option("--keep", type=click.Path(path_type=Path), default=Path(".harness/cause-power"))
@click.option(
    "--minutes", default=600.0, show_default=True, help="After so long nothing is planted."
)
@click.option("--page-only", is_flag=True, help="Write the page from the hubs that are kept.")
@click.option(
    "--pictures", is_flag=True, help="Take the first screens of ten red reports, too."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), default=PAGE)
def main(
    only: str,
    chosen: tuple[str, ...],
    keep: Path,
    *,
    minutes: float,
    page_only: bool,
    pictures: bool,
    output: Path,
) -> None:
    """Plant what has no hub yet, and write the page."""
    places = {one: keep.absolute() / one.name / digest_code(one) for one in planting.GROUNDS}
    end = time.monotonic() + 60 * minutes
    for ground, place in places.items():
        if not page_only and (not chosen or ground.name in chosen):
            campaign.run(_ROOT, place, ground, only, end)
    made = campaign.read(_ROOT, places, _find_commit())
    if pictures:
        from harness.reporting import html
        from proofs.causes.pictures import take_pictures

        for old in _SHOTS.glob("red-*.png"):
            old.unlink()
        names = made.current[:_PICTURES]
        take_pictures(((name, html.render(made.hubs[name])) for name in names), _SHOTS)
    output.write_text(write_page(made), "utf-8")


def _describe_rest(unseen: int, waiting: int) -> str:
    """Say what is missing in the table below; empty where nothing is."""
    lines = []
    if unseen:
        lines.append(f"{unseen} that were planted are not seen by their suite.\n")
    if waiting:
        lines.append(f"{waiting} are not planted yet: `make cause-power` goes on with them.\n")
    return "".join(lines)


def digest_code(ground: Ground) -> str:
    """Return what runs depend on: the model, what judges it, and the suite; no comments.

    Where the tests are run, they count, too.
    """
    project = load_project(_ROOT)
    suite = project.suites[ground.suite]
    names = (*_CODE, "tests") if ground.has_tests else _CODE
    paths = [path for name in names for path in sorted((_ROOT / name).rglob("*.py"))]
    paths += sorted((project.golden / suite.judged_by).glob("*.json"))
    digests = [code_digest.digest_content(p.suffix, p.read_bytes()) for p in paths]
    return sha256_bytes("".join([*digests, plan.suite_sha256(suite)]).encode())[:12]


def _find_commit() -> str:
    """Return the last commit that changed what runs depend on."""
    words = ("log", "-1", "--format=%h", "--", *_CODE, "golden", "harness.toml")
    return checkout.call(_ROOT, *words).decode().strip()


def write_page(made: Campaign) -> str:
    """Write the page of a campaign."""
    answers, known = made.answers, made.known
    count = len(answers) + len(made.waiting)
    red = [one for one in answers if one.verdict == RED]
    drilled = [one for one in red if one.guard]

    def says(one: Answer) -> bool:
        return one.names_guard or one.guard in one.follows

    rows = [
        ("exactly one open blocker", _share([one.blockers == 1 for one in red])),
        (
            "first cause is the drill's guard, or the stage it reads",
            _share([one.names_guard for one in drilled]),
        ),
        ("first cause is in the stage that the defect changes first", _share(map(_acts, red))),
        ("one or the other", _share([o.names_guard or _acts(o) for o in red])),
        ("the drill's guard is the first cause or follows from it", _share(map(says, drilled))),
        ("planted file among three suspects", _share([0 < o.place <= _LARGEST for o in red])),
        ("drill the likest, all guards there", _share(_ranks(known, with_all=True))),
        ("drill the likest, one guard left out", _share(_ranks(known, with_all=False))),
    ]
    counted = f"""\
Measured with the model, runner and guards of commit {made.commit}: {len(answers)} of {count}
defects; {len(red)} were red, {len(drilled)} of them drills. A changed comment alone was green.
{_describe_rest(len(answers) - len(red), len(made.waiting))}
Which stage a defect changes first is read from what stages leave, without any guard: the first
whose log or files differ from those of a changed comment. What a drill turns red is taken from
the very run that is then recognised; of drills without an answer only the guard in their header
is known. Tests that fail count as guards do. A guard is left out where something else is left
to recognise the drill by.

"""
    head = (
        "defect",
        "suite",
        "acts in",
        "verdict",
        "blockers",
        "first cause",
        "suspect",
        "likest without one",
    )
    return "".join(
        [
            _HEAD,
            counted,
            regions.table(("", "share"), rows),
            "\n## Defects\n\n",
            regions.table(
                head, [_row(one, known) for one in sorted(answers, key=lambda one: one.name)]
            ),
            *_list_pictures(answers),
        ]
    )


def _list_pictures(answers: Sequence[Answer]) -> list[str]:
    """Show the first screens that lie there: what is broken, and where, in ten seconds."""
    names = [
        one.name
        for one in sorted(answers, key=lambda one: one.name)
        if (_SHOTS / f"red-{one.name}.png").is_file()
    ]
    lines = [f"\n![First screen of {name}](pictures/red-{name}.png)\n" for name in names]
    return ["\n## First screens of red reports\n", *lines] if lines else []


def _share(answers: Iterable[bool]) -> str:
    values = list(answers)
    return f"{sum(values)} of {len(values)}"


def _acts(one: Answer) -> bool:
    return one.is_upstream


def _ranks(known: Mapping[str, Sequence[tuple[str, int]]], *, with_all: bool) -> list[bool]:
    return [
        rank == 1
        for ranks in known.values()
        for left_out, rank in ranks
        if bool(left_out) is not with_all
    ]


def _row(one: Answer, known: Mapping[str, Sequence[tuple[str, int]]]) -> tuple[str, ...]:
    ranks = [rank for left_out, rank in known.get(one.name, ()) if left_out]
    alike = f"{sum(rank == 1 for rank in ranks)} of {len(ranks)}" if ranks else "–"
    sentence = one.sentence[:80] or "–"
    blockers, place = str(one.blockers), str(one.place or "–")
    return (
        one.name,
        one.ground,
        one.acts or "–",
        one.verdict,
        blockers,
        sentence,
        place,
        alike,
    )


if __name__ == "__main__":
    main()
