"""The door of the program: whatever happens inside leaves as one line and an exit code.

Source: design of the harness, section 4 (exit codes).
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import click

from harness import errors
from harness.cli.options import Session

INTERNAL = 6
USAGE = 2
INTERRUPTED, TERMINATED, PIPE_CLOSED = 130, 143, 141
_OF_THE_DISK = {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EDQUOT, errno.EIO}
# Of what stands in the place of a file or folder: a link to itself, a file where a folder was.
_OF_THE_DISK |= {errno.ELOOP, errno.ENOTDIR, errno.EISDIR}


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived; whoever cleans up after Ctrl-C cleans up after this as well."""


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return ``; did you mean 'X'?`` when a choice is near, else nothing."""
    close = errors.near(word, choices, cutoff=0.5)
    return "" if close is None else f"; did you mean '{close}'?"


def completion_is_asked() -> bool:
    """Say whether a shell asks for completions."""
    return "_HARNESS_COMPLETE" in os.environ


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def call_guarded(call: Callable[[], Any], session: Session) -> int:
    """Call, and turn every outcome into an exit code; mistakes become one line on stderr."""
    # As an exception, so that whatever cleans up does; the default would end the process at
    # once.
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        return _code_of(call())
    except (click.exceptions.Exit, SystemExit) as left:
        return _exit_code(left)
    except (click.Abort, KeyboardInterrupt) as stopped:
        return _exit_interrupted(stopped, session)
    except BrokenPipeError:
        return _pipe_closed()
    except Exception as failure:  # noqa: BLE001 - the one catch-all of the program
        return _exit_failed(failure, session)
    finally:
        signal.signal(signal.SIGTERM, previous)


def stop_hearing() -> None:
    """Ignore stops from here on: a process that has its exit code must not lose it.

    While the interpreter shuts down, a second Ctrl-C would end it by the signal instead.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _code_of(answer: Any) -> int:
    return answer if isinstance(answer, int) else 0


def _exit_code(left: click.exceptions.Exit | SystemExit) -> int:
    if isinstance(left, click.exceptions.Exit):
        return left.exit_code
    return _code_of(left.code)


def _exit_interrupted(stopped: BaseException, session: Session) -> int:
    code = TERMINATED if isinstance(stopped, Terminated) else INTERRUPTED
    word = "terminated" if code == TERMINATED else "interrupted"
    return _report(session, f"harness: {word}; nothing needs to be cleaned up.", code, word)


def _pipe_closed() -> int:
    # The reader has gone (`harness status | head`): say nothing, not even while closing.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


def _exit_failed(failure: Exception, session: Session) -> int:
    if isinstance(failure, errors.HarnessError):
        return _mistake(failure, session)
    if isinstance(failure, click.ClickException):
        return _report(session, _usage_line(failure), USAGE, "usage")
    if isinstance(failure, OSError) and failure.errno in _OF_THE_DISK:
        what = f"{failure.filename or 'the disk'}: {failure.strerror}"
        line = f"harness: {what}. Free space, fix permissions or links, then run again."
        return _report(session, line, errors.StorageError.exit_code, "StorageError")
    return _internal(failure, session)


def _mistake(failure: errors.HarnessError, session: Session) -> int:
    parts = {
        "where": failure.where,
        "found": failure.found,
        "expected": failure.expected,
        "remedy": failure.remedy,
    }
    kind = type(failure).__name__
    return _report(session, f"harness: {failure}", failure.exit_code, kind, parts)


def _usage_line(failure: click.ClickException) -> str:
    ctx = failure.ctx if isinstance(failure, click.UsageError) else None
    path = "harness" if ctx is None else ctx.command_path
    message = failure.format_message()
    if isinstance(failure, click.NoSuchOption) and ctx is not None:
        known = [flag for p in ctx.command.get_params(ctx) for flag in p.opts]
        message = f"No such option '{failure.option_name}'{nearest(failure.option_name, known)}"
    text = " ".join(message.split()).rstrip(".")
    stop = "" if text.endswith("?") else "."
    return f"{path}: {text}{stop} See `{path} --help`."


def _internal(failure: Exception, session: Session) -> int:
    import traceback  # only when the harness itself is broken

    if session.debug:
        sys.stderr.write("".join(traceback.format_exception(failure)))
    # The innermost one: where it failed, not where it was called.
    frame = traceback.extract_tb(failure.__traceback__)[-1]
    place = f"{os.path.basename(frame.filename)}:{frame.lineno}"  # noqa: PTH119 - a name, not a path
    what = " ".join(str(failure).split())[:200]
    hint = "" if session.debug else " (-v shows the traceback)"
    line = (
        f"harness: internal error: {type(failure).__name__} at {place}: {what}. "
        f"This is a bug of the harness: please report this line and the command{hint}."
    )
    return _report(session, line, INTERNAL, "internal error")


def _report(
    session: Session, line: str, code: int, kind: str, parts: dict[str, str] | None = None
) -> int:
    """Print one line on stderr and, under ``--json``, the same as an object on stdout."""
    # Names and messages come out of files: an escape in one of them would rewrite the
    # terminal.
    text = "".join(c if c.isprintable() else " " for c in line)
    sys.stderr.write(text + "\n")
    if session.json:
        error = {"kind": kind, "message": text, "exit_code": code, **(parts or {})}
        sys.stdout.write(json.dumps({"error": error}, ensure_ascii=False) + "\n")
    return code
