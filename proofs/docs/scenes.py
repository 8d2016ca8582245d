"""Where the commands of the pages are typed.

A small project stands for the reader's: its suites have the names of this one's, and their
stage takes milliseconds. Pages that show this project's own numbers are typed in a clone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from harness.judgement.declaration import load_project
from proofs.docs import page_text
from tests.builders import bundles, hubs

_SOURCE = '''\
"""Stands for the model: writes what the programs of the real one write, without a fit."""

import json
import sys
SPREAD = 1.0
folder, seed = sys.argv[1], int(sys.argv[2])
train = {"phase": "train", "var_zero_mean": 2e-5 * (1 + seed % 13 / 50)}
inference = {"phase": "inference", "var_zero_mean": 2e-3 * SPREAD}
json.dump([train], open(folder + "/train.json", "w"))
json.dump([inference], open(folder + "/inference.json", "w"))
rows = f"epoch,train_deviance\\n1,3.5\\n2,{2.5 + seed % 7 / 10}\\n"
open(folder + "/history.csv", "w").write(rows)
'''
_DECLARATION = """\
schema = 1
name = "stand-in"

[suites.forward-parity]
description = "Writes in milliseconds what the real programs write."
inputs = ["ptycho_torch/**/*.py"]
parameters = { epochs = "10", groups = "256", seed = "42" }

[[suites.forward-parity.stages]]
id = "train"
kind = "command"
argv = ["{python}", "-S", "{root}/ptycho_torch/pinn.py", "{work}", "{seed}"]
timeout_s = 60
artifacts = [
  { id = "train-stats", path = "train.json" },
  { id = "inference-stats", path = "inference.json" },
  { id = "train-history", path = "history.csv" },
]

[[suites.forward-parity.guards]]
id = "inference-variance"
kind = "bound"
metric = "inference-stats:[phase=inference].var_zero_mean"
min = 1e-6
remedy = "The patches are flat."

[[suites.forward-parity.guards]]
id = "golden-train-variance"
kind = "golden"
metric = "train-stats:[phase=train].var_zero_mean"
aggregate = "min"
missing = "note"
remedy = "The patches vary otherwise than they used to."

[[suites.forward-parity.guards]]
id = "train-time"
kind = "resource"
stage = "train"
measure = "runtime"
max = 50
remedy = "Look at the load of the machine."

[suites.quick]
extends = "forward-parity"
description = "The same, for pull requests."

[suites.smoke]
extends = "quick"
description = "The same, for drills."
"""
_DRILL = """\
Suite: smoke
Guard: inference-variance
Defect: In evaluation mode each patch is its own mean.

diff --git a/ptycho_torch/pinn.py b/ptycho_torch/pinn.py
--- a/ptycho_torch/pinn.py
+++ b/ptycho_torch/pinn.py
@@ -4,3 +4,3 @@
 import sys
-SPREAD = 1.0
+SPREAD = 0.0
 folder, seed = sys.argv[1], int(sys.argv[2])
"""


def stand_in(folder: Path) -> Path:
    """Write and commit the small project."""
    root = folder / "project"
    (root / "ptycho_torch").mkdir(parents=True)
    (root / "drills").mkdir()
    (root / "ptycho_torch/pinn.py").write_text(_SOURCE)
    (root / "drills/inference-collapses.patch").write_text(_DRILL)
    (root / "harness.toml").write_text(_DECLARATION)
    (root / "Makefile").write_text("setup:\n")
    (root / "golden/numbers").mkdir(parents=True)
    (root / "golden/numbers/model.json").write_text("{}\n")
    (root / ".gitignore").write_text(".harness/\nhubs/*/\n")
    hubs.commit(root)
    return root


_WEAKENED = """\
schema = 1
name = "my-model"

[gate]
unsigned_waivers = true

[suites.quick]
description = "A short training, judged by the variance of its patches."
inputs = ["train.py"]

[[suites.quick.stages]]
id = "train"
kind = "command"
argv = ["{python}", "-I", "{root}/train.py", "{work}/stats.json"]
timeout_s = 60
artifacts = [{ id = "stats", path = "stats.json" }]

[[suites.quick.guards]]
id = "variance-floor"
kind = "bound"
metric = "stats:variance"
min = 1e-6
remedy = "The patches are flat: compare the scales of training and inference."
"""


def weakened(folder: Path) -> Path:
    """Commit a model and its gate, then a branch that breaks the one and loosens the other."""
    root = folder / "my-model"
    root.mkdir(parents=True)
    source = "import json, sys\njson.dump({'variance': %s}, open(sys.argv[1], 'w'))\n"
    (root / "train.py").write_text(source % 0.18)
    (root / "harness.toml").write_text(_WEAKENED)
    (root / ".gitignore").write_text(".harness/\nhubs/*/\n")
    hubs.git(root, "init", "--quiet", "--initial-branch=main")
    hubs.git(root, "add", "--all")
    hubs.git(root, "commit", "--quiet", "--message", "A model and its gate")
    hubs.git(root, "switch", "--quiet", "--create", "faster")
    (root / "train.py").write_text(source % 3e-9)
    (root / "harness.toml").write_text(_WEAKENED.replace("min = 1e-6", "min = 1e-12"))
    hubs.git(root, "commit", "--quiet", "--all", "--message", "Train faster")
    return root


def with_runs(folder: Path, *suites: str) -> Path:
    """Let suites of the small project run, by default one of them twice."""
    root = stand_in(folder)
    for suite in suites or ("smoke", "smoke"):
        hubs.run(load_project(root), suite)
    return root


def all_run(folder: Path) -> Path:
    """Let every suite of the small project run once."""
    return with_runs(folder, "forward-parity", "quick", "smoke")


def with_red(folder: Path) -> Path:
    """Let the last run of the small project meet the defect."""
    root = with_runs(folder)
    source = root / "ptycho_torch/pinn.py"
    source.write_text(source.read_text().replace("SPREAD = 1.0", "SPREAD = 0.0"))
    hubs.run(load_project(root), "smoke")
    return root


def declared_by(page: str) -> Callable[[Path], Path]:
    """Add the TOML blocks of a page to the declaration of the small project."""

    def make(folder: Path) -> Path:
        root = with_runs(folder)
        text = (page_text.ROOT / page).read_text("utf-8")
        with (root / "harness.toml").open("a") as stream:
            stream.write("\n" + "\n".join(page_text.blocks(text, "toml")))
        return root

    return make


def beside(folder: Path) -> Path:
    """Make a folder that holds somebody's model with a test, in git."""
    root = folder / "my-model"
    (root / "tests").mkdir(parents=True)
    (root / "tests/test_model.py").write_text("def test_model():\n    assert 6 * 7 == 42\n")
    hubs.commit(root)
    return folder


def published(folder: Path) -> Path:
    """Make an empty folder; the small project is what the published address stands for."""
    stand_in(folder.with_name("published"))
    return before_the_clone(folder)


def before_the_clone(folder: Path) -> Path:
    """Make an empty folder."""
    folder.mkdir(parents=True)
    return folder


def clone(folder: Path) -> Path:
    """Clone this repository, with its set-up done and with two scans of one's own."""
    root = folder / "ptycho-harness"
    folder.mkdir(parents=True)
    hubs.git(folder, "clone", "--quiet", str(page_text.ROOT), str(root))
    set_up(root)
    for index, name in enumerate(("train.npz", "test.npz")):
        bundles.write_scan(root, name, n=64, n_points=400, pitch=5.0, seed=index)
    return root


def set_up(root: Path) -> None:
    """Let ``make setup`` find its work done: this interpreter, with the clone's own harness."""
    made = root / ".venv"
    (made / "bin").mkdir(parents=True)
    for path in [*Path(sys.prefix).iterdir(), *Path(sys.prefix, "bin").iterdir()]:
        if path.name not in ("bin", "harness", ".ready"):
            (made / path.relative_to(sys.prefix)).symlink_to(path)
    script = made / "bin/harness"
    script.write_text(
        f'#!/bin/sh\nPYTHONPATH="{root}" exec "{made}/bin/python" -m harness "$@"\n'
    )
    script.chmod(0o755)
    (made / ".ready").touch()


def scan(folder: Path) -> Path:
    """Simulate a small scan, and say that a training shall be short."""
    folder.mkdir(parents=True, exist_ok=True)
    bundles.write_scan(folder)
    (folder / "short.json").write_text(json.dumps(bundles.NARROW))
    return folder
