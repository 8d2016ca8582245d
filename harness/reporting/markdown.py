"""A run as Markdown: what it is worth, what changed since the last one, what to type next."""

from __future__ import annotations

from collections.abc import Iterable

from harness.judgement import quarantine
from harness.records import HubRecord
from harness.reporting import changes, reasons, text
from harness.reporting.changes import Changes, Differs
from harness.reporting.view import HubView
from harness.verdict import Verdict

_ROWS_SHOWN = 25
_MOVED_SHOWN = 10
_DIGEST = 64


def summary(
    record: HubRecord, previous: HubRecord | None = None, compared: Changes | None = None
) -> str:
    """Write ``summary.md``: verdict, key numbers, changes since the last run, next command.

    Args:
        record: The run.
        previous: The run before it of the same suite.
        compared: Their comparison when it was made already; it may know the input files.
    """
    if compared is None and previous is not None:
        compared = changes.compare(previous, record)
    verdict = text.describe_verdict(record).upper()
    parts = [
        f"# {text.MARKS[record.verdict]} {verdict} — {cell(record.suite)}",
        *_facts(record),
        *_causes(record),
        *_left_out(record),
        "## Guards",
        *(_guards(record) or ["No guard judged this run."]),
        *_list_undeclared(record),
        *_list_members(record),
        "## Stages",
        *_stages(record),
        "## Changes since the last run",
        *(_changes(compared) if compared else ["There is no earlier run of this suite."]),
        "## Next",
        "```\n" + "\n".join(text.next_commands(record)) + "\n```",
    ]
    return "\n\n".join(parts) + "\n"


def of_view(view: HubView) -> str:
    """Write the summary of a hub, with the input files that changed."""
    made = summary(view.record, view.previous, view.changes)
    if view.rules is not None:
        rows = view.rules.rows
        differences = table(view.rules.head, rows) if rows else "No rule differs."
        made += f"\n## Change of rules\n\n{cell(view.rules.answer)}\n\n{differences}\n"
    accepted = "\n".join(f"- {cell(line)}" for line in view.accepted)
    return f"{made}\n## Accepted since\n\n{accepted}\n" if accepted else made


def comparison(compared: Changes) -> str:
    """Write what differs between two runs, the metrics that moved most first."""
    title = f"# {cell(compared.before)} → {cell(compared.after)}"
    return "\n\n".join([title, *_changes(compared)]) + "\n"


def cell(words: str) -> str:
    """Make foreign text safe inside a Markdown table or line: it is text, never markup."""
    safe = text.visible(words)
    for mark in "\\`|*_<>[]#":
        safe = safe.replace(mark, f"\\{mark}" if mark not in "<>" else _ENTITIES[mark])
    return safe


_ENTITIES = {"<": "&lt;", ">": "&gt;"}


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Write a Markdown table; every cell is foreign text."""
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(cell(word) for word in row)} |" for row in rows]
    return "\n".join(lines)


def _facts(record: HubRecord) -> list[str]:
    stamp = record.stamp
    dirty = ", with uncommitted changes" if stamp.dirty else ""
    run = f"Run {cell(record.run_id)}, {record.finished}, {text.duration(record.duration_s)}"
    branch = cell(stamp.branch or "no branch")
    lines = [f"{run}; commit `{stamp.commit[:12]}` on {branch}{dirty}."]
    if record.reason:
        lines.insert(0, f"**{cell(record.reason)}**")
    return lines


def _causes(record: HubRecord) -> list[str]:
    """Write the causes with their remedies, what follows folded, what was not judged."""
    items = []
    for number, reason in enumerate(reasons.list_reasons(record)):
        head = "First cause" if number == 0 else "Cause"
        sentence = text.sentences(f"**{head}:** {cell(reason.sentence)}", cell(reason.also))
        items.append(text.sentences(sentence, cell(reason.remedy)))
    items += [
        f"**Not judged:** {cell(names)}: {cell(why)}"
        for names, why in reasons.list_unjudged(record)
    ]
    return ["## Why", "\n".join(f"- {item}" for item in items)] if items else []


def _left_out(record: HubRecord) -> list[str]:
    """Write what the verdict leaves out, and what stands in quarantine."""
    lines = []
    if record.quarantine:
        rows = [
            (f"{e.kind} {e.id}", quarantine.status_of(e), e.owner, e.expires, e.reason)
            for e in record.quarantine
        ]
        head = ("what", "how it stands", "owner", "until", "reason")
        lines += ["## Quarantine", table(head, rows)]
    if again := quarantine.flaky(record):
        lines += ["## Flaky", "\n".join(f"- {cell(name)}" for name in again)]
    if chosen := text.list_selection(record.stages):
        lines += ["## Selection of tests", "\n".join(f"- {cell(line)}" for line in chosen)]
    return lines


def _list_undeclared(record: HubRecord) -> list[str]:
    """List what stages read and no input names: a change there would not be seen."""
    rows = [
        (cell(f"dataset {dataset.role}"), cell(path))
        for dataset in record.datasets
        for path in dataset.undeclared
    ]
    rows += [
        (cell(stage.id), cell(path)) for stage in record.stages for path in stage.undeclared
    ]
    return ["## Read, not declared", table(("stage", "file"), rows)] if rows else []


def _list_members(record: HubRecord) -> list[str]:
    """List the further runs that the verdict stands on, whatever became of each."""
    rows = [
        (cell(member.seed), cell(member.hub), cell(", ".join(member.failed)) or "—")
        for member in record.members
    ]
    return ["## Further runs", table(("seed", "hub", "failed in it"), rows)] if rows else []


def _guards(record: HubRecord) -> list[str]:
    listed, rest = text.fold(record.guards)
    if not listed and not rest:
        return []
    judged = [g for g in listed if g.verdict is not Verdict.INCONCLUSIVE]
    rows = [(g.id, g.found, g.expected, f"{text.MARKS[g.verdict]} {g.verdict}") for g in judged]
    mark = f"{text.MARKS[Verdict.INCONCLUSIVE]} not judged"
    rows += [(names, why, "", mark) for names, why in reasons.list_unjudged(record)]
    blocks = [table(("guard", "found", "expected", "verdict"), rows)]
    if rest:
        blocks.append(text.describe_folded(rest))
    warned = [g for g in judged if g.verdict is Verdict.RED and g.severity != "fail"]
    remedies = [f"- **{cell(g.id)}**: {cell(g.remedy)}" for g in warned]
    return [*blocks, "\n".join(remedies)] if remedies else blocks


def _stages(record: HubRecord) -> list[str]:
    rows = []
    for stage in record.stages:
        outcome = ": ".join(
            words for words in (stage.outcome, text.describe_reason(stage)) if words
        )
        tests = text.counts(stage.tests) or "—"
        rows.append((stage.id, outcome, text.duration(stage.duration_s), tests))
    return [table(("stage", "outcome", "duration", "tests"), rows)]


def _changes(compared: Changes) -> list[str]:
    before, now = compared.verdicts
    lines = [f"Compared with {cell(compared.before)} ({before} → {now})."]
    if compared.machine:
        lines.append(f"**Another numeric class:** {cell(compared.machine)}")
    if not compared.is_comparable:
        lines.append("**The datasets differ: the numbers cannot be compared.**")
    if compared.metrics:
        rows = [
            (
                f"{m.name} (red)" if m.is_broken else m.name,
                *(text.number(value) for value in (m.before, m.after, m.ratio, m.z)),
            )
            for m in compared.metrics[:_MOVED_SHOWN]
        ]
        lines.append(table(("metric", "before", "now", "ratio", "z"), rows))
    lines += text.describe_unmoved(compared.metrics_same, len(compared.metrics) - _MOVED_SHOWN)
    sections = (
        ("Files touched", compared.files or ()),
        ("Guards", compared.guards),
        ("Stages", compared.stages),
        ("Source and configuration", compared.source),
        ("Datasets", compared.datasets),
        ("Parameters", compared.parameters),
        ("Environment", compared.environment),
        ("Artifacts", compared.artifacts),
    )
    for title, rows_ in sections:
        lines += differences_section(title, rows_)
    return lines


def differences_section(title: str, rows: tuple[Differs, ...]) -> list[str]:
    """Write a section about texts that differ; nothing when none does."""
    if not rows:
        return []
    cells = [(r.name, _short(r.before), _short(r.after)) for r in rows[:_ROWS_SHOWN]]
    parts = [f"### {title}", table(("what", "before", "now"), cells)]
    if len(rows) > _ROWS_SHOWN:
        parts.append(f"{len(rows) - _ROWS_SHOWN} more.")
    return parts


def _short(word: str | None) -> str:
    if word is None:
        return "—"
    is_digest = len(word) == _DIGEST and all(c in "0123456789abcdef" for c in word)
    return word[:12] if is_digest else word
