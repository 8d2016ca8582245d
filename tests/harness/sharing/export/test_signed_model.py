"""A model with its attestations, as a stranger receives them; and what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main as program
from harness.errors import IntegrityError
from harness.evidence.hub.store import read_record
from harness.evidence.ledger import keys
from harness.evidence.ledger.keys import SecretKey
from harness.judgement.declaration import load_project
from harness.sharing.export import check, in_toto, statement
from tests.builders import hubs, sealed

Lines = list[dict[str, Any]]
ADA, EVE = SecretKey("ada", bytes(32)), SecretKey("eve", bytes(range(32)))
TRUSTED = [ADA.public]


class Mail:
    """A bundle and its attestations in a folder of their own."""

    def __init__(self, root: Path, folder: Path, name: str) -> None:
        """Run the project once more and sign what it left."""
        store = sealed.run(root)
        source = max((root / ".harness").rglob("weights.bin"))
        self.hub, self.record = store.hub, read_record(store.hub)
        self.bundle, self.path = folder / f"{name}.zip", folder / f"{name}.jsonl"
        self.bundle.write_bytes(source.read_bytes())
        in_toto.write(store.hub, self.record, self.path, ADA, project=store.project)

    @property
    def lines(self) -> Lines:
        """The envelopes."""
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@pytest.fixture(scope="module")
def mails(tmp_path_factory: pytest.TempPathFactory) -> tuple[Mail, Mail, Mail]:
    """Make three runs: one, the same again, and one of another commit with another bundle."""
    folder = tmp_path_factory.mktemp("mail")
    root = folder / "project"
    root.mkdir()
    (root / "harness.toml").write_text(sealed.DECLARATION)
    (root / "source.py").write_text(sealed.SOURCE)
    hubs.commit(root)
    first, second = Mail(root, folder, "first"), Mail(root, folder, "second")
    (root / "source.py").write_text(sealed.SOURCE.replace("range(256)", "range(255, -1, -1)"))
    hubs.commit(root, "another")
    return first, second, Mail(root, folder, "third")


def payload(line: dict[str, Any]) -> dict[str, Any]:
    """Return the statement in an envelope."""
    value: dict[str, Any] = json.loads(base64.b64decode(line["payload"]))
    return value


def put(line: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Put another statement into a signed envelope."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return {**line, "payload": base64.b64encode(text).decode()}


def edit(line: dict[str, Any], before: str, after: str) -> dict[str, Any]:
    """Replace a text in a statement, keeping the signature."""
    text = json.dumps(payload(line))
    assert before in text
    return put(line, json.loads(text.replace(before, after)))


def replaced(lines: Lines, index: int, line: dict[str, Any]) -> Lines:
    """Return the lines with one in another's place."""
    return [*lines[:index], line, *lines[index + 1 :]]


def tampered(mails: tuple[Mail, Mail, Mail]) -> Iterator[tuple[str, Lines]]:
    """Give each way of being wrong that leaves the bundle as it is."""
    first, second, third = mails
    lines, sha256 = first.lines, first.record.artifacts[-1].sha256
    yield from (("nothing", []), ("of another bundle", third.lines))
    for i, line in enumerate(lines):
        name = payload(line)["predicateType"].rpartition("/")[2]
        (signature,) = line["signatures"]
        raw = bytearray(base64.b64decode(signature["sig"]))
        raw[7] ^= 1
        flipped = {**signature, "sig": base64.b64encode(raw).decode()}
        short = {**signature, "sig": signature["sig"][:40]}
        other = statement.envelope(payload(line), EVE)
        yield f"{name}: missing", [*lines[:i], *lines[i + 1 :]]
        yield f"{name}: twice", [*lines, line]
        yield f"{name}: unsigned", replaced(lines, i, {**line, "signatures": []})
        yield (
            f"{name}: signature flipped",
            replaced(lines, i, {**line, "signatures": [flipped]}),
        )
        yield f"{name}: signature cut", replaced(lines, i, {**line, "signatures": [short]})
        yield f"{name}: by another key", replaced(lines, i, other)
        lied = {**other["signatures"][0], "keyid": signature["keyid"]}
        yield (
            f"{name}: by another key, named ada",
            replaced(lines, i, {**other, "signatures": [lied]}),
        )
        yield f"{name}: another type", replaced(lines, i, {**line, "payloadType": "text/plain"})
        yield f"{name}: of another run", replaced(lines, i, second.lines[i])
        yield f"{name}: of another commit", replaced(lines, i, third.lines[i])
        yield f"{name}: digest of the bundle", replaced(lines, i, edit(line, sha256, "0" * 64))
        yield f"{name}: no JSON", replaced(lines, i, {**line, "payload": "e30"})
        bare = statement.envelope({**payload(line), "subject": []}, ADA)
        yield f"{name}: signed without subjects", replaced(lines, i, bare)
        empty = statement.envelope({**payload(line), "predicate": {}}, ADA)
        yield f"{name}: signed without a predicate", replaced(lines, i, empty)
    commit = first.record.stamp.commit
    yield "result", replaced(lines, 0, edit(lines[0], '"PASSED"', '"WARNED"'))
    yield "commit", replaced(lines, 1, edit(lines[1], commit, "0" * 40))
    yield "summary", replaced(lines, 2, edit(lines[2], '"PASSED"', '"FAILED"'))
    yield "value", replaced(lines, 3, edit(lines[3], "0.75", "0.95"))
    example = json.loads(
        json.dumps(payload(lines[1])).replace(
            "urn:harness:run:by-hand", "https://example.org/x"
        )
    )
    yield "signed, by an example", replaced(lines, 1, statement.envelope(example, ADA))


def refuse(bundle: Path, lines: Lines, folder: Path) -> str:
    """Require that a mail is refused; return what was found."""
    path = folder / "a.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(IntegrityError) as caught:
        check.check_bundle(bundle, path, TRUSTED)
    return caught.value.found


def test_an_untouched_mail_is_accepted_and_says_what_was_tested(
    mails: tuple[Mail, Mail, Mail],
) -> None:
    """By whom, when, on which commit, by which rules, with which numbers."""
    for mail in mails:
        proof = check.check_bundle(mail.bundle, mail.path, TRUSTED)
        record = mail.record
        assert proof.holds
        assert (proof.commit, proof.run_id) == (record.stamp.commit, record.run_id)
        assert proof.finished == record.finished
        assert proof.rules["harness.toml#suites.tiny"] == record.config_sha256
        (claim,) = [c for c in proof.claims if c["guard"] == "variance-floor"]
        assert (claim["value"], claim["low"], claim["verdict"]) == (0.75, 0.5, "green")


def test_whatever_was_tampered_with_is_refused(
    mails: tuple[Mail, Mail, Mail],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """More than fifty ways, statement by statement, and one byte of the bundle at any place."""
    table = list(tampered(mails))
    for name, lines in table:
        assert refuse(mails[0].bundle, lines, tmp_path), name
    content = mails[0].bundle.read_bytes()
    for place in range(0, len(content), len(content) // 10):
        changed = bytearray(content)
        changed[place] ^= 1
        (tmp_path / "b.zip").write_bytes(changed)
        refuse(tmp_path / "b.zip", mails[0].lines, tmp_path)
    record_property("tried", len(table) + 10)
    assert len(table) + 10 >= 50


def statements(lines: Lines) -> dict[str, dict[str, Any]]:
    """Return the statements by kind."""
    return {payload(line)["predicateType"]: payload(line) for line in lines}


def attest(tmp_path: Path, change: Callable[[Path], None] | None = None, **keys_: Any) -> Lines:
    """Attest the run of a small project."""
    project = hubs.project(tmp_path / "p", tiny=hubs.suite(hubs.writing(), **keys_))
    hubs.commit(project.root)
    if change is not None:
        change(project.root)
    outcome = hubs.run(project)
    path = in_toto.write(
        outcome.hub, outcome.record, tmp_path / "a.jsonl", None, project=project
    )
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_red_guard_that_only_warns_is_not_passed_in_silence(tmp_path: Path) -> None:
    """The run is green; the attestation is a warning that names the guard."""
    strict = {**hubs.FLOOR, "min": 100.0, "severity": "warn"}

    by_type = statements(attest(tmp_path, guards=[strict]))
    predicate = by_type[in_toto.TEST_RESULT]["predicate"]

    assert (predicate["result"], predicate["failedTests"]) == ("WARNED", [])
    assert predicate["warnedTests"] == ["guard floor"]
    (claim,) = [c for c in by_type[in_toto.CLAIMS]["predicate"]["claims"] if c["low"] == 100.0]
    assert (claim["verdict"], claim["severity"]) == ("red", "warn")


def test_a_red_run_is_attested_as_red(tmp_path: Path) -> None:
    """Result and summary both fail, and no level is claimed."""
    made = statements(attest(tmp_path, guards=[{**hubs.FLOOR, "min": 100.0}]))

    assert made[in_toto.TEST_RESULT]["predicate"]["result"] == "FAILED"
    summary = made[in_toto.SUMMARY]["predicate"]
    assert (summary["verificationResult"], summary["verifiedLevels"]) == ("FAILED", ["FAILED"])


def test_a_dirty_tree_is_never_attested_as_its_commit(tmp_path: Path) -> None:
    """No statement holds a digest of the commit; the changes are known by their own."""

    def soil(root: Path) -> None:
        (root / "source/model.py").write_text("GAIN = 2\n")

    lines = attest(tmp_path, soil)

    assert '"gitCommit"' not in json.dumps([payload(line) for line in lines])
    (source, *_) = statements(lines)[in_toto.PROVENANCE]["predicate"]["buildDefinition"][
        "resolvedDependencies"
    ]
    assert source["annotations"].keys() == {"changesTo"}


def test_a_mail_is_signed_and_checked_by_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the project it is signed, elsewhere checked; mistakes are a line each."""
    store = sealed.make(tmp_path / "p")
    hubs.commit(store.root)
    sealed.run(store.root)
    mail = tmp_path / "mail"
    mail.mkdir()
    key = tmp_path / "key"
    key.write_text(ADA.encode())
    bundle = mail / "wts.h5.zip"
    bundle.write_bytes(max((store.root / ".harness").rglob("weights.bin")).read_bytes())
    at = ["-C", str(store.root), "sign", str(bundle)]
    assert program.main([*at]) == 2
    assert program.main([*at, "--sign", str(key), "--builder", "https://example.org/x"]) == 2
    assert program.main([*at, "--sign", str(key)]) == 0
    monkeypatch.chdir(mail)
    checked = ["sign", str(bundle), "--check", f"{bundle}.intoto.jsonl"]
    trust = ["--trust", ADA.public.encode()]
    capsys.readouterr()
    assert program.main([*checked, *trust]) == 0
    assert "PASSED, verified PASSED" in capsys.readouterr().out
    assert program.main(checked) == 10  # no project names a key
    assert program.main([*checked, "--trust", EVE.public.encode()]) == 4
    assert program.main([*checked, *trust, "--sign", str(key)]) == 2
    bundle.write_bytes(b"other")
    assert program.main([*checked, *trust]) == 4
    assert program.main([*at, "--sign", str(key)]) == 3
    assert len(capsys.readouterr().err.splitlines()) == 5


def test_keys_of_the_test_are_what_they_seem() -> None:
    """A table in which all keys are one would prove nothing."""
    assert keys.read_public(ADA.public.encode()) != EVE.public


def test_statements_of_two_signers_are_refused(mails: tuple[Mail, ...], tmp_path: Path) -> None:
    """Both are trusted, and neither of them vouches for the whole."""
    mail, other, mixed = mails[0], tmp_path / "eve.jsonl", tmp_path / "mixed.jsonl"
    project = load_project(mail.hub.parents[2])
    in_toto.write(mail.hub, mail.record, other, EVE, project=project)
    lines = mail.path.read_text().splitlines()[:3] + other.read_text().splitlines()[3:]
    mixed.write_text("\n".join(lines) + "\n")
    trusted = [ADA.public, EVE.public]

    assert check.check_bundle(mail.bundle, mail.path, trusted).signer == ADA.public
    with pytest.raises(IntegrityError, match="2 signers"):
        check.check_bundle(mail.bundle, mixed, trusted)


def change_digest(rules: list[dict[str, Any]]) -> None:
    """Name other rules."""
    rules[0]["digest"]["sha256"] = "0" * 64


# What a producer may sign that contradicts the three other statements.
CONTRADICTIONS: list[tuple[int, Callable[[dict[str, Any]], None], str]] = [
    (0, lambda p: change_digest(p["configuration"]), "different rules"),
    (2, lambda p: p["policy"]["digest"].update(sha256="0" * 64), "different rules"),
    (3, lambda p: change_digest(p["rules"]), "different rules"),
    (3, lambda p: p.update(suite="other"), "2 runs"),
    (3, lambda p: p.update(runId="20200101T000000Z-aaaaaa"), "2 runs"),
]


@pytest.mark.parametrize(("index", "change", "words"), CONTRADICTIONS)
def test_statements_that_contradict_each_other_prove_nothing(
    mails: tuple[Mail, Mail, Mail],
    tmp_path: Path,
    index: int,
    change: Callable[[dict[str, Any]], None],
    words: str,
) -> None:
    """Each of them signed by the trusted key."""
    changed = payload(mails[0].lines[index])
    change(changed["predicate"])
    lines = replaced(mails[0].lines, index, statement.envelope(changed, ADA))
    assert words in refuse(mails[0].bundle, lines, tmp_path)


def test_only_a_signed_statement_of_the_named_key_counts(
    mails: tuple[Mail, Mail, Mail], tmp_path: Path
) -> None:
    """Bytes that were signed as something else, or under another key's name, are none."""
    line = mails[0].lines[0]
    content = base64.b64decode(line["payload"])
    signed = ADA.sign(statement.pre_authentication_encoding("text/plain", content))
    signature = {**line["signatures"][0], "sig": base64.b64encode(signed[4:]).decode()}
    other = {**line, "payloadType": "text/plain", "signatures": [signature]}
    lied = {**line, "signatures": [{**line["signatures"][0], "keyid": EVE.public.id.hex()}]}
    for wrong in (other, lied):
        assert refuse(mails[0].bundle, replaced(mails[0].lines, 0, wrong), tmp_path)
