"""A small project with history, honest runs of it, and hubs of liars that are sealed well.

A liar runs something else than he says: another tree, other data, other rules. Then he writes
into plan and record what an honest run of the commit has there, makes the manifest fit, and
writes the ledger anew, so that ``harness verify`` finds nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import files
from harness.config.project import Project
from harness.evidence.hub import digest, inventory, seal, starts
from harness.evidence.ledger.log import Ledger
from harness.judgement.declaration import load_project
from tests.builders import hubs, sealed

MODEL = """\
import json, os, struct, sys

def single(x):
    return struct.unpack("f", struct.pack("f", x))[0]

def total(terms, lanes):
    # As threads do: each adds its share in single precision, then the shares are added.
    shares = []
    for lane in range(lanes):
        share = 0.0
        for term in terms[lane::lanes]:
            share = single(share + term)
        shares.append(share)
    found = 0.0
    for share in shares:
        found = single(found + share)
    return found

GAIN = 1.0
out, value, data = sys.argv[1:4]
scan = open(data, "rb").read()
lanes = int(os.environ.get("OMP_NUM_THREADS") or 1)
terms = [GAIN * float(value) / (1 + i) + len(scan) for i in range(300)]
answer = {"value": total(terms, lanes), "rows": 300, "seconds": 0.25}
json.dump(answer, open(os.path.join(out, "out.json"), "w"))
bundle = bytes(str(round(answer["value"], 2)), "ascii")
open(os.path.join(out, "wts.h5.zip"), "wb").write(bundle)
print("value", answer["value"])
"""
TESTS = "def test_one():\n    assert 1\n\n\ndef test_two():\n    assert 2\n"
FLOOR = {**hubs.FLOOR, "min": 100.0}
SCAN = b"a scan of eleven"


@dataclass(frozen=True, slots=True)
class Claim:
    """A project and the hub that somebody claims to be a run of its commit."""

    root: Path
    hub: Path
    data: Path

    @property
    def project(self) -> Project:
        """The project as it stands."""
        return load_project(self.root)


def declaration(**changes: Any) -> dict[str, Any]:
    """Declare the suite: a model, its data, its tests."""
    argv = ["{python}", "-I", "{root}/source/model.py", "{work}", "{value}", "{dataset:train}"]
    make = {"id": "make", "kind": "command", "argv": argv, "timeout_s": 30}
    make["artifacts"] = [hubs.OUT, {"id": "bundle", "path": "wts.h5.zip", "external": True}]
    tests = {"id": "tests", "kind": "pytest", "selectors": ["tests"], "timeout_s": 60}
    stages = [make, tests] if changes.pop("has_tests", False) else [make]
    declared = {
        "inputs": ["source/**/*.py", "tests/**/*.py"] if len(stages) > 1 else ["source/*.py"],
        "environment": ["OMP_NUM_THREADS"],
        "datasets": ["train"],
        "guards": [FLOOR],
    }
    return hubs.suite(*stages, **{**declared, **changes})


def make(root: Path, **changes: Any) -> Path:
    """Write the project and commit it."""
    top = {
        "datasets": {"train": {"generate": ["{python}", "-c", "", "{output}"], "inputs": []}}
    }
    hubs.declare(root, top=top, tiny=declaration(**changes))
    (root / "source/model.py").write_text(MODEL)
    (root / "tests").mkdir()
    (root / "tests/test_model.py").write_text(TESTS)
    hubs.commit(root)
    return root


def scan(folder: Path, content: bytes = SCAN) -> Path:
    """Write the data that runs are given."""
    path = folder / "scan.npz"
    path.write_bytes(content)
    return path


def honest(root: Path, data: Path, **options: Any) -> Claim:
    """Run the suite as it is committed."""
    outcome = hubs.run(load_project(root), datasets={"train": data}, **options)
    return Claim(root, outcome.hub, data)


def forge(root: Path, data: Path, lie: Callable[[Path], dict[str, Any] | None]) -> Claim:
    """Let a liar run something else in a copy of the tree, and seal it as a run of the commit.

    ``lie`` changes the copy, and may return options of the run.
    """
    true = honest(root, data)
    other = root.with_name("liar")
    shutil.copytree(root, other, symlinks=True)
    options_ = lie(other) or {}
    made = hubs.run(load_project(other), **{"datasets": {"train": data}, **options_}).hub
    final = true.hub.with_name(made.name)
    shutil.copytree(made, final)
    external = other / ".harness/runs" / made.name
    if external.is_dir():
        shutil.copytree(external, root / ".harness/runs" / made.name)
    shutil.rmtree(other)
    _retell(final, true.hub)
    _log(root, final)
    shutil.rmtree(true.hub)
    return Claim(root, final, data)


def _retell(hub: Path, true: Path) -> None:
    """Write into plan and record what the honest run has there."""
    for name, keys in {
        "plan/plan.json": ("stamp", "inputs", "inputs_sha256", "datasets"),
        "hub.json": ("stamp", "inputs_sha256", "datasets", "parameters"),
    }.items():
        mine, theirs = (json.loads((h / name).read_bytes()) for h in (hub, true))
        mine |= {key: theirs[key] for key in keys}
        if name == "plan/plan.json":
            mine["suite"]["parameters"] = theirs["suite"]["parameters"]
        sealed.write(hub / name, files.json_bytes(mine))
    plan_ = json.loads((hub / "plan/plan.json").read_bytes())
    record = json.loads((hub / "hub.json").read_bytes())
    record |= {"config_sha256": plan_["config_sha256"]}
    sealed.write(hub / "hub.json", files.json_bytes(record))
    sealed.remanifest(hub)


def _log(root: Path, hub: Path) -> None:
    """Write the ledger anew with start and seal of the forged hub alone."""
    record = json.loads((hub / "hub.json").read_bytes())
    plan_ = json.loads((hub / "plan/plan.json").read_bytes())
    ledger = Ledger(root / ".harness/ledger.jsonl")
    ledger.path.unlink()
    name = seal.subject(record["suite"], record["run_id"])
    common = {"suite": record["suite"], "run_id": record["run_id"]}
    start = ledger.append(
        starts.KIND,
        name,
        {
            **common,
            "commit": record["stamp"]["commit"],
            "is_dirty": False,
            "plan_sha256": digest.sha256(hub / "plan/plan.json"),
            "rules_sha256": plan_["config_sha256"],
            "golden_sha256": plan_["golden_sha256"],
        },
    )
    ledger.append(
        seal.KIND,
        name,
        {
            **common,
            "verdict": record["verdict"],
            "commit": record["stamp"]["commit"],
            "manifest_sha256": digest.sha256(hub / inventory.MANIFEST),
            "file_count": 1,
            "size": 1,
            starts.KEY: starts.digest_start(start),
        },
    )
