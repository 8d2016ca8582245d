"""The declared inputs of a suite as digests by path, and a cache of digests by file identity.

Globs are resolved on the file system, whatever git thinks of a file: what a stage reads
decides, tracked or not. Each glob names something, or the declaration is wrong.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from harness.errors import ConfigError, StorageError, near
from harness.evidence.hub import code_digest
from harness.files import (
    identify,
    json_bytes,
    read_cache,
    sha256_bytes,
    sha256_file,
    write_bytes,
)

SKIPPED = frozenset(
    {".git", "__pycache__", ".venv", ".harness", "node_modules", ".pytest_cache", ".mypy_cache"}
    | {".ruff_cache", ".tox", ".nox", ".hypothesis", ".ipynb_checkpoints"}
)
_COMPARED = 5_000  # names that a mistyped glob is compared with
_WILD = re.compile(r"[*?\[]")
_CACHE_SCHEMA = 1
# A file that changed this recently may change again without a new time stamp.
_SETTLED_NS = 2_000_000_000


class DigestCache:
    """SHA-256 by (device, inode, size, mtime, ctime): an unchanged file is not read again.

    The change time cannot be set back, so an edit of the same size with a restored
    modification time is seen. The file of the cache may be deleted at any time.
    """

    def __init__(self, path: Path) -> None:
        """Read the cache; an unreadable one is empty."""
        self._path = path
        self._known = _read_cache(path)
        self._used: dict[str, list[int | str]] = {}
        self._is_changed = False

    def digest(self, path: Path) -> str:
        """Return the digest of a file's bytes.

        Raises:
            OSError: It cannot be read.
        """
        return self._known_or(str(path), path, lambda: sha256_file(path))

    def digest_code(self, path: Path) -> str:
        """Return the digest of a file's code; see ``code_digest``.

        Bytes that were taken apart once are not taken apart again, wherever they lie.

        Raises:
            OSError: It cannot be read.
        """
        if not code_digest.has_code(path) or path.stat().st_size > code_digest.LARGEST:
            return self.digest(path)  # taken apart neither, so that it is not held in memory
        return self._known_or(f"{code_digest.CODE}:{path}", path, lambda: self._code(path))

    def _code(self, path: Path) -> str:
        content = path.read_bytes()
        name = f"{code_digest.CODE}{path.suffix}:{sha256_bytes(content)}"
        known = self._known.get(name) or self._used.get(name)
        if not isinstance(known, list) or len(known) != 1 or type(known[0]) is not str:
            known = [code_digest.digest_content(path.suffix, content)]
            self._is_changed = True
        self._used[name] = known
        return str(known[-1])

    def _known_or(self, name: str, path: Path, take_anew: Callable[[], str]) -> str:
        status = path.stat()
        identity = identify(status)
        known = self._known.get(name)
        if known is not None and known[:-1] == identity:
            self._used[name] = known
            return str(known[-1])
        value = take_anew()
        newest = max(status.st_ctime_ns, status.st_mtime_ns)
        if newest < time.time_ns() - _SETTLED_NS:
            self._used[name] = [*identity, value]
            self._is_changed = True
        return value

    def save(self) -> None:
        """Write what was used or learned; a cache that cannot be written is left as it was."""
        if not self._is_changed:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            known = {**self._known, **self._used}
            write_bytes(self._path, json_bytes({"schema": _CACHE_SCHEMA, "files": known}))
        except (OSError, StorageError):
            return
        self._is_changed = False


def take(
    root: Path,
    globs: Iterable[str],
    cache: DigestCache,
    own: Sequence[Path] = (),
    meaning: str = code_digest.CODE,
) -> dict[str, str]:
    """Digest the files that the globs name, by path relative to the root, sorted.

    Args:
        root: Folder of the project.
        globs: What is declared.
        cache: Digests that are known.
        own: Folders of the harness, in which a wildcard finds nothing.
        meaning: What a digest stands for, ``code_digest.CODE`` or ``BYTES``.

    Raises:
        ConfigError: A glob names no file, or a file cannot be read.
    """
    digest = cache.digest if meaning == code_digest.BYTES else cache.digest_code
    return {
        path: _digest(root, path, digest) for path in sorted(set(resolve(root, globs, own)))
    }


def _digest(root: Path, path: str, digest: Callable[[Path], str]) -> str:
    full = root / path
    try:
        if not stat.S_ISREG(full.stat().st_mode):  # a FIFO would be waited for
            raise _misuse(path, "no regular file", "a file", "Leave it out of the inputs.")
        return digest(full)
    except OSError as error:
        is_link = full.is_symlink()
        actual = "a link that leads nowhere" if is_link else error.strerror or str(error)
        raise _misuse(
            path, actual, "a readable input", "Fix the file or the inputs."
        ) from error


def resolve(root: Path, globs: Iterable[str], own: Sequence[Path] = ()) -> Iterator[str]:
    """Yield the paths that the globs name, relative to the root, some of them more than once.

    Raises:
        ConfigError: A glob names nothing, or leads out of the project.
    """
    for paths in name_files(root, globs, own).values():
        yield from paths


def name_files(
    root: Path, globs: Iterable[str], own: Sequence[Path] = ()
) -> dict[str, list[str]]:
    """Return what each glob names, relative to the root.

    Files that git ignores, links and submodules are followed like any other file; a link that
    leads out of the project is refused, so that who wrote it does not choose what is read. A
    wildcard does not enter what tools keep for themselves, such as ``.git`` and virtual
    environments, unless the glob says so by name.

    Raises:
        ConfigError: A glob names nothing, or leads out of the project.
    """
    by_glob: dict[str, list[str]] = {}
    listed: dict[str, list[str]] = {}
    outside: set[str] = set()
    for glob in dict.fromkeys(globs):
        if glob.startswith("/") or ".." in glob.split("/"):
            raise _misuse(f"inputs {glob!r}", "a way out of the project", "a path inside", "")
        if not _WILD.search(glob):
            by_glob[glob] = _name_file(root, glob, outside)
        else:
            fixed = _WILD.split(glob, maxsplit=1)[0].rpartition("/")[0]
            if fixed not in listed:
                below = f"{fixed}/" if fixed else ""
                listed[fixed] = list(_walk(root, below, own, outside))
            matches = pattern(glob).fullmatch
            by_glob[glob] = [path for path in listed[fixed] if matches(path)]
        _refuse_outside(glob, outside)
        if not by_glob[glob]:
            nearest = _nearest(root, glob, own)
            raise _misuse(f"inputs {glob!r}", "no file", "a glob that names files", nearest)
    return by_glob


def _name_file(root: Path, path: str, outside: set[str]) -> list[str]:
    """Return the file that a glob without wildcards is, where there is one."""
    if not os.path.lexists(root / path):
        return []
    if not _is_below(os.path.realpath(root), root / path):
        outside.add(path)
    elif not (root / path).is_dir():
        return [path]
    return []


def _refuse_outside(glob: str, outside: set[str]) -> None:
    """Refuse a glob that may name what lies behind a link out of the project."""
    leaving = sorted(path for path in outside if _reaches(glob, path))
    if leaving:
        where = f"inputs {glob!r}: {leaving[0]}"
        remedy = "Put the files themselves into the project, or narrow the glob."
        raise _misuse(where, "a link out of the project", "files inside", remedy)


def _nearest(root: Path, glob: str, own: Sequence[Path]) -> str:
    """Say what a glob that names nothing may have meant."""
    if (root / glob).is_dir():
        return f"A folder is meant by '{glob.rstrip('/')}/**/*'."
    names = list(itertools.islice(_walk(root, "", own, set()), _COMPARED))
    word = near(glob, [*names, *{name.rpartition("/")[0] for name in names}])
    return f"Did you mean {word!r}?" if word else "Correct or remove it in harness.toml."


def _misuse(where: str, found: str, expected: str, remedy: str) -> ConfigError:
    remedy = remedy or "Correct the inputs of the suite in harness.toml."
    return ConfigError(where, found=found, expected=expected, remedy=remedy)


@lru_cache(maxsize=256)
def pattern(glob: str) -> re.Pattern[str]:
    """Compile a glob: ``*`` within a folder, ``**`` across folders, ``?`` one character."""
    parts = []
    for piece in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", glob):
        if piece == "**/":
            parts.append("(?:[^/]+/)*")
        elif piece == "**":
            parts.append(".*")
        elif piece in "*?":
            parts.append({"*": "[^/]*", "?": "[^/]"}[piece])
        elif piece.startswith("[") and len(piece) > 1:
            parts.append(piece.replace("[!", "[^"))
        else:
            parts.append(re.escape(piece))
    return re.compile("".join(parts))


def names(glob: str, path: str) -> bool:
    """Whether a glob names a file, by the path alone."""
    return path == glob or pattern(glob).fullmatch(path) is not None


def may_name_below(glob: str, folder: str) -> bool:
    """Whether a glob may name a file in a folder; of wildcards nothing is excluded."""
    fixed = _WILD.split(glob, maxsplit=1)[0]
    return fixed.startswith(f"{folder}/") or f"{folder}/".startswith(fixed)


def summary(digests: Mapping[str, str]) -> str:
    """Digest a set of inputs: one number that changes when any file does."""
    digest = hashlib.sha256()
    for path in sorted(digests):
        digest.update(f"{digests[path]}  {path}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _walk(root: Path, below: str, own: Sequence[Path], outside: set[str]) -> Iterator[str]:
    """Yield every file below a folder, through links too, but never around a circle.

    Links that lead out of ``root`` are not entered; they are added to ``outside``, folders
    with a '/' at the end.
    """
    passed_by = {str(folder) for folder in own}
    top = os.path.realpath(root)
    waiting = [(below, frozenset({_identity(root / below)}))]
    if not _is_below(top, root / below):
        outside.add(below)
        waiting = []
    while waiting:
        folder, trail = waiting.pop()
        try:
            entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
        except OSError:
            continue  # not there, or not ours to read: then it names nothing
        for entry in entries:
            path = f"{folder}{entry.name}"
            is_passed = entry.name in SKIPPED or entry.path in passed_by
            if entry.is_symlink() and not is_passed and not _is_below(top, entry.path):
                outside.add(f"{path}/" if os.path.isdir(entry.path) else path)  # noqa: PTH112 - names
            elif not os.path.isdir(entry.path):  # noqa: PTH112 - unlike the entry's, never raises
                yield path
            elif not is_passed and (here := _enter(entry.path, trail)):
                waiting.append((f"{path}/", trail | {here}))


def _enter(folder: str, trail: frozenset[tuple[int, int]]) -> tuple[int, int] | None:
    """Return the identity of a folder; none of an environment, or of one that it lies in."""
    here = _identity(Path(folder))
    is_environment = os.path.lexists(f"{folder}/pyvenv.cfg")
    return None if is_environment or here in trail else here


def _is_below(top: str, path: str | Path) -> bool:
    """Say whether a path lies in a folder once every link in it is followed."""
    real = os.path.realpath(path)
    return real == top or real.startswith(top.rstrip(os.sep) + os.sep)


def _reaches(glob: str, path: str) -> bool:
    """Say whether a glob may name a file, or anything below a folder, which ends with '/'."""
    if not path.endswith("/"):
        return names(glob, path)
    wanted, parts = glob.split("/"), path.split("/")[:-1]
    for piece, part in zip(wanted, parts, strict=False):
        if "**" in piece:
            return True
        if not pattern(piece).fullmatch(part):
            return False
    return len(wanted) > len(parts)


def _identity(folder: Path) -> tuple[int, int]:
    try:
        status = folder.stat()
    except OSError:
        return (0, 0)
    return status.st_dev, status.st_ino


def _read_cache(path: Path) -> dict[str, list[int | str]]:
    known = read_cache(path, _CACHE_SCHEMA).get("files")
    return known if isinstance(known, dict) else {}
