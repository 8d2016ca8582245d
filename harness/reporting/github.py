"""A run for GitHub Actions: annotations as workflow commands, and a step summary.

Source: GitHub documentation, workflow commands (escaping of data and properties) and the limits
of annotations (ten of a kind for each step) and of a step summary (1 MiB).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.judgement import quarantine
from harness.records import GuardResult, HubRecord
from harness.reporting import reasons, text
from harness.reporting.findings import Place
from harness.verdict import Verdict

ANNOTATIONS = 10
MESSAGE = 2000
SUMMARY = 1 << 20
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
# In properties a colon and a comma end a value; in the text behind :: they are plain.
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}
_CUT = "\n\n… cut here: the whole report is in the hub.\n"


def commands(record: HubRecord) -> str:
    """Write workflow commands: an error for each cause, warnings for what only warns."""
    failing = [*_causes(record), *_list_unjudged(record)]
    warned = [g for g in record.guards if g.severity != "fail"]
    warnings = [
        *_left_out(record),
        *(_describe_guard(one) for one in warned if one.verdict is not Verdict.GREEN),
    ]
    lines = [*_commands("error", failing), *_commands("warning", warnings)]
    said = f"{record.suite}: {record.verdict}, {record.reason}"
    lines.append(f"::notice title={_property(record.run_id)}::{_data(said)}")
    return "\n".join(lines) + "\n"


def notice(title: str, said: str) -> str:
    """Write a notice."""
    return f"::notice title={_property(title)}::{_data(said)}"


def write_annotations(messages: Iterable[tuple[str, Place, str, str]]) -> list[str]:
    """Write annotations (kind, place, title, words), of each kind as many as are shown."""
    lines: list[str] = []
    by_kind: dict[str, list[tuple[Place, str, str]]] = {}
    for kind, place, title, said in messages:
        by_kind.setdefault(kind, []).append((place, title, said))
    for kind, group in by_kind.items():
        # The eleventh is dropped by GitHub without a word: the last place says how many there
        # are.
        listed = group if len(group) <= ANNOTATIONS else group[: ANNOTATIONS - 1]
        for place, title, said in listed:
            where = f"file={_property(place.path)},line={place.line}"
            lines.append(f"::{kind} {where},title={_property(title)}::{_data(said)}")
        if len(group) > len(listed):
            rest = ", ".join(title for _, title, _ in group[len(listed) :])
            lines.append(f"::{kind} title={len(group) - len(listed)} more::{_data(rest)}")
    return lines


def _left_out(record: HubRecord) -> Iterator[tuple[str, str]]:
    """Tell what did not count, what counts again, and what passed only when run again."""
    for entry in record.quarantine:
        if entry.is_waived or entry.state != quarantine.ACTIVE:
            stands = quarantine.status_of(entry)
            yield (
                f"quarantine: {quarantine.describe(entry)}",
                f"{stands}. {entry.reason}",
            )
    for name in quarantine.flaky(record):
        yield f"flaky: {name}", "It did not pass at once."


def summary(markdown: str) -> str:
    """Cut a Markdown report to what a step summary takes, at a line's end, and say so."""
    content = markdown.encode(errors="backslashreplace")
    if len(content) <= SUMMARY:
        return markdown
    head = content[: SUMMARY - len(_CUT.encode())]
    # At the end of a line, or half a table row would spoil all that is shown of it.
    return head[: head.rfind(b"\n") + 1].decode(errors="ignore") + _CUT


def _causes(record: HubRecord) -> Iterator[tuple[str, str]]:
    """Say each cause once, with its remedy and how much follows from it."""
    for number, reason in enumerate(reasons.list_reasons(record)):
        stage = next((s for s in record.stages if s.id == reason.cause.stage), None)
        log = "" if stage is None or not stage.log else f"See {stage.log} in the hub."
        words = (
            reason.sentence,
            reason.also,
            reason.remedy,
            "" if reason.cause.guards else log,
        )
        head = "first cause" if number == 0 else "cause"
        yield f"{head}: {reason.cause.verdict}", text.sentences(*words)


def _list_unjudged(record: HubRecord) -> Iterator[tuple[str, str]]:
    for names, why in reasons.list_unjudged(record):
        yield "not judged", f"{names}: {why}"


def _describe_guard(result: GuardResult) -> tuple[str, str]:
    pair = f"found {result.found}; expected {result.expected}"
    said = text.sentences(pair, result.reason, text.remedy_of(result))
    return f"{result.id}: {result.verdict}", said


def _commands(kind: str, messages: list[tuple[str, str]]) -> Iterator[str]:
    listed = messages if len(messages) <= ANNOTATIONS else messages[: ANNOTATIONS - 1]
    for title, said in listed:
        yield f"::{kind} title={_property(title)}::{_data(said)}"
    if len(messages) > len(listed):
        rest = ", ".join(title for title, _ in messages[len(listed) :])
        yield f"::{kind} title={len(messages) - len(listed)} more::{_data(rest)}"


def _data(said: str) -> str:
    clean = " ".join(text.visible(said).split())
    return _escape(clean if len(clean) <= MESSAGE else clean[: MESSAGE - 1] + "…", _DATA)


def _property(said: str) -> str:
    return _escape(text.visible(said)[:200], _PROPERTY)


def _escape(said: str, marks: dict[str, str]) -> str:
    return "".join(marks.get(letter, letter) for letter in said)
