"""Defects planted one by one in clones of this repository, run, and explained.

Most clones declare their suite without its tests: they see most defects first, and take long.
Hubs are kept, so that a campaign may be stopped at any time, and what is said of them can be
read again when only the code that says it has changed.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import click

from harness.evidence.hub import interpreter, store
from harness.judgement.declaration import load_project
from harness.verdict import Verdict
from proofs.causes import answers, planting, warm
from proofs.causes.answers import Answer
from proofs.causes.clone import Clone, find_socket
from proofs.causes.likeness import ReadGround, recognise
from proofs.causes.planting import Ground
from proofs.causes.truth import Truth

RED = "red"


@dataclass(frozen=True, slots=True)
class Campaign:
    """What was said of the defects that have been planted so far.

    ``known`` has of each drill its rank among all, for each guard that was left out. ``commit``
    is the last one that changed what the runs depend on. ``current`` are the red runs whose
    own page says what would be said today. ``waiting`` names what has no run yet.
    """

    answers: tuple[Answer, ...]
    hubs: Mapping[str, Path]
    known: Mapping[str, Sequence[tuple[str, int]]]
    commit: str
    current: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def run(source: Path, place: Path, ground: Ground, only: str, end: float) -> None:
    """Plant what has no hub yet, or one whose causes would be told otherwise today.

    Args:
        source: The repository.
        place: Folder of the ground.
        ground: Where it is planted.
        only: Words in the names of what is planted.
        end: When nothing more is planted [s of the monotonic clock].
    """
    absent = interpreter.absent_modules(load_project(source).suites[ground.suite], source)
    if absent:
        click.echo(f"{ground.name}: {absent}")
        return
    place.mkdir(parents=True, exist_ok=True)
    forked = warm.serving(find_socket(place)) if ground.is_forked else nullcontext()
    with _alone(place), forked:
        clone = Clone(source, place, ground)
        for planted in (planting.CONTROL, *planting.list_planted(source, ground)):
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


def read(source: Path, places: Mapping[Ground, Path], commit: str) -> Campaign:
    """Read what is said today of every defect of which a hub is kept.

    Args:
        source: The repository.
        places: The folder of each ground.
        commit: The last one that changed what the runs depend on.
    """
    read_grounds = []
    waiting: list[str] = []
    for ground, place in places.items():
        names = [planted.name for planted in planting.list_planted(source, ground)]
        one = None
        if place.is_dir():
            with _alone(place):
                one = _read_ground(source, place, ground)
        seen = set() if one is None else {answer.name for answer in one.answers}
        waiting += [name for name in names if name not in seen]
        if one is not None:
            read_grounds.append(one)
    return Campaign(
        answers=tuple(answer for one in read_grounds for answer in one.answers),
        hubs={name: hub for one in read_grounds for name, hub in one.hubs.items()},
        known=recognise(read_grounds),
        commit=commit,
        current=tuple(
            answer.name
            for one in read_grounds
            for answer in one.answers
            if answer.verdict == RED and is_current(one.clone, answer.name)
        ),
        waiting=tuple(waiting),
    )


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Wait until no other campaign plants in a ground, whose work tree it would change."""
    with (place / "lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _read_ground(source: Path, place: Path, ground: Ground) -> ReadGround | None:
    clone = Clone(source, place, ground, is_run=False)
    control = _find_control(clone)
    if control is None:
        return None
    truth = Truth(clone.find_clean(), control)
    pairs = [
        (planted, hub)
        for planted in planting.list_planted(source, ground)
        if (hub := clone.find_hub(planted.name)) is not None
    ]
    said = tuple(
        answers.read_answer(clone, planted, hub, truth.find_stage(hub))
        for planted, hub in pairs
    )
    return ReadGround(clone, said, {planted.name: hub for planted, hub in pairs})


def _find_control(clone: Clone) -> Path | None:
    """Return the run of a changed comment; None where it was not made yet."""
    hub = clone.find_hub(planting.CONTROL.name)
    if hub is None:
        return None
    record = store.read_record(hub)
    if record.verdict is not Verdict.GREEN:
        raise AssertionError(f"with a changed comment {clone.name} is {record.reason}")
    return hub
