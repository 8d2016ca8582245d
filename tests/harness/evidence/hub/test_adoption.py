"""Hubs staged in stores of their own, taken in by one store at once, whatever fails."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import pytest

from harness.errors import IntegrityError, StorageError
from harness.evidence.hub import comparison, seal
from harness.evidence.hub.seal import Adoption
from harness.evidence.ledger.log import Ledger
from harness.verdict import Verdict

TIME = "2026-01-02T03:04:05Z"
RUNS = tuple(f"20260102T030405Z-00000{n}" for n in range(3))


def staged(root: Path, run_id: str) -> Adoption:
    """Stage a small hub in a store of its own."""
    store = root / ".units" / run_id
    folder = store / "tiny" / f".tmp-{run_id}"
    folder.mkdir(parents=True)
    (folder / "hub.json").write_text(f'"{run_id}"\n')
    final = store / "tiny" / run_id
    seal.stage(folder, final, TIME, suite="tiny", run_id=run_id, verdict=Verdict.RED)
    return seal.read_staged(final)


def test_adopted_hubs_are_whole_and_logged(tmp_path: Path) -> None:
    """Three hubs come in by one call, each undamaged, with the time at which it was staged."""
    adoptions = [staged(tmp_path, run_id) for run_id in RUNS]
    ledger = Ledger(tmp_path / "ledger.jsonl")

    entries = seal.adopt(tmp_path, ledger, adoptions)

    assert ledger.entries() == tuple(entries)
    assert [(e.subject, e.time, e.body["verdict"]) for e in entries] == [
        (f"tiny/{run_id}", TIME, "red") for run_id in RUNS
    ]
    for run_id in RUNS:
        assert comparison.compare(tmp_path / "tiny" / run_id).damages == ()
    assert seal.intents(tmp_path) == ()


@pytest.mark.parametrize("call", ["fsync", "rename", "ftruncate"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_adoption_cut_short_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, nth: int
) -> None:
    """Wherever the disk refuses, each hub is afterwards in one store, and logged if moved."""
    adoptions = [staged(tmp_path, run_id) for run_id in RUNS]
    ledger = Ledger(tmp_path / "ledger.jsonl")
    real, count = getattr(os, call), [0]

    def refusing(*args: object, **named: object) -> object:
        count[0] += 1
        if count[0] == nth:
            raise OSError(errno.EIO, "planted")
        return real(*args, **named)

    with monkeypatch.context() as planted:
        planted.setattr(os, call, refusing)
        with contextlib.suppress(StorageError):
            seal.adopt(tmp_path, ledger, adoptions)
    assert count[0] >= 1

    seal.resume(tmp_path, ledger, {entry.subject for entry in ledger.entries()})
    logged = {entry.subject for entry in ledger.entries()}
    moved = {f"tiny/{run}" for run in RUNS if (tmp_path / "tiny" / run).exists()}
    waiting = {one.subject for one in adoptions if one.sealed.exists()}
    assert logged == moved
    assert moved | waiting == {one.subject for one in adoptions}
    assert not moved & waiting


def test_hub_of_the_same_name_is_refused(tmp_path: Path) -> None:
    """Nothing is overwritten and nothing moves when one of the names is taken."""
    adoptions = [staged(tmp_path, run_id) for run_id in RUNS]
    (tmp_path / "tiny" / RUNS[1]).mkdir(parents=True)

    with pytest.raises(StorageError):
        seal.adopt(tmp_path, Ledger(tmp_path / "ledger.jsonl"), adoptions)

    assert all(one.sealed.exists() for one in adoptions)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"body": {}}'])
def test_broken_promise_is_damage(tmp_path: Path, content: str) -> None:
    """What lies beside a staged hub is read strictly."""
    one = staged(tmp_path, RUNS[0])
    one.sealed.with_name(f"{RUNS[0]}.seal.json").write_text(content)

    with pytest.raises(IntegrityError):
        seal.read_staged(one.sealed)
