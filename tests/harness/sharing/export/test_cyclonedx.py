"""The bill of materials of a model: what it says, and that the public validator accepts it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main as program
from harness.errors import EvidenceMissingError, IntegrityError
from harness.evidence.hub import digest, inventory
from harness.evidence.hub.store import read_record
from harness.judgement.declaration import load_project
from harness.sharing.export import cyclonedx
from tests.builders import claims, hubs, sealed
from tests.builders.claims import Claim

_ROOT = Path(__file__).parents[4]
_PYTHON = _ROOT / ".venv-bom" / "bin" / "python"
_VALIDATE = """\
import json, sys
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator
validator = make_schemabased_validator(OutputFormat.JSON, SchemaVersion.V1_6)
for line in sys.stdin:
    print(json.dumps(str(validator.validate_str(line) or "")[:300]))
"""


@pytest.fixture(scope="module")
def claim(tmp_path_factory: pytest.TempPathFactory) -> Claim:
    """A project with one honest run, which left a bundle."""
    folder = tmp_path_factory.mktemp("bom")
    return claims.honest(claims.make(folder / "p"), claims.scan(folder))


def bom_of(claim: Claim, target: Path) -> dict[str, Any]:
    """Export the hub of a claim and read what was written."""
    cyclonedx.write(claim.hub, read_record(claim.hub), target)
    value: dict[str, Any] = json.loads(target.read_bytes())
    return value


def test_a_model_is_listed_with_data_numbers_and_hub(claim: Claim, tmp_path: Path) -> None:
    """Every digest is that of the very bytes, every number that of the record."""
    bom = bom_of(claim, tmp_path / "bom.json")

    record = read_record(claim.hub)
    by_type: dict[str, list[dict[str, Any]]] = {}
    for each in bom["components"]:
        by_type.setdefault(each["type"], []).append(each)
    (model,) = by_type["machine-learning-model"]
    bundle = next((claim.root / ".harness/runs").rglob("wts.h5.zip"))
    assert model["hashes"] == [{"alg": "SHA-256", "content": digest.sha256(bundle)}]
    (ref,) = model["modelCard"]["modelParameters"]["datasets"]
    (data,) = (each for each in by_type["data"] if each["bom-ref"] == ref["ref"])
    assert data["hashes"][0]["content"] == digest.sha256(claim.data)
    (source,) = (each for each in by_type["data"] if each["bom-ref"] == "source")
    assert source["version"] == record.stamp.commit
    manifest = bom["metadata"]["component"]["hashes"][0]["content"]
    assert manifest == digest.sha256(claim.hub / inventory.MANIFEST)
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    (floor,) = (guard for guard in record.guards if guard.id == claims.FLOOR["id"])
    assert {"type": floor.metric, "value": repr(floor.value)} in metrics
    properties = {each["name"]: each["value"] for each in model["properties"]}
    assert properties[f"harness:guard:{floor.id}:low"] == repr(claims.FLOOR["min"])
    assert properties[f"harness:guard:{floor.id}:verdict"] == "green"


def test_references_lead_to_components(claim: Claim, tmp_path: Path) -> None:
    """Every reference is to a component that is listed, and each of those once."""
    bom = bom_of(claim, tmp_path / "bom.json")

    listed = [each["bom-ref"] for each in (bom["metadata"]["component"], *bom["components"])]
    assert len(set(listed)) == len(listed)
    used = {d["ref"] for d in bom["dependencies"]}
    used |= {ref for d in bom["dependencies"] for ref in d.get("dependsOn", [])}
    assert used == set(listed)


def test_the_same_hub_gives_the_same_bytes(claim: Claim, tmp_path: Path) -> None:
    """No time and no chance of the export is in it, and no address of anybody's example."""
    bom_of(claim, tmp_path / "one.json")
    bom_of(claim, tmp_path / "two.json")

    written = (tmp_path / "one.json").read_bytes()
    assert written == (tmp_path / "two.json").read_bytes()
    assert b"example." not in written


def test_a_dirty_tree_is_no_commit_of_a_bom(tmp_path: Path) -> None:
    """What ran is the digest of the changes; the commit stands nowhere as the source."""
    root = claims.make(tmp_path / "p")
    (root / "source/model.py").write_text(claims.MODEL + "# more\n")
    claim = claims.honest(root, claims.scan(tmp_path))

    bom = bom_of(claim, tmp_path / "bom.json")

    (source,) = (each for each in bom["components"] if each["bom-ref"] == "source")
    assert source["hashes"][0]["content"] == read_record(claim.hub).stamp.diff_sha256
    assert read_record(claim.hub).stamp.commit not in json.dumps(bom)


def test_a_hub_without_a_model_has_no_bom(tmp_path: Path) -> None:
    """Exit code 3 and what to name the artifact; nothing is written."""
    root = tmp_path / "p"
    hubs.declare(root, any=hubs.suite(hubs.writing("1.0")))
    hubs.commit(root)
    outcome = hubs.run(load_project(root), "any")

    with pytest.raises(EvidenceMissingError):
        cyclonedx.write(outcome.hub, outcome.record, tmp_path / "bom.json")
    assert not (tmp_path / "bom.json").exists()


def test_a_changed_hub_has_no_bom(tmp_path: Path) -> None:
    """No export launders a hub that was changed."""
    claim = claims.honest(claims.make(tmp_path / "p"), claims.scan(tmp_path))
    sealed.write(claim.hub / "analysis/make/out.json", b"{}")

    with pytest.raises(IntegrityError):
        bom_of(claim, tmp_path / "bom.json")


def test_the_command_writes_it(
    claim: Claim, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file, as --output says; a key to sign with is for in-toto."""
    words = ["-C", str(claim.root), "export", "--format", "cyclonedx", "-o"]

    assert program.main([*words, str(tmp_path / "bom.cdx.json")]) == 0
    assert json.loads((tmp_path / "bom.cdx.json").read_bytes())["specVersion"] == "1.6"
    capsys.readouterr()


@pytest.mark.long
@pytest.mark.skipif(not _PYTHON.exists(), reason="run by make test-bom")
def test_the_public_validator_accepts_it(
    claim: Claim, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Accepted as it is by the official schema; refused in each of four bent forms."""
    bom = bom_of(claim, tmp_path / "bom.json")
    model = next(c for c in bom["components"] if c["type"] == "machine-learning-model")
    rest = [c for c in bom["components"] if c is not model]

    def bend(**changes: Any) -> dict[str, Any]:
        return {**bom, "components": [{**model, **changes}, *rest]}

    bent = [
        bend(type="model"),
        bend(hashes=[{"alg": "SHA-256", "content": "abc"}]),
        bend(modelCard={"metrics": []}),
        {**bom, "serialNumber": "urn:uuid:1"},
    ]
    lines = "".join(json.dumps(each) + "\n" for each in (bom, *bent))
    output = subprocess.run(
        [str(_PYTHON), "-c", _VALIDATE], input=lines, text=True, check=True, capture_output=True
    ).stdout
    answers = [json.loads(line) for line in output.splitlines()]
    record_property("tried", len(answers))
    assert [bool(answer) for answer in answers] == [False, True, True, True, True], answers
