"""JUnit XML, judged by the schemas of Ant and of Jenkins through an independent validator."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.records import AttemptRecord, HubRecord, QuarantineRecord
from harness.reporting import junit
from harness.verdict import Verdict
from tests.builders import reports

SCHEMAS = Path(__file__).parents[2] / "assets/junit"
_HOSTILE = "]]> <![CDATA[ &amp; \x00\x01\x1b[31m \ud800 \ufffe \u202e ::error::x\r\n\t'\"<a>"
_HUGE = "x" * (10 << 20)


@cache
def schema(name: str) -> Any:
    """Compile a schema."""
    pytest.importorskip("xmlschema", reason="needs the extra dev")
    return importlib.import_module("xmlschema").XMLSchema(str(SCHEMAS / f"{name}.xsd"))


def inconclusive() -> HubRecord:
    """Make the record of a run in which nothing could be compared and a stage was skipped."""
    skipped = reports.stage("late", 1, outcome="skipped", verdict=Verdict.INCONCLUSIVE)
    guards = (reports.guard("unknown", Verdict.INCONCLUSIVE, found="no metric"),)
    return reports.record(verdict=Verdict.INCONCLUSIVE, stages=(skipped,), guards=guards)


def hostile() -> HubRecord:
    """Make a record whose every text is hostile."""
    stage = reports.stage(_HOSTILE, 0, verdict=Verdict.RED, reason=_HOSTILE, log=_HOSTILE)
    guard = reports.guard(
        _HOSTILE, Verdict.RED, found=_HOSTILE, reason=_HOSTILE, remedy=_HOSTILE
    )
    return reports.red_record(
        suite=_HOSTILE, run_id=_HOSTILE, stages=(stage,), guards=(guard,), reason=_HOSTILE
    )


def huge() -> HubRecord:
    """Make a record in which a stage gives 10 MB as its reason."""
    stage = reports.stage("a", 0, verdict=Verdict.RED, reason=_HUGE)
    return reports.red_record(stages=(stage,))


def quarantined() -> HubRecord:
    """Make a green record with a quarantined guard and a flaky stage."""
    guard = reports.guard("shaky", Verdict.RED)
    attempt = AttemptRecord(outcome="failed", exit_code=1, duration_s=1, log=None, reason="x")
    entry = QuarantineRecord(
        kind="guard",
        id="shaky",
        owner="ada",
        reason=_HOSTILE,
        expires="2026-01-09",
        clean_runs=3,
        state="active",
        outcome="failed",
        clean=0,
    )
    stages = (reports.stage("train", 0, attempts=(attempt,)),)
    return reports.record(stages=stages, guards=(guard,), quarantine=(entry,))


RUNS: dict[str, Callable[[], HubRecord]] = {
    "green": reports.record,
    "red": reports.red_record,
    "inconclusive": inconclusive,
    "hostile": hostile,
    "huge": huge,
    "quarantined": quarantined,
    "empty": lambda: reports.record(stages=(), guards=()),
}


@pytest.mark.parametrize("name", ["ant", "jenkins"])
@pytest.mark.parametrize("run", RUNS, ids=str)
def test_document_is_valid(name: str, run: str) -> None:
    """Whatever a run was and said, CI systems can read its report."""
    schema(name).validate(junit.render(RUNS[run]()))


def test_huge_text_is_cut() -> None:
    """A report stays small whatever a stage says, and tells that it was cut."""
    written = junit.render(huge())

    assert len(written) < 1 << 20
    assert "… cut here" in written


def test_excused_is_skipped_with_its_reason() -> None:
    """What failed in quarantine is neither passed nor failed, and flakiness is told."""
    written = junit.render(quarantined())

    assert 'failures="0" errors="0" skipped="1"' in written
    assert "quarantined: guard shaky (ada, until 2026-01-09)" in written
    assert "<system-out>flaky: stage train: 1 retry</system-out>" in written


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        (r' hostname="localhost"', ""),
        (r'timestamp="([^"]*)"', r'timestamp="\1.5Z"'),
        (r'type="red"', ""),
        (r"<system-out />", ""),
        (r'failures="1"', 'failures="one"'),
        (r"(<testcase )", r'\1extra="1" '),
    ],
    ids=["hostname", "zone", "type", "system-out", "number", "attribute"],
)
def test_schema_finds_what_is_wrong(pattern: str, instead: str) -> None:
    """The judge is awake: each rule broken by hand is found by Ant's schema."""
    good = junit.render(reports.red_record())
    broken = re.sub(pattern, instead, good, count=1)

    assert broken != good
    assert not schema("ant").is_valid(broken)


@pytest.mark.road
@pytest.mark.slow
def test_pytest_reports_of_stages_are_valid(tmp_path: Path) -> None:
    """The report that a pytest stage leaves in its hub is what Jenkins reads."""
    from tests.builders import hubs

    stage = {"id": "t", "kind": "pytest", "selectors": ["source/test_x.py"], "timeout_s": 60}
    made = hubs.project(tmp_path, tiny=hubs.suite(stage))
    (tmp_path / "source/test_x.py").write_text(
        "def test_a(): assert '\\x1b ]]> \\x00' == ''\ndef test_b(): pass\n"
    )

    hub = hubs.run(made).hub

    schema("jenkins").validate((hub / "red/t.junit.xml").read_text("utf-8"))


def test_time_of_a_huge_run_has_no_exponent() -> None:
    """Seconds are written out."""
    record = replace(reports.record(), duration_s=1e7)

    schema("jenkins").validate(junit.render(record))
