"""One line of a ledger is read strictly: one spelling, known fields, a bounded length."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.errors import IntegrityError
from harness.evidence.ledger import canonical, log
from harness.evidence.ledger.log import Ledger

ENTRY: dict[str, Any] = {
    "schema": 1,
    "sequence": 0,
    "time": "2026-01-02T03:04:05Z",
    "kind": "seal",
    "subject": "tiny/é",
    "body": {"b": 1, "a": "x"},
    "previous": "0" * 64,
}
LINE = canonical.dumps(ENTRY)


def test_a_canonical_line_is_an_entry() -> None:
    """With its fields as they were written."""
    entry = log.parse(LINE, "line 1")
    assert (entry.sequence, entry.kind, entry.subject) == (0, "seal", "tiny/é")
    assert (entry.body, entry.previous, entry.time) == (
        {"a": "x", "b": 1},
        "0" * 64,
        ENTRY["time"],
    )


ASCII = canonical.dumps({**ENTRY, "subject": "tiny/e"})
SPELLINGS = [
    LINE + b" ",
    b" " + LINE,
    LINE + b"\r",
    LINE.replace(b":", b": ", 1),
    ASCII.replace(b":", b": ", 1),
    ASCII.replace(b'"tiny/e"', b'"tiny\\/e"'),
    ASCII.replace(b'"tiny/e"', b'"tiny/\\u0065"'),
    LINE.replace("é".encode(), b"\\u00e9"),
    LINE.replace(b'{"a":"x","b":1}', b'{"b":1,"a":"x"}'),
    LINE.replace(b'"b":1', b'"b":1.0'),
    LINE.replace(b'"b":1', b'"b":1e0'),
    LINE.replace(b'"b":1', b'"b":01'),
    LINE.replace(b'"b":1', b'"b":NaN'),
    LINE.replace(b'"b":1', b'"b":1,"b":1'),
    json.dumps(ENTRY).encode(),
]


@pytest.mark.parametrize("line", SPELLINGS)
def test_another_spelling_is_damage(line: bytes) -> None:
    """Two spellings of one entry would have two hashes."""
    assert line not in (LINE, ASCII)
    with pytest.raises(IntegrityError):
        log.parse(line, "line 1")


CHANGES: list[dict[str, Any]] = [
    *({"schema": value} for value in (0, 2, "1", None, True)),
    *({"sequence": value} for value in ("0", None, True)),
    *({name: 7} for name in ("time", "kind", "subject", "previous")),
    *({"body": value} for value in (None, [], "x")),
    *({"previous": value} for value in ("", "0" * 63, "0" * 65)),
    {"more": 1},
]


@pytest.mark.parametrize("change", CHANGES)
def test_another_field_is_damage(change: dict[str, Any]) -> None:
    """Of another name, type, length or schema, older ones too."""
    with pytest.raises(IntegrityError):
        log.parse(canonical.dumps({**ENTRY, **change}), "line 1")


@pytest.mark.parametrize("name", sorted(ENTRY))
def test_a_missing_field_is_damage(name: str) -> None:
    """Each of them is needed."""
    with pytest.raises(IntegrityError):
        log.parse(canonical.dumps({k: v for k, v in ENTRY.items() if k != name}), "line 1")


def fill_line(size: int) -> bytes:
    """Make the line of an entry of so many bytes."""
    return canonical.dumps({**ENTRY, "subject": "x" * (size - len(LINE) + len("tiny/é") + 1)})


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_line_has_a_longest_length(more: int) -> None:
    """So long and no longer."""
    line = fill_line(log.LINE_LIMIT + more)
    assert len(line) == log.LINE_LIMIT + more
    if more <= 0:
        assert log.parse(line, "line 1").kind == "seal"
    else:
        with pytest.raises(IntegrityError):
            log.parse(line, "line 1")


@pytest.mark.parametrize("more", [0, 1, 5000])
def test_an_unended_line_longer_than_an_entry_is_no_torn_tail(
    tmp_path: Path, more: int
) -> None:
    """An append never wrote so much: that is damage, wherever the reading stops."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("seal", "tiny/a", {})
    with ledger.path.open("ab") as stream:
        stream.write(b"x" * (log.LINE_LIMIT + more))
    if more == 0:
        assert len(ledger.entries()) == 1
    else:
        with pytest.raises(IntegrityError):
            ledger.entries()


def test_the_name_of_a_new_ledger_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is synced when the file is made; each append syncs the file."""
    real, synced = os.fsync, list[Path]()

    def sync(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        real(handle)

    monkeypatch.setattr(os, "fsync", sync)
    ledger = Ledger(tmp_path / "new" / "ledger.jsonl")
    for _ in range(2):
        ledger.append("seal", "tiny/a", {})
    assert synced == [ledger.path, ledger.path.parent, ledger.path]
