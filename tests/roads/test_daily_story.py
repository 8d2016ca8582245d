"""One working day in a small repository, told by its commands and their answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from tests.builders import hubs

_MODEL = """import json, sys

def accuracy(steps):
    return min(0.98, RATE * steps)

if __name__ == "__main__":
    record = {{"accuracy": accuracy(40), "jitter": {jitter}, "steps": 40}}
    json.dump(record, open(sys.argv[1], "w"))
"""
_DECLARATION = """
schema = 1
name = "story"

[suites.road]
description = "A model that learns, and the numbers it is judged by."
inputs = ["model/**/*.py"]

[[suites.road.stages]]
id = "learn"
kind = "command"
argv = ["{python}", "model/learn.py", "{work}/record.json"]
artifacts = [{ id = "record", path = "record.json" }]

[[suites.road.guards]]
id = "learns"
kind = "bound"
metric = "record:accuracy"
min = 0.9
remedy = "Look at the rate."

[[suites.road.guards]]
id = "jitter"
kind = "bound"
metric = "record:jitter"
max = 1000.0
remedy = "Look at the machine."
"""
_COMMITS, _PLANTED = 30, 17


class Story:
    """A repository and the commands that somebody types in it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Begin with a model that learns, committed."""
        self.root, self._capsys = root, capsys
        (root / "model").mkdir(parents=True)
        (root / "docs").mkdir()
        (root / "harness.toml").write_text(_DECLARATION)
        self.note("The model learns.")
        self.write(rate=0.05)
        self.first = hubs.commit(root, "Begin")

    def write(self, *, rate: float, jitter: float = 1.0, comment: str = "") -> None:
        """Edit the model; the comment is told by a name, as comments make nothing stale."""
        note = f"NOTE = {comment!r}\n" if comment else ""
        text = f"RATE = {rate}\n" + _MODEL.format(jitter=jitter) + note
        (self.root / "model/learn.py").write_text(text)

    def note(self, text: str) -> None:
        """Edit the documentation."""
        (self.root / "docs/notes.md").write_text(text)

    def type(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Type a command and read its answer."""
        self._capsys.readouterr()
        code = main.main([*words, "--json"])
        return code, json.loads(self._capsys.readouterr().out)

    def status(self) -> dict[str, Any]:
        """Ask where the suite stands."""
        (status,) = self.type("status")[1]["suites"]
        return dict(status)

    def blocker(self) -> dict[str, Any]:
        """Return the one blocker there is."""
        (blocker,) = self.type("blockers", "list", "--all")[1]["blockers"]
        return dict(blocker)


@pytest.fixture
def story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Story:
    """The repository in the morning."""
    monkeypatch.chdir(tmp_path)
    made = Story(tmp_path / "story", capsys)
    monkeypatch.chdir(made.root)
    return made


def _thirty_commits(story: Story) -> str:
    """Commit notes and harmless edits; one of the edits breaks the model."""
    planted = ""
    for index in range(1, _COMMITS + 1):
        rate = 0.05 if index < _PLANTED else 0.01
        if index % 5 == 0:
            story.note(f"Day {index}.")
        else:
            story.write(rate=rate, jitter=300.0, comment=f"# edit {index}\n")
        made = hubs.commit(story.root, f"Change {index}")
        planted = made if index == _PLANTED else planted
    return planted


@pytest.mark.road
@pytest.mark.slow
def test_day_is_told_by_its_commands(story: Story) -> None:
    """Green, fresh, stale, red, the same blocker, repaired, closed, bisected, explained."""
    assert story.type("run", "road")[0] == 0
    story.note("Nothing that the suite depends on.")
    assert story.status()["fresh"] is True

    story.write(rate=0.05, comment="# an idea\n")
    stood = story.status()
    assert (stood["causes"][0]["kind"], stood["causes"][0]["items"]) == (
        "source",
        ["model/learn.py"],
    )
    assert stood["next"] == "harness run road --if-stale"

    planted = _thirty_commits(story)
    assert story.type("run", "road")[0] == 1
    seen = story.blocker()
    assert (seen["guard"], seen["status"], seen["occurrences"]) == ("learns", "open", 1)
    assert story.status()["next"] == f"harness blockers show {seen['id']}"
    assert story.type("run", "road")[0] == 1
    again = story.blocker()
    assert (again["id"], again["occurrences"]) == (seen["id"], 2)

    story.write(rate=0.05, jitter=300.0, comment="# repaired\n")
    hubs.commit(story.root, "Repair the rate")
    for status in ("open", "open", "closed"):
        assert story.type("run", "road")[0] == 0
        assert story.blocker()["status"] == status

    code, answer = story.type("bisect", "road", "--good", story.first, "--bad", "HEAD~1")
    assert code == 0, answer
    assert (code, answer["culprit"], answer["commits"]) == (0, planted, _COMMITS)
    assert answer["runs"] <= 6
    assert [b["id"] for b in answer["blockers"]] == [seen["id"]]
    assert any("model/learn.py" in line for line in answer["stat"])
    assert (
        story.type("bisect", "road", "--good", story.first, "--bad", "HEAD~1")[1]["runs"] == 0
    )
    assert hubs.git(story.root, "worktree", "list").count("\n") == 0

    _, compared = story.type("diff", "latest~5", "latest~3")
    moved = [metric["name"] for metric in compared["metrics"]]
    assert moved == ["record:accuracy", "record:jitter"]
