"""``harness explain``: why a run is red, as far as its evidence tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from harness import records
from harness.cli import options, resolve
from harness.cli.options import Session
from harness.errors import EvidenceMissingError
from harness.evidence.hub.store import HubStore
from harness.reporting import reasons, terminal, text

EXAMPLES = """\b
Examples:
  harness explain
  harness explain hubs/quick/20260102T030405Z-a1b2c3
  harness explain quick --json
"""
_MOST = 5


@click.command("explain", epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("hub", required=False)
@options.common
@options.pass_session
def command(session: Session, hub: str | None) -> None:
    """Say why a run is red: its cause, what changed, whom to suspect.

    Without HUB it is the newest run that is not green. It is held against the last green run
    of its suite with the same data, parameters and machine. Where nothing stands out, it says
    so.
    """
    from harness.experiments.explain import suspects  # git is loaded for this only

    project = resolve.project(session)
    place = resolve.hub(hub, session) if hub else _newest(HubStore(project.hubs, project.work))
    made = suspects.explain(project, place)
    session.answer(records.encode(made), _write(made))


def _newest(store: HubStore) -> Any:
    from harness.verdict import Verdict

    for hub in reversed(store.hubs()):
        if store.read(hub).verdict is not Verdict.GREEN:
            return hub
    raise EvidenceMissingError(
        str(store.root),
        found="no run that is not green",
        expected="a run to explain",
        remedy="Name a hub, or run a suite.",
    )


def _write(made: Any) -> str:
    palette = terminal.Palette(options.has_colour())
    record, base = made.record, made.base
    parts = [f"{palette.verdict(record.verdict)}  {record.suite}/{record.run_id}"]
    parts.append(terminal.describe_causes(record, palette))
    if base is None:
        parts.append("There is no green run of this suite with the same data and machine.")
    else:
        parts.append(f"since  {base.run_id}, the last green run with the same data and machine")
    rows = [(f.path, ", ".join(f.functions[:_MOST])) for f in made.files[:_MOST]]
    if rows:
        more = f"\nand {len(made.files) - _MOST} more" if len(made.files) > _MOST else ""
        parts.append(
            terminal.table(("changed file", "functions"), _visible(rows), palette) + more
        )
    moved = [
        (stage, m.name, text.number(m.before), text.number(m.after))
        for stage, m in made.moved[:_MOST]
    ]
    if moved:
        head = ("moved first in", "metric", "before", "now")
        parts.append(terminal.table(head, _visible(moved), palette))
    if made.tests:
        parts.append(text.visible(f"tests that fail: {reasons.describe_names(made.tests)}"))
    alike = [one for one in made.drills if one.equal]
    if alike:
        lines = [
            f"looks like {d.drill}, {d.equal} of {d.total} equal: {d.defect}" for d in alike
        ]
        parts.append("\n".join(map(text.visible, lines)))
    lines = [
        f"{number}. {s.what} ({'; '.join(s.evidence)})"
        for number, s in enumerate(made.suspects, 1)
    ]
    lines_ = ["suspects", *map(text.visible, lines)] if lines else ["I do not know what it is."]
    parts.append("\n".join(lines_))
    return "\n\n".join(parts)


def _visible(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [tuple(text.visible(cell) for cell in row) for row in rows]
