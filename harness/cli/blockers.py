"""``harness blockers``: what keeps a suite red, and how it was settled."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from harness import records
from harness.cli import options, resolve
from harness.cli.options import Session
from harness.config import config_file
from harness.config.project import Project
from harness.errors import ConfigError
from harness.evidence.hub import blockers, ledgers
from harness.evidence.hub.blockers import Blocker, Register
from harness.reporting import terminal, text

EXAMPLES = """\b
Examples:
  harness blockers list
  harness blockers list --suite quick --all
  harness blockers show B-1f2e3d4c
  harness blockers close B-1f2e3d4c --reason "the data set was wrong, see the log"
"""
_TITLE_WIDTH = 48
CLOSED = "blocker-closed"


@click.group("blockers", epilog=EXAMPLES, context_settings=options.CONTEXT)
def command() -> None:
    """List, show or close what keeps a suite red.

    A blocker is the record of one root cause: the same cause seen again, in whatever suite, is
    the same blocker.
    It closes by itself after three green runs in a row, or by hand with a reason.
    """


@command.command("list", context_settings=options.CONTEXT)
@click.option("--suite", metavar="SUITE", help="Only those of this suite.")
@click.option("--all", "is_all", is_flag=True, help="Closed ones as well.")
@options.common
@options.pass_session
def list_(session: Session, suite: str | None, *, is_all: bool) -> None:
    """List the open blockers, the last seen first."""
    project = resolve.project(session)
    if suite is not None:
        config_file.find_suite(project, suite)
    blockers = [
        blocker
        for blocker in Register(project.hubs).entries()
        if (is_all or blocker.status == "open") and (suite is None or suite in blocker.suites)
    ]
    session.answer(
        {"blockers": [records.encode(b) for b in blockers]}, _table(blockers, is_all=is_all)
    )


def _table(blockers: list[Blocker], *, is_all: bool) -> str:
    if not blockers:
        return "No blocker." if is_all else "No open blocker."
    now = datetime.now(UTC)
    rows = [
        (
            b.id,
            ", ".join(b.suites),
            b.status,
            f"{b.occurrences}×",
            text.age(b.last_seen, now),
            terminal.clip(text.visible(b.title), _TITLE_WIDTH),
        )
        for b in blockers
    ]
    palette = terminal.Palette(options.has_colour())
    head = ("id", "suite", "status", "seen", "last", "what")
    return (
        terminal.table(head, rows, palette)
        + f"\n\nnext  harness blockers show {blockers[0].id}"
    )


@command.command("show", context_settings=options.CONTEXT)
@click.argument("id_", metavar="ID")
@options.common
@options.pass_session
def show(session: Session, id_: str) -> None:
    """Show a blocker: root cause, evidence, required fix, commands for retry."""
    project = resolve.project(session)
    register, blocker = Register(project.hubs), _find(project, id_)
    path = register.folder / f"{blocker.id}.md"
    lines = [text.visible(line) for line in blockers.read_text(path).splitlines()]
    answer = {
        **records.encode(blocker),
        "path": resolve.relative_place(path, project),
        "text": lines,
    }
    session.answer(answer, "\n".join(lines))


@command.command("close", context_settings=options.CONTEXT)
@click.argument("id_", metavar="ID")
@click.option("--reason", required=True, help="Why it may be closed; kept in the ledger.")
@options.common
@options.pass_session
def close(session: Session, id_: str, reason: str) -> None:
    """Close a blocker by hand, with a reason that the ledger keeps."""
    project = resolve.project(session)
    closed = Register(project.hubs).close(_find(project, id_).id, reason)
    body = {"reason": reason.strip(), "suite": closed.suite, "signature": closed.signature}
    own = ledgers.of_store(project.hubs, project.work).local
    own.append(CLOSED, closed.id, body)
    session.answer(records.encode(closed), f"closed  {closed.id}  {text.visible(closed.title)}")


def _find(project: Project, words: str) -> Blocker:
    """Find a blocker by its id or the beginning of one.

    Raises:
        ConfigError: None or several fit.
    """
    known = Register(project.hubs).entries()
    fitting = [b for b in known if b.id == words] or [
        b for b in known if b.id.startswith(words)
    ]
    if len(fitting) == 1:
        return fitting[0]
    actual = "several" if fitting else "no such blocker"
    remedy = "See harness blockers list --all."
    raise ConfigError(f"blocker {words!r}", found=actual, expected="one id", remedy=remedy)
