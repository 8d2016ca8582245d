"""The page of a model: from its bytes to the runs, rules, seals and reruns behind it."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import pytest

from harness.cli import resolve
from harness.cli.options import Session
from harness.evidence.hub.store import HubStore
from harness.evidence.ledger import keys
from harness.evidence.ledger.log import Ledger
from harness.judgement.verify import VerifyReport, reproductions, verify
from harness.reporting.website import build, models
from tests.builders import claims, sealed, stores
from tests.builders.claims import Claim


@pytest.fixture
def claim(tmp_path: Path) -> Claim:
    """A project with one honest run, which left a bundle."""
    return claims.honest(claims.make(tmp_path / "p"), claims.scan(tmp_path))


def page_of(claim: Claim, folder: Path) -> str:
    """Build the site of the claim's store and return the page of its one model."""
    project = claim.project
    judge = functools.partial(verify, project, allow_stale=True)
    build.build("project", HubStore(project.hubs, project.work), folder, "", judge)
    (path,) = (folder / "models").iterdir()
    return path.read_text()


def digest_of(claim: Claim) -> str:
    """Return the digest of the bundle, from the record."""
    artifacts = json.loads((claim.hub / "hub.json").read_bytes())["artifacts"]
    (sha256,) = (a["sha256"] for a in artifacts if a["id"] == "bundle")
    return str(sha256)


def test_the_chain_of_a_model_is_on_its_page(claim: Claim, tmp_path: Path) -> None:
    """Digest, run, commit, rules, entries of the ledger and each check of the proof."""
    page = page_of(claim, tmp_path / "out")

    record = json.loads((claim.hub / "hub.json").read_bytes())
    start, end = Ledger(claim.root / ".harness/ledger.jsonl").entries()
    for words in (
        digest_of(claim),
        record["run_id"],
        record["stamp"]["commit"],
        record["config_sha256"][:12],
        f"entry {start.sequence} of the local ledger",
        f"entry {end.sequence} of the local ledger",
        "exit code 0",
    ):
        assert words in page
    for row in verify(claim.project, claim.hub, allow_stale=True).rows:
        assert f'<th scope="row">{row.check}</th>' in page


def test_a_damaged_model_run_never_looks_proved(claim: Claim, tmp_path: Path) -> None:
    """A byte changed after sealing: the page says damaged, and the exit code of that."""
    sealed.write(claim.hub / "analysis/make/out.json", b"{}")

    page = page_of(claim, tmp_path / "out")

    assert "exit code 4" in page
    assert "<td>damaged</td>" in page


def test_who_ran_it_again_is_on_the_page(claim: Claim, tmp_path: Path) -> None:
    """A signed rerun that comes later is told by name; a forged one does not count."""
    pytest.importorskip("cryptography")
    assert "By nobody yet" in page_of(claim, tmp_path / "out")
    ledger, key = Ledger(claim.root / ".harness/ledger.jsonl"), keys.new("other")
    end = ledger.entries()[-1]
    body = {"manifest_sha256": end.body["manifest_sha256"], "answer": "rounding"}
    signed = reproductions.sign_body(end.subject, body, key)
    ledger.append(reproductions.KIND, end.subject, signed)
    ledger.append(reproductions.KIND, end.subject, {**signed, "answer": "bit-identical"})

    page = page_of(claim, tmp_path / "out")

    assert "By nobody yet" not in page
    assert f"<code>{key.public.encode()}</code>" in page.replace("&#43;", "+")
    assert page.count("Z, does not count: ") == 1


def test_a_rerun_of_an_older_model_renews_its_page(tmp_path: Path) -> None:
    """A page that no build judges again is made again when the ledger says something new."""
    first, *_ = stores.fill(tmp_path / "hubs", models.JUDGED + 1)
    store = HubStore(tmp_path / "hubs", tmp_path / "w")
    page = tmp_path / "out" / models.place(stores.bundle(0).sha256)
    build.build("project", store, tmp_path / "out")
    before = page.read_text()
    subject = f"{first.suite}/{first.run_id}"
    Ledger(tmp_path / "w/ledger.jsonl").append("start", subject, {})

    build.build("project", store, tmp_path / "out")

    assert "not before the run" in before
    assert "entry 0 of the local ledger" in page.read_text()


def test_only_the_newest_models_are_proved_again(tmp_path: Path) -> None:
    """Of the others the page says by which command; a build of thousands stays short."""
    stores.fill(tmp_path / "hubs", models.JUDGED + 2)
    judged: list[Path] = []

    def judge(hub: Path) -> VerifyReport:
        judged.append(hub)
        return verify(None, hub, allow_stale=True)

    for _ in range(2):
        build.build(
            "project", HubStore(tmp_path / "hubs", tmp_path / "w"), tmp_path / "out", "", judge
        )

    assert len(judged) == 2 * models.JUDGED
    pages = [path.read_text() for path in (tmp_path / "out/models").iterdir()]
    assert len(pages) == models.JUDGED + 2
    assert sum("Not proved again by this build" in page for page in pages) == 2


def test_commands_of_the_page_find_the_run(claim: Claim, tmp_path: Path) -> None:
    """What a reader is told to type names the hub as the commands take it."""
    project = claim.project
    build.build("project", HubStore(project.hubs, project.work), tmp_path / "out")
    (path,) = (tmp_path / "out/models").iterdir()

    named = re.findall(r"<code>harness (\w+) --hub (\S+?)[ <]", path.read_text())

    assert [word for word, _ in named] == ["reproduce", "verify"]
    session = Session(claim.root)
    assert {resolve.hub(words, session) for _, words in named} == {claim.hub}


def test_a_forged_digest_names_no_page(claim: Claim, tmp_path: Path) -> None:
    """A digest that is a path makes no model, and no file outside of the site."""
    record = json.loads((claim.hub / "hub.json").read_bytes())
    for artifact in record["artifacts"]:
        artifact["sha256"] = "../../../precious"
    sealed.write(claim.hub / "hub.json", json.dumps(record).encode())
    project = claim.project

    build.build("project", HubStore(project.hubs, project.work), tmp_path / "out")

    assert not (tmp_path / "out/models").exists()
