"""What stands in the place of a part of a store is not followed, waited for or filled."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proofs.fuzz import case, commands, place
from proofs.fuzz.place import OUTSIDE, Place

# Two seconds a case: the short form of the fuzz stands for them in the default run.
pytestmark = pytest.mark.long

# Relative to the repository; GREEN and RED are the names of hubs.
WHERE = (
    "hubs/tiny/GREEN/analysis",
    "hubs/tiny/GREEN/analysis/measure",
    "hubs/tiny/GREEN/cli",
    "hubs/tiny/RED/red",
    "hubs/tiny/RED/plan",
    "hubs/tiny/GREEN/analysis/measure/stats.json",
    "hubs/tiny/GREEN/hub.json",
    "hubs/tiny/RED/plan/plan.json",
    "hubs/tiny/RED/cli/measure.log",
    "hubs/ledger.jsonl",
    "hubs/checkpoint.txt",
    "hubs/blockers/BLOCKER.md",
    ".harness/ledger.jsonl",
    ".harness/digests.json",
    "golden/tiny",
    "drills/variance-lost.patch",
    "harness.toml",
    "source.py",
    "part/one.py",
    "part",
    "drills",
    "hubs",
    ".harness",
    "hubs/tiny/GREEN/artifact_inventory.txt",
)
INPUTS = ("source.py", "part", "part/one.py")
READERS = (
    "status --check", "verify", "verify --hub FOLDER", "diff", "explain", "blockers show",
    "golden show", "ledger proof", "report html", "report md", "report --site", "export bagit",
    "export ro-crate", "export in-toto", "gc", "store push", "store pull", "doctor", "find",
    "gate", "diff --maps", "report junit", "report github",
)  # fmt: skip


def link(path: Path, made: Place) -> None:
    """Move it out, and leave a link to where it is now."""
    away = made.folder / "away"
    shutil.move(path, away)
    path.symlink_to(away)


def secret(path: Path, made: Place) -> None:
    """Put a link to somebody's file in its place."""
    _remove(path)
    path.symlink_to(made.folder / OUTSIDE)


def fifo(path: Path, _: Place) -> None:
    """Put a FIFO in its place, at which a reader would wait for ever."""
    _remove(path)
    os.mkfifo(path)


def itself(path: Path, _: Place) -> None:
    """Put a link to itself in its place, which leads nowhere."""
    _remove(path)
    path.symlink_to(path.name)


def machine(path: Path, _: Place) -> None:
    """Put a link to the root of the machine in its place, through which nobody ends."""
    _remove(path)
    path.symlink_to("/")


def grown(path: Path, made: Place) -> None:
    """Let it claim a terabyte; of a folder its first file."""
    file = next((p for p in sorted(path.rglob("*")) if p.is_file()), path)
    file.chmod(0o644)
    os.truncate(file, 1 << 40)
    del made


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Make the repository once."""
    folder = tmp_path_factory.mktemp("followed")
    yield place.make(folder / "pristine")
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("put", "where"),
    [
        pytest.param(put, where, id=f"{put.__name__}-{where}")
        for put in (link, secret, fifo, grown, itself, machine)
        for where in WHERE
        # Inputs are read whole, however long that takes.
        if put is not grown or where not in INPUTS
    ],
)
def test_no_reader_leaves_the_repository(
    pristine: Place, put: Callable[[Path, Place], None], where: str
) -> None:
    """An audit hook sees each command end within seconds, inside, in little memory."""
    folder = pristine.folder.parent / "case"
    case.clear(folder)
    shutil.copytree(pristine.folder, folder, symlinks=True)
    made = Place(folder, pristine.green, pristine.red, pristine.blocker)
    names = {"GREEN": made.green, "RED": made.red, "BLOCKER": made.blocker}
    for word, name in names.items():
        where = where.replace(word, name)
    put(made.root / where, made)
    table = commands.table(made)

    lines = list(case.call_all(made, {name: table[name] for name in READERS}))

    assert [line["command"] for line in lines] == list(READERS)
    assert [(line["command"], line["problems"]) for line in lines if line["problems"]] == []
