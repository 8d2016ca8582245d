"""The door of a program: every error is one line and one code."""

from __future__ import annotations

import argparse
import importlib
import logging
import warnings

import pytest

from proofs.docs.model_cli import PROGRAMS
from ptycho_torch.cli import exits
from ptycho_torch.errors import BundleError, ConfigError, DivergedError, OutputError

log = logging.getLogger("ptycho_torch.sample")


def outcome(error: BaseException, *argv: str) -> int:
    def program(_args: argparse.Namespace) -> int:
        raise error

    parser = argparse.ArgumentParser()
    parser.add_argument("--debug", action="store_true")
    return exits.run(program, parser, argv)


ERRORS: list[tuple[BaseException, int, str]] = [
    (ConfigError("--x", expected="a", found="b"), 2, "error: --x: expected a, got b"),
    (
        BundleError("z", expected="a", found="b", remedy="c"),
        4,
        "error: z: expected a, got b; c",
    ),
    (DivergedError("epoch 0", expected="a", found="b"), 1, "error: epoch 0: expected a, got b"),
    (OutputError("f", expected="a", found="b"), 1, "error: f: expected a, got b"),
    (MemoryError(), 1, "error: out of memory"),
    (RuntimeError("two\nlines"), 1, "error: RuntimeError: two lines"),
    (OSError(28, "full"), 1, "error: OSError: [Errno 28] full"),
    (ZeroDivisionError(), 1, "error: ZeroDivisionError"),
    (KeyboardInterrupt(), 130, "error: interrupted"),
]


@pytest.mark.parametrize(("error", "code", "line"), ERRORS)
def test_errors_become_a_line_and_a_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    """No traceback, one line, the code of the error's class."""
    assert outcome(error) == code
    assert capsys.readouterr().err == line + "\n"


def test_debug_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    """The traceback comes first, the line stays last."""
    outcome(RuntimeError("odd"), "--debug")

    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback")
    assert lines[-1] == "error: RuntimeError: odd"


def test_log_and_warnings_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """INFO lines and warnings appear there, one line each, and only while a program runs."""

    def program(_args: argparse.Namespace) -> int:
        log.info("hello")
        warnings.warn("POLICY-001: odd\nnews", stacklevel=1)
        warnings.warn("--old is deprecated", DeprecationWarning, stacklevel=1)
        return 7

    code = exits.run(program, argparse.ArgumentParser(), [])
    log.info("unheard")

    captured = capsys.readouterr()
    assert code == 7
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "INFO hello",
        "WARNING UserWarning: POLICY-001: odd news",
        "WARNING DeprecationWarning: --old is deprecated",
    ]
    assert logging.getLogger("ptycho_torch").level == logging.NOTSET


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("words", [["--no-such-flag"], ["--output"], ["stray"]])
def test_every_program_refuses_what_it_does_not_know(
    capsys: pytest.CaptureFixture[str], name: str, words: list[str]
) -> None:
    """Usage that is wrong ends with 2 and a line that begins with error, in every program."""
    program = importlib.import_module(f"ptycho_torch.{name}")

    try:
        code = program.main(words)
    except SystemExit as ending:  # argparse, where no parser of the package stands before it
        code = ending.code

    assert code == 2
    assert "error: " in capsys.readouterr().err.splitlines()[-1]
