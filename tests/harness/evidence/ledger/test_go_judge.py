"""Checkpoints, cosignatures and proofs, held against the packages that Go itself trusts."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.ledger import checkpoint, merkle, witness
from harness.evidence.ledger.keys import SecretKey
from harness.evidence.ledger.log import Ledger

_SOURCE = Path(__file__).with_name("judge.go")
# Where Debian's golang-golang-x-mod-dev puts them.
_PACKAGES = Path("/usr/share/gocode")
ADA, EVE = SecretKey("ada", bytes(32)), SecretKey("ada", bytes(range(32)))
WITNESS, LIAR = SecretKey("w1", bytes(range(1, 33))), SecretKey("w1", bytes(range(2, 34)))
ENTRIES, OLD, RECORD = 13, 6, 9
Question = dict[str, Any]

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        shutil.which("go") is None or not (_PACKAGES / "src/golang.org/x/mod").is_dir(),
        reason="Go and its x/mod are not installed: make test-notes",
    ),
]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Question]], list[str]]:
    """Build the judge once; it answers a line for each question."""
    program = tmp_path_factory.mktemp("judge") / "judge"
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(_PACKAGES)}
    environment["GOCACHE"] = str(program.with_name("cache"))
    argv = ["go", "build", "-o", str(program), str(_SOURCE)]
    subprocess.run(argv, check=True, env=environment, timeout=300)

    def ask(questions: list[Question]) -> list[str]:
        lines = "".join(json.dumps(each) + "\n" for each in questions)
        output = subprocess.run(
            [str(program)], input=lines, text=True, check=True, capture_output=True
        )
        return output.stdout.splitlines()

    return ask


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Question:
    """A ledger of thirteen entries, its signed and cosigned checkpoint, and two proofs."""
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "ledger.jsonl")
    for number in range(ENTRIES):
        ledger.append("seal", f"quick/{number}", {"number": number})
    leaves = ledger.leaves()
    point = checkpoint.take(leaves, "my-model")
    text = checkpoint.write(point, [ADA]) + witness.cosign(point, WITNESS, 1_790_000_000)
    return {
        "Note": text,
        "Signers": [ADA.public.encode()],
        "Witnesses": [WITNESS.witness.encode()],
        "Leaves": [encode(line.rstrip(b"\n")) for line in ledger.lines()],
        "Record": RECORD,
        "Inclusion": [encode(h) for h in merkle.inclusion_proof(leaves, RECORD)],
        "Old": OLD,
        "OldRoot": encode(merkle.root(leaves[:OLD])),
        "Consistency": [encode(h) for h in merkle.consistency_proof(leaves, OLD)],
    }


def encode(raw: bytes) -> str:
    """Write bytes as Go reads them from JSON."""
    return base64.b64encode(raw).decode()


def flip(text: str) -> str:
    """Change one bit of bytes in base64."""
    raw = bytearray(base64.b64decode(text))
    raw[len(raw) // 2] ^= 1
    return encode(bytes(raw))


def bend(question: Question) -> Iterator[tuple[str, Question]]:
    """Give each way of being wrong."""
    note = str(question["Note"])
    head, _, foot = note.partition("\n\n")
    ours, theirs = foot.splitlines(keepends=True)
    for place in range(0, len(head), 4):
        other = "1" if head[place] != "1" else "2"
        yield f"byte {place}", {**question, "Note": head[:place] + other + note[place + 1 :]}
    for word, line, rest in (("ledger", ours, theirs), ("witness", theirs, ours)):
        mark, name, blob = line.split()
        bent = f"{mark} {name} {flip(blob)}\n"
        yield f"signature of the {word}", {**question, "Note": f"{head}\n\n{bent}{rest}"}
        yield f"no signature of the {word}", {**question, "Note": f"{head}\n\n{rest}"}
    yield "another signer", {**question, "Signers": [EVE.public.encode()]}
    yield "another witness", {**question, "Witnesses": [LIAR.witness.encode()]}
    for name in ("Leaves", "Inclusion", "Consistency"):
        for place, each in enumerate(question[name]):
            listed = [*question[name]]
            listed[place] = flip(each)
            yield f"{name} {place}", {**question, name: listed}
            yield f"{name} without {place}", {**question, name: listed[:place]}
    yield "another record", {**question, "Record": RECORD - 1}
    yield "another past", {**question, "OldRoot": flip(question["OldRoot"])}
    yield "another size", {**question, "Old": OLD + 1}


def test_go_accepts_what_is_written_and_nothing_else(
    judge: Callable[[list[Question]], list[str]],
    question: Question,
    record_property: Callable[[str, object], None],
) -> None:
    """Signatures, root, inclusion and consistency hold; each bent one is refused."""
    table = list(bend(question))

    first, *rest = judge([question, *(each for _, each in table)])

    assert first == "ok"
    accepted = [name for (name, _), line in zip(table, rest, strict=True) if line == "ok"]
    record_property("tried", len(table))
    assert accepted == []
    assert len(table) >= 50


def test_extension_lines_are_signed_as_go_reads_them(
    judge: Callable[[list[Question]], list[str]], question: Question
) -> None:
    """A log of others may say more below its root; the cosignature covers that too."""
    leaves = [merkle.leaf_hash(base64.b64decode(each)) for each in question["Leaves"]]
    plain = checkpoint.take(leaves, "my-model")
    point = checkpoint.Checkpoint(
        origin=plain.origin, size=plain.size, root=plain.root, extensions=("more", "words")
    )
    text = checkpoint.write(point, [ADA]) + witness.cosign(point, WITNESS, 1_790_000_000)
    bent = text.replace("\nwords\n", "\nwordz\n")

    answers = judge([{**question, "Note": text}, {**question, "Note": bent}])

    assert [answer.partition(":")[0] for answer in answers] == ["ok", "refused"]
