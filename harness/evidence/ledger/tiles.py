"""A ledger in, its hash tree on disk out: proofs without reading the ledger again.

One file of 32-byte hashes for each level of the tree, complete subtrees only, and one of the
offset at which each entry ends. It is a cache: whatever of it does not fit the ledger is
made anew, it may be deleted at any time, and a proof made of it is checked like any other.

Source: RFC 6962, section 2.1 (subtrees of a power of two never change once complete).
"""

from __future__ import annotations

import bisect
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from harness.errors import IntegrityError
from harness.evidence.ledger import canonical, merkle
from harness.evidence.ledger.log import LINE_LIMIT, Entry, Ledger, parse
from harness.files import open_regular, write_bytes

_ENDS = "ends"
_STATE = "state"
_END = struct.Struct("<Q")
_PIECE = 1 << 20
_LEVELS = 40


class Tiles:
    """The tree of one ledger, kept in ``folder``."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        """Name ledger and folder; nothing is read or written yet."""
        self._ledger, self._folder = ledger, folder
        self.size = 0

    def bring_up_to_date(self) -> int:
        """Read what the ledger gained since the last time; return its size.

        Raises:
            IntegrityError: The ledger is damaged.
            StorageError: The cache cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self.size, last = self._cached_state()
        pending: list[list[bytes]] = [[] for _ in range(_LEVELS)]
        ends: list[int] = []
        end = self._end(self.size)
        for line in self._lines(end):
            entry = parse(line, f"{self._ledger.path.name} line {self.size + 1}")
            if entry.sequence != self.size or (last and entry.previous != last):
                raise _damage_error(self._ledger.path.name, self.size)
            end += len(line) + 1
            ends.append(end)
            self._add(pending, bytes.fromhex(entry.leaf))
            last = entry.leaf
            if len(ends) >= _PIECE >> 4:
                self._save(pending, ends, last)
        self._save(pending, ends, last)
        return self.size

    def entry(self, index: int) -> Entry:
        """Read one entry.

        Raises:
            IntegrityError: The line is no entry.
        """
        start, end = self._end(index), self._end(index + 1)
        with self._open() as stream:
            stream.seek(start)
            line = stream.read(min(end - start, LINE_LIMIT + 1))
        return parse(line.removesuffix(b"\n"), f"{self._ledger.path.name} line {index + 1}")

    def find(self, subject: str) -> int | None:
        """Return the index of the last entry about a subject."""
        if self.size == 0:
            return None
        wanted = b'"subject":' + canonical.dumps(subject)
        with (
            self._open() as stream,
            mmap.mmap(
                stream.fileno(), self._end(self.size), access=mmap.ACCESS_READ
            ) as content,
        ):
            place = content.rfind(wanted)
            while place >= 0:
                index = bisect.bisect_right(range(self.size), place, key=self._end) - 1
                if self.entry(index).subject == subject:
                    return index
                place = content.rfind(wanted, 0, place)
        return None

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        return self._subtree(0, self.size)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Return the audit path of one entry, nearest sibling first.

        Raises:
            ProofError: There is no such entry.
        """
        if not 0 <= index < self.size:
            raise merkle.ProofError(f"index {index} in a tree of {self.size}")
        path, low, high = [], 0, self.size
        while high - low > 1:
            middle = low + merkle.split_point(high - low)
            if index < middle:
                path.append(self._subtree(middle, high))
                high = middle
            else:
                path.append(self._subtree(low, middle))
                low = middle
        return path[::-1]

    def _subtree(self, low: int, high: int) -> bytes:
        if low == high:
            return merkle.root([])
        width = high - low
        if not width & (width - 1):
            level = width.bit_length() - 1
            return self._hash(level, low >> level)
        middle = low + merkle.split_point(width)
        return merkle.node_hash(self._subtree(low, middle), self._subtree(middle, high))

    def _hash(self, level: int, index: int) -> bytes:
        content = _read_range(self._level(level), index * merkle.SIZE, merkle.SIZE)
        if len(content) != merkle.SIZE:
            raise _damage_error(str(self._folder), index)
        return content

    def _add(self, pending: list[list[bytes]], leaf: bytes) -> None:
        index, node = self.size, leaf
        pending[0].append(node)
        level = 0
        while index & 1:
            left = (index >> 1 << 1, level)
            node = merkle.node_hash(self._left_neighbour(pending, *left), node)
            index, level = index >> 1, level + 1
            pending[level].append(node)
        self.size += 1

    def _left_neighbour(self, pending: list[list[bytes]], index: int, level: int) -> bytes:
        """Find the left neighbour of the last node of a level: not yet saved, or on disk."""
        return pending[level][-2] if len(pending[level]) > 1 else self._hash(level, index)

    def _save(self, pending: list[list[bytes]], ends: list[int], last: str) -> None:
        """Append what is pending; the state is written last and names what counts."""
        if not ends:
            return
        before = self.size - len(ends)
        for level, nodes in enumerate(pending):
            if nodes:
                place = (before >> level) * merkle.SIZE
                _append(self._level(level), place, b"".join(nodes))
                nodes.clear()
        _append(self._folder / _ENDS, before * _END.size, b"".join(map(_END.pack, ends)))
        ends.clear()
        write_bytes(self._folder / _STATE, f"{self.size} {last}\n".encode())

    def _cached_state(self) -> tuple[int, str]:
        """Return how many entries the cache holds, and the last leaf; none when it misfits."""
        try:
            size_, last = _read_range(self._folder / _STATE, 0, 200).decode().split()
            size = int(size_)
            is_ours = size > 0 and self.entry(size - 1).leaf == last
        except (IntegrityError, ValueError, OSError, struct.error):
            return 0, ""
        return (size, last) if is_ours and self._hash_or_none(size - 1) == last else (0, "")

    def _hash_or_none(self, index: int) -> str:
        return _read_range(self._level(0), index * merkle.SIZE, merkle.SIZE).hex()

    def _end(self, index: int) -> int:
        if index == 0:
            return 0
        content = _read_range(self._folder / _ENDS, (index - 1) * _END.size, _END.size)
        return int(_END.unpack(content)[0])

    def _level(self, level: int) -> Path:
        return self._folder / f"level-{level:02d}"

    def _open(self) -> BinaryIO:
        try:
            return open_regular(self._ledger.path)
        except OSError as error:
            raise IntegrityError(
                self._ledger.path.name,
                found=error.strerror or "an error",
                expected="a readable ledger",
                remedy="Restore the ledger from git or from a copy.",
            ) from error

    def _lines(self, start: int) -> Iterator[bytes]:
        """Give the whole lines from an offset on, without their ends."""
        if not os.path.lexists(self._ledger.path):
            return
        with self._open() as stream:
            stream.seek(start)
            while line := stream.readline(LINE_LIMIT + 2):
                if not line.endswith(b"\n"):
                    return
                yield line[:-1]


def _read_range(path: Path, start: int, size: int) -> bytes:
    with open_regular(path) as stream:
        stream.seek(start)
        return stream.read(size)


def _append(path: Path, start: int, content: bytes) -> None:
    """Write at an offset; what stood behind it was of a run that did not end."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        os.ftruncate(handle, start)
        with os.fdopen(os.dup(handle), "wb") as stream:
            stream.seek(start)
            stream.write(content)
    finally:
        os.close(handle)


def _damage_error(where: str, index: int) -> IntegrityError:
    return IntegrityError(
        where,
        found=f"entry {index} that does not follow",
        expected="a chained ledger and its own cache",
        remedy="Run harness ledger verify; the cache under .harness may be deleted.",
    )
