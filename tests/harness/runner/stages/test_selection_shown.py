"""What decided which tests ran stands in the record, and wherever the run is shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.judgement import verify
from harness.records import HubRecord, decode
from tests.builders import hubs

ROOT = Path(__file__).parents[4]


@pytest.mark.road
@pytest.mark.slow
def test_selection_is_recorded_and_shown(tmp_path: Path) -> None:
    """A key in a configuration file leaves a test out: inconclusive, and said everywhere."""
    stage = {
        "id": "tests",
        "kind": "pytest",
        "selectors": ["source/test_it.py"],
        "timeout_s": 60,
    }
    made = hubs.project(tmp_path, tiny=hubs.suite(stage))
    (tmp_path / "source/test_it.py").write_text("def test_a(): pass\ndef test_b(): assert 0\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -k test_a\n")

    done = subprocess.run(
        [sys.executable, "-m", "harness", "run", "tiny"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    hub = next(path for path in (tmp_path / "hubs/tiny").iterdir() if path.is_dir())
    proved = verify.verify(made, hub, allow_stale=True)

    by = "-k 'test_a' (addopts of pytest.ini)"
    record = decode(HubRecord, json.loads((hub / "hub.json").read_text()), "hub.json")
    assert (done.returncode, record.stages[0].outcome) == (3, "unfinished"), done.stderr
    assert f"left out by {by}: source/test_it.py::test_b" in record.stages[0].selection
    assert by in done.stdout
    assert "addopts of pytest.ini" in (hub / "summary.md").read_text()
    assert "addopts of pytest.ini" in (hub / "report.html").read_text()
    assert any(by in row.found for row in proved.rows)
    assert proved.exit_code == 3
