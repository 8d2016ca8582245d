"""The entry point of every program: errors become one line and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence

from ptycho_torch import process
from ptycho_torch.errors import PtychoError

FAILED = 1
INTERRUPTED = 130

# Deprecated flags and policies: the user hears of them whatever filters are in force.
_OWN_WARNINGS = r"--|POLICY-"

Program = Callable[[argparse.Namespace], int]

_log = logging.getLogger(__name__)


def run(program: Program, parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Parse the arguments, run the program, and turn every error into an exit code.

    Args:
        program: Takes the parsed arguments and returns an exit code.
        parser: Parser whose errors are raised as `PtychoError`.
        argv: Arguments; None takes those of the process.

    Returns:
        0 when all went well, the code of the error otherwise.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    with logging_to_stderr():
        try:
            args = parser.parse_args(words)
            args.argv = words
            process.let_threads_sleep()
            return program(args)
        except KeyboardInterrupt:
            report("interrupted")
            return INTERRUPTED
        except Exception as error:  # noqa: BLE001 - the one catch-all of the program
            if "--debug" in words:
                traceback.print_exc()
            report(describe(error))
            return exit_code(error)


def report(text: str) -> None:
    """Say on stderr, in one line, why the program ends."""
    print(f"error: {text}", file=sys.stderr)


def describe(error: BaseException) -> str:
    """Put an error into one line."""
    text = " ".join(str(error).split())
    if isinstance(error, PtychoError):
        return text
    if isinstance(error, MemoryError):
        return "out of memory"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def exit_code(error: BaseException) -> int:
    """Return the exit code an error stands for."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return error.exit_code if isinstance(error, PtychoError) else FAILED


@contextlib.contextmanager
def logging_to_stderr() -> Iterator[None]:
    """Send the package's log, and warnings, to stderr while a program runs."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    root, package = logging.getLogger(), logging.getLogger("ptycho_torch")
    level = package.level
    root.addHandler(handler)
    package.setLevel(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("always", message=_OWN_WARNINGS)
            warnings.showwarning = _log_warning
            yield
    finally:
        package.setLevel(level)
        root.removeHandler(handler)


def _log_warning(
    message: Warning | str, category: type[Warning], *_where: object, **_more: object
) -> None:
    _log.warning("%s: %s", category.__name__, " ".join(str(message).split()))
