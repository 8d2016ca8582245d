"""A run as plain text for a terminal: tables, verdicts and comparisons."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.frozen import dataclass
from harness.judgement import quarantine
from harness.records import GuardResult, HubRecord, StageRecord
from harness.reporting import text
from harness.verdict import Verdict

if TYPE_CHECKING:  # a table does without what compares two runs
    from harness.reporting.changes import Changes

CODES = {Verdict.GREEN: "32", Verdict.INCONCLUSIVE: "33", Verdict.RED: "31"}
_MOVED_SHOWN = 20
_WIDEST_CELL = 44


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a terminal, or none."""

    is_on: bool

    def paint(self, words: str, code: str) -> str:
        """Colour words by an SGR code."""
        return f"\x1b[{code}m{words}\x1b[0m" if self.is_on and words else words

    def verdict(self, verdict: Verdict, words: str | None = None) -> str:
        """Write a verdict with its mark; the mark says it without colour."""
        label = f"{text.MARKS[verdict]} {words or verdict.value}"
        return self.paint(label, CODES[verdict])

    def bold(self, words: str) -> str:
        """Emphasise words."""
        return self.paint(words, "1")

    def soft(self, words: str) -> str:
        """Make words step back."""
        return self.paint(words, "2")


def width(words: str) -> int:
    """Return how many columns words take; colour takes none, wide characters take two."""
    columns, inside = 0, False
    for c in words:
        if inside:
            inside = c != "m"
        elif c == "\x1b":
            inside = True
        elif not unicodedata.combining(c):
            columns += 2 if unicodedata.east_asian_width(c) in "WF" else 1
    return columns


def clip(words: str, columns: int) -> str:
    """Cut uncoloured words to a width, marking the cut."""
    if width(words) <= columns:
        return words
    clipped = words[: max(0, columns - 1)]
    while width(clipped) > columns - 1 and clipped:
        clipped = clipped[:-1]
    return clipped + "…"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], palette: Palette) -> str:
    """Align rows below a head; cells may be coloured."""
    columns = range(len(head))
    wide = [max(width(row[i]) for row in [head, *rows]) for i in columns]

    def line(row: Sequence[str]) -> str:
        cells = (row[i] + " " * (wide[i] - width(row[i])) for i in columns)
        return "  ".join(cells).rstrip()

    return "\n".join([palette.soft(line(head)), *(line(row) for row in rows)])


def stages(made: Sequence[StageRecord], palette: Palette, *, most: int | None = None) -> str:
    """Write the stages with their durations and tests.

    Args:
        made: The stages.
        palette: Colours.
        most: Show so many, those that did not pass before the others; a screen is short.
    """
    listed = list(made)
    if most is not None and len(listed) > most:
        failed = [stage for stage in made if stage.verdict is not Verdict.GREEN]
        listed_ids = (failed + [s for s in made if s not in failed])[:most]
        listed = [stage for stage in made if stage in listed_ids]
    rows = []
    for stage in listed:
        took = text.duration(stage.duration_s)
        verdict = palette.verdict(stage.verdict, stage.outcome)
        note = text.note(stage) if most is None else clip(text.note(stage), _WIDEST_CELL)
        rows.append((stage.id, verdict, took, note))
    written = table(("stage", "outcome", "duration", ""), rows, palette)
    more = len(made) - len(listed)
    return written + (f"\n{palette.soft(f'and {more} more')}" if more else "")


def guards(results: Sequence[GuardResult], palette: Palette) -> str:
    """Write the verdict table: guard, value, expected, verdict."""
    listed, rest = text.fold(results)
    rows = [
        (
            result.id + ("" if result.severity == "fail" else f" ({result.severity})"),
            clip(text.visible(result.found), _WIDEST_CELL),
            clip(text.visible(result.expected), _WIDEST_CELL),
            palette.verdict(result.verdict),
        )
        for result in listed
    ]
    written = table(("guard", "value", "expected", "verdict"), rows, palette)
    return "\n".join(
        part for part in (written, palette.soft(text.describe_folded(rest))) if part
    )


def remedies(results: Sequence[GuardResult], palette: Palette) -> str:
    """Write the reason of each guard that is not green, and the remedy of a red one."""
    lines = []
    for result in results:
        if result.verdict is not Verdict.GREEN:
            words = text.sentences(result.reason, text.remedy_of(result))
            lines.append(f"{palette.bold(result.id)}: {text.visible(words)}")
    return "\n".join(lines)


def comparison(compared: Changes, palette: Palette) -> str:
    """Write what differs between two runs, the metrics that moved most first."""
    before, after = compared.verdicts
    head = f"{compared.before} {palette.verdict(before)}  →  {compared.after} "
    parts = [head + palette.verdict(after)]
    if compared.machine:
        parts.append(f"Another numeric class: {text.visible(compared.machine)}")
    if not compared.is_comparable:
        parts.append("The datasets differ: the numbers cannot be compared.")
    if compared.metrics:
        rows = [
            (
                f"{m.name} (red)" if m.is_broken else m.name,
                text.number(m.before),
                text.number(m.after),
                _times(m.ratio),
                text.number(m.z),
            )
            for m in compared.metrics[:_MOVED_SHOWN]
        ]
        parts.append(table(("metric", "before", "now", "ratio", "z"), rows, palette))
    parts += text.describe_unmoved(compared.metrics_same, len(compared.metrics) - _MOVED_SHOWN)
    sections = (
        ("guard", compared.guards),
        ("stage", compared.stages),
        ("input file", compared.files or ()),
        ("source", compared.source),
        ("dataset", compared.datasets),
        ("parameter", compared.parameters),
        ("environment", compared.environment),
        ("artifact", compared.artifacts),
    )
    for title, differing in sections:
        if differing:
            cells = [(text.visible(d.name), _cell(d.before), _cell(d.after)) for d in differing]
            parts.append(table((title, "before", "now"), cells, palette))
    return "\n\n".join(parts)


def _times(ratio: float | None) -> str:
    return "—" if ratio is None else f"×{text.number(ratio)}"


def _cell(word: str | None) -> str:
    return "—" if word is None else clip(text.visible(word), 24)


def left_out(record: HubRecord, palette: Palette) -> str:
    """Write what stands in quarantine, what passed when run again, and who chose tests."""
    lines = []
    for entry in record.quarantine:
        words = f"{quarantine.describe(entry)} {quarantine.status_of(entry)}. {entry.reason}"
        lines.append(f"{palette.paint('quarantine', '33')}  {text.visible(words)}")
    mark = palette.paint("flaky", "33")
    lines += [f"{mark}       {text.visible(name)}" for name in quarantine.flaky(record)]
    mark = palette.paint("selection", "33")
    lines += [f"{mark}   {text.visible(one)}" for one in text.list_selection(record.stages)]
    return "\n".join(lines)
