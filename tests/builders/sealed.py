"""A small project with one sealed hub, made by a real run of a suite of two tiny stages."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.config.project import Project
from harness.evidence.hub import inventory, seal
from harness.evidence.ledger.log import Entry, Ledger
from harness.judgement.declaration import load_project
from harness.runner import workflow
from harness.runner.options import RunOptions

DECLARATION = """\
schema = 1
name = "small"

[suites.tiny]
description = "Two stages that write what guards judge."
inputs = ["source.py"]

[[suites.tiny.stages]]
id = "measure"
kind = "command"
argv = ["{python}", "-S", "{root}/source.py", "{work}/measured"]
timeout_s = 30
artifacts = [
  { id = "stats", path = "measured/stats.json" },
  { id = "rows", path = "measured/rows.csv" },
  { id = "weights", path = "measured/weights.bin", external = true },
]

[[suites.tiny.guards]]
id = "variance-floor"
kind = "bound"
metric = "stats:variance"
min = 0.5
remedy = "Look at the rows."

[[suites.tiny.guards]]
id = "weights-there"
kind = "artifact"
artifact = "weights"
remedy = "Write the weights."
"""

SOURCE = """\
import os, sys
out = sys.argv[1]
os.makedirs(out)
open(out + "/stats.json", "w").write('{"variance": 0.75, "count": 3}')
open(out + "/rows.csv", "w").write("step,value\\n1,0.5\\n2,0.25\\n3,1.5\\n")
open(out + "/weights.bin", "wb").write(bytes(range(256)) * 16)
print("measured 3 rows")
"""


@dataclass(frozen=True, slots=True)
class Store:
    """A project on disk and its newest hub."""

    root: Path
    hub: Path

    @property
    def project(self) -> Project:
        """The project as its ``harness.toml`` declares it now."""
        return load_project(self.root)

    @property
    def ledger(self) -> Ledger:
        """The local log of all seals."""
        return Ledger(self.root / ".harness" / "ledger.jsonl")

    def declare(self, before: str, after: str) -> None:
        """Change the declaration."""
        path = self.root / "harness.toml"
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))


def make(root: Path) -> Store:
    """Run the suite once in a new project."""
    root.mkdir(parents=True)
    (root / "harness.toml").write_text(DECLARATION)
    (root / "source.py").write_text(SOURCE)
    return run(root)


def run(root: Path) -> Store:
    """Run the suite once more."""
    outcome = workflow.run_suite(load_project(root), "tiny", RunOptions())
    return Store(root, outcome.hub)


def copy(store: Store, root: Path) -> Store:
    """Copy a project with its hubs, modes and all."""
    shutil.copytree(store.root, root, symlinks=True)
    return Store(root, root / store.hub.relative_to(store.root))


def write(path: Path, content: bytes) -> None:
    """Overwrite a sealed file, keeping its mode."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode)


def remanifest(hub: Path) -> None:
    """Write inventory and manifest anew, as a forger would."""
    for name in (inventory.MANIFEST, inventory.INVENTORY):
        (hub / name).unlink()
    inventory.write(hub)


def seals(store: Store) -> list[Entry]:
    """Return the seals in the ledger."""
    return [entry for entry in store.ledger.entries() if entry.kind == seal.KIND]


def sparse(path: Path, size: int) -> None:
    """Make a file of a size that takes no room."""
    path.unlink(missing_ok=True)
    path.touch()
    os.truncate(path, size)
