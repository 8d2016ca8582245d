"""Fingerprints as two files: what is written is read, looked up, and refused when touched."""

from __future__ import annotations

import dataclasses
import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.errors import EvidenceMissingError, IntegrityError
from harness.judgement.golden import fingerprint
from harness.judgement.golden.fingerprint import (
    Fingerprint,
    OtherParametersError,
    StoredFingerprint,
)
from tests.builders import fingerprints
from tests.builders.evidence import DATASETS, ENVIRONMENT
from tests.builders.fingerprints import HERE, PARAMETERS

MACHINE = ENVIRONMENT | HERE
CONTENT = fingerprint.encode_array([(1.0, 2.0), (1.0, 2.0), (0.5, 0.5)])


def describe(**changes: Any) -> Fingerprint:
    """Make the text of a fingerprint of two members and two numbers."""
    about = Fingerprint(
        counts={"x:a": 2},
        names_sha256="0" * 64,
        members=2,
        rate=0.001,
        limits=(4.0,),
        distances=((1.0,), (1.5,), (2.0,)),
        array_sha256=fingerprint.digest_array(CONTENT),
        parameter="perturb",
        parameters=PARAMETERS,
        environment=MACHINE,
        datasets=DATASETS,
        reason="first",
        author="A. Person",
        date="2026-01-02T03:04:05Z",
        commit="c" * 40,
        repeat="bit-identical",
    )
    return dataclasses.replace(about, **changes)


def store(*abouts: Fingerprint) -> tuple[StoredFingerprint, ...]:
    return tuple(StoredFingerprint(about=about, path=Path("x.npy")) for about in abouts)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Two files of one name, array and text; a folder that is not there holds none."""
    about = describe()

    text, array = fingerprint.save(tmp_path, about, CONTENT)

    assert (text.suffix, array.suffix) == (".json", ".npy")
    assert text.stem == array.stem == about.file_name
    (read,) = fingerprint.load(tmp_path)
    assert (read.about, read.path) == (about, array)
    assert read.read_array() == CONTENT
    assert read.about.digest == about.digest != describe(reason="second").digest
    assert fingerprint.load(tmp_path / "nowhere") == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", 2),
        ("schema", None),
        ("members", 1),
        ("members", 3),
        ("distances", [1.0]),
        ("reason", " "),
        ("limit", "high"),
        ("more", 1),
    ],
)
def test_edited_text_is_damage(tmp_path: Path, key: str, value: Any) -> None:
    """Numbers that do not belong together, another schema, another key."""
    text, _ = fingerprint.save(tmp_path, describe(), CONTENT)
    content = json.loads(text.read_text())
    content[key] = value
    text.write_text(json.dumps(content))

    with pytest.raises(IntegrityError):
        fingerprint.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"a": 1, "a": 1}'])
def test_damaged_text_is_refused(tmp_path: Path, content: bytes) -> None:
    """It is not an empty set."""
    text, _ = fingerprint.save(tmp_path, describe(), CONTENT)
    text.write_bytes(content)

    with pytest.raises(IntegrityError):
        fingerprint.load(tmp_path)


def test_array_is_the_one_of_the_text(tmp_path: Path) -> None:
    """Gone, longer or changed, it is none."""
    _, array = fingerprint.save(tmp_path, describe(), CONTENT)
    (read,) = fingerprint.load(tmp_path)
    for content in (CONTENT + b"\0", CONTENT[:-1] + b"\1", b""):
        array.write_bytes(content)
        with pytest.raises(IntegrityError, match="other bytes"):
            read.read_array()
    array.unlink()

    with pytest.raises(IntegrityError):
        read.read_array()


def test_order_of_bytes_is_that_of_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little-endian, whatever the machine: one that is not turns its numbers round."""
    here = fingerprint.encode_array([[1.5]])
    other = {"little": "big", "big": "little"}[sys.byteorder]

    monkeypatch.setattr(sys, "byteorder", other)
    there = fingerprint.encode_array([[1.5]])

    assert here[-8:] == struct.pack("<d", 1.5)
    assert there[-8:] == struct.pack(">d", 1.5)
    assert there[:-8] == here[:-8]


def test_numbers_begin_at_a_multiple_of_64_bytes() -> None:
    """As the format asks, so that they can be mapped into memory; the header ends its line."""
    for count in range(1, 30):
        content = fingerprint.encode_array([[0.0] * count])
        start = len(content) - 8 * count
        assert start % 64 == 0
        assert content[start - 1 : start] == b"\n"
        assert int.from_bytes(content[8:10], "little") == start - 10


@pytest.mark.parametrize(
    ("changes", "is_other"),
    [
        ({}, False),
        ({"date": "2027"}, False),
        ({"environment": MACHINE | {"torch": "9"}}, False),
        ({"environment": MACHINE | {"numeric_class": "bbbb"}}, True),
        ({"environment": MACHINE | {"device": "cuda:0"}}, True),
        ({"datasets": {}}, True),
        ({"parameters": {"seed": "1"}}, True),
    ],
)
def test_file_is_named_by_class_data_and_parameters(
    changes: dict[str, Any],
    is_other: bool,  # noqa: FBT001 - a column
) -> None:
    """Letters and figures of the device, and three digests."""
    name = describe(**changes).file_name

    device = "cuda0" if "cuda" in str(changes) else "cpu"
    assert [len(part) for part in name.split("-")[1:]] == [12, 12, 12]
    assert name.split("-")[0] == device
    assert (name != describe().file_name) is is_other
    assert describe(environment={}).file_name.startswith("any-")


def test_origin_is_said_of_a_later_one() -> None:
    """What it took the place of, and why; the first took no place."""
    later = describe(previous_sha256="ab" * 32, previous_answer="rounding", reason="new BLAS")

    assert describe().origin == ""
    assert later.origin == (
        "accepted 2026-01-02 by A. Person: new BLAS "
        f"(abababababab → {later.digest[:12]}, rounding)"
    )


def test_own_class_comes_first_and_the_newest() -> None:
    """Of another class of the device only where there is none; of several the last made."""
    other = describe(environment=MACHINE | {"numeric_class": "bbbb"}, date="2028", reason="o")
    old, new = describe(date="2026", reason="old"), describe(date="2027", reason="new")

    def find(*known: Fingerprint) -> str:
        return fingerprint.find(store(*known), MACHINE, DATASETS, PARAMETERS).about.reason

    assert find(new, other, old) == "new"
    assert find(other, old) == "old"
    assert find(other) == "o"


@pytest.mark.parametrize(
    ("environment", "datasets", "parameters", "word"),
    [
        (MACHINE, {}, PARAMETERS, "datasets"),
        (MACHINE | {"device": "cuda"}, DATASETS, PARAMETERS, "device classes"),
        (MACHINE, DATASETS, {}, "parameters"),
        (MACHINE | {"device": "cuda"}, {}, {}, "datasets"),
        (MACHINE | {"device": "cuda"}, DATASETS, {}, "device classes"),
    ],
)
def test_none_of_another_kind_is_taken(
    environment: dict[str, str], datasets: dict[str, str], parameters: dict[str, str], word: str
) -> None:
    """What is missing first is named; only other parameters are another question."""
    with pytest.raises(EvidenceMissingError) as caught:
        fingerprint.find(store(describe()), environment, datasets, parameters)

    assert caught.value.found == f"fingerprints of other {word} only"
    assert isinstance(caught.value, OtherParametersError) is (word == "parameters")
    with pytest.raises(EvidenceMissingError, match="no fingerprint of this suite"):
        fingerprint.find((), environment, datasets, parameters)


def test_set_of_fingerprints_has_their_digest(tmp_path: Path) -> None:
    """A golden set with a fingerprint alone is not empty, and another has another digest."""
    made = fingerprints.store_ensemble(tmp_path / "a")
    other = fingerprints.store_ensemble(tmp_path / "b", reason="second")

    assert not made.is_empty
    assert made.digest != other.digest
    about = made.fingerprints[0].about
    assert made.find_fingerprint(MACHINE, DATASETS, PARAMETERS).about == about
