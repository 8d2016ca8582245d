"""Files that a run depends on, seen before and after it: whether they stayed what they were.

A run of hours is one of its inputs only if these are the same at its end: who changes the
branch while it goes has run something that no digest names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from harness.evidence.hub.inputs import DigestCache
from harness.files import identify
from harness.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A file as it was: what it is called, its digest, and its identity on the disk.

    ``by_code`` says that the digest is of its code and not of its bytes; see ``code_digest``.
    """

    name: str
    path: Path
    sha256: str
    by_code: bool
    identity: list[int] | None

    @classmethod
    def of_inputs(cls, root: Path, digests: Mapping[str, str]) -> tuple[Self, ...]:
        """Watch inputs, digests of their code by path below the root."""
        return tuple(
            cls(
                name=name,
                path=root / name,
                sha256=sha256,
                by_code=True,
                identity=_identify(root / name),
            )
            for name, sha256 in digests.items()
        )

    @classmethod
    def of_dataset(cls, role: str, path: Path, sha256: str) -> Self:
        """Watch the file of a dataset."""
        return cls(
            name=f"dataset {role}",
            path=path,
            sha256=sha256,
            by_code=False,
            identity=_identify(path),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Names of files that are not what they were, and of those that were only written."""

    changed: tuple[str, ...] = ()
    rewritten: tuple[str, ...] = ()


def find_changes(files: Iterable[Watched], cache: DigestCache) -> Changes:
    """Look at the files again; only what was touched is read."""
    changed: list[str] = []
    rewritten: list[str] = []
    for file in files:
        now = _identify(file.path)
        if now is not None and now == file.identity:
            continue
        group = rewritten if _digest(file, cache) == file.sha256 else changed
        group.append(file.name)
    return Changes(changed=tuple(changed), rewritten=tuple(rewritten))


def _digest(file: Watched, cache: DigestCache) -> str:
    """Return the digest of a file now; empty where it is gone."""
    if not file.path.is_file():
        return ""
    try:
        return cache.digest_code(file.path) if file.by_code else cache.digest(file.path)
    except OSError:
        return ""


def _identify(path: Path) -> list[int] | None:
    try:
        return identify(path.stat())
    except OSError:
        return None
