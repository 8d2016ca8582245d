"""Logs in, out the line that says why: one failure looks alike in every run."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.hub import causes, failures
from tests.builders import reports

TRACE = 'Traceback (most recent call last):\n  File "<root>/a.py", line 3, in fit\n    f()\n'


def signature(folder: Path, log: str, **keys: Any) -> str:
    """Name the cause of a command that failed with this log."""
    (folder / "x.log").write_text(log)
    reason = f"exit code 1: {failures.find_ending(log) or 'no output'}"
    record = reports.failed_stage(**{"reason": reason, "log": "x.log", **keys})
    return causes.of_stage("tiny", record, folder).signature


def _draw(letters: str, length: int, r: random.Random) -> str:
    return "".join(r.choice(letters) for _ in range(length))


HEX, SAFE = "0123456789abcdef", "abcdefghijklmnopqrstuvwxyz0123456789_"
CHANGING: dict[str, Callable[[random.Random], str]] = {
    "address": lambda r: f"ValueError: <Foo at 0x{_draw(HEX, 12, r)}> is bad",
    "uuid": lambda r: f"ValueError: job {uuid.UUID(int=r.getrandbits(128))} failed",
    "digest": lambda r: f"ValueError: {_draw(HEX, 64, r)} is not {_draw(HEX, 64, r)}",
    "commit": lambda r: f"ValueError: no commit {_draw(HEX, 9, r)}",
    "temporary": lambda r: f"OSError: no file '<tmp>/tmp{_draw(SAFE, 8, r)}/out.json'",
    "mktemp": lambda r: f"OSError: no file <tmp>/{_draw(SAFE, 9, r)}.npy",
    "inside": lambda r: f"OSError: no folder '<root>/work/tmp{_draw(SAFE, 8, r)}'",
    "date": lambda r: f"OSError: not since {r.choice(['Mon Jan', 'Tue May'])} {r.randrange(9)}",
    "process": lambda r: f"RuntimeError: worker (pid {r.randrange(9, 99999)}) died",
    "not finite": lambda r: f"ValueError: loss is {r.choice(['nan', 'inf', '-inf', 'NaN'])}",
    "token": lambda r: f"OSError: token {_draw('abcXYZ0123456789', 32, r)}000aZ refused",
}


@pytest.mark.parametrize("name", CHANGING)
def test_what_changes_is_no_part_of_the_cause(tmp_path: Path, name: str) -> None:
    """A blocker is seen again, whatever the names and numbers of this run are."""
    draw, r = CHANGING[name], random.Random(7)  # noqa: S311

    assert len({signature(tmp_path, TRACE + draw(r)) for _ in range(8)}) == 1


def test_folder_of_the_code_is_no_part_where_it_is_temporary(tmp_path: Path) -> None:
    """A notebook's cell or a copied script lies elsewhere in each run."""
    logs = [TRACE.replace("<root>", f"<tmp>/{name}") + "KeyError: 1" for name in ("ab1", "cd_")]

    assert signature(tmp_path, logs[0]) == signature(tmp_path, logs[1])


PAIRS = {
    "no suffix": (TRACE + "Exception: cannot read", TRACE + "Exception: cannot write"),
    "any name": (TRACE + "zipfile.BadZipFile: no", TRACE + "model.Diverged: no"),
    "usage": ("usage: a\na.py: error: no --foo", "usage: a\na.py: error: wants --bar"),
    "C++": ("terminate called\n  what():  vector", "terminate called\n  what():  bad_alloc"),
    "Rust": (
        "thread 'main' panicked at a.rs:1:5:\nx",
        "thread 'main' panicked at b.rs:1:5:\nx",
    ),
    "Go": ("panic: index\n\ngoroutine 1 [running]:", "panic: open\n\ngoroutine 1 [running]:"),
    "Java": (
        "Exception in thread 'main' java.lang.Null\n\tat A.f(A.java:3)",
        "Exception in thread 'main' java.lang.State\n\tat A.f(A.java:3)",
    ),
    "R": ("Error in f(x) : no y\nExecution halted", "Error in g(x) : no z\nExecution halted"),
    "shell": ("a.sh: line 3: foo: command not found", "a.sh: line 3: bar: command not found"),
    "rank": (
        f"[rank0]: {TRACE.replace(chr(10), chr(10) + '[rank0]: ')}ValueError: a\nbye",
        f"[rank0]: {TRACE.replace(chr(10), chr(10) + '[rank0]: ')}ValueError: b\nbye",
    ),
    "its own words": ("Fehler: Datei fehlt", "Fehler: Speicher voll"),
    "handled before": (
        TRACE + "KeyError: 1\n" + "step\n" * 40 + "no data",
        TRACE + "KeyError: 1",
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_two_failures_are_two_causes(tmp_path: Path, name: str) -> None:
    """Whatever the language: the line that says why, not the one that comes last."""
    first, second = PAIRS[name]

    assert signature(tmp_path, first) != signature(tmp_path, second)


@pytest.mark.parametrize(
    "keys",
    [
        ({"exit_code": 2}, {"exit_code": 3}),
        ({"exit_code": -11, "reason": "ended by signal 11 (SIGSEGV)"}, {"exit_code": -6}),
    ],
)
def test_a_silent_end_is_told_by_its_code(
    tmp_path: Path, keys: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    """Without a word in the log, the exit code or the signal is all that there is."""
    first, second = (signature(tmp_path, "step 3\n", **one) for one in keys)

    assert first != second


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (TRACE + "RuntimeError: CUDA error\nCompile with DSA.\n\n", "RuntimeError: CUDA error"),
        (TRACE + "Exception: no\nwandb: synced\n", "Exception: no"),
        (
            "  + Exception Group " + TRACE + "  | X: 2\n  +-+--- 1 ---\n    | KeyError: 1",
            "KeyError: 1",
        ),
        (TRACE + "KeyError: 1\n" + "step\n" * 40 + "no data\n", "no data"),
        ("a\nError in f(x) : no y\nExecution halted\n", "Error in f(x) : no y"),
        ("step 3\n", "step 3"),
        ("\n", ""),
    ],
)
def test_sentence_is_the_line_that_says_why(log: str, said: str) -> None:
    """Advice, farewells and summaries behind an error are no reason."""
    assert failures.find_ending(log) == said


@pytest.mark.parametrize(
    "line", ["cp: error writing 'x': No space left on device", "tar: x: Disk quota exceeded"]
)
def test_other_programs_meet_a_full_disk_too(tmp_path: Path, line: str) -> None:
    """Not Python alone says that the machine failed."""
    (tmp_path / "x.log").write_text(f"step 3\n{line}\n")

    assert causes.lost_ground(tmp_path / "x.log") == line


def test_a_long_log_is_read_at_once() -> None:
    """Lines of a quarter of a million letters take no time worth speaking of."""
    for piece in (
        "a" * 250_000,
        "[" * 250_000,
        "a: " * 80_000,
        "0f" * 125_000,
        "<tmp>/a" * 35_000,
    ):
        failures.normalise(failures.find_ending(piece))
        failures.normalise(piece[:200])


def test_an_endless_line_is_told_by_its_beginning(tmp_path: Path) -> None:
    """An error that prints a whole array says at its start what it is."""
    log = "step\n" * 200_000 + TRACE + "Exception: bad array " + "[0.1 " * 400_000
    (tmp_path / "x.log").write_text(log)

    assert failures.find_ending(causes.tail(tmp_path / "x.log")).startswith("Exception: bad")


@pytest.mark.parametrize(
    ("errors", "is_lost"),
    [
        (("OSError: [Errno 28] No space left on device: 'x'",), True),
        (("OSError: [Errno 28] No space left on device", "assert 1 == 2"), False),
        (("AssertionError: x",), False),
        ((), False),
    ],
)
def test_tests_on_a_full_disk_prove_nothing(
    tmp_path: Path, errors: tuple[str, ...], *, is_lost: bool
) -> None:
    """Where each of them met it, and no test failed by itself."""
    (tmp_path / "x.log").write_text("".join(f"E   {error}\nt.py:3: X\n" for error in errors))

    assert bool(causes.lost_tests(tmp_path / "x.log")) is is_lost
