"""The drills of this repository fit its code and its declaration."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import calibration, config_file, drill, drill_scope
from harness.golden import store, tolerance

ROOT = Path(__file__).parents[2]
PATCHES = sorted((ROOT / drill.FOLDER).glob("*.patch"))
LEAST = 24


@pytest.mark.parametrize("patch", PATCHES, ids=lambda path: path.stem)
def test_drill_applies(patch: Path) -> None:
    """A patch that no longer fits is repaired with the change that broke it."""
    drill.apply(patch, ROOT, "--check")


def test_drills_name_declared_guards() -> None:
    """Each drill names a guard of its suite, and there are enough of them."""
    found = drill.select(config_file.load(ROOT), None, [])

    assert len(found) == len(PATCHES) >= LEAST


def test_every_guard_has_its_drill() -> None:
    """No guard of any suite is left without a drill that names it."""
    project = config_file.load(ROOT)
    named: dict[str, list[str]] = {}
    for planned in drill.select(project, None, []):
        named.setdefault(planned.suite, []).append(planned.guard)

    assert drill_scope.undrilled(project, named) == ()


def test_goldens_rarely_cry_wolf() -> None:
    """With the fewest seeds allowed, all goldens of a suite stay below 1 % false reds."""
    for suite in config_file.load(ROOT).suites.values():
        rates = [
            tolerance.false_red_rate(
                store.LEAST_SEEDS,
                tolerance.two_sided(store.LEAST_SEEDS, target.coverage, target.confidence),
                two=True,
            )
            for target in calibration.targets(suite)
        ]

        assert sum(rates) <= 0.01
