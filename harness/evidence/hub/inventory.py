"""A folder of evidence in, its list of files with digests out; and the list checked again.

``artifact_inventory.txt`` is for people, grouped, with sizes and modes. The manifest,
``manifest-sha256.txt``, is for programs and ``sha256sum -c``: every file but itself.

Source: design of the harness, sections 3 and 8.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from harness import files
from harness.errors import IntegrityError
from harness.evidence.hub import digest
from harness.frozen import dataclass

MANIFEST = "manifest-sha256.txt"
INVENTORY = "artifact_inventory.txt"
GROUPS = ("green", "cli", "analysis", "red", "plan")
LIST_LIMIT = 16 << 20
LINE_ENDS = (
    "Git changed them (core.autocrlf): put 'hubs/** -text' into .gitattributes, remove the hub "
    "from the work tree and check it out again."
)
FILE_LIMIT = 100_000

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_SIZED = re.compile(r"([0-9a-f]{64}) +(\d{1,18}) ([0-7]{4}) (.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file: path relative to the hub, size [bytes], digest and permission bits."""

    path: str
    size: int
    sha256: str
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeItem:
    """One thing in a folder as the file system shows it, links not followed."""

    path: str
    mode: int
    size: int
    links: int

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)


def printable_path(path: str) -> str:
    """Return a path as it may be printed: what does not print becomes an escape."""
    text = path if len(path) <= files.NAME_LIMIT else path[: files.NAME_LIMIT] + "…"
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def scan(root: Path) -> list[TreeItem]:
    """List everything below a folder, folders included, sorted by path.

    Raises:
        IntegrityError: Too many files, too deep, or a folder that cannot be read.
    """
    items: list[TreeItem] = []
    waiting = [("", 0)]
    while waiting:
        folder, depth = waiting.pop()
        if depth > files.DEPTH_LIMIT:
            raise digest.damage(
                printable_path(folder), "deeper folders", f"at most {files.DEPTH_LIMIT} levels"
            )
        for item in _list_files(root, folder):
            items.append(item)
            if stat.S_ISDIR(item.mode):
                waiting.append((item.path, depth + 1))
        if len(items) > FILE_LIMIT:
            raise digest.damage(str(root), f"over {FILE_LIMIT} files", "a hub")
    return sorted(items, key=lambda item: item.path)


def _list_files(root: Path, folder: str) -> list[TreeItem]:
    items = []
    try:
        with os.scandir(root / folder) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                path = f"{folder}/{entry.name}" if folder else entry.name
                items.append(
                    TreeItem(
                        path=path,
                        mode=status.st_mode,
                        size=status.st_size,
                        links=status.st_nlink,
                    )
                )
                if len(items) > FILE_LIMIT:
                    break
    except OSError as error:
        actual = (error.strerror or "trouble").lower()
        raise digest.damage(
            printable_path(folder) or str(root), actual, "a readable folder"
        ) from error
    return items


def take(root: Path) -> tuple[FileRecord, ...]:
    """Digest every file below a folder but the manifest, sorted by path.

    Raises:
        IntegrityError: Something is no regular file, has a name that a hub may not hold, or
            differs from another only in upper and lower case.
    """
    items = [item for item in scan(root) if not stat.S_ISDIR(item.mode)]
    items = [item for item in items if item.path != MANIFEST]
    for item in items:
        if not item.is_file:
            raise digest.damage(printable_path(item.path), digest.kind_of(item.mode), "a file")
        if problem := files.path_fault(item.path):
            raise digest.damage(printable_path(item.path), problem, "a plain relative name")
    refuse_collisions(item.path for item in items)
    answers = digest.sha256_all([(f"{root}/{item.path}", item.size) for item in items])
    records = []
    for item, answer in zip(items, answers, strict=True):
        if isinstance(answer, IntegrityError):
            raise answer
        mode = stat.S_IMODE(item.mode)
        records.append(FileRecord(path=item.path, size=item.size, sha256=answer, mode=mode))
    return tuple(records)


def refuse_collisions(paths: Iterable[str]) -> None:
    """Refuse two names that one file system would keep as one.

    Raises:
        IntegrityError: Two paths differ only in case.
    """
    seen: dict[str, str] = {}
    for path in paths:
        other = seen.setdefault(path.casefold(), path)
        if other != path:
            actual = f"also {printable_path(other)}, the same but for case"
            raise digest.damage(
                printable_path(path), actual, "names that differ in more than case"
            )


def group_of(path: str) -> str:
    """Name the group that a file is listed under: its folder, or ``record`` at the top."""
    folder, slash, _ = path.partition("/")
    return folder if slash else "record"


def write(root: Path) -> tuple[FileRecord, ...]:
    """Write the inventory and then the manifest into a folder; return what they list.

    Raises:
        IntegrityError: See ``take``.
        StorageError: The disk refused.
    """
    records = tuple(record for record in take(root) if record.path != INVENTORY)
    text = _inventory_text(records)
    files.write_text(root / INVENTORY, text, mode=0o444)
    own = FileRecord(
        path=INVENTORY,
        size=len(text.encode()),
        sha256=files.sha256_bytes(text.encode()),
        mode=0o444,
    )
    listed = tuple(sorted((*records, own), key=lambda record: record.path))
    lines = [f"{record.sha256}  {record.path}\n" for record in listed]
    files.write_text(root / MANIFEST, "".join(lines), mode=0o444)
    return listed


def _inventory_text(records: tuple[FileRecord, ...]) -> str:
    present = {group_of(record.path) for record in records}
    order = [*GROUPS, *sorted(present - {*GROUPS, "record"}), "record"]
    total = sum(record.size for record in records)
    lines = [f"# {len(records)} files, {total} bytes: sha256, size, mode, path"]
    for group in (group for group in order if group in present):
        mine = [record for record in records if group_of(record.path) == group]
        lines += ["", f"[{group}] {len(mine)} files"]
        lines += [f"{r.sha256} {r.size:>12} {r.mode:04o} {r.path}" for r in mine]
    return "\n".join(lines) + "\n"


def read_manifest(root: Path) -> dict[str, str]:
    """Return digest by path from the manifest of a hub.

    Raises:
        IntegrityError: The manifest is missing, too large, or holds a line, a path or an order
            that no seal writes.
    """
    content = digest.read_bytes(root / MANIFEST, LIST_LIMIT)
    if content.endswith(b"\r\n"):
        raise IntegrityError(
            MANIFEST, found="line ends that became CRLF", expected="LF", remedy=LINE_ENDS
        )
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError as error:
        raise digest.damage(MANIFEST, "bytes that are not UTF-8", "UTF-8 text") from error
    if lines.pop() != "" or not lines:
        raise digest.damage(MANIFEST, "no complete last line", "whole lines")
    listed: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        path, sha256 = _parse_line(line, f"{MANIFEST} line {number}")
        if listed and path <= next(reversed(listed)):
            raise digest.damage(
                f"{MANIFEST} line {number}",
                f"{printable_path(path)} out of order",
                "sorted paths",
            )
        listed[path] = sha256
    refuse_collisions(listed)
    return listed


def _parse_line(line: str, where: str) -> tuple[str, str]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise digest.damage(where, printable_path(line[:80]), "a digest, two spaces and a path")
    sha256, path = match.groups()
    if problem := files.path_fault(path) or (
        "the manifest itself" if path == MANIFEST else None
    ):
        raise digest.damage(
            where, f"{problem} in {printable_path(path)}", "a path inside the hub"
        )
    return path, sha256


def read_sizes(root: Path) -> dict[str, int]:
    """Return size by path [bytes] from the inventory; lines it does not know are left out.

    Raises:
        IntegrityError: The inventory is missing or too large.
    """
    text = digest.read_bytes(root / INVENTORY, LIST_LIMIT).decode(errors="replace")
    matches = (_SIZED.fullmatch(line) for line in text.split("\n"))
    return {match[4]: int(match[2]) for match in matches if match is not None}
