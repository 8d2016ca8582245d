"""JUnit XML, judged by the counts that a CI system reads."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from harness.reporting import junit
from harness.verdict import Verdict
from tests.builders import reports


def _suites(written: str) -> dict[str, ET.Element]:
    root = ET.fromstring(written)  # noqa: S314 - our own text
    return {str(suite.get("name")): suite for suite in root.iter("testsuite")}


def test_counts_match_the_cases() -> None:
    """Totals say what the cases say; inconclusive is an error and never a pass."""
    guards = _suites(junit.render(reports.red_record()))["forward-parity.guards"]

    assert guards.get("tests") == str(len(guards.findall("testcase"))) == "6"
    assert guards.get("failures") == str(len(guards.findall("testcase/failure"))) == "1"
    assert guards.get("errors") == str(len(guards.findall("testcase/error"))) == "1"


def test_failed_stage_is_a_failure() -> None:
    """A stage that did not pass fails its case and says why."""
    failed = reports.stage("train", 0, outcome="timeout", verdict=Verdict.RED, reason="900 s")

    stages = _suites(junit.render(reports.record(stages=(failed,))))["forward-parity.stages"]

    failure = stages.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "timeout. 900 s"


def test_warning_fails_nothing() -> None:
    """A red guard that only warns is no failure of the build."""
    warned = reports.guard("x", Verdict.RED, severity="warn")

    guards = _suites(junit.render(reports.record(guards=(warned,))))["forward-parity.guards"]

    assert guards.get("failures") == "0"


def test_hostile_names_stay_well_formed() -> None:
    """Control characters and markup in names give XML that can be read."""
    guard = replace(reports.guard('<a> & "b" \x00\x1b\x0b'), verdict=Verdict.RED)

    written = junit.render(reports.record(guards=(guard,)))

    case = _suites(written)["forward-parity.guards"].find("testcase")
    assert case is not None
    assert str(case.get("name")).startswith('<a> & "b"')


def test_time_has_no_offset() -> None:
    """The time stamp is what the common schema takes: seconds, UTC, no zone."""
    stages = _suites(junit.render(reports.record()))["forward-parity.stages"]

    assert stages.get("timestamp") == "2026-01-02T03:04:05"


def test_document_keeps_to_both_common_schemas() -> None:
    """Elements and attributes are those, in the order, that Ant's and Jenkins' schemas take.

    Ant's wants id, package, properties, system-out and system-err of each suite, a time stamp
    of whole seconds, a type for each failure, and no attribute of the root.
    """
    written = junit.render(replace(reports.red_record(), started="2026-01-02T03:04:05.678Z"))
    root = ET.fromstring(written)  # noqa: S314 - our own text

    assert (root.tag, root.attrib) == ("testsuites", {})
    wanted = {"id", "package", "name", "timestamp", "hostname"}
    wanted |= {"tests", "failures", "errors", "skipped", "time"}
    for index, suite in enumerate(root):
        assert (suite.tag, suite.get("id"), set(suite.attrib)) == (
            "testsuite",
            str(index),
            wanted,
        )
        tags = [child.tag for child in suite]
        cases = tags.count("testcase")
        assert tags == ["properties", *["testcase"] * cases, "system-out", "system-err"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", str(suite.get("timestamp")))
        for case in suite.iter("testcase"):
            assert set(case.attrib) == {"name", "classname", "time"}
            assert len(case) <= 1
            assert all(set(child.attrib) == {"message", "type"} for child in case)


KINDS = {
    Verdict.GREEN: [],
    Verdict.RED: ["failure"],
    Verdict.INCONCLUSIVE: ["error"],
}


def read_marks(written: str, name: str) -> dict[str, list[str]]:
    """Return what each case of a suite is marked with."""
    suite = _suites(written)[f"forward-parity.{name}"]
    marks = [child.tag for case in suite.iter("testcase") for child in case]
    totals = {"failure": "failures", "error": "errors", "skipped": "skipped"}
    for mark, total in totals.items():
        assert suite.get(total) == str(marks.count(mark))
    return {str(c.get("name")): [child.tag for child in c] for c in suite.iter("testcase")}


@pytest.mark.parametrize("is_waived", [False, True])
@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("kind", ["stage", "guard"])
def test_each_case_has_the_mark_of_its_verdict(
    kind: str, verdict: Verdict, *, is_waived: bool
) -> None:
    """Stages and guards alike; what failed in quarantine is skipped, and not its neighbour."""
    entry = reports.quarantined(kind, "it")
    record = reports.record(
        stages=tuple(reports.stage(name, 0, verdict=verdict) for name in ("it", "other")),
        guards=tuple(reports.guard(name, verdict) for name in ("it", "other")),
        quarantine=(entry,) if is_waived else (),
    )
    written = junit.render(record)
    for name, this in (("stages", "stage"), ("guards", "guard")):
        mine = ["skipped"] if is_waived and this == kind else KINDS[verdict]
        assert read_marks(written, name) == {"it": mine, "other": KINDS[verdict]}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_cause_is_written_where_there_is_one(verdict: Verdict) -> None:
    """A run that is open has one as a red one has."""
    record = reports.record(verdict=verdict, reason="no golden")
    names = {p.get("name") for p in ET.fromstring(junit.render(record)).iter("property")}  # noqa: S314 - ours
    assert ("cause" in names) is (verdict is not Verdict.GREEN)
