"""Everyday runs stay out of git's way; what is published verifies in any clone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.evidence.hub import ledgers
from harness.evidence.ledger.log import Ledger
from harness.judgement.declaration import load_project
from tests.builders import hubs

IGNORED = ".harness/\nhubs/*/\n__pycache__/\n"


class Story:
    """A repository and the commands that somebody types in it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Begin with a project that is committed, and a second branch."""
        self.root, self._capsys = root, capsys
        hubs.declare(root, tiny=hubs.suite(), other=hubs.suite())
        hubs.git(root.parent, "init", "--quiet", "--initial-branch=main", str(root))
        (root / ".gitignore").write_text(IGNORED)
        (root / ".gitattributes").write_text("hubs/** -text\n")
        hubs.commit(root)
        hubs.git(root, "branch", "second")

    def type(self, *words: str) -> tuple[int, Any]:
        """Type a command and read its answer."""
        self._capsys.readouterr()
        code = main.main(["-C", str(self.root), *words, "--json"])
        output = self._capsys.readouterr()
        return code, json.loads(output.out) if output.out else output.err

    def run(self, suite: str = "tiny", value: str = "3") -> str:
        """Run a suite and return its hub."""
        return str(self.type("run", suite, "--set", f"value={value}")[1]["hub"])

    def git(self, *words: str) -> str:
        """Type a git command."""
        return hubs.git(self.root, *words)

    def edit(self, text: str) -> None:
        """Edit the source."""
        (self.root / "source/model.py").write_text(text)

    def require_untouched(self) -> None:
        """Require that git sees nothing that it tracks changed, and nothing to clean."""
        assert self.git("status", "--porcelain") == ""
        assert self.git("clean", "-n", "-d") == ""


@pytest.fixture
def story(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Story:
    return Story(tmp_path / "here", capsys)


def clone(story: Story, capsys: pytest.CaptureFixture[str], name: str = "there") -> Story:
    root = story.root.with_name(name)
    hubs.git(story.root.parent, "clone", "--quiet", str(story.root), str(root))
    other = object.__new__(Story)
    other.root, other._capsys = root, capsys
    return other


@pytest.mark.road
def test_runs_stay_out_of_gits_way(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten runs among switches and stashes change nothing tracked and break no hub."""
    made = []
    for index in range(10):
        made.append(story.run("tiny" if index % 3 else "other"))
        story.require_untouched()
        if index == 2:
            story.git("switch", "--quiet", "second")
        if index == 4:
            story.edit("GAIN = 2\n")
            story.git("stash")
            story.git("stash", "pop")
            story.git("checkout", ".")
        if index == 6:
            story.git("switch", "--quiet", "main")

    for hub in made:
        assert story.type("verify", "--hub", hub, "--allow-stale")[0] == 0, hub
    assert story.type("ledger", "verify")[1]["local"]["size"] == 20  # a start and a seal each
    there = clone(story, capsys)
    assert not (there.root / "hubs").exists()

    code, answer = story.type("publish", "--all-suites")
    assert code == 0, answer
    assert sorted(one["hub"].split("/")[0] for one in answer["published"]) == ["other", "tiny"]
    staged = story.git("diff", "--cached", "--name-only").splitlines()
    assert all(name.startswith("hubs/") for name in staged)
    assert "hubs/ledger.jsonl" in staged
    assert story.git("diff", "--name-only") == ""
    story.git("commit", "--quiet", "-m", "Publish")
    story.edit("GAIN = 7\n")
    hubs.commit(story.root, "Go on")
    shutil.rmtree(there.root)
    there = clone(story, capsys)
    for one in answer["published"]:
        code, rows = there.type("verify", "--hub", f"hubs/{one['hub']}")
        assert code == 0, rows  # an archive: it need not be fresh
        assert there.type("verify", "--hub", f"hubs/{one['hub']}", "--require-fresh")[0] == 3
    assert there.type("verify", "--all")[0] == 0
    story.run()
    story.require_untouched()


def test_branch_without_the_publication(story: Story) -> None:
    """A switch to a branch that knows nothing of a publication leaves local hubs whole."""
    first = story.run()
    published = story.run()
    story.type("publish", published)
    story.git("commit", "--quiet", "-m", "Publish")
    story.git("switch", "--quiet", "second")
    assert story.type("verify", "--hub", first, "--allow-stale")[0] == 0
    last = story.run()
    story.require_untouched()
    story.git("switch", "--quiet", "main")

    for hub in (first, published, last):
        assert story.type("verify", "--hub", hub, "--allow-stale")[0] == 0
    assert story.type("status")[1]["suites"][0]["run_id"] == Path(last).name


def test_publishing_twice_changes_nothing(story: Story) -> None:
    """The seal is copied once, with its own time; what was accepted since comes after it."""
    hub = story.run()
    story.type("publish", hub)
    ledger = Ledger(story.root / "hubs/ledger.jsonl")
    before = ledger.entries()
    assert story.type("publish", hub)[1]["published"][0]["is_new"] is False
    assert ledger.entries() == before
    local = Ledger(story.root / ".harness/ledger.jsonl").entries()
    assert [(e.kind, e.time, e.body) for e in before] == [
        (e.kind, e.time, e.body) for e in local
    ]

    story.edit("GAIN = 2\n")
    story.type("status", "tiny", "--accept", "source", "--reason", "same numbers")
    story.type("publish", hub)
    assert [entry.kind for entry in ledger.entries()] == ["start", "seal", "cause-accepted"]


def test_damaged_hub_is_not_published(story: Story) -> None:
    """Nothing is written for a hub that is not as it was sealed."""
    hub = story.root / story.run() / "summary.md"
    hub.parent.joinpath("hub.json").chmod(0o644)
    with hub.parent.joinpath("hub.json").open("a") as stream:
        stream.write(" ")

    assert story.type("publish", str(hub.parent))[0] == 4
    assert not (story.root / "hubs/ledger.jsonl").exists()
    assert story.git("status", "--porcelain") == ""


def test_what_is_left_out_is_told(story: Story) -> None:
    """A red newest run and a suite without one are named, and the exit code knows it."""
    story.run("tiny", value="0")

    code, answer = story.type("publish", "--all-suites")

    assert code == 1
    assert {one["suite"] for one in answer["left_out"]} == {"tiny", "other"}
    assert answer["published"] == []


def test_renewing_runs_what_is_stale_and_replaces(story: Story) -> None:
    """Fresh evidence is published as it is; stale evidence is made anew, the older one goes."""
    story.type("publish", "--renew")
    story.git("commit", "--quiet", "-m", "Publish")
    before = story.git("ls-files", "hubs/*/*/hub.json").splitlines()
    assert story.type("publish", "--renew")[1]["published"][0]["is_new"] is False
    story.edit("GAIN = 2\n")
    hubs.commit(story.root, "Go on")

    code, answer = story.type("publish", "--renew", "--replace")

    assert code == 0
    assert [one["is_new"] for one in answer["published"]] == [True, True]
    after = story.git("ls-files", "hubs/*/*/hub.json").splitlines()
    assert len(after) == 2
    assert not set(after) & set(before)
    story.git("commit", "--quiet", "-m", "Publish again")
    assert story.type("verify", "--all")[0] == 0


def test_ledger_of_an_older_release_goes_on(story: Story) -> None:
    """A store whose seals all stand beside its hubs verifies, and its runs go on locally."""
    old = story.run()
    (story.root / ".harness/ledger.jsonl").rename(story.root / "hubs/ledger.jsonl")
    before = (story.root / "hubs/ledger.jsonl").read_bytes()
    assert story.type("verify", "--hub", old)[0] == 0

    new = story.run()

    assert (story.root / "hubs/ledger.jsonl").read_bytes() == before
    project = load_project(story.root)
    runs = ledgers.of_store(project.hubs, project.work).runs()
    assert list(runs) == [path.removeprefix("hubs/") for path in (old, new)]
    assert story.type("verify", "--all")[0] == 0


def test_gc_leaves_what_is_published(story: Story) -> None:
    """Housekeeping removes local hubs, tombstones go into the local ledger."""
    published = story.run()
    story.type("publish", published)
    story.git("commit", "--quiet", "-m", "Publish")
    for _ in range(3):
        story.run()

    story.type("gc", "--keep", "1", "--apply")

    assert (story.root / published).is_dir()
    assert len(list((story.root / "hubs/tiny").iterdir())) == 2
    story.require_untouched()
    assert story.type("verify", "--all")[0] == 0


def test_red_publication_is_asked_for(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    """A red hub is published when it is named, its blockers in it, and stays red in a clone."""
    red = story.run(value="0")
    assert story.type("publish", red)[0] == 0
    story.git("commit", "--quiet", "-m", "Publish")

    there = clone(story, capsys)

    assert there.type("verify", "--hub", red)[0] == 1
    assert list((there.root / red / "red").glob("blocked_*.md"))
    assert not (there.root / "hubs/blockers").exists()
