"""Old goldens go by a command that the ledger knows, and never the last of a comparison."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli.main import group
from harness.config.project import Project
from harness.errors import ConfigError, EvidenceMissingError, IntegrityError
from harness.evidence.ledger.log import Ledger
from harness.experiments.calibration import retire
from harness.judgement import verify
from harness.judgement.declaration import load_project
from harness.judgement.golden import store
from harness.judgement.golden.store import GoldenSet, GoldenValue
from tests.builders import goldens, hubs

METRIC, NEW_DAY = "out:value", "2026-06-01"
STEADY = {"id": "steady", "kind": "golden", "metric": METRIC, "remedy": "Look."}
OLDER = {"numeric_class": "0123456789abcdef"}


def value_of(project: Project, **changes: Any) -> GoldenValue:
    record = hubs.run(project).record
    (value,) = goldens.golden_set(record, METRIC, **changes).values
    return value


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A suite that is judged by an old golden of another class, and by a newer one."""
    tiny = hubs.suite(guards=[STEADY, hubs.FLOOR])
    project = load_project(hubs.declare(tmp_path, tiny=tiny))
    new = value_of(project, date=f"{NEW_DAY}T00:00:00Z")
    old = replace(new, date="2026-05-31T23:59:59Z", environment={**new.environment, **OLDER})
    keep(project, new, old)
    return project


def keep(project: Project, *values: GoldenValue) -> None:
    golden = GoldenSet(values=values)
    store.save(project.golden / "tiny", golden)
    body = {"golden_sha256": golden.digest}
    Ledger(project.hubs / "ledger.jsonl").append(store.LOGGED, "tiny", body)


def test_old_golden_goes_and_the_ledger_knows(project: Project) -> None:
    """Its file is gone, the newer one judges, and the run proves against what was logged."""
    words = ["-C", str(project.root), "golden", "retire", "tiny", "--before", NEW_DAY]
    answer = CliRunner().invoke(
        group, [*words, "--reason", "another model"], env={"CI": ""}, catch_exceptions=False
    )

    assert (answer.exit_code, "2026-05-31" in answer.stdout) == (0, True), answer.output
    (value,) = store.load(project.golden / "tiny").values
    assert value.date.startswith(NEW_DAY)
    assert len([*(project.golden / "tiny").glob("*.json")]) == 1
    entry = Ledger(project.hubs / "ledger.jsonl").entries()[-1]
    assert (entry.body["retired"], entry.body["reason"]) == (1, "another model")
    outcome = hubs.run(project)
    assert outcome.record.verdict == "green"
    rows = {row.check: row for row in verify.verify(project, outcome.hub).rows}
    assert "entry" in rows["golden"].found


def test_file_that_is_merely_deleted_is_damage(project: Project) -> None:
    """What the command spares: the ledger knows what stood there."""
    (old,) = (v for v in store.load(project.golden / "tiny").values if v.date < NEW_DAY)
    (project.golden / "tiny" / store.file_name(old)).unlink()

    rows = {row.check: row for row in verify.verify(project, hubs.run(project).hub).rows}

    assert rows["golden"].outcome == "damaged"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"datasets": {"train": "f" * 64}}, "no newer golden"),
        ({"metric": "out:other"}, "no newer golden"),
        ({"environment": {"device": "cuda"}}, "no newer golden"),
        ({"date": f"{NEW_DAY}T00:00:00Z"}, "no golden of before"),
    ],
)
def test_last_golden_of_a_comparison_stays(
    project: Project, changes: dict[str, Any], why: str
) -> None:
    """Of other data, another metric or another kind of machine there is no newer one."""
    values = store.load(project.golden / "tiny").values
    (new,) = (value for value in values if value.date >= NEW_DAY)
    (old,) = (value for value in values if value.date < NEW_DAY)
    for value in values:
        (project.golden / "tiny" / store.file_name(value)).unlink()
    keep(project, new, replace(old, **changes))

    with pytest.raises(EvidenceMissingError, match=why):
        retire.retire(project, "tiny", NEW_DAY, "another model", {})

    assert len(store.load(project.golden / "tiny").values) == 2


@pytest.mark.parametrize(
    ("reason", "environ"), [("", {}), (" ", {}), ("another model", {"CI": "true"})]
)
def test_a_person_says_why(project: Project, reason: str, environ: dict[str, str]) -> None:
    """Neither a machine nor somebody without a reason takes goldens out."""
    with pytest.raises(ConfigError, match=r"no reason|CI is set"):
        retire.retire(project, "tiny", NEW_DAY, reason, environ)


def test_damaged_goldens_are_not_touched(project: Project) -> None:
    """What cannot be read is not decided about."""
    path = next((project.golden / "tiny").glob("*.json"))
    path.write_text(path.read_text().replace('"n": 12', '"n": 13'))

    with pytest.raises(IntegrityError):
        retire.retire(project, "tiny", NEW_DAY, "another model", {})
