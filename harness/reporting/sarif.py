"""A run as SARIF: what is wrong, where in the repository, for code scanning and editors.

Guards are rules with their remedy as help; each cause and each test that failed is a result
whose fingerprint is the signature of its blocker, so that the same cause is the same alert.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0, sections 3.13 to 3.52; GitHub
documentation, SARIF support for code scanning (properties read, 5,000 results shown).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from harness import __version__
from harness.records import GuardResult, HubRecord
from harness.reporting import findings, text
from harness.reporting.findings import Finding, Place
from harness.verdict import Verdict

VERSION = "2.1.0"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "harnessBlocker/v1"
RESULTS = 5000
_ROOT = "%SRCROOT%"
_ORDER = ("error", "warning", "note")
_EXIT = {Verdict.GREEN: 0, Verdict.RED: 1, Verdict.INCONCLUSIVE: 3}


def render(record: HubRecord, results: Sequence[Finding]) -> str:
    """Write one run of SARIF 2.1.0; a green run has no result, which closes its alerts.

    Args:
        record: The run.
        results: What is wrong with it; the gravest are kept where there are too many.
    """
    listed = sorted(results, key=lambda finding: _ORDER.index(finding.level))[:RESULTS]
    rules = _rules(record, listed)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "ptycho-harness",
                "semanticVersion": __version__,
                "rules": rules,
            }
        },
        # Up to the last slash it is the category that keeps suites apart.
        "automationDetails": {"id": f"{text.visible(record.suite)}/{record.run_id}"},
        "invocations": [_invocation(record)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, index) for finding in listed],
        "properties": {
            "verdict": record.verdict.value,
            "reason": text.visible(record.reason),
            "commit": record.stamp.commit,
            "dirty": record.stamp.dirty,
            "resultsLeftOut": len(results) - len(listed),
        },
    }
    log = {"$schema": SCHEMA, "version": VERSION, "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _invocation(record: HubRecord) -> dict[str, Any]:
    interrupted = any(stage.outcome == "interrupted" for stage in record.stages)
    return {
        "executionSuccessful": not interrupted,
        "exitCode": _EXIT[record.verdict],
        "startTimeUtc": record.started,
        "endTimeUtc": record.finished,
    }


def _rules(record: HubRecord, listed: Sequence[Finding]) -> list[dict[str, Any]]:
    """Describe every declared guard, and what else has a result."""
    guards, _ = text.fold(record.guards)
    rules = {guard.id: _of_guard(guard, record.suite) for guard in guards}
    for finding in listed:
        if finding.rule not in rules:
            rules[finding.rule] = _of_other(finding.rule, record.suite)
    return list(rules.values())


def _of_guard(guard: GuardResult, suite: str) -> dict[str, Any]:
    level = findings.level_of(guard)
    judged = f" of {guard.metric}" if guard.metric else ""
    return _rule(
        guard.id,
        f"Guard {guard.id}",
        f"Guard {guard.id} ({guard.kind}{judged}) expects {guard.expected}.",
        guard.remedy,
        level=level,
        tags=[suite, guard.kind, *guard.policies],
    )


def _of_other(rule: str, suite: str) -> dict[str, Any]:
    kind, _, stage = rule.partition("/")
    words = {
        findings.STAGE: (f"Stage {stage}", "Read the end of its log in the hub."),
        findings.TEST: (f"Test of stage {stage}", "Make the test pass, or mend what it tests."),
    }
    short, help_ = words.get(kind, (rule, "See the report of the hub."))
    if kind == findings.UNJUDGED:
        short, help_ = "Every guard", "Mend what kept the guards from being judged."
        return _rule(
            rule, "Not judged", "Every guard is judged.", help_, level="note", tags=[suite]
        )
    return _rule(rule, short, f"{short} passes.", help_, level="error", tags=[suite, kind])


def _rule(
    id_: str, short: str, full: str, help_: str, *, level: str, tags: list[str]
) -> dict[str, Any]:
    return {
        "id": text.visible(id_),
        "shortDescription": {"text": plain(short)},
        "fullDescription": {"text": plain(full)},
        "help": {"text": plain(help_)},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": [text.visible(tag) for tag in dict.fromkeys(tags)]},
    }


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    rule = text.visible(finding.rule)
    result: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": index[rule],
        "level": finding.level,
        "message": {"text": plain(finding.message)},
        "locations": [{"physicalLocation": location(finding.place)}],
        # Code scanning matches alerts by the second of these alone.
        "partialFingerprints": {
            FINGERPRINT: finding.fingerprint,
            "primaryLocationLineHash": f"{finding.fingerprint[:16]}:1",
        },
    }
    if finding.excuse is not None:
        excuse = text.visible(finding.excuse)
        result["suppressions"] = [{"kind": "external", "justification": excuse}]
    if finding.evidence is not None:
        result["properties"] = {"log": text.visible(finding.evidence)}
    return result


def location(place: Place) -> dict[str, Any]:
    """Write a place as a physical location below the root of the sources."""
    return {
        "artifactLocation": {"uri": quote(place.path), "uriBaseId": _ROOT},
        "region": {
            "startLine": place.line,
            "startColumn": 1,
            "endLine": place.line,
            "endColumn": place.width + 1,
        },
    }


def plain(words: str) -> str:
    """Return text that no viewer takes for a link."""
    # Viewers take [text](target) in messages for a link: a test's name must not make one.
    return text.visible(words).replace("](", "] (")
