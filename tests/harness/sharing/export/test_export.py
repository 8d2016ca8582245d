"""What is exported is accepted by the tools it is made for, and holds the same bytes."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from pathlib import Path
from typing import Any

import bagit as public_bagit
import pytest
from in_toto_attestation.v1 import statement as public_statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from harness.cli.main import main
from harness.config.project import Project
from harness.errors import IntegrityError
from harness.evidence.hub import inventory
from harness.evidence.hub.store import read_record
from harness.evidence.ledger import keys
from harness.sharing.export import bagit, in_toto, ro_crate
from tests.builders import claims, sealed
from tests.builders.sealed import Store


def bag_of(store: Store, target: Path) -> public_bagit.Bag:
    """Export a hub as a bag and open it with the public tool."""
    made = bagit.write(store.hub, read_record(store.hub), target)
    return public_bagit.Bag(str(made))


def test_a_bag_is_valid_for_the_public_tool(store: Store, tmp_path: Path) -> None:
    """Complete, fixity checked, and with the sizes that Payload-Oxum says."""
    bag = bag_of(store, tmp_path / "bag")

    assert bag.validate(processes=1)
    assert set(bag.payload_files()) == {
        f"data/{name}" for name in (*inventory.read_manifest(store.hub), inventory.MANIFEST)
    }


def test_a_bag_with_a_changed_byte_is_invalid(store: Store, tmp_path: Path) -> None:
    """The public tool sees the same damage as our own."""
    bag = bag_of(store, tmp_path / "bag")
    path = tmp_path / "bag/data/hub.json"
    path.write_bytes(path.read_bytes().replace(b"green", b"grean"))

    with pytest.raises(public_bagit.BagValidationError):
        bag.validate(processes=1)


@pytest.mark.parametrize("write", [bagit.write, ro_crate.write])
def test_a_damaged_hub_is_not_exported(store: Store, tmp_path: Path, write: Any) -> None:
    """No export launders a hub that was changed, and nothing half-made stays."""
    sealed.write(store.hub / "cli/measure.log", b"measured 9 rows\n")

    with pytest.raises(IntegrityError):
        write(store.hub, read_record(store.hub), tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["project"]


def statements_of(path: Path) -> list[dict[str, Any]]:
    """Return the statements inside the envelopes of a file."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [json.loads(base64.b64decode(line["payload"])) for line in lines]


def test_statements_are_valid_for_the_public_library(store: Store, tmp_path: Path) -> None:
    """Both are Statements v1 with subjects; result and times are those of the record."""
    record = read_record(store.hub)
    made = statements_of(in_toto.write(store.hub, record, tmp_path / "a.jsonl", None))

    for value in made:
        public = public_statement.Statement.copy_from_pb(_protobuf(value))
        public.validate()
    assert [value["predicateType"] for value in made] == [
        "https://in-toto.io/attestation/test-result/v0.1",
        "https://slsa.dev/provenance/v1",
        "https://slsa.dev/verification_summary/v1",
        "urn:harness:metric-claims:v1",
    ]
    assert made[0]["predicate"]["result"] == "PASSED"
    assert "guard variance-floor" in made[0]["predicate"]["passedTests"]
    assert made[1]["predicate"]["runDetails"]["metadata"]["startedOn"] == record.started
    digests = {item["name"]: item["digest"]["sha256"] for item in made[1]["subject"]}
    outside = {Path(a.path).name: a.sha256 for a in record.artifacts if a.external}
    assert digests.items() >= (inventory.read_manifest(store.hub) | outside).items()
    assert made[2]["predicate"]["verificationResult"] == "PASSED"
    assert "example." not in json.dumps(made)
    for value in made:
        assert outside["weights.bin"] in {s["digest"].get("sha256") for s in value["subject"]}


def _protobuf(value: dict[str, Any]) -> Any:
    from google.protobuf import json_format
    from in_toto_attestation.v1 import statement_pb2

    return json_format.ParseDict(value, statement_pb2.Statement())


def test_a_signature_holds_for_the_public_library(store: Store, tmp_path: Path) -> None:
    """Our key signs both envelopes; another key does not verify them."""
    ours, other = keys.new("ci"), keys.new("other")
    path = in_toto.write(store.hub, read_record(store.hub), tmp_path / "a.jsonl", ours)

    for line in path.read_text().splitlines():
        envelope = Envelope.from_dict(json.loads(line))
        accepted = envelope.verify([public_key(ours)], 1)
        assert list(accepted) == [ours.public.id.hex()]
        with pytest.raises(VerificationError):
            envelope.verify([public_key(other)], 1)


def public_key(key: keys.SecretKey) -> SSlibKey:
    """Return the public half as the public library holds it."""
    value = {"public": key.public.raw.hex()}
    return SSlibKey(key.public.id.hex(), "ed25519", "ed25519", value)


def test_a_crate_describes_every_file_and_the_run(store: Store, tmp_path: Path) -> None:
    """RO-Crate 1.2: descriptor, root, flat graph of unique ids; the action points at all."""
    record = read_record(store.hub)
    folder = ro_crate.write(store.hub, record, tmp_path / "crate")
    content = json.loads((folder / ro_crate.METADATA).read_bytes())
    by_id = {entity["@id"]: entity for entity in content["@graph"]}

    assert len(by_id) == len(content["@graph"])
    assert by_id[ro_crate.METADATA]["about"] == {"@id": "./"}
    assert by_id["./"]["datePublished"] == record.finished.replace("Z", "+00:00")
    assert by_id["#run"]["@type"] == "CreateAction"
    for part in by_id["./"]["hasPart"]:
        assert int(by_id[part["@id"]]["contentSize"]) == (folder / part["@id"]).stat().st_size
    assert all(link in by_id for link in _links(content["@graph"]) if "://" not in link)


def _links(value: Any) -> list[str]:
    """Return every reference below a graph's entities."""
    if isinstance(value, dict):
        own = [value["@id"]] if set(value) == {"@id"} else []
        return own + [link for item in value.values() for link in _links(item)]
    if isinstance(value, list):
        return [link for item in value for link in _links(item)]
    return []


@pytest.mark.parametrize("kind", ["bagit", "in-toto", "ro-crate"])
def test_the_command_writes_once_and_outside_the_hub(
    store: Store, tmp_path: Path, kind: str
) -> None:
    """An existing folder is not overwritten, and a sealed hub takes nothing in."""
    argv = ["-C", str(store.root), "export", "--hub", "latest", "--format", kind, "-o"]
    quiet = io.StringIO()

    with contextlib.redirect_stderr(quiet):
        codes = [main([*argv, str(tmp_path / "out")]) for _ in range(2)]
        inside = main([*argv, str(store.hub / "out")])

    assert codes == ([0, 0] if kind == "in-toto" else [0, 2])
    assert inside == 2


def test_a_crate_holds_the_model_where_it_still_lies(tmp_path: Path) -> None:
    """As the run left it: in the crate. Changed since, or elsewhere: known by its digest."""
    claim = claims.honest(claims.make(tmp_path / "p"), claims.scan(tmp_path))
    record = read_record(claim.hub)
    (model,) = (a for a in record.artifacts if a.id == "bundle")
    bundle = claim.project.root / model.path
    content = bundle.read_bytes()

    def entity(name: str, project: Project | None) -> dict[str, Any]:
        crate = ro_crate.write(claim.hub, record, tmp_path / name, project)
        graph = json.loads((crate / ro_crate.METADATA).read_bytes())["@graph"]
        wanted = f"sha256:{model.sha256}"
        (one,) = (e for e in graph if e.get("identifier") == wanted)
        (action,) = (e for e in graph if e["@id"] == "#run")
        assert {"@id": one["@id"]} in action["result"]
        assert "example." not in json.dumps(graph)
        return one

    whole = entity("whole", claim.project)
    assert whole["@type"] == "File"
    assert (tmp_path / "whole" / whole["@id"]).read_bytes() == content
    assert entity("elsewhere", None)["@type"] == "CreativeWork"
    bundle.chmod(0o644)
    bundle.write_bytes(content + b".")
    assert entity("changed", claim.project)["@type"] == "CreativeWork"
    assert not (tmp_path / "changed/models").exists()
