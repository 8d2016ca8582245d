"""``harness run --matrix`` from the command line, and where it stands afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli.main import group
from harness.errors import ConfigError, HarnessError
from harness.evidence.hub.store import HubStore, read_record
from harness.evidence.ledger.log import Ledger
from harness.experiments import matrix_runs
from harness.judgement.declaration import load_project
from tests.builders import hubs


def declared(root: Path, **axes: Any) -> Path:
    """A committed project with one matrix."""
    spec = hubs.suite(parameters={"value": "3", "other": "a"}, matrix={"grid": axes})
    hubs.declare(root, tiny=spec)
    hubs.commit(root)
    return root


def cli(root: Path, *words: str) -> tuple[int, str]:
    """Call the program; a person's mistake is its exit code and one line."""
    caught = CliRunner().invoke(group, ["-C", str(root), *words], standalone_mode=False)
    if isinstance(caught.exception, HarnessError):
        return caught.exception.exit_code, str(caught.exception)
    assert caught.exception is None, caught.exception
    return caught.return_value or 0, caught.output


@pytest.mark.slow
def test_table_tells_every_cell(tmp_path: Path) -> None:
    """Four cells, their values, verdicts and numbers; a second call runs none of them."""
    root = declared(tmp_path, value=["0.5", "2"], other=["a", "b"])

    first = cli(root, "run", "tiny", "--matrix", "grid", "--json")
    reused = cli(root, "run", "tiny", "--matrix", "grid")
    stood = cli(root, "status", "--json")

    answer = json.loads(first[1])
    rows = [(c["values"], c["verdict"], c["metrics"]["out:value"]) for c in answer["cells"]]
    assert rows == [
        ({"value": "0.5", "other": "a"}, "red", 0.5),
        ({"value": "0.5", "other": "b"}, "red", 0.5),
        ({"value": "2", "other": "a"}, "green", 2.0),
        ({"value": "2", "other": "b"}, "green", 2.0),
    ]
    assert (first[0], reused[0], answer["exit_code"], answer["not_run"]) == (1, 1, 1, 0)
    assert reused[1].count("kept from before") == 4
    assert "4 cells: 2 green, 2 red" in reused[1]
    (matrix_status,) = json.loads(stood[1])["matrices"]
    assert matrix_status["verdicts"] == {"red": 2, "green": 2}
    assert json.loads(stood[1])["suites"][0]["hub"] is None


@pytest.mark.slow
def test_plain_suite_is_left_alone(tmp_path: Path) -> None:
    """The latest run of the suite stays the latest; its ledger names the matrix's root."""
    root = declared(tmp_path, value=["1", "2"])
    cli(root, "run", "tiny", "-q")
    project = load_project(root)
    (plain,) = HubStore(project.hubs, project.work).hubs()

    cli(root, "run", "tiny", "--matrix", "grid", "-q")

    store = HubStore(project.hubs, project.work)
    own = matrix_runs.store_of(project, project.matrices["tiny"]["grid"])
    entry = Ledger(project.work / "ledger.jsonl").entries()[-1]
    assert store.hubs() == [plain]
    assert cli(root, "status", "tiny", "--check")[0] == 0
    assert (entry.kind, entry.subject) == ("matrix", "tiny@grid")
    assert entry.body["root"] == Ledger(own.work / "ledger.jsonl").check().root
    cell = HubStore(own.hubs, own.work).hubs("tiny")[0]
    assert cli(root, "verify", "--hub", str(cell))[0] == 0


@pytest.mark.slow
def test_cell_is_fresh_while_its_matrix_is_declared(tmp_path: Path) -> None:
    """A cell is judged by its own values; what is no axis, or a value that went, is stale."""
    root = declared(tmp_path, value=["1", "2"])
    cli(root, "run", "tiny", "--matrix", "grid", "-q")
    cli(root, "run", "tiny", "-q")  # later than every cell, and no matter to them
    project = load_project(root)
    store = matrix_runs.store_of(project, project.matrices["tiny"]["grid"])
    one, two = sorted(
        HubStore(store.hubs, store.work).hubs("tiny"),
        key=lambda hub: read_record(hub).parameters["value"],
    )
    stood = [cli(root, "verify", "--hub", str(hub))[0] for hub in (one, two)]

    spec = hubs.suite(
        parameters={"value": "3", "other": "a"}, matrix={"grid": {"value": ["2"]}}
    )
    hubs.declare(root, tiny=spec)
    dropped = [cli(root, "verify", "--hub", str(hub))[0] for hub in (one, two)]
    hubs.declare(root, tiny=hubs.suite(parameters={"value": "3", "other": "a"}))
    undeclared = cli(root, "verify", "--hub", str(two))

    assert stood == [0, 0]
    assert dropped == [3, 0]
    assert undeclared[0] == 3
    assert "matrix grid of suite tiny is not declared any more" in undeclared[1]


@pytest.mark.parametrize(
    "axes",
    [
        {},
        {"value": []},
        {"value": "3..1"},
        {"value": "many"},
        {"value": ["1", "1"]},
        {"value": 3},
        {"valu": ["1"]},
        {"dataset:train": ["a.npz"]},
        {"value": "1..400", "other": "1..400"},
    ],
)
def test_bad_axes_are_refused(tmp_path: Path, axes: dict[str, Any]) -> None:
    """No axis, no value, a value twice, an unknown name and too many cells are mistakes."""
    with pytest.raises(ConfigError) as caught:
        load_project(hubs.declare(tmp_path, tiny=hubs.suite(matrix={"grid": axes})))

    assert "matrix" in caught.value.where


def test_range_counts_both_ends(tmp_path: Path) -> None:
    """A range is short for its numbers."""
    made = load_project(
        hubs.declare(tmp_path, tiny=hubs.suite(matrix={"g": {"value": "8..11"}}))
    )

    assert made.matrices["tiny"]["g"].axes == {"value": ("8", "9", "10", "11")}


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["--matrix", "gird"], "gird"),
        (["--matrix", "grid", "--set", "value=3"], "value"),
        (["--matrix", "grid", "--set", "valu=3"], "valu"),
        (["--matrix", "grid", "--stage", "make"], "--stage"),
        (["--matrix", "grid", "--if-stale"], "--if-stale"),
        (["--matrix", "grid", "--jobs", "2", "--scheduler", "tcp://x:1"], "--jobs"),
        (["--jobs", "2"], "--jobs"),
    ],
)
def test_words_that_do_not_fit_are_refused(
    tmp_path: Path, words: list[str], where: str
) -> None:
    """What would be ignored or cannot be meant ends with exit code 2 and its name."""
    code, output = cli(declared(tmp_path, value=["1"]), "run", "tiny", *words)

    assert code == 2
    assert where in output


def test_axis_may_be_a_dataset(tmp_path: Path) -> None:
    """Files of an axis are found below the project, and each cell has its own."""
    spec = hubs.suite(
        datasets=["train"], matrix={"grid": {"dataset:train": ["a.npz", "b.npz"]}}
    )
    root = hubs.declare(tmp_path, top={"datasets": {"train": {}}}, tiny=spec)
    project = load_project(root)

    cells = matrix_runs.cells(project, project.matrices["tiny"]["grid"], {}, {})

    assert [cell.datasets["train"] for cell in cells] == [root / "a.npz", root / "b.npz"]
