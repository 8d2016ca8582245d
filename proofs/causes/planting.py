"""What is planted: drills that the stages of a suite without tests can see, and defects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.experiments.drills import drill as drills
from harness.experiments.explain import likeness
from harness.files import sha256_bytes
from proofs.causes import defects

SUITE = "smoke"
TESTS = "selectors"
_PYTEST = f"stage:{TESTS}"
# Guards of time and memory need runs that wait or swell: they are left to `make guard-power`.
_SLOW = ("-time", "-memory")
_COMMENTED = "ptycho_torch/pinn.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A defect to plant: ``guard`` is empty where no drill says what must catch it."""

    name: str
    guard: str
    paths: tuple[str, ...]
    plant: Callable[[Path], None]


def list_planted(root: Path) -> tuple[Planted, ...]:
    """Return the drills of the suite that its stages without tests can see, and the defects."""
    planted_defects = []
    for path in sorted((root / drills.FOLDER).glob("*.patch")):
        made = drills.read_drill(path)
        if made.suite != SUITE or made.guard == _PYTEST or made.guard.endswith(_SLOW):
            continue
        paths = tuple(likeness.list_touched(path.read_text("utf-8")))
        planted_defects.append(
            Planted(name=made.name, guard=made.guard, paths=paths, plant=_patch(path))
        )
    more = (
        Planted(name=one.name, guard="", paths=(one.path,), plant=_replace(one))
        for one in defects.ALL
    )
    # In an order of their own, so that those planted first speak for all.
    return tuple(
        sorted((*planted_defects, *more), key=lambda one: sha256_bytes(one.name.encode()))
    )


# A run with it must be green: nothing is wrong.
CONTROL = Planted(
    name="a-comment",
    guard="",
    paths=(_COMMENTED,),
    plant=lambda tree: _append(tree / _COMMENTED, "# A comment.\n"),
)


def _append(path: Path, words: str) -> None:
    path.write_text(path.read_text("utf-8") + words, "utf-8")


def _patch(path: Path) -> Callable[[Path], None]:
    return lambda tree: drills.apply(path, tree)


def _replace(one: defects.Defect) -> Callable[[Path], None]:
    def plant(tree: Path) -> None:
        place = tree / one.path
        text = place.read_text("utf-8")
        if text.count(one.before) != 1:
            raise AssertionError(f"{one.name}: {one.before!r} is not in {one.path} once")
        place.write_text(text.replace(one.before, one.after), "utf-8")

    return plant
