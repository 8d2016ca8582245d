"""A suite proposed from one run of a command: what it wrote, and the numbers in that.

The command is run once, where the user stands. What changed on the disk is what it wrote; an
argument below which files were written becomes a place in ``{work}``, so that the harness can
take them as artifacts. Bounds lie a decade around the numbers of this run: only a broken one
leaves them, and calibration narrows them later.
"""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.cli import proposed_numbers
from harness.cli.proposed_numbers import Number
from harness.config import interpreters
from harness.errors import ConfigError
from harness.frozen import dataclass

_PYTHONS = ("python", "python3")
_SKIPPED = {
    *(".git", ".harness", "hubs", "__pycache__", "node_modules", ".tox", ".nox", "build"),
    *(".venv", "venv", "env", ".pytest_cache", ".mypy_cache", ".ruff_cache"),
}
_MOST_FILES = 20_000
_MOST_ARTIFACTS = 8
_MOST_NAMED = 6
_LOG_LIMIT = 1 << 20
_BRACES = re.compile(r"\{([A-Za-z_][\w:.-]*)\}")
_SLUG = re.compile(r"[^a-z0-9]+")
_SUITE = """\

[suites.{name}]
extends = "default"
without = [{without}]
description = {description}
{parameters}
[[suites.{name}.stages]]
id = "{name}"
kind = "command"
argv = [{argv}]
# At least ten times what it took when this was written.
timeout_s = {timeout}
"""
_BOUNDS = """\

# Each was so when this was written; a decade around it. Narrow them, or calibrate goldens.
[suites.{name}.bounds]
{lines}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One run of the command: how long it took [s], its log, and what it wrote."""

    seconds: float
    log: str
    written: tuple[Path, ...]


def propose(
    root: Path, command: str, python: Sequence[str], without: Sequence[str]
) -> tuple[str, str]:
    """Run a command once; returns the name of the suite and its text for ``harness.toml``.

    Args:
        root: Folder of the project, where the command is run.
        command: Its words, as a shell would split them; no shell is involved.
        python: Words of the project's interpreter; none for the one of the harness.
        without: Ids of the stages of suite ``default``, which the new suite leaves out.

    Raises:
        ConfigError: The command cannot be read or started, or failed.
    """
    words = _split(command)
    own = list(words)
    if own[0] in _PYTHONS:
        own[:1] = interpreters.locate(python, root)
    ran = _run(root, own, command)
    name = _make_name(words)
    argv, artifacts, loose = _place(root, words, ran.written)
    if argv[0] in _PYTHONS:
        argv[0] = "{python}"
    argv, seed = _name_seed(argv)
    ids = _make_ids(artifacts)
    numbers = proposed_numbers.find_numbers(
        {id_: artifacts[path] for id_, path in ids.items()}, name, ran.log
    )
    text = _SUITE.format(
        name=name,
        without=", ".join(map(json.dumps, without)),
        description=json.dumps(f"What `{command}` gives."[:200], ensure_ascii=False),
        parameters=f'parameters = {{ seed = "{seed}" }}\n' if seed else "",
        argv=", ".join(json.dumps(word, ensure_ascii=False) for word in argv),
        timeout=max(60, 60 * math.ceil(ran.seconds / 6)),
    )
    text += _write_artifacts(ids) + _write_loose(root, loose)
    return name, text + _write_bounds(name, numbers)


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise _refuse(f"{command!r}: {error}", "words as a shell splits them") from error
    if not words:
        raise _refuse("no word", "a command")
    return words


def _run(root: Path, words: Sequence[str], command: str) -> Ran:
    before = dict(_list_files(root))
    began, since = time.monotonic(), time.time()
    with tempfile.TemporaryFile() as log:
        try:
            done = subprocess.run(  # noqa: S603 - the command that the user typed
                list(words),
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        except OSError as error:
            raise _refuse(f"{words[0]!r}: {error.strerror}", "a program") from error
        seconds = time.monotonic() - began
        log.seek(max(0, log.tell() - _LOG_LIMIT))
        text = log.read().decode(errors="replace")
    if done.returncode:
        last = (text.strip().splitlines() or [""])[-1]
        raise _refuse(f"exit code {done.returncode} of {command!r}: {last}", "exit code 0")
    written = [path for path, state in _list_files(root) if before.get(path) != state]
    for word in words[1:]:
        place = Path(word.rpartition("=")[2])
        if place.is_absolute() and not place.is_relative_to(root) and place.exists():
            inside = [place] if place.is_file() else [p for p, _ in _list_files(place)]
            written += [path for path in inside if path.stat().st_mtime >= since - 1]
    return Ran(seconds=seconds, log=text, written=tuple(dict.fromkeys(written)))


def _list_files(root: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    """Yield the files below a folder with time and size, but for what tools keep there."""
    count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - _SKIPPED)
        for name in sorted(names):
            path = Path(folder, name)
            count += 1
            if count > _MOST_FILES:
                raise _refuse(f"over {_MOST_FILES:,} files below {root}", "a smaller folder")
            if path.is_file() and not path.is_symlink():
                status = path.stat()
                yield path, (status.st_mtime_ns, status.st_size)


def _place(
    root: Path, words: Sequence[str], written: Sequence[Path]
) -> tuple[list[str], dict[str, Path], list[Path]]:
    """Put ``{work}`` where files were written.

    Returns:
        Arguments, the artifacts by path below ``{work}``, and the files below no argument.
    """
    argv, artifacts = [_escape(words[0])], dict[str, Path]()
    loose = list(written)
    for word in words[1:]:
        head, mark, value = word.rpartition("=")
        place = Path(os.path.normpath(root / value))
        inside = [path for path in loose if path.is_relative_to(place)] if value else []
        if not inside or place == root:
            argv.append(_escape(word))
            continue
        argv.append(f"{_escape(head)}{mark}{{work}}/{_escape(place.name)}")
        for path in inside:
            loose.remove(path)
            below = path.relative_to(place)
            artifacts[(Path(place.name) / below).as_posix()] = path
    return argv, artifacts, loose


def _name_seed(argv: Sequence[str]) -> tuple[list[str], str]:
    """Make a parameter of ``--seed``, by which goldens are calibrated; returns its value."""
    named, seed = list(argv), ""
    for index, word in enumerate(argv):
        flag, mark, value = word.partition("=")
        if flag != "--seed":
            continue
        if mark and value.isdigit():
            named[index], seed = "--seed={seed}", value
        elif index + 1 < len(argv) and argv[index + 1].isdigit():
            named[index + 1], seed = "{seed}", argv[index + 1]
    return named, seed


def _escape(word: str) -> str:
    return _BRACES.sub(r"{{\1}}", word)


def _make_ids(artifacts: dict[str, Path]) -> dict[str, str]:
    """Name the artifacts; where there are many, those that can be read come first."""
    ranked = sorted(artifacts, key=lambda path: (not proposed_numbers.is_readable(path), path))
    ids: dict[str, str] = {}
    for path in ranked[:_MOST_ARTIFACTS]:
        stem = _SLUG.sub("-", Path(path).stem.lower()).strip("-") or "file"
        ids[stem if stem not in ids else f"{stem}-{len(ids)}"] = path
    return ids


def _write_artifacts(ids: dict[str, str]) -> str:
    if not ids:
        return ""
    rows = [f"{{ id = {json.dumps(i)}, path = {json.dumps(p)} }}" for i, p in ids.items()]
    if len(rows) == 1:
        return f"artifacts = [{rows[0]}]\n"
    return "artifacts = [\n" + "".join(f"    {row},\n" for row in rows) + "]\n"


def _write_loose(root: Path, loose: Sequence[Path]) -> str:
    if not loose:
        return ""
    named = ", ".join(os.path.relpath(path, root) for path in loose[:_MOST_NAMED])
    text = "".join(c if c.isprintable() else "?" for c in named)
    more = ", …" if len(loose) > _MOST_NAMED else ""
    return (
        f"# Written at a fixed place, so no artifact: {text}{more}\n"
        "# Give the command an option for it, and write {work} there.\n"
    )


def _write_bounds(suite: str, numbers: Sequence[Number]) -> str:
    if not numbers:
        return ""
    lines = "".join(f"{_write_bound(number)}\n" for number in numbers)
    return _BOUNDS.format(name=suite, lines=lines)


def _write_bound(number: Number) -> str:
    low, high = sorted((number.value / 10, number.value * 10))
    metric = json.dumps(number.metric, ensure_ascii=False)
    aggregate = f', aggregate = "{number.aggregate}"' if number.aggregate else ""
    keys = f"metric = {metric}{aggregate}, min = {low:.1e}, max = {high:.1e}"
    return f"{number.id} = {{ {keys} }}  # {number.value:.4g}"


def _make_name(words: Sequence[str]) -> str:
    """Name the suite by its script, or by the program."""
    script = next((w for w in words if w.endswith((".py", ".sh"))), Path(words[0]).name)
    if "-m" in words[:-1]:
        script = words[words.index("-m") + 1].rpartition(".")[2]
    name = _SLUG.sub("-", Path(script).stem.lower()).strip("-")
    return name if name and name != "default" else "command"


def _refuse(found: str, expected: str) -> ConfigError:
    return ConfigError(
        "--from-command",
        found=found[:200],
        expected=expected,
        remedy="Run it by hand first, then give it in quotes.",
    )
