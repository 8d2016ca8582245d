"""What stands on a terminal after a run; whatever went wrong, it fits on one screen."""

from __future__ import annotations

from collections.abc import Sequence

from harness.evidence.hub import stamp
from harness.frozen import dataclass
from harness.records import GuardResult, HubRecord
from harness.reporting import reasons, terminal, text
from harness.reporting.terminal import Palette
from harness.verdict import Verdict

ROWS, COLUMNS = 24, 80
_NAMED, _CAUSES_SHOWN = 5, 3
_NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Room:
    """How much of each list is shown, and at which width [columns] its lines end.

    ``is_brief`` leaves remedies to the first cause.
    """

    causes: int
    stages: int
    others: int
    width: int = 150
    is_brief: bool = False


# From all that helps to what nobody can do without: the first that fits is taken.
ROOMS = (
    Room(causes=3, stages=5, others=5),
    Room(causes=3, stages=5, others=3, is_brief=True),
    Room(causes=2, stages=3, others=2, width=COLUMNS, is_brief=True),
    Room(causes=1, stages=1, others=1, width=COLUMNS, is_brief=True),
)


def final(record: HubRecord, hub: str, palette: Palette) -> str:
    """Write what stands on the terminal after a run: stages, guards, verdict, hub, next.

    A run that is not green says its causes instead of its guards, and fits on one screen.
    """
    lead_reasons = reasons.list_reasons(record)
    if record.verdict is Verdict.GREEN and not lead_reasons:
        parts = [terminal.stages(record.stages, palette)]
        if record.guards:
            parts.append(terminal.guards(record.guards, palette))
            parts.append(terminal.remedies(record.guards, palette))
        return _join([*parts, terminal.left_out(record, palette), _close(record, hub, palette)])
    written = ""
    for room in ROOMS:
        written = _write(record, hub, palette, room)
        if count_rows(written) <= ROWS:
            break
    return written


def _write(record: HubRecord, hub: str, palette: Palette, room: Room) -> str:
    parts = [
        terminal.stages(record.stages, palette, most=room.stages),
        describe_causes(record, palette, room),
        _fold(terminal.left_out(record, palette), room),
        _close(record, hub, palette),
    ]
    return _join(parts)


def count_rows(words: str) -> int:
    """Return how many rows of a terminal of 80 columns a text takes."""
    return sum(max(1, -(-terminal.width(line) // COLUMNS)) for line in words.splitlines())


def _join(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part)


def _fold(words: str, room: Room) -> str:
    """Keep the first lines, none of them long, and count the others."""
    lines = words.splitlines()
    clipped = [terminal.clip(line, room.width) for line in lines[: room.others]]
    if len(lines) > room.others:
        clipped.append(f"and {len(lines) - room.others} more: see the report")
    return "\n".join(clipped)


def _close(record: HubRecord, hub: str, palette: Palette) -> str:
    """Write the verdict, notes, the hub and what to type next."""
    is_told = bool(reasons.list_reasons(record))
    verdict = palette.verdict(record.verdict, text.describe_verdict(record).upper())
    reason = "" if is_told else f"  {text.visible(record.reason)}"
    if record.verdict is not Verdict.GREEN:
        reason = terminal.clip(reason, ROOMS[0].width)
    lines = [
        f"{verdict}  {record.suite}  {text.duration(record.duration_s)}{reason}".rstrip(),
        *_notes(record),
        f"hub   {hub}",
        f"next  {_next(record, hub)}",
    ]
    return "\n".join(lines)


def _notes(record: HubRecord) -> list[str]:
    """Say what a verdict does not show: a source without a commit, files nobody declared."""
    lines = [] if record.stamp.commit != stamp.NONE else ["no commit vouches for the source"]
    if record.members:
        seeds = ", ".join(member.seed for member in record.members)
        lines.append(f"stands on {1 + len(record.members)} runs, the others of seed {seeds}")
    named = [stage.undeclared for stage in record.stages]
    named += [dataset.undeclared for dataset in record.datasets]
    if paths := sorted({path for paths in named for path in paths}):
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        lines.append(f"read, not declared: {', '.join(paths[:_NAMED])}{more}")
    return [terminal.clip(f"note  {text.visible(line)}", 2 * COLUMNS) for line in lines]


def describe_causes(record: HubRecord, palette: Palette, room: Room = ROOMS[0]) -> str:
    """Write why a run is not green: causes with remedies, what follows, what is not judged."""
    causes = reasons.list_reasons(record)
    lines = []
    for number, reason in enumerate(causes[: room.causes]):
        label = "first cause" if number == 0 and len(causes) > 1 else "cause"
        written = _write_reason(label, reason, palette, room.width)
        lines += written[:1] if number and room.is_brief else written
    if len(causes) > room.causes:
        lines.append(f"and {len(causes) - room.causes} more causes: see the report")
    unjudged = reasons.list_unjudged(record)
    for names, why in unjudged[: room.causes]:
        words = terminal.clip(
            text.visible(f"{names}: {why}"), room.width - len(_NOT_JUDGED) - 2
        )
        lines.append(f"{palette.paint(_NOT_JUDGED, '33')}  {words}")
    if len(unjudged) > room.causes:
        lines.append(f"and {len(unjudged) - room.causes} more reasons: see the report")
    return "\n".join([*lines, *_count_guards(record, palette)])


def _write_reason(
    label: str, reason: reasons.Reason, palette: Palette, columns: int
) -> list[str]:
    mark = palette.paint(label, terminal.CODES[reason.cause.verdict])
    sentence = terminal.clip(text.visible(reason.sentence), columns - len(label) - 2)
    lines = [f"{mark}  {palette.bold(sentence)}"]
    for lead, words in (("", reason.also), ("→ ", reason.remedy)):
        if words:
            lines.append(terminal.clip(f"  {lead}{text.visible(words)}", columns))
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
