"""Which runs a calibration makes: one a seed, and the first of them once more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.config.project import SuiteSpec
from harness.errors import ConfigError, EvidenceMissingError
from harness.experiments.calibration import runs
from tests.builders import hubs

FILES = {"train": Path("/data/train.npz")}


def declare_suite(root: Path, *stages: dict[str, Any]) -> SuiteSpec:
    """Declare a suite with a seed."""
    made = hubs.suite(*stages, parameters={"seed": "1", "value": "3"})
    return hubs.project(root, tiny=made).suites["tiny"]


def make_stage(name: str, *words: str, **keys: Any) -> dict[str, Any]:
    """Declare a stage that does nothing with some words."""
    return hubs.command(name, "pass", *words, **keys)


@pytest.fixture
def suite(tmp_path: Path) -> SuiteSpec:
    """Declare data that no seed reaches, a training, its judge, and a stage apart."""
    return declare_suite(
        tmp_path,
        make_stage("data"),
        make_stage("train", "{seed}", needs=["data"]),
        make_stage("judge", needs=["train"]),
        make_stage("apart"),
    )


@pytest.mark.parametrize("seeds", [("1001",), ("1001", "1002"), ("7", "8", "9", "10")])
def test_each_seed_runs_once_and_the_first_again(
    suite: SuiteSpec, seeds: tuple[str, ...]
) -> None:
    """The repeat is a run of its own, which no earlier one stands for."""
    cells = runs.cells(suite, seeds, FILES)
    assert [cell.parameters for cell in cells] == [{"seed": s} for s in (*seeds, seeds[0])]
    assert all(cell.values == cell.parameters for cell in cells)
    assert all(cell.datasets == FILES for cell in cells)
    identities = {(cell.parameters["seed"], cell.salt) for cell in cells}
    assert len(identities) == len(cells)
    assert [bool(cell.salt) for cell in cells] == [False] * len(seeds) + [True]
    assert len({cell.name for cell in cells}) == len(cells)


def test_only_the_first_run_is_a_whole_one(suite: SuiteSpec) -> None:
    """What no seed reaches gives the same each time; the repeat repeats what one does."""
    cells = runs.cells(suite, ("1", "2"), {})
    assert [cell.only for cell in cells] == [(), *[("data", "train", "judge")] * 2]


REACHED: list[tuple[list[dict[str, Any]], tuple[str, ...]]] = [
    ([make_stage("a")], ()),
    ([make_stage("a", "{seed}")], ("a",)),
    ([make_stage("a", "--seed={seed}")], ("a",)),
    ([make_stage("a", "seed")], ()),
    ([make_stage("a", "{value}")], ()),
    ([make_stage("a"), make_stage("b", "{seed}")], ("b",)),
    ([make_stage("a", "{seed}"), make_stage("b", needs=["a"])], ("a", "b")),
    (
        [
            make_stage("a", "{seed}"),
            make_stage("b", needs=["a"]),
            make_stage("c", needs=["b"]),
        ],
        ("a", "b", "c"),
    ),
    (
        [make_stage("a"), make_stage("b", needs=["a"]), make_stage("c", "{seed}", needs=["b"])],
        ("a", "b", "c"),
    ),
]


@pytest.mark.parametrize(("stages", "reached"), REACHED)
def test_a_seed_reaches_what_names_it_and_what_needs_that(
    tmp_path: Path, stages: list[dict[str, Any]], reached: tuple[str, ...]
) -> None:
    """With what these need; in the order in which they run."""
    assert runs.seeded_stages(declare_suite(tmp_path, *stages)) == reached


def test_another_parameter_reaches_other_stages(tmp_path: Path) -> None:
    """Asked for by its name."""
    suite = declare_suite(tmp_path, make_stage("a", "{seed}"), make_stage("b", "{value}"))
    assert runs.seeded_stages(suite, "value") == ("b",)


LISTS = [
    None,
    "",
    "[]",
    "{}",
    '{"hubs": []}',
    '{"hubs": [], "repeat": null}',
    '{"hubs": [["1"]], "repeat": ["1", "x"]}',
    '{"hubs": 3, "repeat": ["1", "x"]}',
]


@pytest.mark.parametrize("content", LISTS)
def test_a_list_that_is_not_whole_is_none(tmp_path: Path, content: str | None) -> None:
    """What an interrupted calibration left is no calibration."""
    project = hubs.project(tmp_path)
    path = project.work / runs.FOLDER / "tiny.json"
    path.parent.mkdir(parents=True)
    if content is not None:
        path.write_text(content)
    with pytest.raises(EvidenceMissingError):
        runs.last_runs(project, "tiny")


def test_a_whole_list_is_read(tmp_path: Path) -> None:
    """By seed, the repeat apart; of this suite and no other."""
    project = hubs.project(tmp_path)
    path = project.work / runs.FOLDER / "tiny.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"hubs": [["1", "a"], ["2", "b"]], "repeat": ["1", "c"]}))
    expected = runs.Runs(hubs=(("1", "a"), ("2", "b")), repeat=("1", "c"))
    assert runs.last_runs(project, "tiny") == expected
    with pytest.raises(EvidenceMissingError):
        runs.last_runs(project, "other")


def test_a_suite_with_the_goldens_of_another_makes_none(tmp_path: Path) -> None:
    """Those of the other one judge it."""
    project = hubs.project(tmp_path, tiny=hubs.suite(), small=hubs.suite(goldens_of="tiny"))
    runs.require_own(project.suites["tiny"])
    with pytest.raises(ConfigError):
        runs.require_own(project.suites["small"])
