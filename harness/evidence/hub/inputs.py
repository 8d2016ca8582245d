"""The declared inputs of a suite as digests by path, and a cache of digests by file identity.

Globs are resolved through git (tracked and untracked alike, ignored files left out) where the
project is a work tree, else by walking it. A path without wildcards always counts.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from harness.errors import ConfigError, StorageError
from harness.evidence.hub import checkout, code_digest
from harness.files import json_bytes, read_cache, sha256_bytes, sha256_file, write_bytes

_SKIPPED = frozenset({".git", "__pycache__", ".venv", ".harness", "node_modules"})
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
        if not code_digest.has_code(path):
            return self.digest(path)
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
        identity: list[int | str] = [
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        ]
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
    root: Path, globs: Iterable[str], cache: DigestCache, meaning: str = code_digest.CODE
) -> dict[str, str]:
    """Digest the files that the globs name, by path relative to the root, sorted.

    Args:
        root: The project.
        globs: What the suite declares.
        cache: Digests known.
        meaning: What a digest stands for, ``code_digest.CODE`` or ``BYTES``.

    Raises:
        ConfigError: The globs name no file at all, or a file cannot be read.
    """
    globs = tuple(globs)
    found = sorted(set(resolve(root, globs)))
    if globs and not found:
        raise ConfigError(
            "inputs",
            found="no file that matches",
            expected="at least one input",
            remedy="Correct the inputs of the suite in harness.toml.",
        )
    digest = cache.digest if meaning == code_digest.BYTES else cache.digest_code
    digests = {}
    for path in found:
        try:
            digests[path] = digest(root / path)
        except FileNotFoundError:
            continue  # deleted, but still in git's index
        except OSError as error:
            raise ConfigError(
                path,
                found=error.strerror or str(error),
                expected="a readable input",
                remedy="Fix the file or the inputs.",
            ) from error
    return digests


def resolve(root: Path, globs: tuple[str, ...]) -> Iterator[str]:
    """Yield the paths that the globs name, relative to the root; some may be deleted."""
    literal = [glob for glob in globs if not _WILD.search(glob)]
    yield from (glob for glob in literal if (root / glob).is_file())
    wild = tuple(glob for glob in globs if _WILD.search(glob))
    if not wild:
        return
    listed = _listed_by_git(root, wild)
    if listed is None:
        patterns = [pattern(glob) for glob in wild]
        listed = [p for p in _walk(root, "") if any(r.fullmatch(p) for r in patterns)]
    yield from (path for path in listed if not _SKIPPED.intersection(path.split("/")))


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


def summary(digests: Mapping[str, str]) -> str:
    """Digest a set of inputs: one number that changes when any file does."""
    digest = hashlib.sha256()
    for path in sorted(digests):
        digest.update(f"{digests[path]}  {path}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _walk(root: Path, below: str) -> Iterator[str]:
    with os.scandir(root / below) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            path = f"{below}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED:
                    yield from _walk(root, f"{path}/")
            elif entry.is_file():
                yield path


def _listed_by_git(root: Path, globs: tuple[str, ...]) -> list[str] | None:
    kinds = ("--cached", "--others", "--exclude-standard")
    wanted = (f":(glob){glob}" for glob in globs)
    listed = checkout.ask(root, "ls-files", "-z", *kinds, "--", *wanted)
    if listed is None:
        return None
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]


def _read_cache(path: Path) -> dict[str, list[int | str]]:
    known = read_cache(path, _CACHE_SCHEMA).get("files")
    return known if isinstance(known, dict) else {}
