"""SARIF, judged by the published schema's facts, by the blockers and by the repository."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.evidence.hub import blockers
from harness.evidence.hub.store import read_record
from harness.files import sha256_bytes
from harness.records import HubRecord, QuarantineRecord
from harness.reporting import findings, sarif
from harness.verdict import Verdict
from tests.builders import reports, sealed
from tests.harness.reporting import sarif_facts

TESTS = """\
import pytest

@pytest.mark.parametrize("size", [3, 5])
def test_size_is_three(size):
    assert size == 3

class TestPlain:
    def test_passes(self):
        assert True

    def test_breaks(self):
        raise ValueError("too small")
"""
STAGE = """\

[[suites.tiny.stages]]
id = "selectors"
kind = "pytest"
selectors = ["checks/test_small.py"]

[suites.derived]
extends = "tiny"
description = "The same, inherited."
"""


def _run(hub: Path) -> dict[str, Any]:
    record = read_record(hub)
    log = json.loads(sarif.render(record, findings.read_findings(hub, record)))
    assert list(sarif_facts.faults(log)) == []
    assert len(log["runs"]) == 1
    run: dict[str, Any] = log["runs"][0]
    return run


def _place(result: dict[str, Any]) -> tuple[str, int]:
    place = result["locations"][0]["physicalLocation"]
    return place["artifactLocation"]["uri"], place["region"]["startLine"]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> sealed.Store:
    """A hub of a suite that inherits, with a red guard and two failed tests of four."""
    root = tmp_path_factory.mktemp("repository") / "project"
    (root.parent / ".git").mkdir()
    (root / "checks").mkdir(parents=True)
    (root / "checks/test_small.py").write_text(TESTS)
    declared = sealed.DECLARATION.replace("min = 0.5", "min = 2.0") + STAGE
    (root / "harness.toml").write_text(declared)
    (root / "source.py").write_text(sealed.SOURCE)
    from harness.judgement.declaration import load_project
    from harness.runner import workflow
    from harness.runner.options import RunOptions

    outcome = workflow.run_suite(load_project(root), "derived", RunOptions())
    return sealed.Store(root, outcome.hub)


def test_each_failure_is_one_result(failed: sealed.Store) -> None:
    """A red guard, a failed stage and two failed tests are four results, and no more."""
    run = _run(failed.hub)

    assert [(r["ruleId"], r["level"]) for r in run["results"]] == [
        ("variance-floor", "error"),
        ("stage/selectors", "error"),
        ("test/selectors", "error"),
        ("test/selectors", "error"),
    ]
    assert run["properties"]["verdict"] == "red"
    assert run["invocations"][0]["exitCode"] == 1


def test_places_can_be_opened(failed: sealed.Store) -> None:
    """The line in the repository is the declaration's, or the one where the test raised."""
    results = _run(failed.hub)["results"]
    top = failed.root.parent

    lines = []
    for result in results:
        path, line = _place(result)
        lines.append((top / path).read_text().splitlines()[line - 1].strip())
    assert lines == [
        'id = "variance-floor"',
        'id = "selectors"',
        "assert size == 3",
        'raise ValueError("too small")',
    ]
    region = results[0]["locations"][0]["physicalLocation"]["region"]
    assert region["endColumn"] - region["startColumn"] == len(lines[0])


def test_fingerprints_are_those_of_the_blockers(failed: sealed.Store) -> None:
    """Guard and stage carry the signature of their blocker; each test has one of its own."""
    signatures = [
        blockers.read_note(path).signature for path in (failed.hub / "red").glob("blocked_*.md")
    ]
    fingerprints = [r["partialFingerprints"] for r in _run(failed.hub)["results"]]

    assert sorted(f[sarif.FINGERPRINT] for f in fingerprints[:2]) == sorted(signatures)
    assert len({f["primaryLocationLineHash"] for f in fingerprints}) == len(fingerprints) == 4


def test_remedy_is_the_help_of_its_rule(failed: sealed.Store) -> None:
    """Every declared guard is a rule with its remedy, and results point at their own."""
    run = _run(failed.hub)
    rules = run["tool"]["driver"]["rules"]

    helps = {rule["id"]: rule["help"]["text"] for rule in rules}
    assert helps["variance-floor"] == "Look at the rows."
    assert helps["weights-there"] == "Write the weights."
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])


def test_a_guard_that_is_gone_has_no_line(failed: sealed.Store, tmp_path: Path) -> None:
    """A declaration that moved is followed; where it is gone, the file itself is named."""
    store = sealed.copy(failed, tmp_path / "project")
    before = _place(_run(store.hub)["results"][0])
    store.declare('name = "small"', '# down\n# down\nname = "small"')
    moved = _place(_run(store.hub)["results"][0])
    store.declare('id = "variance-floor"', 'id = "variance"')

    assert moved == (before[0], before[1] + 2)
    assert _place(_run(store.hub)["results"][0]) == ("harness.toml", 1)


def test_green_run_has_no_result(tmp_path: Path) -> None:
    """An empty list is written, which closes the alerts of earlier runs."""
    store = sealed.make(tmp_path / "project")

    run = _run(store.hub)

    assert run["results"] == []
    assert run["automationDetails"]["id"] == f"tiny/{store.hub.name}"


@pytest.mark.parametrize(
    ("verdict", "severity", "level"),
    [
        (Verdict.RED, "fail", "error"),
        (Verdict.INCONCLUSIVE, "fail", "error"),
        (Verdict.RED, "warn", "warning"),
        (Verdict.INCONCLUSIVE, "warn", "note"),
    ],
)
def test_level_says_what_it_means(
    tmp_path: Path, verdict: Verdict, severity: str, level: str
) -> None:
    """What was not judged is no pass; what only warns is no error."""
    guard = reports.guard("bound", verdict, severity=severity)
    hub = reports.write(tmp_path / "hubs", reports.record(guards=(guard,)))

    assert [r["level"] for r in _run(hub)["results"]] == [level]


def test_quarantine_is_a_note_with_its_reason(tmp_path: Path) -> None:
    """What failed in quarantine fails nothing, is marked as suppressed and says why."""
    entry = QuarantineRecord(
        kind="guard",
        id="bad",
        owner="ada",
        reason="fails on this machine",
        expires="2026-12-01",
        clean_runs=3,
        state="active",
        outcome="failed",
        clean=0,
    )
    guards = tuple(reports.guard(name, Verdict.RED) for name in ("bad", "worse"))
    made = reports.record(guards=guards, quarantine=(entry,))

    results = _run(reports.write(tmp_path / "hubs", made))["results"]

    by_rule = {result["ruleId"]: result for result in results}
    assert by_rule["worse"]["level"] == "error"
    assert "suppressions" not in by_rule["worse"]
    assert by_rule["bad"]["level"] == "note"
    assert by_rule["bad"]["suppressions"][0]["justification"] == "fails on this machine"


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    """No control character, no link, and nothing the schema refuses comes from foreign text."""
    hostile = "\x1b[31m<b>[run](https://example.org)\n::error::\u202e {0}"
    guard = replace(reports.guard(hostile, Verdict.RED), reason=hostile, remedy=hostile)
    stage = reports.stage("train", 0, verdict=Verdict.RED, outcome="failed", reason=hostile)
    made = reports.record(guards=(guard,), stages=(stage,), suite="x", reason=hostile)

    run = _run(reports.write(tmp_path / "hubs", made))

    messages = [r["message"]["text"] for r in run["results"]]
    messages += [rule["help"]["text"] for rule in run["tool"]["driver"]["rules"]]
    assert len(messages) == 4
    assert not [words for words in messages if "](" in words]
    assert not {"\x1b", "\u202e"} & set(json.dumps(run, ensure_ascii=False))


def test_results_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many results the gravest stay, and the number of the rest is told."""
    monkeypatch.setattr(sarif, "RESULTS", 20)
    count = sarif.RESULTS + 7
    guards = [reports.guard(f"w{i}", Verdict.RED, severity="warn") for i in range(count)]
    made: HubRecord = reports.record(guards=(*guards, reports.guard("bad", Verdict.RED)))
    results = [
        findings.Finding(
            rule=g.id,
            level=findings.level_of(g),
            message="m",
            place=findings.Place("harness.toml"),
            fingerprint=sha256_bytes(g.id.encode()),
        )
        for g in made.guards
    ]

    run = json.loads(sarif.render(made, results))["runs"][0]

    assert len(run["results"]) == sarif.RESULTS
    assert run["results"][0]["ruleId"] == "bad"
    assert run["properties"]["resultsLeftOut"] == 8


def test_command_writes_the_file(failed: sealed.Store, tmp_path: Path) -> None:
    """``harness report --format sarif`` writes what code scanning is given."""
    target = tmp_path / "harness.sarif"
    argv = ["-C", str(failed.root), "report", "--hub", "latest", "--format", "sarif"]

    assert main.main([*argv, "--output", str(target)]) == 0

    assert list(sarif_facts.faults(json.loads(target.read_text()))) == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda log: log["runs"][0].update(extra=1), "$.runs[0].extra"),
        (lambda log: log.pop("version"), "$.version"),
        (lambda log: log["runs"][0]["results"][0].update(level="red"), "level"),
        (lambda log: log["runs"][0]["results"][0].pop("message"), "message"),
    ],
)
def test_the_facts_refuse(failed: sealed.Store, change: Any, where: str) -> None:
    """The judge of these tests finds an unknown key, a missing one and a wrong word."""
    record = read_record(failed.hub)
    log = json.loads(sarif.render(record, findings.read_findings(failed.hub, record)))
    change(log)

    assert any(where in problem for problem in sarif_facts.faults(log))
