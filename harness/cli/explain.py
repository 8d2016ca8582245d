"""``harness explain``: why a run is red, as far as its evidence tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness import files, records
from harness.cli import options, resolve
from harness.cli.options import Session
from harness.config.project import Project
from harness.errors import ConfigError, EvidenceMissingError
from harness.evidence.hub.store import HubStore
from harness.reporting import explain_page, reasons, screen, terminal, text

EXAMPLES = """\b
Examples:
  harness explain
  harness explain hubs/quick/20260102T030405Z-a1b2c3
  harness explain quick --json
  harness explain latest --output why.html
"""
# Of each list: an explanation that has to be scrolled explains nothing.
_MOST = 5


@click.command("explain", epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("hub", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a page here, with the pictures of both runs side by side.",
)
@options.common
@options.pass_session
def command(session: Session, hub: str | None, output: Path | None) -> None:
    """Say why a run is red: its cause, what changed, whom to suspect.

    Without HUB it is the newest run that is not green. It is held against the last green run
    of its suite with the same data, parameters and machine. Where nothing stands out, it says
    so.
    """
    from harness.experiments.explain import suspects  # git is loaded for this only

    project = resolve.project(session)
    place = resolve.hub(hub, session) if hub else _newest(HubStore(project.hubs, project.work))
    made = suspects.explain(project, place)
    if output is not None:
        _write_page(output, project, place, made)
    session.answer(records.encode(made), _write(made, terminal.Palette(options.has_colour())))


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


def _write_page(output: Path, project: Project, hub: Path, made: Any) -> None:
    """Write the explanation as a page outside the hub.

    Raises:
        ConfigError: The page would lie in the sealed hub.
    """
    if output.absolute().is_relative_to(hub):
        remedy = "Name a file outside the hub with --output."
        raise ConfigError(
            str(output), found="a place in the sealed hub", expected="another", remedy=remedy
        )
    before = None
    if made.base is not None:
        folder = hub.parent / made.base.run_id
        before = explain_page.Side(f"{made.base.run_id}, green", folder, made.base)
    now = explain_page.Side(made.record.run_id, hub, made.record)
    said = _write(made, terminal.Palette(is_on=False))
    title = f"Why {project.name} {made.record.suite}/{made.record.run_id} is not green"
    words = project.report.pictures
    files.write_text(output, explain_page.render(title, said, before, now, words))


def _write(made: Any, palette: terminal.Palette) -> str:
    record, base = made.record, made.base
    parts = [f"{palette.verdict(record.verdict)}  {record.suite}/{record.run_id}"]
    parts.append(screen.describe_causes(record, palette))
    if base is None:
        parts.append("There is no green run of this suite with the same data and machine.")
    else:
        where = "on another machine" if made.machine else "and machine"
        parts.append(f"since  {base.run_id}, the last green run with the same data {where}")
    if made.machine:
        parts.insert(1, f"another numeric class: {text.visible(made.machine)}")
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
    parts += _tell_departures(made.departures, palette)
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


def _tell_departures(departures: Sequence[Any], palette: terminal.Palette) -> list[str]:
    """Write the columns that differ at the first point at which a curve does."""
    if not departures:
        return []
    rows = [
        (f"{one.axis} {one.at:g}", f"{one.artifact}: {one.column}", *_numbers(one))
        for one in departures
    ]
    head = ("curves part at", "column", "before", "now")
    return [terminal.table(head, _visible(rows), palette)]


def _numbers(one: Any) -> tuple[str, str]:
    return text.number(one.before), text.number(one.after)


def _visible(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [tuple(text.visible(cell) for cell in row) for row in rows]
