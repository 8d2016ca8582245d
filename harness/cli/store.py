"""``harness store``: hubs to a bucket, a server or another disk and back, each proved."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from harness.cli import bar, options, resolve
from harness.cli.options import Session
from harness.config import config_file
from harness.errors import NothingSelectedError
from harness.reporting import text
from harness.runner import workflow

if TYPE_CHECKING:
    from harness.sharing.remote.push import Moved

PUSH_EXAMPLES = """\b
Examples:
  harness store push s3://BUCKET/hubs
  harness store push latest quick:latest~1 file:///mnt/archive/hubs
"""
PULL_EXAMPLES = """\b
Examples:
  harness store pull s3://BUCKET/hubs
  harness store pull file:///mnt/archive/hubs --suite quick --suite nightly
"""
_EXAMPLES = """\b
Examples:
  harness store push s3://BUCKET/hubs
  harness store pull s3://BUCKET/hubs --suite quick
"""
T = TypeVar("T")
_SUITES = click.option("--suite", "suites", multiple=True, help="Only this suite; repeatable.")


@click.group(epilog=_EXAMPLES, context_settings=options.CONTEXT)
@options.common
def command() -> None:
    """Send hubs to a bucket or server, and fetch them from there.

    Any URL that fsspec reaches will do. What broke off goes on with the next call; what is
    there and equal is skipped; what differs is refused with exit code 4.
    """


@command.command("push", epilog=PUSH_EXAMPLES)
@click.argument("hubs", nargs=-1)
@click.argument("url")
@_SUITES
@options.common
@options.pass_session
def push(session: Session, hubs: tuple[str, ...], url: str, suites: tuple[str, ...]) -> None:
    """Send HUBS, or all that are here, to URL; a hub is seen there once it is whole."""
    from harness.sharing.remote import push as sending
    from harness.sharing.remote import seals
    from harness.sharing.remote.store import RemoteStore

    project = resolve.project(session)
    for suite in suites:
        config_file.find_suite(project, suite)
    workflow.tidy(project)
    known = seals.seals_by_subject(project)
    chosen = [resolve.hub(words, session) for words in hubs] or resolve.store(project).hubs()
    chosen = [hub for hub in chosen if not suites or hub.parent.name in suites]
    store = RemoteStore(url)

    def move(hub: Path) -> Moved:
        return sending.push(hub, known, store)

    _move_hubs(session, ("push", store.url), chosen, move)


@command.command("pull", epilog=PULL_EXAMPLES)
@click.argument("url")
@_SUITES
@options.common
@options.pass_session
def pull(session: Session, url: str, suites: tuple[str, ...]) -> None:
    """Fetch the hubs at URL that are not here, and log their seals with their own time."""
    from harness.sharing.remote import pull as fetching
    from harness.sharing.remote import seals
    from harness.sharing.remote.store import RemoteStore

    project = resolve.project(session)
    store = RemoteStore(url)
    store.require()
    with fetching.hold_receiver(project):
        known = seals.seals_by_subject(project)

        def move(subject: str) -> Moved:
            return fetching.pull(subject, project, known, store)

        _move_hubs(session, ("pull", store.url), seals.present(store, suites), move)


def _move_hubs(
    session: Session, words: tuple[str, str], chosen: Sequence[T], move: Callable[[T], Moved]
) -> None:
    """Move one hub after the other below a bar, and answer with what was done.

    Raises:
        NothingSelectedError: There is none to move.
    """
    verb, url = words
    if not chosen:
        raise NothingSelectedError(
            f"store {verb} {url}",
            found="no hub",
            expected="at least one",
            remedy="Check the URL and --suite; harness status lists the hubs that are here.",
        )
    is_quiet = session.json or session.verbosity < 0
    stream = io.StringIO() if is_quiet else sys.stdout
    done: list[Moved] = []
    with bar.Bar(stream, len(chosen), is_live=options.is_live() and not is_quiet) as drawn:
        for one in chosen:
            done.append(move(one))
            drawn.advance(f"[{len(done)}/{len(chosen)}] {_line(done[-1])}")
    new = [moved for moved in done if not moved.is_there]
    size = sum(moved.size for moved in new)
    summary = f"{verb}  {len(new)} hubs, {text.size(size)}; {len(done) - len(new)} were there"
    session.answer({"action": verb, "url": url, "hubs": [_json(one) for one in done]}, summary)


def _line(moved: Moved) -> str:
    if moved.is_there:
        return f"{moved.subject}: there and equal"
    skipped = f", {moved.present} had arrived before" if moved.present else ""
    return f"{moved.subject}: {moved.copied} files, {text.size(moved.size)}{skipped}"


def _json(moved: Moved) -> dict[str, object]:
    return {
        "hub": moved.subject,
        "was_there": moved.is_there,
        "files_copied": moved.copied,
        "files_kept": moved.present,
        "bytes": moved.size,
    }
