"""What a hub's record says of names and times is checked before anything follows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.errors import IntegrityError
from harness.evidence.hub.store import read_record
from harness.evidence.ledger import checkpoint, keys
from tests.builders.sealed import Store

CHANGES: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "suite that leads out": (("suite",), "../../out"),
    "suite that is absolute": (("suite",), "/srv/out"),
    "suite with a line end": (("suite",), "a\nb"),
    "suite without a name": (("suite",), ""),
    "run id that leads out": (("run_id",), "../x"),
    "run id of other digits": (("run_id",), "२०२६०१०२T030405Z-a1b2c3"),
    "artifact id that leads out": (("artifacts", 0, "id"), "../../../out"),
    "artifact id with a separator": (("artifacts", 0, "id"), "a/b"),
    "artifact path that leads out": (("artifacts", 0, "path"), "../../../harness.toml"),
    "artifact path that is absolute": (("artifacts", 0, "path"), "/etc/passwd"),
    "artifact path with a zero": (("artifacts", 0, "path"), "a\0b"),
    "artifact of a stage that leads out": (("artifacts", 0, "stage"), "../.."),
    "artifact of less than no bytes": (("artifacts", 0, "size"), -1),
    "stage id that leads out": (("stages", 0, "id"), "../../x"),
    "log that leads out": (("stages", 0, "log"), "../../../../etc/passwd"),
    "previous run that leads out": (("previous",), "../../../x"),
    "end that is no time": (("finished",), "x"),
    "end without a zone": (("finished",), "2026-01-02T03:04:05"),
    "begin that is no time": (("started",), ""),
}
COMMANDS = {
    "report": ("report", "--hub", "{hub}"),
    "page": ("report", "--hub", "{hub}", "--format", "md"),
    "maps": ("diff", "{hub}", "{hub}", "--maps", "maps"),
    "export": ("export", "--hub", "{hub}", "--format", "bagit", "-o", "bag"),
    "verify": ("verify", "--hub", "{hub}"),
    "status": ("status",),
    "site": ("report", "--site", "site"),
}


def rewrite(store: Store, where: tuple[str | int, ...], value: Any) -> None:
    """Write another value into the record of the hub."""
    path = store.hub / "hub.json"
    record = json.loads(path.read_bytes())
    place = record
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    store.hub.chmod(0o755)
    path.chmod(0o644)
    path.write_text(json.dumps(record))


def files_of(folder: Path) -> set[str]:
    """List everything below a folder."""
    return {str(path) for path in folder.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("name", CHANGES)
def test_record_that_leads_out_is_damage(store: Store, name: str) -> None:
    """An identifier, a path or a time that no run writes is refused where it is read."""
    rewrite(store, *CHANGES[name])

    with pytest.raises(IntegrityError) as caught:
        read_record(store.hub)

    assert str(CHANGES[name][0][-1]) in caught.value.where


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "name", ["suite that leads out", "artifact id that leads out", "end that is no time"]
)
def test_no_command_follows_a_record_outside(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    command: str,
) -> None:
    """One line or a row says what is wrong; nothing is written where the record points to."""
    rewrite(store, *CHANGES[name])
    (work := tmp_path / "deep/er/work").mkdir(parents=True)
    monkeypatch.chdir(work)
    before = files_of(tmp_path)
    words = [word.format(hub=store.hub) for word in COMMANDS[command]]

    code = main.main([*words, "-C", str(store.root)])

    said = capsys.readouterr()
    allowed = (str(work), str(store.root / ".harness"))
    grown = {path for path in files_of(tmp_path) - before if not path.startswith(allowed)}
    assert not grown
    assert "Traceback" not in said.err
    assert code == (4 if command not in ("status", "site") else code) != 6
    if command == "status":
        assert "tiny" in said.out


def test_forged_line_before_a_signature_is_refused() -> None:
    """A line in a trusted name that its key did not write makes the whole note damage."""
    key = keys.new("lab")
    point = checkpoint.Checkpoint(origin="o", size=1, root=b"\1" * 32)
    *head, signed = checkpoint.write(point, [key]).splitlines(keepends=True)
    other = checkpoint.Checkpoint(origin="o", size=2, root=b"\1" * 32)
    forged = checkpoint.write(other, [key]).splitlines(keepends=True)[-1]

    honest = checkpoint.read_checkpoint("".join([*head, signed]).encode(), "note")
    note = checkpoint.read_checkpoint("".join([*head, forged, signed]).encode(), "note")

    assert honest.signer([key.public]) == key.public
    with pytest.raises(IntegrityError, match="forged"):
        note.signer([key.public])


@pytest.mark.parametrize("mark", ["\u2028", "\x85", "\u202e", "\x7f", "\u200b"])
def test_note_shows_no_line_that_is_none(mark: str) -> None:
    """A character that some screens take for a line end or a direction is not in a note."""
    point = checkpoint.Checkpoint(origin=f"o{mark}99", size=1, root=b"\1" * 32)

    with pytest.raises(IntegrityError):
        checkpoint.read_checkpoint(checkpoint.write(point).encode(), "note")
