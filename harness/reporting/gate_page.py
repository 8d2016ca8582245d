"""The answer of a gate for every reader: Markdown, annotations, SARIF, JSON, one HTML page.

A renderer reads nothing: where a rule is declared is found by whoever calls it.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from typing import Any

from harness import __version__
from harness.files import sha256_bytes
from harness.judgement.gate.difference import Change
from harness.judgement.gate.report import GateReport, RuleChange
from harness.judgement.verify.report import Outcome, Row
from harness.reporting import github, markdown, sarif, text
from harness.reporting.findings import Place
from harness.reporting.view import RuleTable

HEAD = ("rule", "was", "is", "class", "who", "why")
MARKS = {Change.WEAKER: "✗", Change.OTHER: "·", Change.STRICTER: "✓", Change.EQUAL: "="}
_ROWS_LISTED = 200
_GOOD = (Outcome.PASSED, Outcome.NOTE)
FindPlace = Callable[[str], Place]


def say_class(change: RuleChange) -> str:
    """Write the class of a difference, and whether it is waived."""
    word = change.difference.change.value
    is_weaker = change.difference.change is Change.WEAKER
    waived = " (waived)" if is_weaker and not change.is_refused else ""
    return f"{MARKS[change.difference.change]} {word}{waived}"


def make_rows(changes: Sequence[RuleChange]) -> list[tuple[str, ...]]:
    """Make the reviewer's table: what was, what is, its class, who answers for it, why."""
    rows = []
    for change in changes:
        difference = change.difference
        who = change.who or ("nobody" if change.is_refused else "")
        cells = (
            difference.rule,
            difference.was,
            difference.now,
            say_class(change),
            who,
            change.reason,
        )
        rows.append(tuple(text.visible(cell) for cell in cells))
    return rows


def conclude(report: GateReport) -> str:
    """Say in one line what the gate answers."""
    names = ", ".join(report.hubs) or "no hub that holds"
    if report.refused_changes:
        count = len(report.refused_changes)
        what = f"{count} rule{'' if count == 1 else 's'} weaker than at {report.base}"
        return f"refused: {what}, waived by nobody; {names}"
    if report.exit_code:
        return f"{report.worst.value}: judged by the rules of {report.base}; {names}"
    return f"passed: by the rules of {report.base} and by its own; {names}"


def make_table(report: GateReport) -> RuleTable:
    """Make the reviewer's table for a page about the hub."""
    mark = "✓" if report.exit_code == 0 else "✗"
    return RuleTable(
        answer=f"{mark} {text.visible(conclude(report))}",
        is_refused=report.exit_code != 0,
        head=HEAD,
        rows=tuple(make_rows(report.changes)),
    )


def render_markdown(report: GateReport) -> str:
    """Write the answer for a comment or a step summary."""
    mark = "✓" if report.exit_code == 0 else "✗"
    commits = f"Base `{report.commit[:12]}`, change `{report.head[:12]}`."
    parts = [f"# {mark} Gate {markdown.cell(conclude(report))}", commits, "## Rules"]
    if report.changes:
        parts.append(markdown.table(HEAD, make_rows(report.changes[:_ROWS_LISTED])))
        if len(report.changes) > _ROWS_LISTED:
            parts.append(f"{len(report.changes) - _ROWS_LISTED} more.")
    else:
        parts.append("No rule differs.")
    bad = [row for row in report.rows if row.outcome is not Outcome.PASSED]
    if bad:
        rows = [(r.check, r.outcome.value, r.found, r.expected) for r in bad]
        parts += ["## Checks", markdown.table(("check", "outcome", "found", "expected"), rows)]
    remedies = dict.fromkeys(r.remedy for r in bad if r.remedy and r.outcome not in _GOOD)
    if remedies:
        parts.append("\n".join(f"- {markdown.cell(remedy)}" for remedy in remedies))
    return "\n\n".join(parts) + "\n"


def render_commands(report: GateReport, place: FindPlace) -> str:
    """Write annotations as workflow commands, each on the line that declares its rule."""
    messages: list[tuple[str, Place, str, str]] = []
    for change in report.changes:
        difference = change.difference
        if difference.change is Change.WEAKER:
            kind = "error" if change.is_refused else "warning"
            who = change.who or "waived by nobody"
            said = f"{difference.was} → {difference.now}: {change.reason} ({who})"
            messages.append((kind, place(difference.rule), f"weaker: {difference.rule}", said))
    for row in report.rows:
        if row.outcome not in _GOOD:
            said = text.sentences(f"{row.found}; expected {row.expected}", row.remedy)
            messages.append(("error", place(""), row.check, said))
    lines = github.write_annotations(messages)
    lines.append(github.notice("harness gate", conclude(report)))
    return "\n".join(lines) + "\n"


def render_sarif(report: GateReport, place: FindPlace) -> str:
    """Write SARIF 2.1.0: one result for each weaker rule and each check that does not hold."""
    results = [_result(change, place) for change in report.changes if _is_weaker(change)]
    results += [_check(row, place) for row in report.rows if row.outcome not in _GOOD]
    rules = [
        {"id": id_, "shortDescription": {"text": said}}
        for id_, said in (
            ("gate/weaker", "A rule is weaker than at the base."),
            ("gate/check", "A check of the gate does not hold."),
        )
    ]
    driver = {"name": "ptycho-harness", "semanticVersion": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "gate/"},
        "invocations": [{"executionSuccessful": True, "exitCode": report.exit_code}],
        "columnKind": "unicodeCodePoints",
        "results": results[: sarif.RESULTS],
    }
    log = {"$schema": sarif.SCHEMA, "version": sarif.VERSION, "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _is_weaker(change: RuleChange) -> bool:
    return change.difference.change is Change.WEAKER


def _result(change: RuleChange, place: FindPlace) -> dict[str, Any]:
    difference = change.difference
    said = f"{difference.rule}: {difference.was} → {difference.now}. {change.reason}"
    level = "error" if change.is_refused else "note"
    result = _place_result(
        "gate/weaker", 0, level, said, place(difference.rule), difference.rule
    )
    if not change.is_refused:
        result["suppressions"] = [
            {"kind": "external", "justification": text.visible(change.who)}
        ]
    return result


def _check(row: Row, place: FindPlace) -> dict[str, Any]:
    said = f"{row.check}: {row.found}; expected {row.expected}. {row.remedy}"
    return _place_result("gate/check", 1, "error", said, place(""), f"{row.check} {row.found}")


def _place_result(
    rule: str, index: int, level: str, said: str, place: Place, identity: str
) -> dict[str, Any]:
    mark = sha256_bytes(f"{rule}\0{identity}".encode())
    return {
        "ruleId": rule,
        "ruleIndex": index,
        "level": level,
        "message": {"text": sarif.plain(said)},
        "locations": [{"physicalLocation": sarif.location(place)}],
        "partialFingerprints": {
            sarif.FINGERPRINT: mark,
            "primaryLocationLineHash": f"{mark[:16]}:1",
        },
    }


def make_json(report: GateReport) -> dict[str, Any]:
    """Make the answer as JSON."""
    return {
        "base": {"revision": report.base, "commit": report.commit},
        "head": report.head,
        "hubs": list(report.hubs),
        "outcome": report.worst.value,
        "exit_code": report.exit_code,
        "counts": report.counts,
        "refused": len(report.refused_changes),
        "rules": [
            {
                "rule": change.difference.rule,
                "was": change.difference.was,
                "is": change.difference.now,
                "class": change.difference.change.value,
                "why": change.difference.why,
                "refused": change.is_refused,
                "waiver": _waiver(change),
            }
            for change in report.changes
        ],
        "rows": [
            {
                "check": row.check,
                "outcome": row.outcome.value,
                "found": row.found,
                "expected": row.expected,
                "remedy": row.remedy,
            }
            for row in report.rows
        ],
    }


def _waiver(change: RuleChange) -> dict[str, Any] | None:
    if change.waiver is None:
        return None
    said = change.waiver.waiver
    return {
        "file": change.waiver.file,
        "counts": change.waiver.counts,
        "standing": change.waiver.message,
        "reason": said.reason,
        "author": said.author,
        "until": said.until or None,
    }


def render_html(report: GateReport) -> str:
    """Write one self-contained page: no network, no script; all foreign text is escaped."""
    rules = _html_table(HEAD, make_rows(report.changes))
    checks = [(r.check, r.outcome.value, r.found, r.expected, r.remedy) for r in report.rows]
    head = ("check", "outcome", "found", "expected", "remedy")
    body = [
        f"<h1>{html.escape(text.visible(conclude(report)))}</h1>",
        f"<p>Base {report.commit[:12]}, change {report.head[:12]}.</p>",
        "<h2>Rules</h2>",
        rules if report.changes else "<p>No rule differs.</p>",
        "<h2>Checks</h2>",
        _html_table(head, checks),
    ]
    style = (
        "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color-scheme:light dark}"
        "table{border-collapse:collapse}th,td{padding:.3rem .6rem;text-align:left;"
        "border-bottom:1px solid #8886;vertical-align:top;overflow-wrap:anywhere}"
    )
    top = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Gate</title><style>{style}</style></head><body>"
    )
    return top + "\n".join(body) + "</body></html>\n"


def _html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    heads = "".join(f'<th scope="col">{html.escape(word)}</th>' for word in head)
    lines = [
        "<tr>" + "".join(f"<td>{html.escape(text.visible(c))}</td>" for c in row) + "</tr>"
        for row in rows
    ]
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
