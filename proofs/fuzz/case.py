"""One bent store through the reading commands: a fork that is watched, timed and measured."""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import random
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.cli.main import main
from proofs.fuzz import commands, mutations
from proofs.fuzz.place import CANARY, Place
from proofs.fuzz.watch import Watch

LIMIT_S = 10.0
LIMIT_BYTES = 300_000_000
_INTERPRETERS = ("python", "python3", "python3.11", os.path.basename(sys.executable))  # noqa: PTH119
_CAPSET_VERSION = 0x20080522
# CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, without which root meets modes as everybody does.
_OVERRULING = 1 << 1 | 1 << 2


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What one case gave: its kind, exit codes by command, and what is not allowed."""

    number: int
    kind: str
    done: str
    codes: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    peak_bytes: int = 0


def run(pristine: Place, folder: Path, number: int, seed: int, count: int) -> Outcome:
    """Copy a place, bend it, and hand it to ``count`` commands, drawn by the same seed."""
    rng = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable, no secret
    clear(folder)
    shutil.copytree(pristine.folder, folder, symlinks=True)
    place = Place(folder, pristine.green, pristine.red, pristine.blocker)
    kind, done = mutations.apply(rng, place)
    outcome = Outcome(number=number, kind=kind, done=done)
    table = commands.table(place)
    names = _draw(rng, table, count)
    around = _around(place)
    for line in call_all(place, {name: table[name] for name in names}):
        _take(outcome, line)
    if _around(place) != around:
        outcome.problems.append("something beside the repository changed")
    if (place.folder / CANARY).exists():
        outcome.problems.append("a planted program ran")
    return outcome


def _draw(rng: random.Random, table: Mapping[str, object], count: int) -> list[str]:
    """Take commands in the order of the table; every one when so many are wanted."""
    names = list(table)
    chosen = set(rng.sample(names, min(count, len(names))))
    return [name for name in names if name in chosen]


def _take(outcome: Outcome, line: Mapping[str, object]) -> None:
    name = str(line["command"])
    outcome.problems += [f"{name}: {text}" for text in list(line["problems"])]  # type: ignore[call-overload]
    outcome.codes[name] = int(str(line["code"]))
    outcome.slowest_s = max(outcome.slowest_s, float(str(line["seconds"])))
    outcome.peak_bytes = max(outcome.peak_bytes, int(str(line["peak_bytes"])))


def _around(place: Place) -> list[tuple[str, int, int]]:
    """Describe what lies beside the repository."""
    every = (p for p in place.folder.rglob("*") if not p.is_relative_to(place.root))
    return sorted(
        (str(p), p.lstat().st_size, p.lstat().st_mtime_ns)
        for p in every
        if "scratch" not in p.parts and p.name != CANARY
    )


def clear(folder: Path) -> None:
    """Take a case away, whatever modes and depths it left."""
    if not folder.exists():
        return
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)
    if folder.exists():
        raise OSError(f"{folder} stays")


def call_all(
    place: Place, calls: Mapping[str, Sequence[str]], limit_s: float = LIMIT_S
) -> Iterator[dict[str, object]]:
    """Call commands in a fork that is watched, and yield what is to be said of each."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _child(place, calls, writer)
    os.close(writer)
    buffer = b""
    waiting = list(calls)
    try:
        while waiting:
            ready, _, _ = select.select([reader], [], [], limit_s)
            part = os.read(reader, 1 << 16) if ready else b""
            if not part:
                word = "died" if ready else f"took over {limit_s:.0f} s"
                yield _line(waiting[0], -1, [word], limit_s)
                return
            buffer += part
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                yield json.loads(line)
                waiting.pop(0)
    finally:
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _line(name: str, code: int, problems: list[str], seconds: float) -> dict[str, object]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "command": name,
        "code": code,
        "problems": problems,
        "seconds": seconds,
        "peak_bytes": peak,
    }


def _child(place: Place, calls: Mapping[str, Sequence[str]], writer: int) -> None:
    """Be the fork: call each command in turn and write a line about it; never return."""
    try:
        os.setpgid(0, 0)
        _give_up_overruling()
        outputs = [os.memfd_create("out"), os.memfd_create("err")]
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        for stream, handle in zip((1, 2), outputs, strict=True):
            os.dup2(handle, stream)
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), "utf-8")
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), "utf-8")
        scratch = place.folder / "scratch"  # the machine's folder for temporary files
        scratch.mkdir()
        tempfile.tempdir = str(scratch)
        os.chdir(place.root)  # where people type
        watch = Watch((place.root, scratch), _INTERPRETERS)
        watch.start()
        for name, words in calls.items():
            line = _call(name, words, outputs, watch)
            os.write(writer, json.dumps(line).encode() + b"\n")
    except BaseException:  # noqa: BLE001 - whatever it is, the parent must be told
        text = traceback.format_exc()
        os.write(writer, json.dumps(_line("the fuzz itself", 99, [text], 0.0)).encode() + b"\n")
    finally:
        os._exit(0)


def _call(
    name: str, words: Sequence[str], outputs: list[int], watch: Watch
) -> dict[str, object]:
    for handle in outputs:
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
    watch.seen.clear()
    began = time.monotonic()
    code = main(list(words))
    seconds = time.monotonic() - began
    sys.stdout.flush()
    sys.stderr.flush()
    out, err = (_read(handle) for handle in outputs)
    problems = sorted(set(watch.seen))
    if code not in commands.DOCUMENTED:
        problems.append(f"ended with {code}: {err[-400:]!r}")
    if "Traceback (most recent call last)" in out + err:
        problems.append(f"a traceback: {(out + err)[-400:]!r}")
    if not all(c.isprintable() or c == "\n" for c in err):
        problems.append(f"control characters: {err[-200:]!r}")
    if code and code not in {1, 3, 4} and len(err.splitlines()) > 1:
        problems.append(f"more than one line: {err[-400:]!r}")
    line = _line(name, code, problems, seconds)
    if int(str(line["peak_bytes"])) > LIMIT_BYTES:
        problems.append(f"{int(str(line['peak_bytes'])) >> 20} MiB")
    return line


def _read(handle: int) -> str:
    return os.pread(handle, 1 << 20, 0).decode(errors="replace")


def _give_up_overruling() -> None:
    """Take from root what passes by modes, so that modes mean something in a container too."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    head = (ctypes.c_uint32 * 2)(_CAPSET_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # twice effective, permitted, inheritable
    if libc.capget(head, sets) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    sets[0] &= ~_OVERRULING
    sets[1] &= ~_OVERRULING
    if libc.capset(head, sets) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def warm(pristine: Place, folder: Path) -> None:
    """Load what the commands load, once, so that every fork has it."""
    shutil.copytree(pristine.folder, folder, symlinks=True)
    place = Place(folder, pristine.green, pristine.red, pristine.blocker)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        for words in commands.table(place).values():
            main(list(words))
    clear(folder)
