"""Fingerprints of two revisions: another reference is a weaker rule."""

from __future__ import annotations

from pathlib import Path

from harness.judgement.gate import golden_rules
from harness.judgement.gate.difference import Change
from harness.judgement.golden.store import GoldenSet
from tests.builders import fingerprints


def classes(was: GoldenSet, now: GoldenSet) -> list[Change]:
    return [one.change for one in golden_rules.compare_fingerprints("tiny", was, now)]


def test_another_fingerprint_is_weaker(tmp_path: Path) -> None:
    """The same is no change, a new one is stricter; a renewed or removed one is weaker."""
    first = fingerprints.store_ensemble(tmp_path / "a")
    same = fingerprints.store_ensemble(tmp_path / "b")
    renewed = fingerprints.store_ensemble(tmp_path / "c", reason="it is meant")

    assert classes(first, same) == []
    assert classes(GoldenSet(), first) == [Change.STRICTER]
    assert classes(first, renewed) == [Change.WEAKER]
    assert classes(first, GoldenSet()) == [Change.WEAKER]
    (change,) = golden_rules.compare_fingerprints("tiny", first, renewed)
    assert "it is meant" in change.why
