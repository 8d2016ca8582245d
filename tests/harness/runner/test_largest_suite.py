"""This repository's largest suite, stopped or broken: its verdict is read on one screen."""

from __future__ import annotations

import math
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.config.project import Project
from harness.judgement.declaration import load_project
from harness.judgement.verify import verify
from harness.reporting import screen, terminal
from harness.runner.workflow import RunOutcome
from harness.verdict import Verdict
from tests.builders import hubs
from tests.harness.runner.stopping import Stopper

_SCREEN, _COLUMNS, _ROWS = 24, 80, 12
_ROOT = Path(__file__).parents[3]
_WAIT = "import time; print('ready', flush=True); time.sleep(60)"


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """Hear Ctrl-C also in the background of a shell, which is deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def declare(root: Path, code: dict[str, str]) -> Project:
    """Declare the suite with its stages, artifacts and guards, and programs of one line."""
    written = tomllib.loads((_ROOT / "harness.toml").read_text("utf-8"))
    suite: dict[str, Any] = written["suites"]["forward-parity"]
    stages = []
    for stage in suite["stages"]:
        keys = {key: stage[key] for key in ("needs", "artifacts") if key in stage}
        stages.append(hubs.command(stage["id"], code.get(stage["id"], "pass"), **keys))
    top = {"policies": written["policies"]}
    hubs.declare(root, top=top, tiny=hubs.suite(*stages, guards=suite["guards"]))
    hubs.commit(root)
    return load_project(root)


def count_lines(outcome: RunOutcome) -> int:
    """Return how many lines of a terminal of 80 columns the verdict takes."""
    verdict = screen.final(outcome.record, outcome.hub.name, terminal.Palette(is_on=False))
    return sum(max(1, math.ceil(len(line) / _COLUMNS)) for line in verdict.splitlines())


@pytest.mark.parametrize("stage", ["selectors", "train"])
def test_stopped_in_any_stage(stage: str, tmp_path: Path) -> None:
    """A Ctrl-C gives one reason, no blocker, and a verification of few rows."""
    project = declare(tmp_path, {stage: _WAIT})
    (tmp_path / "source/model.py").write_text("GAIN = 2\n")  # nobody commits before each run
    outcome = hubs.run(project, observer=Stopper(signal.SIGINT))

    assert (outcome.exit_code, outcome.record.verdict) == (130, Verdict.INCONCLUSIVE)
    assert not list((outcome.hub / "red").glob("blocked_*.md"))
    assert count_lines(outcome) <= _SCREEN
    rows = verify(project, outcome.hub).rows
    # A golden, which this repository's own suite has, is one row more.
    assert len(rows) + 1 <= _ROWS, [row.found for row in rows]


@pytest.mark.parametrize(
    "code",
    [
        {"train": "raise ValueError('the loss is not finite')"},
        {"selectors": "raise ValueError('a')", "train": "raise KeyError('b')"},
        {},
    ],
    ids=["crash", "two crashes", "nothing written"],
)
def test_red_verdict_is_one_screen(code: dict[str, str], tmp_path: Path) -> None:
    """However many guards follow from it, a red run is told in 24 lines of a terminal."""
    project = declare(tmp_path, code)
    outcome = hubs.run(project)

    assert outcome.record.verdict is Verdict.RED
    assert count_lines(outcome) <= _SCREEN
