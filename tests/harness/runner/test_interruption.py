"""A run that is stopped is sealed, inconclusive, and opens no blocker."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.records import StageRecord
from harness.runner.observer import Silent
from harness.verdict import Verdict
from tests.builders import hubs
from tests.harness.runner.stopping import Stopper


@pytest.fixture
def _heard() -> Iterator[None]:
    """Hear both signals, also in the background of a shell, which is deaf to Ctrl-C."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_heard")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_seals_an_open_hub(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """A run that is told to stop ends its stage, skips the rest, and seals the reason.

    Nothing is known to be wrong: it is inconclusive, and there is no blocker.
    """
    stages = (
        hubs.command("first", "import time; print('ready', flush=True); time.sleep(60)"),
        hubs.command("second", "pass"),
    )
    project = hubs.project(tmp_path, tiny=hubs.suite(*stages))
    before = signal.getsignal(number)

    outcome = hubs.run(project, observer=Stopper(number))

    assert outcome.exit_code == code
    assert outcome.record.verdict is Verdict.INCONCLUSIVE
    assert not list((outcome.hub / "red").glob("blocked_*.md"))
    assert number.name in outcome.record.reason
    assert [s.outcome for s in outcome.record.stages] == ["interrupted", "skipped"]
    assert (outcome.hub / "manifest-sha256.txt").exists()
    assert signal.getsignal(number) is before


@pytest.mark.usefixtures("_heard")
def test_file_that_an_interrupted_stage_owes_is_no_failure(tmp_path: Path) -> None:
    """A guard of a file that the stage had not written yet is not judged, and not red."""
    code = "import time; print('ready', flush=True); time.sleep(60)"
    stage = hubs.command("make", code, artifacts=[hubs.OUT])
    present = {"id": "present", "kind": "artifact", "artifact": "out", "remedy": "Write it."}
    project = hubs.project(tmp_path, tiny=hubs.suite(stage, guards=[present]))

    outcome = hubs.run(project, observer=Stopper(signal.SIGTERM))

    assert (outcome.record.verdict, outcome.exit_code) == (Verdict.INCONCLUSIVE, 143)
    assert [(g.id, g.verdict) for g in outcome.record.guards] == [
        ("present", Verdict.INCONCLUSIVE)
    ]
    assert "stage make was interrupted" in outcome.record.guards[0].reason


@pytest.mark.usefixtures("_heard")
def test_file_of_a_stage_that_was_not_run_is_no_failure(tmp_path: Path) -> None:
    """A run stopped in its first stage is not red for what later ones would have written."""
    stages = (
        hubs.command("first", "import time; print('ready', flush=True); time.sleep(60)"),
        hubs.writing("3"),
    )
    present = {"id": "present", "kind": "artifact", "artifact": "out", "remedy": "Write it."}
    project = hubs.project(tmp_path, tiny=hubs.suite(*stages, guards=[present]))

    outcome = hubs.run(project, observer=Stopper(signal.SIGINT))

    assert (outcome.record.verdict, outcome.exit_code) == (Verdict.INCONCLUSIVE, 130)
    assert outcome.record.guards[0].verdict is Verdict.INCONCLUSIVE
    assert not list((outcome.hub / "red").glob("blocked_*.md"))


class Between(Silent):
    """Sends SIGTERM to this process between two stages."""

    def stage_finished(self, record: StageRecord) -> None:
        """Send the signal after the first stage."""
        if record.id == "first":
            os.kill(os.getpid(), signal.SIGTERM)


def test_signal_between_stages_is_open(tmp_path: Path) -> None:
    """Told to stop between two stages, a run whose stages all passed proves nothing."""
    stages = (hubs.command("first", "pass"), hubs.command("second", "pass"))

    outcome = hubs.run(hubs.project(tmp_path, tiny=hubs.suite(*stages)), observer=Between())

    assert [s.outcome for s in outcome.record.stages] == ["passed", "skipped"]
    assert outcome.record.verdict is Verdict.INCONCLUSIVE
    assert outcome.record.reason.startswith("interrupted by SIGTERM")


def test_failure_before_the_signal_is_red(tmp_path: Path) -> None:
    """What failed before the run was told to stop is red all the same, and the first cause."""
    stages = (
        hubs.command("bad", "raise ValueError('x')"),
        hubs.command("first", "pass"),
        hubs.command("second", "pass"),
    )

    outcome = hubs.run(hubs.project(tmp_path, tiny=hubs.suite(*stages)), observer=Between())

    assert (outcome.record.verdict, outcome.exit_code) == (Verdict.RED, 143)
    assert [c.verdict for c in outcome.record.causes] == [Verdict.RED, Verdict.INCONCLUSIVE]
    assert len(list((outcome.hub / "red").glob("blocked_*.md"))) == 1


def test_stage_that_the_signal_ends_too_is_open(tmp_path: Path) -> None:
    """A scheduler that signals every process of a run at once makes no failure of it."""
    stage = hubs.command("first", "import time; print('ready', flush=True); time.sleep(60)")

    outcome = hubs.run(hubs.project(tmp_path, tiny=hubs.suite(stage)), observer=Everybody())

    assert (outcome.record.verdict, outcome.exit_code) == (Verdict.INCONCLUSIVE, 143)


class Everybody(Silent):
    """Ends the children of this process by SIGTERM, and this process a little later."""

    def log_line(self, stage: str, line: str) -> None:  # noqa: ARG002 - as declared
        """Send both signals."""
        if line == "ready":
            kids = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
            for kid in kids:
                os.kill(int(kid), signal.SIGTERM)
            later = (os.getpid(), signal.SIGTERM)
            threading.Timer(0.05, os.kill, later).start()
