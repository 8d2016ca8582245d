"""Stores that lie: names that lead out, sizes that fill disks, seals of something else."""

from __future__ import annotations

import builtins
import dataclasses
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import files
from harness.cli.main import main
from harness.evidence.hub import inventory
from harness.evidence.hub.store import remove
from harness.evidence.ledger import canonical, log
from tests.builders.sealed import Store

fsspec = pytest.importorskip("fsspec", reason="needs the extra 'remote'")


@dataclasses.dataclass(frozen=True)
class Away:
    """One pushed hub in a store that a hostile hand can reach, and the project that pulls."""

    hubs: Path
    puller: Path

    @property
    def hub(self) -> Path:
        """The hub there."""
        return next(path for path in self.hubs.glob("tiny/*") if path.is_dir())

    @property
    def marker(self) -> Path:
        """Its seal."""
        return self.hub.with_name(f"{self.hub.name}.seal.json")

    def reseal(self, **changes: Any) -> None:
        """Make the seal fit the manifest, as a forger would, and change its body."""
        value = json.loads(self.marker.read_text())
        manifest = (self.hub / inventory.MANIFEST).read_bytes()
        value["body"] |= {"manifest_sha256": files.sha256_bytes(manifest)} | changes
        self.marker.write_bytes(canonical.dumps(value) + b"\n")

    def relist(self, before: str, after: str) -> None:
        """Change a name in the manifest, in its order, and seal that."""
        path = self.hub / inventory.MANIFEST
        lines = path.read_text().replace(before, after).splitlines(keepends=True)
        path.write_text("".join(sorted(lines, key=lambda line: line[66:])))
        self.reseal()

    def resize(self, size: int) -> None:
        """Give the measurement's log a size in the inventory, and seal that."""
        path = self.hub / inventory.INVENTORY
        old = files.sha256_bytes(path.read_bytes())
        lines = path.read_text().splitlines()
        rows = [
            _sized(line, size) if line.endswith("cli/measure.log") else line for line in lines
        ]
        path.write_text("\n".join(rows) + "\n")
        self.relist(old, files.sha256_bytes(path.read_bytes()))


def _sized(line: str, size: int) -> str:
    digest, _, mode, name = line.split()
    return f"{digest} {size:>12} {mode} {name}"


@pytest.fixture
def away(pristine: Store, tmp_path: Path) -> Away:
    """Return a store with one pushed hub."""
    hubs, puller = tmp_path / "away", tmp_path / "puller"
    puller.mkdir()
    (puller / "harness.toml").write_bytes((pristine.root / "harness.toml").read_bytes())
    words = ["store", "push", f"file://{hubs}", "-q", "-C", str(pristine.root)]
    assert main(words) == 0
    return Away(hubs, puller)


def pulled(away: Away) -> int:
    """Pull, and return the exit code."""
    return main(["store", "pull", f"file://{away.hubs}", "-q", "-C", str(away.puller)])


def _linger(away: Away) -> None:
    with (away.hub / "cli/measure.log").open("ab") as stream:
        stream.write(b"\0" * (1 << 20))


def _retype(away: Away) -> None:
    away.reseal(verdict="red")


def _rewrite(away: Away, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the record, and list and seal what came of it."""
    record = json.loads((away.hub / "hub.json").read_text())
    change(record)
    (away.hub / "hub.json").chmod(0o644)
    (away.hub / "hub.json").write_text(json.dumps(record))
    for name in (inventory.INVENTORY, inventory.MANIFEST):
        (away.hub / name).unlink()
    inventory.write(away.hub)
    away.reseal()


HOSTILE: dict[str, Callable[[Away], None]] = {
    "name that climbs": lambda a: a.relist("cli/measure.log", "../../measure.log"),
    "absolute name": lambda a: a.relist("cli/measure.log", "/tmp/measure.log"),  # noqa: S108
    "name with an escape": lambda a: a.relist("cli/measure.log", "cli/\x1b[2Jmeasure.log"),
    "file below a file": lambda a: a.relist("cli/measure.log", "hub.json/measure.log"),
    "unlisted inventory": lambda a: a.relist(inventory.INVENTORY, "other.txt"),
    "huge size": lambda a: a.resize(10**17),
    "file longer than told": _linger,
    "file shorter than told": lambda a: a.resize(10**6),
    "verdict that the hub has not": _retype,
    "seal of another hub": lambda a: a.reseal(run_id="20260102T030405Z-000000"),
    "digest that is none": lambda a: a.reseal(manifest_sha256="../../x"),
    "record of another schema": lambda a: _rewrite(a, lambda r: r.update(schema=99)),
    "record with a key more": lambda a: _rewrite(a, lambda r: r.update(approved=True)),
    "record without its stages": lambda a: _rewrite(a, lambda r: r.pop("stages")),
    "record of another commit": lambda a: _rewrite(
        a, lambda r: r["stamp"].update(commit="f" * 40)
    ),
    "huge seal": lambda a: a.marker.write_bytes(b" " * (log.LINE_LIMIT + 2)),
    "deep seal": lambda a: a.marker.write_bytes(b"[" * 60_000),
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_hostile_hub_is_refused(away: Away, capsys: Any, kind: str) -> None:
    """Exit code 4 and one line; nothing is named, logged or written outside the arrivals."""
    HOSTILE[kind](away)
    around = sorted(away.puller.parent.iterdir())
    capsys.readouterr()

    assert pulled(away) == 4
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "\x1b" not in err
    assert sorted(away.puller.parent.iterdir()) == around
    assert sorted(p.name for p in away.puller.iterdir()) == ["harness.toml", "hubs"]
    assert {p.name for p in (away.puller / "hubs").iterdir()} <= {".arriving"}


def test_what_does_not_prove_is_not_kept(away: Away) -> None:
    """Whole bytes that say something else than their seal: the next pull begins anew."""
    _retype(away)

    assert pulled(away) == 4
    assert [p for p in (away.puller / "hubs").rglob("*") if p.is_file()] == []


def test_a_seal_that_is_not_the_known_one_is_refused(away: Away) -> None:
    """The ledger came by git, and says something else of the hub that is there."""
    assert pulled(away) == 0
    remove(away.puller / "hubs" / away.hub.relative_to(away.hubs))
    away.reseal(note="another")

    assert pulled(away) == 4
    assert not (away.puller / "hubs" / away.hub.relative_to(away.hubs)).exists()


def test_a_hub_here_without_a_seal_is_not_taken_for_the_one_there(away: Away) -> None:
    """Its bytes are the same, and nothing here says so."""
    here = away.puller / "hubs" / away.hub.relative_to(away.hubs)
    shutil.copytree(away.hub, here)

    assert pulled(away) == 4


@pytest.mark.parametrize(("free", "code"), [(10, 2), (10**9, 0)])
def test_room_is_looked_for_before_the_first_byte(
    away: Away, monkeypatch: pytest.MonkeyPatch, free: int, code: int
) -> None:
    """A disk that is too small is said, and is not filled."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, free))

    assert pulled(away) == code
    logs = list((away.puller / "hubs").rglob("measure.log"))
    assert (logs != []) is (code == 0)


def test_names_that_no_hub_has_are_passed_over(away: Away) -> None:
    """Foreign files and folders in a bucket neither come along nor stop what is a hub."""
    hub = away.hub.name
    for name in ("..evil", "blockers", "tiny/..", "tiny/notes", "-x"):
        (away.hubs / name).mkdir(exist_ok=True)
    (away.hubs / "tiny/latest.seal.json").write_text("no seal")
    (away.hubs / "ledger.jsonl").write_text("no ledger")

    assert pulled(away) == 0
    assert sorted(p.name for p in (away.puller / "hubs").iterdir()) == ["tiny"]
    assert [p.name for p in (away.puller / "hubs/tiny").iterdir()] == [hub]


def test_a_hub_that_is_here_is_never_replaced(away: Away) -> None:
    """A forged hub of a known name is refused, and ours keeps every byte."""
    assert pulled(away) == 0
    ours = away.puller / "hubs" / away.hub.relative_to(away.hubs)
    before = {p: p.read_bytes() for p in ours.rglob("*") if p.is_file()}
    (away.hub / "cli/measure.log").write_text("forged\n")
    inventory_, manifest = (away.hub / n for n in (inventory.INVENTORY, inventory.MANIFEST))
    inventory_.unlink()
    manifest.unlink()
    inventory.write(away.hub)
    away.reseal()

    assert pulled(away) == 4
    assert {p: p.read_bytes() for p in ours.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("nonsense://x/y", 2, "fsspec knows"),
        ("file:///nowhere/at/all", 3, "push hubs to it first"),
    ],
)
def test_urls_that_lead_nowhere_are_refused(
    away: Away, capsys: Any, url: str, code: int, said: str
) -> None:
    """One line says what is wrong with the place."""
    assert main(["store", "pull", url, "-C", str(away.puller)]) == code
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1


def test_passwords_in_a_url_are_not_shown(away: Away, capsys: Any) -> None:
    """Neither the answer nor an error repeats them."""
    main(["store", "pull", "nonsense://ada:s3cret@host/x", "--json", "-C", str(away.puller)])

    assert "s3cret" not in "".join(capsys.readouterr())


def test_without_the_extra_the_install_is_named(
    away: Away, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2 and the command, where fsspec is not installed."""
    real = builtins.__import__

    def without(name: str, *args: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "fsspec":
            raise ImportError(name)
        return real(name, *args, **named)

    for name in [name for name in sys.modules if name.partition(".")[0] == "fsspec"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)

    assert pulled(away) == 2
    assert "pip install 'ptycho-harness[remote]'" in capsys.readouterr().err
