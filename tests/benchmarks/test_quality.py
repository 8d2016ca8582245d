"""The recipes of the quality page, and the table of what their options bring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import quality_steps, recipes
from benchmarks.quality_steps import Step
from benchmarks.recipes import Recipe, Reconstruction
from ptycho_torch.cli import inference, train

NETWORKS = ("cnn", "cnn-lite")


def test_short_trainings_have_the_defaults() -> None:
    """The 10-epoch recipe says how much is seen, and nothing of how."""
    for name in NETWORKS:
        recipe = recipes.of(name, 10)

        assert recipe.options == ()
        assert recipe.inference(320) == ()
        assert recipe.training == (
            *("--max_epochs", "10", "--n_images", "256"),
            *("--batch_size", "4", "--val_split", "0"),
        )


@pytest.mark.parametrize("name", NETWORKS)
def test_recipes_are_what_programs_take(name: str) -> None:
    """Every option is known to the program it is given to, with its value."""
    for recipe in (recipes.of(name, 50), *recipes.steps()):
        places = ("--output_dir", "out", "--train_data_file", "scan")
        options = vars(train.make_parser().parse_args([*places, *recipe.training]))
        assert (options["max_epochs"], options["n_images"], options["batch_size"]) == (
            "50",
            "256",
            "4",
        )

        places = ("--output_dir", "out", "--test_data", "scan", "--model_path", "model")
        wanted = vars(inference.make_parser().parse_args([*places, *recipe.inference(196)]))
        assert wanted.get("n_images") == (
            None if recipe.around == 1 else str(recipe.around * 196)
        )


def test_steps_end_with_the_long_recipe() -> None:
    """Each step differs from the one before, from the defaults to the light network's own."""
    wanted = recipes.steps()

    assert wanted[0] == Recipe(recipes.LONG)
    assert wanted[-1] == recipes.of(recipes.LIGHT, recipes.LONG)
    assert len({(recipe.options, recipe.around) for recipe in wanted}) == len(wanted)


def test_a_training_serves_every_use_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recipes that differ in the reconstruction alone share one training, and its time."""
    begun: list[tuple[str, ...]] = []

    def trained(*arguments: Any) -> float:
        begun.append(arguments[-1].options)
        return 10.0 * len(begun)

    def reconstruct(*arguments: Any) -> Reconstruction:
        *_, scan, recipe = arguments
        r = 0.5 + 0.1 * recipe.around + (0.01 if scan.name == "new" else 0.0)
        return Reconstruction(1.0, {"phase": {"pearson": r}}, np.zeros((2, 3)))

    monkeypatch.setattr(recipes, "train", trained)
    monkeypatch.setattr(recipes, "reconstruct", reconstruct)
    plain, fresh = Recipe(50), Recipe(50, recipes.REGROUP)
    wanted = [plain, fresh, Recipe(50, recipes.REGROUP, 4)]
    targets = {"old": Path("old"), "new": Path("new")}
    steps = list(quality_steps.measure(tmp_path, Path("old"), targets, "cnn-lite", wanted))

    assert begun == [plain.options, fresh.options]
    assert [step.training for step in steps] == [10.0, 20.0, 20.0]
    assert [round(step.pearson["new"], 9) for step in steps] == [0.61, 0.61, 0.91]


def test_the_table_names_what_was_typed() -> None:
    """Options, groups a point, time and r of both halves stand in one row."""
    step = Step(Recipe(50, recipes.REGROUP, 4), 187.4, {"trained": 0.9388, "unseen": 0.934})

    text = quality_steps.text("cnn-lite", [step])

    assert "| `--regroup` | 4 | 187 | 0.939 | 0.934 |" in text
    assert "cnn-lite, 50 epochs" in text
    assert quality_steps.text("cnn-lite", []) == ""
