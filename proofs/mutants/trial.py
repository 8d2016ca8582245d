"""One mutant in a copy of the repository: planted, judged by tests in a fork, taken back."""

from __future__ import annotations

import itertools
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

KILLED, SURVIVED, ENDLESS = "killed", "survived", "endless"
_CPU_LIMIT_S, _WALL_LIMIT_S = 30, 120
_FLAGS = ("-x", "-q", "-p", "no:cacheprovider", "-m", "not long and not slow and not gpu")
# What was loaded for all forks, pytest cannot rewrite any more: it is none of our tests.
_LOADED = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
_STAMPS = itertools.count(int(time.time()) + 100, 10)  # a second compiles a module anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A change of a few lines of one module."""

    module: str
    operator: str
    line: int
    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def key(self) -> str:
        """The change in words that stay the same when lines above it move."""
        old, new = (" ".join(" ".join(lines).split()) for lines in (self.old, self.new))
        return f"{self.module}: {old} → {new}"


def judge(tree: Path, mutant: Mutant, tests: Sequence[str]) -> str:
    """Plant a mutant in a copy of the repository, run its tests, and take it back."""
    path = tree / mutant.module
    text = path.read_text("utf-8")
    lines = text.split("\n")
    start = _find(lines, mutant)
    lines[start : start + len(mutant.old)] = mutant.new
    _write(path, "\n".join(lines))
    try:
        # The nearest by itself: it kills most, and the others are not even collected then.
        outcomes = (run_tests(tree, part) for part in (tests[:1], tests[1:]) if part)
        return next((one for one in outcomes if one != SURVIVED), SURVIVED)
    finally:
        _write(path, text)


def _find(lines: Sequence[str], mutant: Mutant) -> int:
    """Return where the lines stand today, nearest to where they were drawn."""
    count = len(mutant.old)
    starts = [i for i in range(len(lines)) if tuple(lines[i : i + count]) == mutant.old]
    if not starts:
        raise LookupError(f"{mutant.key}: gone since the sample was drawn")
    return min(starts, key=lambda start: abs(start - mutant.line + 1))


def run_tests(tree: Path, tests: Sequence[str]) -> str:
    """Run tests in a fork, which has all that others load and nothing of ours."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _run(tree, tests)
    ends = time.monotonic() + _WALL_LIMIT_S
    while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0):
        if time.monotonic() > ends:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return ENDLESS
        time.sleep(0.02)
    code = os.waitstatus_to_exitcode(ended[1])
    return {0: SURVIVED, 1: KILLED}.get(code, ENDLESS if code < 0 else KILLED)


def _run(tree: Path, tests: Sequence[str]) -> None:
    """Be the fork: nothing leaves it but the code of pytest."""
    try:
        os.setpgid(0, 0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_LIMIT_S, _CPU_LIMIT_S))
        os.chdir(tree)
        sys.path.insert(0, str(tree))
        os.environ["PYTHONPATH"] = str(tree)
        code = int(pytest.main([*_FLAGS, *_LOADED, *tests]))
        os._exit(code)
    finally:
        os._exit(pytest.ExitCode.INTERNAL_ERROR)


def _write(path: Path, text: str) -> None:
    """Write a module with a time that no compiled form of it has."""
    path.write_text(text, "utf-8")
    stamp = next(_STAMPS)
    os.utime(path, (stamp, stamp))
