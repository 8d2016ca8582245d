"""A run as plain text for a terminal: tables, verdicts and comparisons."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.evidence.hub import stamp
from harness.judgement import quarantine
from harness.records import GuardResult, HubRecord, StageRecord
from harness.reporting import reasons, text
from harness.verdict import Verdict

if TYPE_CHECKING:  # a table does without what compares two runs
    from harness.reporting.changes import Changes

_CODES = {Verdict.GREEN: "32", Verdict.INCONCLUSIVE: "33", Verdict.RED: "31"}
_MOVED_SHOWN = 20
_NAMED = 5
_WIDEST_CELL = 44
_WIDEST_LINE = 150
_CAUSES_SHOWN, _STAGES_SHOWN = 3, 5


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
        return self.paint(label, _CODES[verdict])

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


def final(record: HubRecord, hub: str, palette: Palette) -> str:
    """Write what stands on the terminal after a run: stages, guards, verdict, hub, next.

    A run that is not green says its causes instead of its guards, and fits on one screen.
    """
    lead_reasons = reasons.list_reasons(record)
    parts = [stages(record.stages, palette, few=bool(lead_reasons))]
    if lead_reasons or record.verdict is not Verdict.GREEN:
        parts.append(describe_causes(record, palette))
    elif record.guards:
        parts.append(guards(record.guards, palette))
        parts.append(remedies(record.guards, palette))
    parts.append(left_out(record, palette))
    verdict = palette.verdict(record.verdict, text.describe_verdict(record).upper())
    reason = f"  {text.visible(record.reason)}" if record.reason and not lead_reasons else ""
    closing = [
        f"{verdict}  {record.suite}  {text.duration(record.duration_s)}{reason}",
        *_notes(record),
        f"hub   {hub}",
        f"next  {_next(record, hub)}",
    ]
    return "\n\n".join(p for p in [*parts, "\n".join(closing)] if p)


def _notes(record: HubRecord) -> list[str]:
    """Say what a verdict does not show: a source without a commit, files nobody declared."""
    lines = [] if record.stamp.commit != stamp.NONE else ["no commit vouches for the source"]
    if paths := sorted({path for stage in record.stages for path in stage.undeclared}):
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        lines.append(f"read, not declared: {', '.join(paths[:_NAMED])}{more}")
    return [f"note  {text.visible(line)}" for line in lines]


def describe_causes(record: HubRecord, palette: Palette) -> str:
    """Write why a run is not green: causes with remedies, what follows, what is not judged."""
    causes = reasons.list_reasons(record)
    lines = []
    for number, reason in enumerate(causes[:_CAUSES_SHOWN]):
        label = "first cause" if number == 0 and len(causes) > 1 else "cause"
        lines += _write_reason(label, reason, palette)
    if len(causes) > _CAUSES_SHOWN:
        lines.append(f"and {len(causes) - _CAUSES_SHOWN} more causes: see the report")
    unjudged = reasons.list_unjudged(record)
    for names, why in unjudged[:_CAUSES_SHOWN]:
        words = clip(text.visible(f"{names}: {why}"), _WIDEST_LINE)
        lines.append(f"{palette.paint('not judged', '33')}  {words}")
    if len(unjudged) > _CAUSES_SHOWN:
        lines.append(f"and {len(unjudged) - _CAUSES_SHOWN} more reasons: see the report")
    return "\n".join([*lines, *_count_guards(record, palette)])


def _write_reason(label: str, reason: reasons.Reason, palette: Palette) -> list[str]:
    sentence = clip(text.visible(reason.sentence), _WIDEST_LINE)
    mark = palette.paint(label, _CODES[reason.cause.verdict])
    lines = [f"{mark}  {palette.bold(sentence)}"]
    for lead, words in (("", reason.also), ("→ ", reason.remedy)):
        if words:
            lines.append(f"  {lead}{clip(text.visible(words), _WIDEST_LINE)}")
    return lines


def _count_guards(record: HubRecord, palette: Palette) -> list[str]:
    """Name the guards that only warn, and count those that are green."""
    warned = [guard.id for guard in record.guards if _is_warning(guard)]
    names = ", ".join(warned[:_CAUSES_SHOWN]) + (", …" if len(warned) > _CAUSES_SHOWN else "")
    lines = [f"{palette.paint('warned', '33')}  {names}"] if warned else []
    green = sum(guard.verdict is Verdict.GREEN for guard in record.guards)
    count = f"{green} of {len(record.guards)} guards are green"
    return [*lines, palette.soft(count)] if record.guards else lines


def _is_warning(guard: GuardResult) -> bool:
    return guard.verdict is Verdict.RED and guard.severity != "fail"


def _next(record: HubRecord, hub: str) -> str:
    command = text.next_commands(record)[0]
    return f"harness verify --hub {hub}" if command.startswith("harness verify") else command


def stages(made: Sequence[StageRecord], palette: Palette, *, few: bool = False) -> str:
    """Write the stages with their durations and tests.

    Args:
        made: The stages.
        palette: Colours.
        few: Show a few only, those that did not pass before the others; a screen is short.
    """
    listed = list(made)
    if few and len(listed) > _STAGES_SHOWN:
        failed = [stage for stage in made if stage.verdict is not Verdict.GREEN]
        listed_ids = (failed + [s for s in made if s not in failed])[:_STAGES_SHOWN]
        listed = [stage for stage in made if stage in listed_ids]
    rows = []
    for stage in listed:
        took = text.duration(stage.duration_s)
        verdict = palette.verdict(stage.verdict, stage.outcome)
        note = clip(text.note(stage), _WIDEST_CELL) if few else text.note(stage)
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
    """Write reason and remedy of each guard that is not green."""
    lines = []
    for result in results:
        if result.verdict is not Verdict.GREEN:
            words = text.sentences(result.reason, result.remedy)
            lines.append(f"{palette.bold(result.id)}: {text.visible(words)}")
    return "\n".join(lines)


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
