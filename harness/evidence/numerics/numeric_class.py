"""An interpreter and its environment in, the numeric class of their results out.

Two machines of one class may be compared to the last digit. The class is the digest of what a
fixed probe computes there and of what decides it: processor, instruction set, threads,
libraries, GPU and driver. A probe costs the import of its library, so that answers are kept for
the user, by everything that a probe depends on. Only who runs suites starts an interpreter that
a declaration names, and keeps what it said.

Source: design of the harness, section 11.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from harness import files
from harness.errors import StorageError
from harness.frozen import dataclass

KEY = "numeric_class"
DETAIL = "numeric."  # prefix of what the class is made of
UNKNOWN = "unknown"
CACHE = "HARNESS_CACHE"  # folder of what is kept for the user, across projects
_SIZE_LIMIT = 1 << 18
_PROBE = Path(__file__).with_name("probe.py")
_LIBRARIES = ("torch", "numpy")
_TIMEOUT_S = 120
_SCHEMA = 1
# Of the environment of a stage, what names places and languages: no number depends on it, and
# Python itself sets LC_CTYPE where no language is set.
_PLACES = ("HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SHELL", "PATH", "COLUMNS")


def describe(
    command: Sequence[str],
    versions: Mapping[str, str],
    device: str,
    environment: Mapping[str, str],
    *,
    may_start: bool,
) -> dict[str, str]:
    """Return the class of an interpreter on this machine, and what it is made of.

    Args:
        command: Words that start the interpreter.
        versions: Version by distribution, of those that the suite records; the probe uses
            torch, else NumPy, where it is among them.
        device: Device class of the suite, ``cpu`` or ``cuda``.
        environment: Environment of its stages.
        may_start: Whether any interpreter may be started, and its answer kept for the user;
            else the harness's own is asked, and of another an earlier answer is taken.

    Returns:
        ``numeric_class`` and ``numeric.…``; ``unknown`` and the reason where the probe fails.
    """
    libraries = tuple(name for name in _LIBRARIES if versions.get(name, "none") != "none")
    seen = tuple(sorted((k, v) for k, v in environment.items() if not _is_irrelevant(k)))
    question = json.dumps({"libraries": libraries, "device": device})
    used = tuple((name, versions.get(name, "none")) for name in ("python", *libraries))
    program = ("program", identify(command[0]))
    marks = (*used, *_machine_marks(device), program)
    probing = _Question(tuple(command), question, seen, marks)
    facts = _ask(probing) if may_start else _read_earlier(probing)
    if "digest" not in facts:
        return {KEY: UNKNOWN, f"{DETAIL}reason": facts.get("reason", "no answer")}
    name = files.sha256_bytes(files.json_bytes(facts))[:16]
    return {KEY: name, **{f"{DETAIL}{key}": value for key, value in facts.items()}}


def is_numeric(key: str) -> bool:
    """Say whether a key of an environment is of the numeric class, or what it is made of."""
    return key.startswith((KEY, DETAIL))


def classes_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the classes in an environment: that of the suite and those of single stages."""
    return {key: value for key, value in environment.items() if key.startswith(KEY)}


def is_one_class(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Say whether two environments compute alike to the last digit; the unknown never do."""
    first, second = classes_of(one), classes_of(other)
    return first == second and bool(first) and UNKNOWN not in first.values()


def tell_difference(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Say in what two environments differ numerically; nothing where they do not."""
    names = sorted({k for k in {**before, **after} if k.startswith(DETAIL)})
    parts = [
        f"{key.removeprefix(DETAIL)} {before.get(key, 'none')} → {after.get(key, 'none')}"
        for key in names
        if before.get(key) != after.get(key)
    ]
    if parts or classes_of(before) == classes_of(after):
        return "; ".join(parts)
    return f"{before.get(KEY, 'none')} → {after.get(KEY, 'none')}"


def sort_first(keys: Iterable[str]) -> list[str]:
    """Return keys of an environment with the numeric class before everything else."""
    ordered = list(keys)
    return sorted(ordered, key=lambda k: (not k.startswith(KEY), not k.startswith(DETAIL)))


@dataclass(frozen=True, slots=True)
class _Question:
    """What a probe is asked, of whom, and what its answer depends on."""

    command: tuple[str, ...]
    text: str
    environment: tuple[tuple[str, str], ...]
    marks: tuple[tuple[str, str], ...]

    def words(self) -> list[object]:
        """Return what tells this question from every other."""
        probe = files.sha256_file(_PROBE)
        return [_SCHEMA, probe, self.command, self.text, self.environment, self.marks]


@cache
def _ask(question: _Question) -> Mapping[str, str]:
    """Ask the probe, or the cache of an earlier answer to the same question."""
    words = question.words()
    earlier = read_kept(words)
    if earlier is not None and "digest" in earlier and _is_answer(earlier):
        return earlier
    facts = _run(question)
    # A failure too, for those who may not try again.
    write_kept(words, dict(facts))
    return facts


@cache
def _read_earlier(question: _Question) -> Mapping[str, str]:
    """Take an earlier answer; without one, only the harness's own interpreter is asked."""
    earlier = read_kept(question.words())
    if earlier is not None and _is_answer(earlier):
        return earlier
    if question.command == (sys.executable,):
        return _run(question)
    return {"reason": "no run has asked this interpreter yet"}


def read_kept(question: Sequence[Any]) -> dict[str, Any] | None:
    """Return the answer to a question; None where there is none that can be read."""
    try:
        content = json.loads(files.read_bounded(_path(question), _SIZE_LIMIT))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def write_kept(question: Sequence[Any], answer: dict[str, Any]) -> None:
    """Keep an answer; a home that cannot be written is left as it is."""
    path = _path(question)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_bytes(path, files.json_bytes(answer))
    except (OSError, StorageError):
        return  # the question is asked again next time


def identify(path: str) -> str:
    """Tell one state of a file or folder from another, by its size and time; or ``none``."""
    try:
        status = os.stat(path)  # noqa: PTH116 - links are followed: an environment is made of them
    except (OSError, ValueError):
        return "none"
    return f"{status.st_size} {status.st_mtime_ns}"


def _path(question: Sequence[Any]) -> Path:
    return _folder() / f"{files.sha256_bytes(json.dumps(question).encode())}.json"


def _folder() -> Path:
    """Return the folder of the user: numbers of a machine are no project's."""
    if folder := os.environ.get(CACHE):
        return Path(folder)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - a home that is not there is no error
    return Path(base) / "ptycho-harness" / "numeric-class"


@cache
def _run(question: _Question) -> Mapping[str, str]:
    # As text, and without the current folder: no file of the project takes a module's name.
    program = "import sys; sys.path[:] = [p for p in sys.path if p]\n"
    source = _PROBE.read_text("utf-8").replace("from __future__ import annotations\n", "", 1)
    program = f"from __future__ import annotations\n{program}{source}"
    places = {key: value for key, value in os.environ.items() if _is_irrelevant(key)}
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter that runs the stages
            [*question.command, "-B", "-c", program, question.text],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            env={**places, **dict(question.environment)},
        )
        answer = json.loads(done.stdout.decode(errors="replace").strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
        return {"reason": f"the probe did not answer: {error}"[:160]}
    if not _is_answer(answer) or "digest" not in answer:
        return {"reason": "the probe answered something else"}
    return dict(answer)


def _is_irrelevant(variable: str) -> bool:
    return variable in _PLACES or variable.startswith("LC_")


def _is_answer(value: object) -> bool:
    if not isinstance(value, dict) or not {"digest", "reason"} & value.keys():
        return False
    return all(isinstance(k, str) and isinstance(v, str) for k, v in value.items())


@cache
def _machine_marks(device: str) -> tuple[tuple[str, str], ...]:
    """Return what tells this machine from another that shares the home folder."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:
        count = os.cpu_count() or 0
    marks = [("cores", str(count)), ("system", " ".join(os.uname()[::4]))]
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").split("\n\n", 1)[0]
        facts = [s for s in lines.splitlines() if s.startswith(("model name", "flags", "Feat"))]
        marks.append(("cpu", files.sha256_bytes("\n".join(facts).encode())))
    except OSError:
        marks.append(("cpu", "unknown"))
    if device == "cuda":
        folder = Path("/proc/driver/nvidia")
        names = sorted(folder.glob("gpus/*/information"))
        paths = [path for path in (folder / "version", *names) if path.exists()]
        texts = [path.read_text("utf-8", "replace") for path in paths]
        marks.append(("gpu", files.sha256_bytes("\n".join(texts).encode())))
    return tuple(marks)
