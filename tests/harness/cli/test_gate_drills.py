"""``harness gate --drills changed``: a guard that changed still finds its planted defect."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.judgement.declaration import load_project
from harness.judgement.gate import conductor
from tests.builders import gates, hubs

_SOURCE, _DEFECT = "GAIN = 1\n", "GAIN = 0\n"
_STAGE = hubs.command(
    "make",
    "import json, runpy, sys; gain = runpy.run_path('source/model.py')['GAIN'];"
    "json.dump({'value': 3 * gain}, open(sys.argv[1], 'w'))",
    "{work}/out.json",
    artifacts=[hubs.OUT],
)
_CEILING = {**hubs.FLOOR, "id": "ceiling", "max": 9.0}
_CEILING.pop("min")
_TOP = {"gate": {"unsigned_waivers": True}}


def _suite(**floor: Any) -> dict[str, Any]:
    guards = [{**hubs.FLOOR, **floor}, _CEILING]
    return hubs.suite(_STAGE, parameters={"seed": "1"}, guards=guards)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project whose floor has a drill and whose ceiling has none, and go there."""
    lines = difflib.unified_diff([_SOURCE], [_DEFECT], "a/source/model.py", "b/source/model.py")
    head = "Suite: tiny\nGuard: floor\nDefect: The gain is lost.\n\n"
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills/gain-lost.patch").write_text(head + "".join(lines))
    hubs.declare(tmp_path, top=_TOP, tiny=_suite())
    hubs.commit(tmp_path, "base")
    hubs.git(tmp_path, "tag", "base")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    return tmp_path


def _change(root: Path, **floor: Any) -> None:
    """Commit another floor, with a waiver for what is weaker, and run on it."""
    hubs.declare(root, top=_TOP, tiny=_suite(**floor))
    hubs.commit(root, "change")
    hub = hubs.run(load_project(root)).hub
    for difference in gates.weaker(conductor.judge_change(load_project(root), "base", [hub])):
        gates.add_waiver(root, gates.make_waiver(difference))
    assert main.main(["run", "tiny", "-q", "--name-hubs", ".harness/named.txt"]) == 0


def _gate(*words: str) -> int:
    return main.main(["gate", "--base", "base", "--hubs", ".harness/named.txt", *words])


@pytest.mark.parametrize(
    ("least", "code", "words"),
    [(0.5, 0, "gain-lost: caught by floor"), (-1.0, 1, "gain-lost: missed")],
)
def test_drill_of_a_changed_guard_is_run(
    least: float, code: int, words: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A waived floor that still finds its defect passes; one that does not is refused."""
    _change(root, min=least)
    without = _gate("--quiet")
    capsys.readouterr()

    assert (_gate("--drills", "changed"), without) == (code, 0)
    assert words in capsys.readouterr().out


@pytest.mark.long
def test_no_drill_is_run_of_what_is_as_it_was(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no guard changed, nothing is drilled, and the answer says so."""
    _change(root, remedy="Make the value larger.")
    capsys.readouterr()

    assert _gate("--drills", "changed") == 0
    assert "no drill of a changed guard" in capsys.readouterr().out


@pytest.mark.long
def test_drill_of_a_policy_is_run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A drill that an organisation asks for is run, whatever changed, and has to be caught."""
    policy = tmp_path_factory.mktemp("outside") / "policy.toml"
    policy.write_text('schema = 1\ndrills = ["gain-lost"]\n')
    _change(root)
    caught = _gate("--quiet", "--drills", "changed", "--policy", str(policy))
    (root / "source/model.py").write_text("GAIN = 1 + 1\n")
    hubs.commit(root, "the patch does not apply any more")
    assert main.main(["run", "tiny", "-q", "--name-hubs", ".harness/named.txt"]) == 0

    assert caught == 0
    assert _gate("--quiet", "--drills", "changed", "--policy", str(policy)) == 1


@pytest.mark.parametrize(
    "floor", [{"id": "least", "min": 0.5}, pytest.param({"min": 2.0}, marks=pytest.mark.long)]
)
def test_guard_without_a_drill_is_told(
    floor: dict[str, Any], root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A guard that is new or changed, and that no drill turns red, is named; it passes."""
    (root / "drills/gain-lost.patch").unlink()
    hubs.commit(root, "without drills")
    hubs.git(root, "tag", "--force", "base")
    _change(root, **floor)
    capsys.readouterr()

    assert _gate() == 0
    id_ = floor.get("id", "floor")
    words = f"guard {id_} of tiny is new or changed, and no drill turns it red"
    assert words in capsys.readouterr().out
