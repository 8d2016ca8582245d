"""Modules that a suite needs: where one is absent, nothing is proved and the cure is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.verdict import Verdict
from tests.builders import hubs


def test_a_missing_module_leaves_the_verdict_open(tmp_path: Path) -> None:
    """A suite whose module is absent runs nothing and names the command that cures it."""
    suite = {**hubs.suite(), "requires": {"no_such_module": "pip install no-such[extra]"}}

    outcome = hubs.run(hubs.project(tmp_path, tiny=suite))

    stage = outcome.record.stages[0]
    assert (outcome.record.verdict, outcome.exit_code) == (Verdict.INCONCLUSIVE, 3)
    assert (stage.outcome, stage.log) == ("skipped", None)
    assert stage.reason == "module no_such_module is not installed: pip install no-such[extra]"
    assert "pip install no-such[extra]" in outcome.record.reason


def test_a_module_that_is_there_changes_nothing(tmp_path: Path) -> None:
    """A suite whose modules are all there runs as any other."""
    suite = {**hubs.suite(), "requires": {"json": "nothing"}}

    assert hubs.run(hubs.project(tmp_path, tiny=suite)).record.verdict is Verdict.GREEN


def test_a_dotted_module_is_refused(tmp_path: Path) -> None:
    """Only a top-level name can be looked for without importing anything."""
    suite = {**hubs.suite(), "requires": {"os.path": "nothing"}}

    with pytest.raises(ConfigError, match="top-level module"):
        hubs.project(tmp_path, tiny=suite)
