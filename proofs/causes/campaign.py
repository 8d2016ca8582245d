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
from harness.judgement.roads import Roads, roads_of
from harness.verdict import Verdict
from proofs.causes import answers, planting, warm
from proofs.causes.answers import Answer
from proofs.causes.clone import Clone, find_socket
from proofs.causes.likeness import recognise
from proofs.causes.planting import Planted
from proofs.causes.truth import Truth

RED = "red"


@dataclass(frozen=True, slots=True)
class Campaign:
    """What was said of the defects that have been planted so far.

    ``known`` has of each drill its rank among all, for each guard that was left out. ``commit``
    is the last one that changed what the runs depend on. ``current`` are the red runs whose
    own page says what would be said today.
    """

    answers: tuple[Answer, ...]
    hubs: Mapping[str, Path]
    known: Mapping[str, Sequence[tuple[str, int]]]
    roads: Roads
    commit: str
    current: tuple[str, ...] = ()


def run(source: Path, place: Path, only: str, minutes: float) -> None:
    """Plant what has no hub yet, or one whose causes would be told otherwise today.

    Args:
        source: The repository.
        place: Folder of the campaign.
        only: Words in the names of what is planted.
        minutes: After so long nothing more is planted.
    """
    place.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * minutes
    with warm.serving(find_socket(place)):
        clone = Clone(source, place)
        for planted in (planting.CONTROL, *planting.list_planted(source)):
            is_wanted = only in planted.name or planted is planting.CONTROL
            if not is_wanted or is_current(clone, planted.name):
                continue
            if time.monotonic() > end:
                return
            answer = answers.read_answer(clone, planted, clone.run_planted(planted))
            words = f"{answer.verdict:12} {answer.blockers} blockers, suspect {answer.place}"
            click.echo(f"{answer.name:44} {words}, {answer.sentence}"[:160])


def is_current(clone: Clone, name: str) -> bool:
    """Say whether a hub is there whose sealed causes are those that would be sealed today."""
    hub = clone.find_hub(name)
    if hub is None:
        return False
    record = store.read_record(hub)
    return answers.order_causes(record, hub, clone.suite).causes == record.causes


def read(source: Path, place: Path, commit: str) -> Campaign:
    """Read what is said today of every defect of which a hub is kept."""
    clone = Clone(source, place)
    truth = Truth(clone.find_clean(), _require_control(clone))
    pairs = list(_list_kept(clone, source))
    said = tuple(
        answers.read_answer(clone, planted, hub, truth.find_stage(hub))
        for planted, hub in pairs
    )
    hubs = {planted.name: hub for planted, hub in pairs}
    return Campaign(
        answers=said,
        hubs=hubs,
        known=recognise(clone.project, clone.suite, said, hubs),
        roads=roads_of(clone.suite),
        commit=commit,
        current=tuple(o.name for o in said if o.verdict == RED and is_current(clone, o.name)),
    )


def _require_control(clone: Clone) -> Path:
    hub = clone.find_hub(planting.CONTROL.name)
    if hub is None:
        raise AssertionError("there is no run of a changed comment yet")
    record = store.read_record(hub)
    if record.verdict is not Verdict.GREEN:
        raise AssertionError(f"with a changed comment {planting.SUITE} is {record.reason}")
    return hub


def _list_kept(clone: Clone, source: Path) -> Iterator[tuple[Planted, Path]]:
    for planted in planting.list_planted(source):
        if (hub := clone.find_hub(planted.name)) is not None:
            yield planted, hub
