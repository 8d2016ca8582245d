"""The door: one line on stderr and the documented exit code, whatever happens inside."""

from __future__ import annotations

import builtins
import errno
import json
import os
import signal
from collections.abc import Callable
from typing import Any, NoReturn

import click
import pytest

from harness import __main__ as start
from harness import errors
from harness.cli import exits
from harness.cli.options import Session

OF_THE_DISK = (
    *(errno.EROFS, errno.EACCES, errno.EPERM, errno.EDQUOT, errno.EIO),
    *(errno.ELOOP, errno.ENOTDIR, errno.EISDIR),
)
_PARTS = {"found": "x", "expected": "y", "remedy": "Do z."}


def _raiser(failure: BaseException) -> Callable[[], NoReturn]:
    def call() -> NoReturn:
        raise failure

    return call


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (errors.ConfigError("a", **_PARTS), 2),
        (errors.EvidenceMissingError("a", **_PARTS), 3),
        (errors.IntegrityError("a", **_PARTS), 4),
        (errors.NothingSelectedError("a", **_PARTS), 5),
        (errors.NotAProjectError("a", **_PARTS), 10),
        (errors.LockTimeoutError("a", **_PARTS), 11),
        (click.UsageError("no"), 2),
        (click.BadParameter("no"), 2),
        (OSError(errno.ENOSPC, "No space left on device", "f"), 2),
        *((OSError(number, os.strerror(number), "f"), 2) for number in OF_THE_DISK),
        (OSError(errno.EBADF, "Bad file descriptor"), 6),
        (OSError(errno.ENOENT, "No such file", "f"), 6),
        (errors.StorageError("a", **_PARTS), 2),
        (errors.HarnessError("a", **_PARTS), 6),
        (ZeroDivisionError("division by zero"), 6),
        (KeyError("x"), 6),
        (RecursionError(), 6),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (exits.Terminated(), 143),
    ],
)
def test_failure_has_its_exit_code(
    failure: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every kind of failure leaves as one line and its documented code."""
    assert exits.call_guarded(_raiser(failure), Session()) == code

    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert "Traceback" not in output.err


LEFT = [
    (click.exceptions.Exit(0), 0),
    (click.exceptions.Exit(3), 3),
    (SystemExit(0), 0),
    (SystemExit(4), 4),
    (SystemExit(), 0),
]


@pytest.mark.parametrize(("left", "code"), LEFT)
def test_leaving_early_keeps_the_code(
    left: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is said of it: whoever left has said it."""
    assert exits.call_guarded(_raiser(left), Session()) == code
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_has_gone_ends_with_the_signal_of_a_pipe(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """141, as a program that was ended by SIGPIPE, and without a word."""
    replaced: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "dup2", lambda new, _old: (os.close(new), replaced.append(new)))
        code = exits.call_guarded(_raiser(BrokenPipeError()), Session())
    assert code == 141
    assert len(replaced) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("answer", "code"), [(None, 0), (0, 0), (3, 3), ("text", 0)])
def test_answer_is_the_exit_code(answer: object, code: int) -> None:
    """A command's number is the exit code; anything else is success."""
    assert exits.call_guarded(lambda: answer, Session()) == code


def test_bug_is_told_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Our own bug says what to report, and where the traceback is."""
    exits.call_guarded(_raiser(ValueError("odd\nthing")), Session())

    line = capsys.readouterr().err
    assert "internal error: ValueError at test_exits.py:" in line
    assert "odd thing" in line
    assert "-v" in line


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """With -v the traceback of a bug is shown."""
    exits.call_guarded(_raiser(ValueError("odd")), Session(debug=True))

    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_mistake_never_shows_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """A person's mistake is one line, with -v as well."""
    exits.call_guarded(_raiser(errors.ConfigError("a", **_PARTS)), Session(debug=True))

    assert capsys.readouterr().err == "harness: a: found x; expected y. Do z.\n"


def test_mistake_is_json_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """Under --json the parts of a mistake are fields on standard output."""
    exits.call_guarded(_raiser(errors.IntegrityError("a", **_PARTS)), Session(json=True))

    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["kind"], error["exit_code"], error["remedy"]) == (
        "IntegrityError",
        4,
        "Do z.",
    )


def test_message_controls_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A hostile file name in a message neither moves the cursor nor adds a line."""
    failure = errors.ConfigError("a\x1b[2J\nb", **_PARTS)

    exits.call_guarded(_raiser(failure), Session())

    error_text = capsys.readouterr().err
    assert "\x1b" not in error_text
    assert error_text.count("\n") == 1


def test_sigterm_can_be_cleaned_up_after() -> None:
    """SIGTERM runs the clean-up of Ctrl-C and exits with 143; the old handler comes back."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    cleaned = []

    def call() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            cleaned.append(1)
            raise

    assert exits.call_guarded(call, Session()) == 143
    assert cleaned == [1]
    assert signal.signal(signal.SIGTERM, before) == signal.SIG_DFL


@pytest.mark.parametrize(
    ("word", "hint"), [("statsu", "; did you mean 'status'?"), ("zzzz", "")]
)
def test_nearest_is_near(word: str, hint: str) -> None:
    """A near name is offered, a far one is not."""
    assert exits.nearest(word, ["run", "status"]) == hint


def test_interrupt_while_the_program_is_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Ctrl-C in the first quarter of a second leaves no traceback either."""
    real = builtins.__import__

    def interrupted(name: str, *words: Any, **keys: Any) -> Any:
        if name == "harness.cli":
            raise KeyboardInterrupt
        return real(name, *words, **keys)

    monkeypatch.setattr(builtins, "__import__", interrupted)

    assert start.main() == exits.INTERRUPTED
    assert capsys.readouterr().err == "interrupted\n"
