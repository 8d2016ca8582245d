"""What is planted, and in which suites: all drills, and defects beside them."""

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
# What forked stages cannot show: their start is not in their time, nor their libraries in
# their memory.
_MEASURED = ("-time", "-memory")
_COMMENTED = "ptycho_torch/pinn.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A suite in which drills are planted, and how it is run there.

    ``has_tests`` says that its tests are run, too, ``is_forked`` that its stages are forked
    from a Python that has torch imported.
    """

    name: str
    suite: str
    has_tests: bool = False
    is_forked: bool = True


WHOLE = "smoke-whole"
GROUNDS = (
    Ground(name=SUITE, suite=SUITE),
    Ground(name=WHOLE, suite=SUITE, has_tests=True, is_forked=False),
    *(Ground(name=name, suite=name) for name in ("quick", "scaling", "gridsize1")),
    # TensorFlow does not survive a fork; tf-quick has no tests, and tf-parity extends no suite
    # whose tests it could leave out.
    *(
        Ground(name=name, suite=name, has_tests=True, is_forked=False)
        for name in ("tf-quick", "tf-parity")
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A defect to plant: ``guard`` is empty where no drill says what must catch it."""

    name: str
    guard: str
    paths: tuple[str, ...]
    plant: Callable[[Path], None]


def list_planted(root: Path, ground: Ground) -> tuple[Planted, ...]:
    """Return the drills of a ground; in the first the further defects are planted, too.

    Those of suite smoke that only its tests see, and those of time and memory, are in a ground
    of their own, in which the suite is run as it is declared.
    """
    planted_defects = []
    for path in sorted((root / drills.FOLDER).glob("*.patch")):
        made = drills.read_drill(path)
        needs_whole = made.guard == _PYTEST or made.guard.endswith(_MEASURED)
        is_whole = ground.name == WHOLE
        if made.suite != ground.suite or (made.suite == SUITE and needs_whole != is_whole):
            continue
        paths = tuple(likeness.list_touched(path.read_text("utf-8")))
        planted_defects.append(
            Planted(name=made.name, guard=made.guard, paths=paths, plant=_patch(path))
        )
    more = (
        Planted(name=one.name, guard="", paths=(one.path,), plant=_replace(one))
        for one in (defects.ALL if ground is GROUNDS[0] else ())
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
