"""The evidence that travels with the source proves itself in any clone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.evidence.hub.store import read_record
from harness.judgement import verify
from harness.judgement.declaration import load_project

ROOT = Path(__file__).parents[2]


def committed() -> list[Path]:
    listed = subprocess.run(
        [shutil.which("git") or "git", "ls-files", "hubs/*/*/hub.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return [ROOT / Path(line).parent for line in listed.stdout.splitlines()]


def test_each_suite_has_its_evidence() -> None:
    """No suite is declared without a committed run of it."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing is committed here")

    assert {hub.parent.name for hub in committed()} == set(load_project(ROOT).suites)


@pytest.mark.parametrize("hub", committed(), ids=lambda hub: hub.parent.name)
def test_every_test_is_promised(hub: Path) -> None:
    """The declaration knows of each test that ran, so that each deleted one turns it red."""
    suite = load_project(ROOT).suites[hub.parent.name]
    ran = {stage.id: stage.tests.get("collected", 0) for stage in read_record(hub).stages}

    for stage in suite.stages:
        assert max(stage.min_tests, stage.min_collected) >= ran.get(stage.id, 0), stage.id


@pytest.mark.parametrize("hub", committed(), ids=lambda hub: hub.parent.name)
def test_committed_hub_verifies(hub: Path) -> None:
    """Bytes, ledger, plan and guards of a hub hold; it may be older than the source."""
    report = verify.verify(load_project(ROOT), hub, allow_stale=True)

    assert report.exit_code == 0, report.rows
