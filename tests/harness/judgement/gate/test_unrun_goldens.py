"""Goldens of suites that nobody ran here: a change of theirs is named like any other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.evidence.ledger.log import Ledger
from harness.judgement.declaration import load_project
from harness.judgement.gate.report import GateReport
from harness.judgement.gate.rules import Reader
from harness.judgement.golden import store
from harness.judgement.golden.store import GoldenSet, GoldenValue
from tests.builders import fingerprints, gates, hubs
from tests.harness.judgement.golden.test_store import golden

AWAY = "golden/away"


def make_base(root: Path, *values: GoldenValue) -> str:
    """Commit a project with a second suite and its goldens, which the ledger knows."""
    hubs.declare(root, tiny=hubs.suite(), away=hubs.suite())
    keep(root, *values)
    return hubs.commit(root, "base")


def keep(root: Path, *values: GoldenValue, is_logged: bool = True) -> None:
    """Write the goldens of the second suite, by their door or by hand."""
    made = GoldenSet(values=values)
    store.save(root / AWAY, made)
    if is_logged:
        body = {"golden_sha256": made.digest}
        Ledger(root / "hubs/ledger.jsonl").append(store.LOGGED, "away", body)


def ask(root: Path, base: str) -> GateReport:
    """Commit the change, run the first suite alone, and ask the gate."""
    hubs.commit(root, "change")
    return gates.ask(root, base)


def test_widened_golden_is_named(tmp_path: Path) -> None:
    """By its door it is a weakening; by hand it is damage as well."""
    base = make_base(tmp_path, golden())
    keep(tmp_path, golden(sd=0.3))

    report = ask(tmp_path, base)

    (difference,) = gates.weaker(report)
    assert difference.rule.startswith("goldens.away.x:a@")
    assert "wider on both sides" in difference.why
    assert (report.exit_code, gates.outcomes(report, "golden")) == (1, ["ok"])

    keep(tmp_path, golden(sd=0.4), is_logged=False)
    report = ask(tmp_path, base)
    assert (report.exit_code, gates.outcomes(report, "golden")) == (4, ["damaged"])


def test_removed_golden_is_named(tmp_path: Path) -> None:
    """That none is left is no reason to look no further."""
    base = make_base(tmp_path, golden())
    shutil.rmtree(tmp_path / AWAY)

    report = ask(tmp_path, base)

    (difference,) = gates.weaker(report)
    assert difference.why == "the golden is gone"
    assert (report.exit_code, gates.outcomes(report, "golden")) == (4, ["damaged"])


def test_goldens_that_did_not_change_have_no_row(tmp_path: Path) -> None:
    """Whatever the ledger says of them: that is asked when their suite runs."""
    base = make_base(tmp_path, golden())
    (tmp_path / "other.txt").write_text("a change", "utf-8")

    report = ask(tmp_path, base)

    assert (report.exit_code, gates.outcomes(report, "golden"), report.changes) == (0, [], ())


@pytest.mark.parametrize("change", ["renewed", "removed"])
def test_fingerprints_of_a_revision_are_read(tmp_path: Path, change: str) -> None:
    """They lie a folder below; another one, or none, is weaker, and its array can be read."""
    hubs.declare(tmp_path, tiny=hubs.suite(), away=hubs.suite())
    fingerprints.store_ensemble(tmp_path / AWAY)
    shutil.rmtree(tmp_path / AWAY / "runs")
    base = hubs.commit(tmp_path, "base")
    here = store.load(tmp_path / AWAY)
    revision = Reader(load_project(tmp_path).root).read(base)
    read = revision.goldens("away")
    assert read.digest == here.digest
    assert read.fingerprints[0].read_array() == here.fingerprints[0].read_array()

    shutil.rmtree(tmp_path / AWAY)
    if change == "renewed":
        fingerprints.store_ensemble(tmp_path / AWAY, reason="it is meant")
        shutil.rmtree(tmp_path / AWAY / "runs")
    report = ask(tmp_path, base)

    (difference,) = gates.weaker(report)
    assert difference.rule.startswith("fingerprints.away.")


def test_read_goldens_go_with_their_reader(tmp_path: Path) -> None:
    """What was written to read them is removed when nobody can ask for it any more."""
    make_base(tmp_path, golden())
    reader = Reader(load_project(tmp_path).root)
    fingerprints.store_ensemble(tmp_path / AWAY)
    revision = reader.read(hubs.commit(tmp_path, "ensemble"))
    place = revision.goldens("away").fingerprints[0].path.parent
    assert place.is_dir()

    del revision, reader

    assert not place.exists()
