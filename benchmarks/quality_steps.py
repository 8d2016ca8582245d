"""What each option brings: long trainings on one scan that differ in one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import recipes
from benchmarks.recipes import Recipe

_HEAD = """
## What the options bring

{architecture}, {epochs} epochs, trained on one half of the star; r of the phase.

| options | groups a point | training CPU-s | trained half | unseen half |
|---|---|---|---|---|
"""
_TAIL = """
With a fixed set of {groups} groups, whatever fits them better is learnt by heart: the halves
part. Other groups in every epoch bring them together again at the same number of steps, and
several groups a point average over the choice of neighbours. What then holds both halves back
is the narrow middle of the network, through which the patterns of a group pass together: the
phase is blurred. With `--no-object-big` each pattern passes alone. A step then costs more time,
the fine structure stays, and more groups a point would change nothing, since a pattern's patch
no longer depends on its neighbours; nor are the patches made to agree where they overlap.
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One training and its reconstructions.

    Attributes:
        recipe: Its options.
        training: CPU seconds.
        pearson: r of the phase by scan, the trained one first.
    """

    recipe: Recipe
    training: float
    pearson: Mapping[str, float]

    def line(self) -> str:
        """Return the row of the table."""
        values = [f"{value:.3f}" for value in self.pearson.values()]
        around, training = f"{self.recipe.around}", f"{self.training:.0f}"
        return "| " + " | ".join([self.recipe.text(), around, training, *values]) + " |"

    def numbers(self) -> dict[str, Any]:
        """Return the row of the record."""
        return {
            "options": list(self.recipe.options),
            "epochs": self.recipe.epochs,
            "around": self.recipe.around,
            "training_cpu_s": self.training,
            "pearson": dict(self.pearson),
        }


def measure(
    folder: Path,
    scan: Path,
    targets: Mapping[str, Path],
    architecture: str,
    wanted: Sequence[Recipe],
) -> Iterator[Step]:
    """Train by each recipe and reconstruct; one that trains as the one before reuses it.

    Args:
        folder: For models and reconstructions.
        scan: What is trained on.
        targets: Scans to reconstruct, by name.
        architecture: Network.
        wanted: Recipes, in the order of the table.
    """
    model, training, last = folder / "step", 0.0, None
    for recipe in wanted:
        if recipe.training != last:
            training, last = recipes.train(model, scan, architecture, recipe), recipe.training
        yield Step(recipe, training, dict(_judged(folder, model, targets, recipe)))


def _judged(
    folder: Path, model: Path, targets: Mapping[str, Path], recipe: Recipe
) -> Iterator[tuple[str, float]]:
    for name, path in targets.items():
        reconstruction = recipes.reconstruct(folder / "back", model, path, recipe)
        yield name, reconstruction.metrics["phase"]["pearson"]


def text(architecture: str, steps: Sequence[Step]) -> str:
    """Return the section of the page; nothing where nothing was measured."""
    if not steps:
        return ""
    head = _HEAD.format(architecture=architecture, epochs=steps[0].recipe.epochs)
    lines = "\n".join(step.line() for step in steps)
    return head + lines + "\n" + _TAIL.format(groups=recipes.GROUPS)
