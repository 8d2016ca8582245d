"""Defects planted one by one in a clone of this repository, run, and explained.

The clone declares the suite without its tests: they see most defects first, and take minutes.
Hubs are kept, so that a campaign may be stopped at any time, and what is said of them can be
read again when only the code that says it has changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from harness.evidence.hub import store
from proofs.causes import answers, planting
from proofs.causes.answers import Answer
from proofs.causes.clone import Clone
from proofs.causes.likeness import recognise
from proofs.causes.planting import Planted

RED = "red"


@dataclass(frozen=True, slots=True)
class Campaign:
    """What was said of the defects that have been planted so far.

    ``known`` has of each drill its rank among all, for each guard that was left out.
    """

    answers: tuple[Answer, ...]
    hubs: Mapping[str, Path]
    known: Mapping[str, Sequence[tuple[str, int]]]


def run(source: Path, place: Path, only: str, minutes: float) -> None:
    """Plant what has no hub yet, or one whose causes would be told otherwise today.

    Args:
        source: The repository.
        place: Folder of the campaign.
        only: Words in the names of what is planted.
        minutes: After so long nothing more is planted.
    """
    clone = Clone(source, place)
    end = time.monotonic() + 60 * minutes
    for planted in planting.list_planted(source):
        if only not in planted.name or _is_current(clone, planted.name):
            continue
        if time.monotonic() > end:
            return
        hub = clone.run_planted(planted)
        answer = answers.read_answer(clone, planted, hub)
        words = f"{answer.verdict:12} {answer.blockers} blockers, suspect {answer.place}"
        click.echo(f"{answer.name:44} {words}, {answer.sentence}"[:160])


def _is_current(clone: Clone, name: str) -> bool:
    """Say whether a hub is kept whose sealed causes are those that would be sealed today."""
    hub = clone.find_hub(name)
    if hub is None:
        return False
    record = store.read_record(hub)
    return answers.order_causes(record, hub, clone.suite).causes == record.causes


def read(source: Path, place: Path) -> Campaign:
    """Read what is said today of every defect of which a hub is kept."""
    clone = Clone(source, place)
    pairs = list(_list_kept(clone, source))
    said = tuple(answers.read_answer(clone, planted, hub) for planted, hub in pairs)
    hubs = {planted.name: hub for planted, hub in pairs}
    return Campaign(said, hubs, recognise(clone.project, clone.suite, said, hubs))


def _list_kept(clone: Clone, source: Path) -> Iterator[tuple[Planted, Path]]:
    for planted in planting.list_planted(source):
        if (hub := clone.find_hub(planted.name)) is not None:
            yield planted, hub
