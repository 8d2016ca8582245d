"""What is weakened: a small repository of three suites, each with a model that can be broken.

Each suite has every kind of guard, a dataset, goldens, a matrix, a quarantine and a drill, so
that every field of the declaration is there to be loosened.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.evidence.hub import layout
from harness.evidence.ledger.log import Ledger
from harness.judgement.declaration import load_project
from harness.judgement.golden import store
from harness.judgement.golden.store import GoldenSet, GoldenValue
from tests.builders import hubs, reports

VARIABLES = ("LANG",)  # that the suites record
SUITES = ("signal", "picture", "checked")
DEFECTS = {"signal": "variance", "picture": "flat", "checked": "wrong"}
_ROWS = "phase,epoch,batch_idx,value\ntrain,0,0,0.5\ntrain,0,1,0.25\ntrain,0,2,1.5\n"
_MODEL = """\
import json, os, shutil, sys
DEFECT = ""
work, root, scale = sys.argv[1:4]
os.makedirs(work, exist_ok=True)
variance = 30.0 if DEFECT == "variance" else 0.75
stats = {"variance": variance, "mean": 1.5, "twin": 1.5, "loss": 0.125}
json.dump(stats, open(work + "/stats.json", "w"))
shutil.copyfile(root + "/rows.csv", work + "/rows.csv")
picture = "flat" if DEFECT == "flat" else "map"
shutil.copyfile(root + "/" + picture + ".png", work + "/map.png")
open(work + "/weights.bin", "wb").write(bytes(range(256)))
print("scale 2.5 loaded")
print("done" if DEFECT != "wrong" else "done, with a WARNING")
"""
_REPORT = """\
import json, sys
json.dump({"total": 3.5}, open(sys.argv[1] + "/report.json", "w"))
print("reported")
"""
_DATA = """\
import sys
open(sys.argv[1], "w").write("seed " + sys.argv[2] + "\\n")
"""
_TESTS = "def test_a():\n    pass\n\n\ndef test_b():\n    pass\n\n\ndef test_c():\n    pass\n"
_DRILL = """\
Suite: {suite}
Guard: ceiling
Defect: The variance is forty times too large.

--- a/{suite}/model.py
+++ b/{suite}/model.py
@@ -5,1 +5,1 @@
-variance = 30.0 if DEFECT == "variance" else 0.75
+variance = 30.0
"""


@dataclass(slots=True)
class Ground:
    """A repository as data: its declaration, its files, its goldens by folder."""

    top: dict[str, Any]
    files: dict[str, str | bytes]
    goldens: dict[str, list[GoldenValue]]
    suite: str
    folder: str = ""
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def own(self) -> dict[str, Any]:
        """The declaration of the suite that is weakened."""
        suite: dict[str, Any] = self.top["suites"][self.suite]
        return suite

    def guard(self, id_: str) -> dict[str, Any]:
        """Return a guard of the suite."""
        return next(g for g in self.own["guards"] if g["id"] == id_)

    def stage(self, id_: str) -> dict[str, Any]:
        """Return a stage of the suite."""
        return next(s for s in self.own["stages"] if s["id"] == id_)

    def artifact(self, id_: str) -> dict[str, Any]:
        """Return an artifact of the stage that makes them."""
        return next(a for a in self.stage("make")["artifacts"] if a["id"] == id_)


def make(suite: str, *, environment: dict[str, str], datasets: dict[str, str]) -> Ground:
    """Make the repository, its goldens for this environment and these datasets."""
    files: dict[str, str | bytes] = {
        "report.py": _REPORT,
        "data.py": _DATA,
        "rows.csv": _ROWS,
        "map.png": reports.png(32, 32),
        "flat.png": _flat(),
        ".gitignore": ".harness/\n__pycache__/\nhubs/\n",
    }
    for name in SUITES:
        files |= {
            f"{name}/model.py": _MODEL,
            f"{name}/extra.py": f"NAME = {name!r}\n",
            f"{name}/test_{name}.py": _TESTS,
            f"drills/{name}-variance.patch": _DRILL.format(suite=name),
        }
    values = [_golden(m, c, environment, datasets) for m, c in _MEANS.items()]
    top = {
        "schema": 1,
        "name": "grounds",
        "policies": {"POLICY-1": "Numbers are bounded.", "POLICY-2": "Pictures show."},
        "gate": {"signers": []},
        "datasets": {
            "train": {
                "generate": ["{python}", "-I", "{root}/data.py", "{output}", "7"],
                "inputs": ["data.py"],
                "file": "train.txt",
            }
        },
        "suites": {name: _suite(name) for name in SUITES},
    }
    goldens = {name: copy.deepcopy(values) for name in SUITES}
    return Ground(top=top, files=files, goldens=goldens, suite=suite)


_MEANS = {"stats:variance": 0.75, "stats:mean": 1.5, "@stages:make.duration_s": 0.2}


def _golden(
    metric: str, centre: float, environment: dict[str, str], datasets: dict[str, str]
) -> GoldenValue:
    return store.recompute_bounds(
        GoldenValue(
            metric=metric,
            mean=centre,
            sd=20.0 if metric.startswith("@") else 0.01,
            n=12,
            scale="linear",
            sides="two",
            coverage=0.95,
            confidence=0.95,
            low=None,
            high=None,
            environment=environment,
            datasets=datasets,
            hubs=(),
            seeds=tuple(str(seed) for seed in range(12)),
            reason="first calibration",
            author="Tess",
            date="2026-01-02T03:04:05Z",
            commit="0" * 40,
        )
    )


def _suite(name: str) -> dict[str, Any]:
    artifacts = [("stats", "stats.json"), ("rows", "rows.csv"), ("picture", "map.png")]
    made = [{"id": id_, "path": path} for id_, path in artifacts]
    argv = ["{python}", "-I", f"{{root}}/{name}/model.py", "{work}", "{root}", "{scale}"]
    stages: list[dict[str, Any]] = [
        {"id": "make", "kind": "command", "argv": argv, "timeout_s": 30, "artifacts": made},
        {
            "id": "report",
            "kind": "command",
            "argv": ["{python}", "-I", "{root}/report.py", "{work}"],
            "needs": ["make"],
            "timeout_s": 30,
            "artifacts": [{"id": "report", "path": "report.json"}],
        },
    ]
    if name == "checked":
        stages.append(
            {
                "id": "tests",
                "kind": "pytest",
                "selectors": [f"{name}/test_{name}.py"],
                "min_tests": 3,
                "min_collected": 3,
                "timeout_s": 60,
                "test_timeout_s": 20,
            }
        )
    later = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=20)
    return {
        "description": f"The suite {name}.",
        "inputs": [f"{name}/*.py", "report.py", "*.png", "rows.csv"],
        "parameters": {"scale": "2.5"},
        "datasets": ["train"],
        "environment": list(VARIABLES),
        "max_age_days": 30,
        "requires": {"json": "part of Python"},
        "stages": stages,
        "guards": [{**g, "remedy": "Look at the model."} for g in _GUARDS],
        "quarantine": [
            {
                "guard": "shaky",
                "owner": "Tess",
                "reason": "the clock of this machine",
                "expires": later,
                "clean_runs": 5,
            }
        ],
        "matrix": {"scales": {"scale": ["1.5", "2.5", "3.5"]}},
    }


_GUARDS: tuple[dict[str, Any], ...] = (
    {
        "id": "ceiling",
        "kind": "bound",
        "metric": "stats:variance",
        "min": 0.1,
        "max": 5.0,
        "policies": ["POLICY-1"],
    },
    {"id": "spread", "kind": "bound", "metric": "rows:value", "aggregate": "max", "max": 2.0},
    {"id": "usual", "kind": "golden", "metric": "stats:mean"},
    {
        "id": "share",
        "kind": "ratio",
        "numerator": "stats:mean",
        "denominator": "stats:twin",
        "min": 0.9,
        "max": 1.1,
    },
    {
        "id": "twins",
        "kind": "equal",
        "left": "stats:mean",
        "right": "stats:twin",
        "relative": 1e-6,
    },
    {"id": "there", "kind": "artifact", "artifact": "report", "min_size": 10},
    {
        "id": "shows",
        "kind": "image",
        "artifact": "picture",
        "min_levels": 16,
        "level_share": 0.0001,
        "max_flat": 0.8,
        "min_size": 16,
        "min_spread": 2.0,
        "tile": 8,
        "separator": 0,
        "tiles": 16,
        "policies": ["POLICY-2"],
    },
    {
        "id": "said",
        "kind": "log",
        "stage": "make",
        "must": ["done"],
        "must_not": ["WARNING"],
        "value": "scale ([0-9.]+) loaded",
        "differs": 1.0,
        "relative": 1e-6,
    },
    {
        "id": "records",
        "kind": "count",
        "records": "rows:[*]",
        "equals": 3,
        "unique_by": ["phase", "batch_idx"],
        "distinct": True,
    },
    {"id": "quick", "kind": "resource", "stage": "make", "measure": "runtime", "max": 25.0},
    {"id": "shaky", "kind": "bound", "metric": "stats:loss", "max": 0.5},
)


def _flat() -> bytes:
    body = zlib.compress(b"".join(b"\0" + b"\x7f" * 32 for _ in range(32)))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 0, 0, 0, 0)),
        (b"IDAT", body),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d))
        for k, d in chunks
    )


def write(ground: Ground, root: Path) -> None:
    """Write the repository, in the place of what was there; hubs and caches stay."""
    for path in sorted(root.rglob("*"), reverse=True):
        parts = path.relative_to(root).parts
        if parts[0] in (".git", ".harness", "hubs"):
            continue
        if path.is_file():
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    place = root / ground.folder
    for name, content in ground.files.items():
        # What git ignores is said at the top, wherever the declaration lies.
        path = (root if name == ".gitignore" else place) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    lines = [f"{key} = {hubs.toml(value)}" for key, value in ground.top.items()]
    (place / "harness.toml").write_text("\n".join(lines) + "\n")
    folder = place / ground.top.get("golden", "golden")
    for suite, values in ground.goldens.items():
        if values:
            store.save(folder / suite, GoldenSet(values=tuple(values)))


def log_goldens(ground: Ground, root: Path) -> None:
    """Write the ledger's entries of goldens that are new, as ``golden update`` does."""
    project = load_project(root / ground.folder)
    project.hubs.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(project.hubs / layout.LEDGER)
    known: dict[str, str] = {}
    if ledger.path.is_file():
        known = {
            entry.subject: str(entry.body.get("golden_sha256"))
            for entry in ledger.walk()
            if entry.kind == store.LOGGED
        }
    for suite, values in ground.goldens.items():
        digest = GoldenSet(values=tuple(values)).digest
        if values and known.get(suite) != digest:
            ledger.append(store.LOGGED, suite, {"golden_sha256": digest, "reason": "planted"})


def break_model(ground: Ground) -> None:
    """Plant the suite's defect into its model."""
    path = f"{ground.suite}/model.py"
    text = ground.files[path]
    assert isinstance(text, str)
    changed = text.replace('DEFECT = ""', f'DEFECT = "{DEFECTS[ground.suite]}"')
    assert changed != text
    ground.files[path] = changed


def describe(ground: Ground) -> str:
    """Write the declaration as JSON, to see whether two are the same."""
    return json.dumps(ground.top, sort_keys=True, default=str)
