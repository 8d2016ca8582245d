"""A clone in which defects are planted, and the hubs that its runs left."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.config.project import Project, SuiteSpec
from harness.evidence.hub import checkout, layout, plan, store
from harness.evidence.hub.store import HubStore
from harness.judgement.declaration import load_project
from harness.verdict import Verdict
from proofs.causes import warm
from proofs.causes.planting import GROUNDS, TESTS, Ground, Planted

_WHO = ("-c", "user.name=Campaign", "-c", "user.email=campaign@example.org")


class Clone:
    """A clone in which defects are planted; a green run of it is what they are held against.

    The hub of a planted defect lies beside the clone, not in its store: a defect that stays
    green would be what the next one is compared with.
    """

    def __init__(
        self, source: Path, place: Path, ground: Ground = GROUNDS[0], *, is_run: bool = True
    ) -> None:
        """Make the clone, its declaration and its green run, unless they are there.

        Args:
            source: The repository; what is committed there counts.
            place: Folder of the campaign.
            ground: The suite that is run, and how.
            is_run: Whether a green run is needed.
        """
        self.ground, self.name = ground, ground.suite
        self.tree, self.planted_hubs = place / "tree", place / "hubs"
        self.socket = find_socket(place)
        self._take_commit(source)
        self.project: Project = load_project(self.tree)
        self.suite: SuiteSpec = self.project.suites[self.name]
        if is_run:
            self._clean_run()

    def _take_commit(self, source: Path) -> None:
        """Bring the clone to the commit of its source, declared as its ground says."""
        if not (self.tree / ".git").is_dir():
            shutil.rmtree(self.tree, ignore_errors=True)
            self.tree.parent.mkdir(parents=True, exist_ok=True)
            _call(source, "git", "clone", "--quiet", "--shared", str(source), str(self.tree))
            datasets = source / ".harness/datasets"
            if datasets.is_dir():
                shutil.copytree(datasets, self.tree / ".harness/datasets", dirs_exist_ok=True)
        head = checkout.call(source, "rev-parse", "HEAD").decode().strip()
        if checkout.ask(self.tree, "log", "-1", "--format=%s") != f"{head}\n".encode():
            _call(self.tree, "git", "fetch", "--quiet", str(source), "HEAD")
            _call(self.tree, "git", "checkout", "--quiet", "--force", "-B", "tree", head)
            self._declare()
            words = ("commit", "--quiet", "--allow-empty", "-a", "-m", head)
            _call(self.tree, "git", *_WHO, *words)

    def _declare(self) -> None:
        """Declare the suite without its tests, and have its stages forked, where it says so."""
        path = self.tree / "harness.toml"
        sections = re.split(r"(?m)^(?=\[suites\.[\w-]+\]$)", path.read_text("utf-8"))
        keys = ""
        if self.ground.is_forked:
            keys = f"python = {json.dumps(warm.list_words(self.socket))}\n"
        heirs = {self.name}
        for index, section in enumerate(sections):
            name, base = (
                match[1] if (match := re.search(pattern, section, re.MULTILINE)) else ""
                for pattern in (r"^\[suites\.([\w-]+)\]$", r'^extends = "([\w-]+)"$')
            )
            if name == self.name:
                changed = section
                if not self.ground.has_tests:
                    changed = section.replace("without = [", f'without = ["{TESTS}", ', 1)
                    if changed == section:
                        keys += f'without = ["{TESTS}"]\n'
                head = f"[suites.{name}]\n"
                changed = changed.replace(head, head + keys, 1)
            elif base in heirs and not self.ground.has_tests:  # theirs are left out, too
                heirs.add(name)
                changed = section.replace(f'"{TESTS}", ', "", 1)
            else:
                continue
            sections[index] = changed
        path.write_text("".join(sections), "utf-8")

    def _clean_run(self) -> None:
        """Run without a defect, unless a hub of this clone is green."""
        if self._list_clean():
            return
        record = store.read_record(self.run())
        if record.verdict is not Verdict.GREEN:
            raise AssertionError(f"without a defect {self.name} is {record.reason}")

    def find_clean(self) -> Path:
        """Return the hub of the run without a defect."""
        return self._list_clean()[-1]

    def _list_clean(self) -> list[Path]:
        """List the green hubs of this declaration; published ones are of another."""
        declared = plan.suite_sha256(self.suite)
        clean = []
        for hub in HubStore(self.project.hubs, self.project.work).hubs(self.name):
            record = store.read_record(hub)
            if record.config_sha256 == declared and record.verdict is Verdict.GREEN:
                clean.append(hub)
        return clean

    def run(self, *flags: str, variables: Mapping[str, str] | None = None) -> Path:
        """Run the suite on what is in the work tree now, and return its hub."""
        words = [sys.executable, "-m", "harness", "run", self.name, "--quiet", *flags]
        environment = {**os.environ, **(variables or {})}
        own = HubStore(self.project.hubs, self.project.work)
        before = set(own.hubs(self.name))
        done = subprocess.run(
            words, cwd=self.tree, check=False, capture_output=True, env=environment
        )
        made = [hub for hub in own.hubs(self.name) if hub not in before]
        if len(made) != 1:
            raise AssertionError(done.stderr.decode(errors="replace")[-2000:])
        return made[0]

    def run_planted(self, planted: Planted) -> Path:
        """Plant a defect, run, and return the hub at the place where it is kept."""
        place = self.planted_hubs / planted.name
        shutil.rmtree(self.project.hubs / "blockers", ignore_errors=True)
        with self.planted(planted):
            hub = self.run()
        remove(place)
        _unlock(hub)
        place.mkdir(parents=True)
        shutil.move(hub, place / hub.name)
        shutil.rmtree(layout.external_folder(self.project.work, hub.name), ignore_errors=True)
        return place / hub.name

    @contextmanager
    def planted(self, planted: Planted) -> Iterator[None]:
        """Plant a defect in the work tree for a while."""
        try:
            planted.plant(self.tree)
            yield
        finally:
            self.restore()

    def restore(self) -> None:
        """Take back what was changed in the work tree."""
        _call(self.tree, "git", "checkout", "--quiet", ".")

    def find_hub(self, name: str) -> Path | None:
        """Return the hub that is kept of a defect; None where there is none."""
        hubs = sorted((self.planted_hubs / name).glob("*"))
        return hubs[-1] if hubs else None


def find_socket(place: Path) -> Path:
    """Return where the interpreter of the stages listens: every run needs it to be there."""
    return place / "python"


def remove(folder: Path) -> None:
    """Remove a folder, which may be read-only."""
    if folder.is_dir():
        _unlock(folder)
        shutil.rmtree(folder)


def _unlock(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def _call(place: Path, *words: str) -> None:
    subprocess.run(words, cwd=place, check=True, capture_output=True)
