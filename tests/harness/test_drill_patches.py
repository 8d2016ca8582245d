"""The drills of this repository fit its code and its declaration."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.experiments.calibration import curves, goldens
from harness.experiments.drills import drill, scope
from harness.judgement.declaration import load_project
from harness.judgement.golden import store, tolerance

ROOT = Path(__file__).parents[2]
PATCHES = sorted((ROOT / drill.FOLDER).glob("*.patch"))
UNKNOWN = sorted((ROOT / "proofs/unknown").glob("*/*.patch"))
LEAST = 24
# What went wrong in this field before, each a drill of this name.
KNOWN_DEFECTS = {
    "amplitude-head-dead",
    "artifact-left-over",
    "batch-size-changes-the-gain",
    "channels-averaged",
    "flag-dropped-by-the-factory",
    "group-members-duplicated",
    "input-normalisation-recomputed",
    "intensity-scale-lost",
    "intensity-scale-not-applied",
    "last-epoch-instead-of-best",
    "last-row-zeroed",
    "loss-on-amplitude",
    "modes-summed-coherently",
    "nan-in-one-patch",
    "one-pattern-in-all-channels",
    "output-constant",
    "patch-grid-is-text",
    "probe-applied-twice",
    "probe-gauge-dropped",
    "seed-after-model",
    "stats-batch-recorded-twice",
    "stats-on-labels",
    "test-always-passes",
    "test-deleted",
    "translate-sign-flipped",
    "weights-loaded-loosely",
    "x-and-y-swapped",
    "zero-positions-at-inference",
}


@pytest.mark.parametrize("patch", PATCHES, ids=lambda path: path.stem)
def test_drill_applies(patch: Path) -> None:
    """A patch that no longer fits is repaired with the change that broke it."""
    drill.apply(patch, ROOT, "--check")


@pytest.mark.parametrize("patch", UNKNOWN, ids=lambda path: path.stem)
def test_unknown_defect_applies(patch: Path) -> None:
    """Nor does the campaign of ``proofs/unknown`` stop at a patch that does not fit."""
    words = ("git", "apply", "--check", "--recount", "-C1", str(patch))
    done = subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_drills_name_declared_guards() -> None:
    """Each drill names a guard of its suite, and there are enough of them."""
    drills = drill.select(load_project(ROOT), None, [])

    assert len(drills) == len(PATCHES) >= LEAST


def test_known_defects_are_drilled() -> None:
    """A drill of the field's own history is not dropped for another of the same guard."""
    assert KNOWN_DEFECTS - {path.stem for path in PATCHES} == set()


def test_every_guard_has_its_drill() -> None:
    """No guard of any suite is left without a drill that names it."""
    project = load_project(ROOT)
    named: dict[str, list[str]] = {}
    for planned in drill.select(project, None, []):
        named.setdefault(planned.suite, []).append(planned.guard)

    assert scope.undrilled_guards(project, named) == ()


def test_goldens_rarely_cry_wolf() -> None:
    """With the fewest seeds allowed, all goldens of a suite stay below 1 % false reds."""
    for suite in load_project(ROOT).suites.values():
        rates = [
            tolerance.false_red_rate(
                store.LEAST_SEEDS,
                tolerance.two_sided(store.LEAST_SEEDS, target.coverage, target.confidence),
                two=True,
            )
            for target in goldens.targets(suite)
        ]
        rates += [1 - target.coverage for target in curves.targets(suite)]

        assert sum(rates) <= 0.01
