"""Programs that a repository's own configuration names are never run by the harness."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.config.project import Project
from harness.evidence.hub import checkout, inputs, stamp
from harness.experiments.commits import history, scratch
from harness.judgement.declaration import load_project
from tests.builders import hubs


@dataclass(frozen=True, slots=True)
class Plant:
    """What is planted, and the plain git command that would run it (none: no call of ours)."""

    settings: Mapping[str, str]
    bites: tuple[str, ...] = ()
    attributes: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


STATUS = ("status", "--porcelain")
PLANTS = {
    "fsmonitor": Plant({"core.fsmonitor": "{evil}"}, STATUS),
    "clean filter": Plant({"filter.x.clean": "{evil}"}, STATUS, "* filter=x"),
    "filter with a dot and an equals sign in its name": Plant(
        {"filter.a.b=c.clean": "{evil}"}, (), "* filter=a.b=c"
    ),
    "required clean filter": Plant(
        {"filter.x.clean": "{evil}", "filter.x.required": "true"}, STATUS, "* filter=x"
    ),
    "filter process": Plant({"filter.x.process": "{evil}"}, STATUS, "* filter=x"),
    "smudge filter": Plant(
        {"filter.x.smudge": "{evil}"}, ("checkout", "--", "source"), "* filter=x"
    ),
    "external diff": Plant({"diff.external": "{evil}"}, ("diff",)),
    "diff driver": Plant({"diff.x.command": "{evil}"}, ("diff",), "* diff=x"),
    "textconv": Plant({"diff.x.textconv": "{evil}"}, ("diff",), "* diff=x"),
    "hook of the index": Plant(
        {"core.hooksPath": "{hooks}"}, ("add", "--all"), files={"post-index-change": ""}
    ),
    "hook of a checkout": Plant(
        {"core.hooksPath": "{hooks}"},
        ("checkout", "--quiet", "-b", "b"),
        files={"post-checkout": ""},
    ),
    "hook of references": Plant(
        {"core.hooksPath": "{hooks}"}, ("branch", "b"), files={"reference-transaction": ""}
    ),
    "pager": Plant({"core.pager": "{evil}", "pager.diff": "{evil}"}),
    "alias of a command": Plant({"alias.status": "!{evil}", "alias.rev-parse": "!{evil}"}),
    "signature program": Plant({"log.showSignature": "true", "gpg.program": "{evil}"}),
    "editor": Plant({"core.editor": "{evil}", "sequence.editor": "{evil}"}),
    "credential helper": Plant({"credential.helper": "!{evil}"}),
    "ssh of a promised object": Plant(
        {
            "core.sshCommand": "{evil}",
            "remote.o.url": "ssh://nobody@nowhere.invalid/x",
            "remote.o.promisor": "true",
            "extensions.partialClone": "o",
            "core.repositoryFormatVersion": "1",
        },
        ("cat-file", "-p", "1" * 40),
    ),
    "upload program of a promised object": Plant(
        {
            "remote.o.url": "{root}",
            "remote.o.uploadpack": "{evil}",
            "remote.o.promisor": "true",
            "extensions.partialClone": "o",
            "core.repositoryFormatVersion": "1",
        },
        ("cat-file", "-p", "1" * 40),
    ),
    "remote helper of a promised object": Plant(
        {
            "remote.o.url": "ext::{evil}",
            "remote.o.promisor": "true",
            "extensions.partialClone": "o",
            "core.repositoryFormatVersion": "1",
            "protocol.ext.allow": "always",
        },
        ("cat-file", "-p", "1" * 40),
    ),
    "external diff of the environment": Plant(
        {}, (), environment={"GIT_EXTERNAL_DIFF": "{evil}"}
    ),
    "settings of the environment": Plant(
        {},
        (),
        environment={
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.fsmonitor",
            "GIT_CONFIG_VALUE_0": "{evil}",
        },
    ),
    "trace of the environment": Plant({}, (), environment={"GIT_TRACE": "{mark}"}),
    "other repository of the environment": Plant(
        {}, (), environment={"GIT_DIR": "{root}/.hid"}
    ),
}


def run_plainly(root: Path, words: tuple[str, ...]) -> None:
    """Run git as anybody would."""
    argv = ["git", "-C", str(root), *words]
    subprocess.run(argv, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=20)


class Ground:
    """A project in a repository with something planted in it, and the mark that it ran."""

    def __init__(self, folder: Path) -> None:
        """Make a project of two commits with a change on top, and the program to plant."""
        self.root = hubs.declare(folder / "project")
        self.mark = folder / "it-ran"
        self.evil = folder / "evil"
        self.evil.write_text(f"#!/bin/sh\ntouch {self.mark}\n")
        self.evil.chmod(0o755)
        self.first = hubs.commit(self.root)
        (self.root / "source/model.py").write_text("GAIN = 2\n")
        self.last = hubs.commit(self.root, "second")
        self.hooks = folder / "hooks"
        self.hooks.mkdir()

    @property
    def project(self) -> Project:
        """The project as declared."""
        return load_project(self.root)

    def plant(self, plant: Plant, repository: Path | None = None) -> None:
        """Write what is planted into a repository's configuration and files."""
        place = repository or self.root
        for name in plant.files:
            shutil.copy(self.evil, self.hooks / name)
        if plant.attributes:
            (place / ".git/info").mkdir(exist_ok=True)
            (place / ".git/info/attributes").write_text(f"{plant.attributes}\n")
        for key, value in plant.settings.items():
            hubs.git(place, "config", key, self.fill(value))
        # Other bytes of the same length at another time: git must look at the content.
        (place / "source/model.py").write_text("GAIN = 3\n")

    def fill(self, text: str) -> str:
        """Fill the places of this test into a setting."""
        places = {"evil": self.evil, "hooks": self.hooks, "mark": self.mark, "root": self.root}
        return text.format(**{name: str(path) for name, path in places.items()})

    def ask_everything(self) -> stamp.Stamp:
        """Call git in every way that the harness does."""
        made = stamp.take(self.root, ())
        cache = inputs.DigestCache(self.root.parent / "cache.json")
        assert inputs.take(self.root, ["source/**/*.py"], cache)
        checkout.ask(self.root, "show", "HEAD:./source/model.py")
        checkout.ask(self.root, "cat-file", "-p", "1" * 40)
        history.states(self.project, "tiny", self.first, self.last, {})
        checkout.call(self.root, "diff", "--stat=72", f"{self.first}..{self.last}")
        with scratch.worktree(self.project, self.first, "test") as tree:
            assert (tree / "source/model.py").read_text() == "GAIN = 1\n"
        return made


@pytest.mark.parametrize("name", PLANTS)
def test_planted_program_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Stamp, inputs, history and scratch checkouts run nothing and say the truth."""
    ground, plant = Ground(tmp_path), PLANTS[name]
    ground.plant(plant)
    if plant.bites:  # that plain git would run it makes this a test
        run_plainly(ground.root, plant.bites)
        assert ground.mark.exists()
        ground.mark.unlink()
        (ground.root / "source/model.py").write_text("GAIN = 4\n")
    for key, value in plant.environment.items():
        monkeypatch.setenv(key, ground.fill(value))

    made = ground.ask_everything()

    assert not ground.mark.exists()
    assert (made.commit, made.dirty) == (ground.last, True)


BARE = {
    "fsmonitor": PLANTS["fsmonitor"],
    "clean filter": PLANTS["clean filter"],
    "filter process": PLANTS["filter process"],
    "textconv": PLANTS["textconv"],
    "external diff": PLANTS["external diff"],
    "alias": PLANTS["alias of a command"],
    "pager": PLANTS["pager"],
    "ssh": PLANTS["ssh of a promised object"],
    "hooks": PLANTS["hook of the index"],
}


@pytest.mark.parametrize("name", BARE)
def test_embedded_bare_repository_is_not_entered(tmp_path: Path, name: str) -> None:
    """A folder of a clone that looks like a repository of its own is only a folder."""
    ground, plant = Ground(tmp_path), BARE[name]
    ground.plant(plant)
    inner = ground.root / "vendor"
    shutil.copytree(ground.root / "source", inner / "source")
    shutil.copy(ground.root / "harness.toml", inner)
    for item in (
        ground.root / ".git"
    ).iterdir():  # its parts lie open, as git would commit them
        place = inner / item.name
        shutil.copytree(item, place) if item.is_dir() else shutil.copy(item, place)
    hubs.git(
        ground.root, "config", "--file", str(inner / "config"), "core.worktree", str(inner)
    )
    shutil.rmtree(ground.root / ".git")
    if plant.bites:
        run_plainly(inner, plant.bites)
        assert ground.mark.exists()
        ground.mark.unlink()

    made = stamp.take(inner, ())
    digests = inputs.take(inner, ["source/**/*.py"], inputs.DigestCache(tmp_path / "c.json"))

    assert not ground.mark.exists()
    assert (made.commit, made.dirty) == (stamp.NONE, True)
    assert list(digests) == ["source/model.py"]
    with pytest.raises(checkout.GitError, match="bare repository"):
        checkout.call(inner, "status")


@pytest.mark.parametrize(
    "name", ["fsmonitor", "clean filter", "filter process", "external diff"]
)
def test_submodule_runs_nothing(tmp_path: Path, name: str) -> None:
    """What the configuration of a submodule names is not run either."""
    ground = Ground(tmp_path)
    other = hubs.declare(tmp_path / "other")
    hubs.commit(other)
    add = (
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "--quiet",
        str(other),
        "part",
    )
    hubs.git(ground.root, *add)
    ground.last = hubs.commit(ground.root, "with a submodule")
    inner = ground.root / "part"
    shutil.rmtree(inner / ".git") if (inner / ".git").is_dir() else None
    plant = PLANTS[name]
    for key, value in plant.settings.items():
        hubs.git(inner, "config", key, ground.fill(value))
    if plant.attributes:
        (inner / ".gitattributes").write_text(f"{plant.attributes}\n")
    (inner / "source/model.py").write_text("GAIN = 7\n")
    if plant.bites == STATUS:
        run_plainly(ground.root, STATUS)
        assert ground.mark.exists()
        ground.mark.unlink()

    made = ground.ask_everything()

    assert not ground.mark.exists()
    assert (made.commit, made.dirty) == (ground.last, True)


def test_own_filters_of_the_user_fill_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the user has set up for large files works in a scratch checkout, and only there."""
    ground = Ground(tmp_path)
    (ground.root / ".gitattributes").write_text("*.py filter=mine\n")
    ground.first = hubs.commit(ground.root, "attributes")
    (tmp_path / ".gitconfig").write_text('[filter "mine"]\n\tsmudge = tr G H\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delitem(os.environ, "GIT_CONFIG_GLOBAL", raising=False)

    with scratch.worktree(ground.project, ground.first, "test") as tree:
        assert (tree / "source/model.py").read_text() == "HAIN = 2\n"
