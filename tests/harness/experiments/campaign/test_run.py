"""Campaigns of a small suite: one hub per cell, once, whatever dies on the way."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.project import Project
from harness.errors import LockTimeoutError
from harness.evidence.hub.store import HubStore, remove
from harness.evidence.ledger.log import Ledger
from harness.experiments.campaign import store as stores
from harness.experiments.campaign.run import Campaign, Cell, CellResult, run_campaign
from harness.experiments.execute.inline import InlineExecutor
from harness.judgement import verify
from harness.runner.stages.child import Stop
from tests.builders import hubs

CELLS = tuple(Cell(name=f"value={v}", parameters={"value": v}) for v in ("2", "0.5", "3"))


ROOT = Path(__file__).parents[4]
_COORDINATOR = """
import sys
from dataclasses import replace
from pathlib import Path
from harness.judgement.declaration import load_project
from harness.experiments.campaign.run import Campaign, Cell, run_campaign
from harness.experiments.execute.factory import Choice, open_executor
from harness.runner.stages.child import Stop
project = load_project(Path(sys.argv[1]))
store = replace(project, hubs=project.hubs / "many", work=project.work / "many")
made = Campaign(project=project, store=store, suite="tiny")
cells = [Cell(name=str(v), parameters={"value": str(v)}) for v in range(1, 7)]
with open_executor(Choice(name="process", jobs=2)) as executor:
    run_campaign(made, cells, executor, Stop(), lambda _: None)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A committed project whose value is a parameter with a floor of 1."""
    made = hubs.project(tmp_path / "p")
    hubs.commit(made.root)
    return made


def campaign(project: Project) -> Campaign:
    """A campaign in a store beside the project's own."""
    store = replace(project, hubs=project.hubs / "many", work=project.work / "many")
    return Campaign(project=project, store=store, suite="tiny")


def carried_out(
    project: Project, stop: Stop, cells: tuple[Cell, ...] = CELLS, jobs: int = 1
) -> tuple[CellResult, ...]:
    """Run the cells in this process."""
    return run_campaign(campaign(project), cells, InlineExecutor(jobs), stop, lambda _: None)


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_cell_has_one_hub(project: Project, stop: Stop, jobs: int) -> None:
    """Each cell is judged by itself, and all hubs verify against one ledger."""
    results = carried_out(project, stop, jobs=jobs)

    made = campaign(project).store
    paths = HubStore(made.hubs, made.work).hubs("tiny")
    assert [result.verdict for result in results] == ["green", "red", "green"]
    assert [result.metrics for result in results] == [
        {"out:value": value} for value in (2.0, 0.5, 3.0)
    ]
    assert {result.hub for result in results} == set(paths)
    assert Ledger(made.work / "ledger.jsonl").check().size == 3
    codes = [verify.verify(made, hub, allow_stale=True).exit_code for hub in paths]
    assert sorted(codes) == [0, 0, 1]
    assert sorted(p.name for p in made.hubs.iterdir()) == ["tiny"]
    assert not (project.hubs / "tiny").exists()


def test_done_cells_are_not_run_again(project: Project, stop: Stop) -> None:
    """A second call gives the same hubs; a change of code makes all of them anew."""
    first = carried_out(project, stop)
    again = carried_out(project, stop, (*CELLS, Cell(name="more", parameters={"value": "4"})))
    (project.root / "source/model.py").write_text("GAIN = 2\n")
    changed = carried_out(project, stop)

    assert [r.is_reused for r in again] == [True, True, True, False]
    assert [r.hub for r in again[:3]] == [r.hub for r in first]
    assert not any(r.is_reused for r in changed)
    assert not {r.hub for r in changed} & {r.hub for r in first}


def test_removed_hub_is_made_again(project: Project, stop: Stop) -> None:
    """A seal without its hub is no result."""
    first = carried_out(project, stop)
    assert first[1].hub is not None
    remove(first[1].hub)

    again = carried_out(project, stop)

    assert [r.is_reused for r in again] == [True, False, True]


def test_entry_that_names_no_hub_is_no_result(project: Project, stop: Stop) -> None:
    """A ledger from anywhere may say that a folder outside the store is what was asked for."""
    first = carried_out(project, stop)
    made = campaign(project).store
    ledger = Ledger(made.work / "ledger.jsonl")
    hub = first[0].hub
    assert hub is not None
    outside = hub.rename(project.root / hub.name)
    body = next(ledger.walk()).body
    ledger.append("seal", f"../../{outside.name}", body)

    assert [done.hub for done in stores.finished_units(made).values()] == [
        result.hub for result in first[1:]
    ]


def test_only_one_writes(project: Project, stop: Stop) -> None:
    """A second coordinator of the same campaign is refused while the first lives."""
    made = campaign(project).store

    with stores.hold_store(made), pytest.raises(LockTimeoutError):
        carried_out(project, stop)


def test_work_tree_that_changes_meanwhile_is_told(project: Project, stop: Stop) -> None:
    """A run whose inputs are not those that were planned is no result of its cell."""

    def change(_: CellResult) -> None:
        (project.root / "source/model.py").write_text("GAIN = 2\n")

    results = run_campaign(campaign(project), CELLS, InlineExecutor(1), stop, change)

    assert [r.hub is None for r in results] == [False, True, True]
    assert "inputs" in results[1].reason
    assert {r.verdict for r in results[1:]} == {"inconclusive"}


def test_repeats_are_told_apart(project: Project, stop: Stop) -> None:
    """Two cells that differ in their salt alone are two runs."""
    twice = [Cell(name=n, parameters={"value": "3"}, salt=n) for n in ("first", "second")]

    results = carried_out(project, stop, tuple(twice))

    assert len({r.hub for r in results}) == 2


def test_mistake_of_one_cell_spares_the_others(project: Project, stop: Stop) -> None:
    """A cell that cannot be run is told with its reason, and the others have their hubs."""
    bad = Cell(name="bad", parameters={"valu": "3"})

    results = carried_out(project, stop, (CELLS[0], bad, CELLS[2]))

    assert [r.verdict for r in results] == ["green", "inconclusive", "green"]
    assert "valu" in results[1].reason


@pytest.mark.slow
def test_killed_coordinator_goes_on(tmp_path: Path, stop: Stop) -> None:
    """After SIGKILL in the middle the same call ends with one hub and one seal per cell."""
    stage = hubs.command(
        "make",
        "import time;time.sleep(0.4);" + hubs.WRITE,
        "{work}/out.json",
        "{value}",
        artifacts=[hubs.OUT],
    )
    project = hubs.project(tmp_path / "p", tiny=hubs.suite(stage, guards=[hubs.FLOOR]))
    hubs.commit(project.root)
    cells = tuple(Cell(name=str(v), parameters={"value": str(v)}) for v in range(1, 7))
    made = campaign(project).store
    with subprocess.Popen(
        [sys.executable, "-c", _COORDINATOR, str(project.root)], cwd=ROOT
    ) as started:
        end = time.monotonic() + 60
        while len(list(made.hubs.glob("tiny/2*"))) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        started.kill()

    results = carried_out(project, stop, cells, jobs=2)

    paths = HubStore(made.hubs, made.work).hubs("tiny")
    sealed = [e.subject for e in Ledger(made.work / "ledger.jsonl").walk() if e.kind == "seal"]
    assert [r.reason for r in results if r.hub is None] == []
    assert sum(r.is_reused for r in results) >= 2
    assert {r.hub for r in results} == set(paths)
    assert sorted(sealed) == sorted(f"tiny/{hub.name}" for hub in paths)
    assert sorted(p.name for p in made.hubs.iterdir()) == ["tiny"]
