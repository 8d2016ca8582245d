"""The scene of a model that came by mail: a clone of its source, bundle and attestations."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.evidence.ledger.keys import SecretKey
from harness.judgement.declaration import load_project
from harness.sharing import publish
from harness.sharing.export import in_toto
from tests.builders import hubs

# Whose key the page shows; its secret half is that of the page alone.
ADA = SecretKey("ada", b"a key for the page on paper only")
_SCAN = "import sys; open(sys.argv[1], 'wb').write(bytes(range(200)) * 50)"
_MODEL = """\
import json, sys

scan = open(sys.argv[1], "rb").read()
weights = bytes((byte * 7 + place) % 251 for place, byte in enumerate(scan))
variance = sum((byte - 125) ** 2 for byte in weights) / len(weights) / 1e4
open(sys.argv[2] + "/wts.h5.zip", "wb").write(weights)
json.dump({"variance": variance}, open(sys.argv[2] + "/stats.json", "w"))
print("variance", variance)
"""


def _declare(root: Path) -> None:
    train = {
        "id": "train",
        "kind": "command",
        "argv": ["{python}", "-I", "{root}/source/model.py", "{dataset:train}", "{work}"],
        "timeout_s": 60,
        "artifacts": [
            {"id": "stats", "path": "stats.json"},
            {"id": "bundle", "path": "wts.h5.zip", "external": True},
        ],
    }
    guard = {"id": "train-variance", "kind": "bound", "metric": "stats:variance"}
    guard |= {"min": 0.1, "max": 2.0, "remedy": "Look at the weights."}
    data = {"generate": ["{python}", "-I", "-c", _SCAN, "{output}"], "inputs": []}
    quick = {
        "description": "A short training, judged by the variance of its weights.",
        "inputs": ["source/*.py"],
        "datasets": ["train"],
        "stages": [train],
        "guards": [guard],
    }
    hubs.declare(root, top={"name": "my-model", "datasets": {"train": data}}, quick=quick)
    (root / "source/model.py").write_text(_MODEL)


def mailed(folder: Path) -> Path:
    """Let Ada train, publish and sign; return the receiver's clone with her mail in it."""
    sender, clone = folder / "ada", folder / "my-model"
    sender.mkdir(parents=True)
    _declare(sender)
    hubs.commit(sender, "A model")
    project = load_project(sender)
    outcome = hubs.run(project, "quick")
    publish.publish_hub(project, outcome.hub)
    hubs.commit(sender, "Publish the evidence of the model")
    hubs.git(folder, "clone", "--quiet", str(sender), str(clone))
    bundle = next((sender / ".harness/runs").rglob("wts.h5.zip"))
    shutil.copyfile(bundle, clone / bundle.name)
    attested = clone / f"{bundle.name}.intoto.jsonl"
    in_toto.write(outcome.hub, outcome.record, attested, ADA, project=project)
    shutil.rmtree(sender)
    return clone
