"""The daily loop in a small project: run, edit, run again, look, close."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import records
from harness.cli import main, suite_status
from harness.evidence.hub.blockers import Register
from harness.evidence.ledger.log import Ledger
from harness.judgement import freshness
from harness.judgement.declaration import load_project
from harness.verdict import Verdict
from tests.builders import reports

_DECLARATION = """
schema = 1
name = "small"

[suites.road]
description = "One script, one number."
inputs = ["script.py"]

[[suites.road.stages]]
id = "count"
kind = "command"
argv = ["{python}", "{root}/script.py", "{work}/out.json"]
artifacts = [{ id = "out", path = "out.json" }]

[[suites.road.guards]]
id = "value-ceiling"
kind = "bound"
metric = "out:value"
max = 5.0
remedy = "Make the value smaller."
"""
_SCRIPT = """
import json, sys
json.dump({{"value": {value}}}, open(sys.argv[1], "w"))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one script, with the working folder in it."""
    root = tmp_path / "small"
    root.mkdir()
    (root / "harness.toml").write_text(_DECLARATION)
    (root / "script.py").write_text(_SCRIPT.format(value=2.0))
    monkeypatch.chdir(root)
    monkeypatch.setenv("NO_COLOR", "1")
    return root


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main.main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_green_run_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run ends with its table, its hub and the next command, and leaves a readable hub."""
    assert main.main(["run", "road"]) == 0

    output = capsys.readouterr().out
    hub = next((project / "hubs" / "road").iterdir())
    assert "value-ceiling  2" in output
    assert output.splitlines()[-1] == f"next  harness verify --hub hubs/road/{hub.name}"
    assert (hub / "report.html").read_text().startswith("<!doctype html>")
    assert "| value-ceiling | 2" in (hub / "summary.md").read_text()


def test_stale_evidence_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An edited input makes the evidence stale, by name; another file does not."""
    main.main(["run", "road", "-q"])
    (project / "notes.md").write_text("nothing")
    assert _json(capsys, "status")[1]["suites"][0]["fresh"] is True

    (project / "script.py").write_text(_SCRIPT.format(value=3.0))

    code, answer = _json(capsys, "status", "--check")
    (suite,) = answer["suites"]
    assert code == 3
    assert suite["causes"][0]["items"] == ["script.py"]
    assert suite["next"] == "harness run road --if-stale"


def test_red_run_is_explained(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A red guard exits 1, opens one blocker, and diff ranks its metric first."""
    main.main(["run", "road", "-q"])
    (project / "script.py").write_text(_SCRIPT.format(value=900.0))
    assert main.main(["run", "road", "-q"]) == 1
    assert main.main(["run", "road", "-q"]) == 1

    _, answer = _json(capsys, "blockers", "list")
    _, compared = _json(capsys, "diff", "latest~2", "latest")

    (blocker,) = answer["blockers"]
    assert blocker["occurrences"] == 2
    assert compared["metrics"][0]["ratio"] == 450
    assert _json(capsys, "status", "--check")[0] == 1


def test_blocker_is_closed_with_a_reason(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Closing by hand is a ledger entry with its reason; without one it is refused."""
    (project / "script.py").write_text(_SCRIPT.format(value=900.0))
    main.main(["run", "road", "-q"])
    (blocker,) = Register(project / "hubs").entries()

    assert main.main(["blockers", "close", blocker.id]) == 2
    assert main.main(["blockers", "close", blocker.id, "--reason", "wrong data"]) == 0

    entry = Ledger(project / ".harness" / "ledger.jsonl").entries()[-1]
    assert (entry.subject, entry.body["reason"]) == (blocker.id, "wrong data")
    assert _json(capsys, "blockers", "list")[1]["blockers"] == []


@pytest.mark.parametrize("kind", ["html", "md", "junit", "text"])
def test_report_is_never_written_into_a_hub(project: Path, kind: str) -> None:
    """A sealed hub is not written to, in no format; elsewhere the report is written."""
    main.main(["run", "road", "-q"])
    hub = next((project / "hubs" / "road").iterdir())

    assert main.main(["report", "--format", kind, "-o", str(hub / "x"), "-q"]) == 2
    assert main.main(["report", "--format", kind, "-o", "x", "-q"]) == 0

    assert not (hub / "x").exists()
    assert (project / "x").stat().st_size > 100


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["report", "--hub", "latest"], 3),
        (["report", "--hub", "2026"], 10),
        (["diff", "road:latest", "latest"], 3),
        (["status", "raod"], 2),
        (["run", "raod"], 2),
        (["run", "road", "--set", "x"], 2),
        (["run", "road", "--set", "epochs=3"], 2),
        (["run", "road", "--with", "a=b", "--with", "a=c"], 2),
        (["run", "road", "--dataset", "missing.npz"], 2),
        (["blockers", "show", "B-1"], 2),
    ],
)
def test_mistake_is_one_line(
    project: Path, words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake in the daily loop leaves one line, its exit code, and no hub."""
    assert main.main(words) == code

    assert capsys.readouterr().err.count("\n") == 1
    assert not list((project / "hubs").glob("*/*"))


def test_doctor_finds_a_broken_ledger(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is broken is named with its remedy, and the exit code says it."""
    main.main(["run", "road", "-q"])
    assert main.main(["doctor", "-q"]) == 0
    (project / ".harness" / "ledger.jsonl").write_text("{}\n")

    code, answer = _json(capsys, "doctor")

    broken = [f for f in answer["findings"] if f["verdict"] == "red"]
    assert (code, [f["check"] for f in broken]) == (2, ["ledger"])


def test_status_of_many_hubs_is_quick(project: Path) -> None:
    """Two hundred hubs are summed up in a fifth of a second, with their trends."""
    (project / "script.py").write_text(_SCRIPT.format(value=3.0))
    main.main(["run", "road", "-q"])
    for index in range(200):
        guard = replace(reports.guard("value-ceiling"), value=float(index))
        run_id = f"20250102T03{index // 60:02d}{index % 60:02d}Z-a1b2c3"
        made = reports.record(suite="road", run_id=run_id, guards=(guard,))
        folder = project / "hubs" / "road" / run_id
        folder.mkdir(parents=True)
        (folder / "hub.json").write_text(json.dumps(records.encode(made)))
    now = freshness.Now(instant=reports.NOON)
    loaded = load_project(project)

    began = time.process_time()
    (stood,) = suite_status.of_project(loaded, now)
    spent = time.process_time() - began

    assert stood.trends[0].values == (*(float(i) for i in range(189, 200)), 3.0)
    assert spent < 0.5  # the house value is 0.2 on a quiet machine


def test_damaged_newest_hub_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A hub that cannot be read is damage and never hides behind an older one."""
    main.main(["run", "road", "-q"])
    bad = project / "hubs" / "road" / "29990101T000000Z-ffffff"
    bad.mkdir()
    (bad / "hub.json").write_text("{")

    code, answer = _json(capsys, "status", "--check")

    assert code == 4
    assert answer["suites"][0]["verdict"] is None
    assert f"no seal of road/{bad.name}" in answer["suites"][0]["trouble"]


def test_standing_is_worth_its_verdict() -> None:
    """A red run is 1 whether fresh or stale; never run is 3."""
    made = suite_status.SuiteStatus(
        suite="x",
        hub=None,
        record=None,
        causes=(),
        blockers=(),
        trends=(),
        problem=None,
        next_command="",
    )
    cause = freshness.Cause(kind="source", what="x", cure="y")

    assert made.exit_code == 3
    for verdict, causes, code in (
        (Verdict.GREEN, (), 0),
        (Verdict.GREEN, (cause,), 3),
        (Verdict.RED, (cause,), 1),
        (Verdict.INCONCLUSIVE, (), 3),
    ):
        record = reports.record(verdict=verdict)
        assert replace(made, record=record, causes=causes).exit_code == code
