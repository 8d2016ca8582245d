"""A change that a person accepted leaves evidence fresh, and only that change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.evidence.ledger.log import Ledger
from tests.builders import hubs

_ACCEPT = ("status", "tiny", "--accept", "source")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose green evidence is stale by another message."""
    made = hubs.project(tmp_path / "p")
    hubs.run(made)
    (made.root / "source/model.py").write_text("GAIN = 1; SAY = 2\n")
    monkeypatch.chdir(made.root)
    monkeypatch.delenv("CI", raising=False)
    return made.root


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main.main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_accepted_cause_is_fresh_until_the_next_edit(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The accepted state is fresh and told; another edit is stale again."""
    assert ask(capsys, "status", "--check")[0] == 3

    code, answer = ask(capsys, *_ACCEPT, "--reason", "only a message", "--check")

    assert (code, answer["suites"][0]["fresh"]) == (0, True)
    assert answer["suites"][0]["accepted"][0]["items"] == ["source/model.py"]
    entry = Ledger(root / ".harness/ledger.jsonl").entries()[-1]
    assert (entry.kind, entry.body["reason"]) == ("cause-accepted", "only a message")
    hub = next((root / "hubs/tiny").iterdir())
    assert main.main(["verify", "--hub", str(hub), "-q"]) == 0

    (root / "source/model.py").write_text("GAIN = 2; SAY = 2\n")
    assert ask(capsys, "status", "--check")[0] == 3


def test_acceptance_does_not_reach_another_run(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A later run of the old state, seen from the accepted one, is stale by itself."""
    main.main([*_ACCEPT, "--reason", "only a message"])
    (root / "source/model.py").write_text("GAIN = 1\n")
    main.main(["run", "tiny", "-q"])
    (root / "source/model.py").write_text("GAIN = 1; SAY = 2\n")

    assert ask(capsys, "status", "--check")[0] == 3


@pytest.mark.parametrize(
    "words",
    [
        _ACCEPT,
        (*_ACCEPT, "--reason", " "),
        ("status", "tiny", "--reason", "why"),
        ("status", "tiny", "--accept", "golden", "--reason", "why"),
        ("status", "tiny", "--accept", "age", "--reason", "why"),
    ],
)
def test_acceptance_needs_cause_and_reason(root: Path, words: tuple[str, ...]) -> None:
    """Without a reason, without a cause, or of what is not stale, nothing is accepted."""
    before = (root / ".harness/ledger.jsonl").read_bytes()

    assert main.main(list(words)) == 2
    assert (root / ".harness/ledger.jsonl").read_bytes() == before


def test_machine_does_not_accept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Continuous integration cannot accept what is stale."""
    monkeypatch.setenv("CI", "true")

    assert main.main([*_ACCEPT, "--reason", "why"]) == 2
    assert not any(
        e.kind == "cause-accepted" for e in Ledger(root / ".harness/ledger.jsonl").entries()
    )
