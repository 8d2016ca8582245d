"""Options that commands share, each declared once, and the session that carries them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:  # a start does without what declares projects
    from harness.config.project import Project

F = TypeVar("F", bound=Callable[..., Any])

CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 96}


@dataclass(slots=True)
class Session:
    """What the command line says about the whole program rather than about one command.

    ``verbosity`` is −1 (quiet), 0 or 1 (verbose); ``debug`` asks for tracebacks; ``declared``
    is the project once ``place.project`` has read it.
    """

    project: Path | None = None
    json: bool = False
    verbosity: int = 0
    debug: bool = False
    declared: Project | None = None

    @property
    def start(self) -> Path:
        """Folder where the search for ``harness.toml`` begins."""
        return Path.cwd() if self.project is None else self.project

    def say(self, text: str = "") -> None:
        """Print a line for people; silent under ``--json`` and ``--quiet``."""
        if not self.json and self.verbosity >= 0:
            click.echo(text, color=has_colour())

    def answer(self, value: Any, text: str) -> None:
        """Print the answer of a command: JSON when asked for, else the text."""
        if self.json:
            click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))
        elif text:
            click.echo(text, color=has_colour())


def has_colour(stream: Any = None) -> bool:
    """Say whether colour is wanted: a terminal, no ``NO_COLOR``, and not a dumb one."""
    # no-color.org: any value that is not empty counts, and it counts before FORCE_COLOR.
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return (sys.stdout if stream is None else stream).isatty()


def is_live() -> bool:
    """Say whether output may be redrawn in place: a terminal, and no continuous integration."""
    is_plain = os.environ.get("TERM") == "dumb" or bool(os.environ.get("CI"))
    return sys.stdout.isatty() and not is_plain


def session_of(ctx: click.Context) -> Session:
    """Return the session of the running program; a new one when a command runs alone."""
    return ctx.ensure_object(Session)


def _note_json(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click calls it so
    if value:
        session_of(ctx).json = True


def _note_quiet(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click calls it so
    if value:
        session_of(ctx).verbosity = -1


def _note_verbose(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click calls it so
    if value:
        session = session_of(ctx)
        session.verbosity, session.debug = 1, True


def _note_project(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        session_of(ctx).project = value


def _stack(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


place = click.option(
    "-C",
    "--project",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    expose_value=False,
    callback=_note_project,
    help="Work in this folder instead of the current one.",
)

common = _stack(
    click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_note_json,
        help="Answer in JSON on standard output.",
    ),
    click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_note_quiet,
        help="Print the answer only.",
    ),
    click.option(
        "-v",
        "--verbose",
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_note_verbose,
        help="Print more, and a traceback should the harness itself fail.",
    ),
    place,
)

pass_session = click.make_pass_decorator(Session, ensure=True)
