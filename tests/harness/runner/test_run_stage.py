"""A stage that is run again leaves the evidence of every attempt, and never a silent green."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.config.project import StageSpec
from harness.errors import ConfigError
from harness.evidence.hub.blockers import Register
from harness.judgement import verify
from harness.reporting import github, html, junit, markdown
from harness.runner import run_stage
from harness.runner.stages import base
from harness.runner.stages.child import ChildExit
from harness.runner.workflow import RunOutcome, ledger_of
from harness.verdict import Verdict
from tests.builders import hubs

# Passes when it was started twice before; writes its artifact, and one more when it fails.
_SHAKY = """
import json, pathlib, sys
count = pathlib.Path(sys.argv[1])
count.write_text(count.read_text() + 'x' if count.exists() else 'x')
number = len(count.read_text())
json.dump({'value': float(number)}, open(sys.argv[2], 'w'))
print('attempt', number, flush=True)
if number < 3:
    json.dump({}, open(sys.argv[3], 'w'))
    sys.exit('shaken')
"""
_MORE = {"id": "more", "path": "more.json", "optional": True}


def run(folder: Path, retries: int) -> RunOutcome:
    """Run a suite whose stage passes at its third attempt."""
    places = [f"{{work}}/{name}" for name in ("count", "out.json", "more.json")]
    keys = {"retries": retries, "artifacts": [hubs.OUT, _MORE]}
    stage = hubs.command("shaky", _SHAKY, *places, **keys)
    floor = {**hubs.FLOOR, "min": 3.0}
    made = hubs.project(folder, tiny=hubs.suite(stage, guards=[floor]))
    outcome = hubs.run(made)
    assert verify.verify(made, outcome.hub).exit_code == outcome.exit_code
    return outcome


@pytest.mark.road
def test_retried_stage_is_flaky_everywhere(tmp_path: Path) -> None:
    """A green that took three attempts says so in record, reports and ledger."""
    outcome = run(tmp_path, retries=2)

    record = outcome.record
    stage = record.stages[0]
    assert (outcome.exit_code, stage.retries, stage.is_flaky) == (0, 2, True)
    assert record.reason == "every stage and guard passed; flaky: stage shaky: 2 retries"
    assert stage.reason == "exit code 0; flaky: 2 retries"
    assert "GREEN (1 FLAKY)" in markdown.summary(record)
    assert "flaky: stage shaky: 2 retries" in junit.render(record)
    assert "::warning title=flaky%3A stage shaky%3A 2 retries::" in github.commands(record)
    assert "(1 flaky)" in html.render(outcome.hub)
    seal = ledger_of(hubs.project(tmp_path)).entries()[-1]
    assert seal.body["flaky"] == ["stage shaky: 2 retries"]


@pytest.mark.road
def test_every_attempt_keeps_its_evidence(tmp_path: Path) -> None:
    """Log and artifacts of each attempt stay; guards judge those of the last one alone."""
    outcome = run(tmp_path, retries=5)

    hub, stage = outcome.hub, outcome.record.stages[0]
    logs = [(hub / str(attempt.log)).read_text() for attempt in stage.attempts]
    assert [log.splitlines()[0] for log in logs] == ["attempt 1", "attempt 2"]
    assert [(a.outcome, a.exit_code) for a in stage.attempts] == [("failed", 1)] * 2
    assert (hub / "cli/shaky.log").read_text() == "attempt 3\n"
    assert (hub / "red/shaky.attempt-2.log").is_file()
    assert (hub / "red/shaky.attempt-1/more.json").is_file()
    assert [a.path for a in outcome.record.artifacts] == ["analysis/shaky/out.json"]
    assert outcome.record.metrics == {"out:value": 3.0}


@pytest.mark.road
def test_too_few_retries_stay_red(tmp_path: Path) -> None:
    """The last attempt decides; the reason tells how often it was tried."""
    outcome = run(tmp_path, retries=1)

    stage = outcome.record.stages[0]
    assert (outcome.exit_code, stage.retries, stage.is_flaky) == (1, 1, False)
    assert stage.reason.endswith("after 1 retry")
    assert list((outcome.hub / "red").glob("blocked_*_stage-shaky.md"))


@pytest.mark.road
def test_artifact_of_a_failed_attempt_is_no_evidence(tmp_path: Path) -> None:
    """What only a failed attempt wrote is missing in the attempt that passed."""
    code = (
        "import pathlib, sys; mark, out = map(pathlib.Path, sys.argv[1:])\n"
        "if mark.exists(): sys.exit(0)\n"
        "mark.touch(); out.write_text('{}'); sys.exit(1)"
    )
    keys = {"retries": 1, "artifacts": [hubs.OUT]}
    stage = hubs.command("make", code, "{work}/mark", "{work}/out.json", **keys)

    outcome = hubs.run(hubs.project(tmp_path, tiny=hubs.suite(stage)))

    assert outcome.exit_code == 1
    assert "out.json) is missing" in outcome.record.stages[0].reason


@pytest.mark.road
def test_alike_names_do_not_mix(tmp_path: Path) -> None:
    """Putting an attempt aside leaves the log of a stage whose name begins alike."""
    plain = hubs.command("make.2", "print('mine')")
    shaky = hubs.command("make", "raise SystemExit(1)", retries=1)

    outcome = hubs.run(hubs.project(tmp_path, tiny=hubs.suite(plain, shaky)))

    assert (outcome.hub / "cli/make.2.log").read_text() == "mine\n"
    assert (outcome.hub / "green/make.2.log").is_file()


@pytest.mark.parametrize(
    "keys",
    [{"retries": -1}, {"retries": 6}, {"test_retries": 1}, {"test_timeout_s": 1}],
    ids=str,
)
def test_wrong_patience_is_refused(tmp_path: Path, keys: dict[str, int]) -> None:
    """No endless retries, and none of single tests where a stage has none."""
    with pytest.raises(ConfigError):
        hubs.project(tmp_path, tiny=hubs.suite(hubs.writing("3", **keys)))


def test_reserved_name_is_refused(tmp_path: Path) -> None:
    """No stage is named as the log of an attempt."""
    with pytest.raises(ConfigError, match="attempt-"):
        hubs.project(tmp_path, tiny=hubs.suite(hubs.command("make.attempt-1", "pass")))


@pytest.mark.parametrize("room", [0, 1 << 62])
def test_a_failure_on_a_full_disk_is_no_blocker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """A file that came out empty says nothing where no file could grow."""
    monkeypatch.setattr(run_stage, "_LEAST_ROOM", room)
    stage = hubs.command(
        "make", "open(sys.argv[1], 'w')", "{work}/out.json", artifacts=[hubs.OUT]
    )
    stage["argv"][2] = "import sys; " + stage["argv"][2]
    made = hubs.project(tmp_path, tiny=hubs.suite(stage))

    record = hubs.run(made).record

    assert record.verdict is (Verdict.INCONCLUSIVE if room else Verdict.RED)
    assert len(Register(made.hubs).entries()) == (0 if room else 1)


def test_a_log_without_room_is_no_failure() -> None:
    """What a program wrote could not be kept: that is the machine's failure."""
    spec = StageSpec(id="make", kind="command")
    ended: dict[str, Any] = {"ended": "unlogged", "exit_code": 0, "error": "disk full"}
    exit_ = ChildExit(**ended, duration_s=1.0, peak_memory_bytes=None, survivors=0)

    assert base.describe_ending(exit_, spec) == (
        "interrupted",
        "its log could not be written: disk full",
    )
