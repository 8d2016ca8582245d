"""Entries in, an append-only chained log out; and the log proved again.

One entry per line, in canonical JSON. Each carries its sequence number and the leaf hash of the
entry before it, so that a change, a removal or an insertion inside the log breaks the chain;
the tree over all leaf hashes gives proofs and checkpoints. An entry holds no fractions.

Source: design of the harness, section 7.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from harness.errors import IntegrityError, StorageError
from harness.evidence.ledger import canonical, lock, merkle
from harness.files import storage
from harness.frozen import dataclass

SCHEMA = 1
LINE_LIMIT = 64 << 10
_BUFFER = 1 << 20
_KEYS = {"body", "kind", "previous", "schema", "sequence", "subject", "time"}
_START = merkle.root([]).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry: ``previous`` and ``leaf`` are leaf hashes in hex, ``time`` is RFC 3339 UTC."""

    sequence: int
    time: str
    kind: str
    subject: str
    body: dict[str, Any]
    previous: str
    leaf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A ledger that holds: its size, its root in hex, and the bytes of a torn tail."""

    size: int
    root: str
    torn_bytes: int


def now() -> str:
    """Return the time as RFC 3339 in UTC, to the second."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _refuse(word: str) -> NoReturn:
    raise canonical.CanonicalError(f"the number {word[:20]}")


_decode = json.JSONDecoder(parse_constant=_refuse, parse_float=_refuse).decode
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


class Ledger:
    """The log of all seals at ``path``; an absent file is an empty ledger."""

    def __init__(
        self, path: Path, *, clock: Callable[[], str] = now, wait_s: float = lock.WAIT_S
    ) -> None:
        """Name the file; nothing is read or written yet."""
        self.path = path
        self._clock = clock
        self._wait_s = wait_s

    def append(self, kind: str, subject: str, body: Mapping[str, Any]) -> Entry:
        """Add one entry durably and return it; a torn tail is cut first.

        Raises:
            IntegrityError: The last entry is damaged.
            LockTimeoutError: Another living process kept the lock.
            StorageError: The disk refused; the ledger is as before.
        """
        with self._hold_writer() as handle:
            return self._add_all(handle, [(kind, subject, body, "")])[0]

    def append_all(
        self, items: Sequence[tuple[str, str, Mapping[str, Any], str]]
    ) -> list[Entry]:
        """Add several entries (kind, subject, body, time) by one durable write.

        After a crash the first of them may be there without the last.

        Raises:
            IntegrityError: See ``append``.
            LockTimeoutError: See ``append``.
            StorageError: See ``append``.
        """
        with self._hold_writer() as handle:
            return self._add_all(handle, items)

    def entries(self) -> tuple[Entry, ...]:
        """Return every whole entry, proved against its predecessor.

        Raises:
            IntegrityError: The file is damaged; the line is named.
        """
        return tuple(self.walk())

    def walk(self) -> Iterator[Entry]:
        """Give one whole entry after the other, proved against its predecessor.

        Raises:
            IntegrityError: The file is damaged; the line is named.
        """
        previous = _START
        for sequence, line in enumerate(self.lines()):
            if not line.endswith(b"\n") and len(line) <= LINE_LIMIT:
                return  # the torn tail of an append that never returned
            where = f"{self.path.name} line {sequence + 1}"
            entry = parse(line.removesuffix(b"\n"), where)
            if entry.sequence != sequence or entry.previous != previous:
                raise _damage_error(
                    where,
                    f"entry {entry.sequence} after {entry.previous[:12]}",
                    f"entry {sequence} after {previous[:12]}",
                )
            previous = entry.leaf
            yield entry

    def check(self) -> Health:
        """Prove the chain and the tree of the whole log.

        Raises:
            IntegrityError: The file is damaged; the line is named.
        """
        tree = merkle.Growing()
        for entry in self.walk():
            tree.add(bytes.fromhex(entry.leaf))
        return Health(size=tree.size, root=tree.root().hex(), torn_bytes=self._torn())

    def leaves(self) -> list[bytes]:
        """Return the leaf hashes of all entries, proved as in ``entries``.

        Raises:
            IntegrityError: The file is damaged.
        """
        return [bytes.fromhex(entry.leaf) for entry in self.walk()]

    def count(self) -> int:
        """Return how many whole entries there are, from the last one alone.

        Raises:
            IntegrityError: The last entry is damaged.
        """
        if not os.path.lexists(self.path):
            return 0
        with _open_descriptor(self.path, os.O_RDONLY) as handle:
            last = _tail(handle, self.path)[1]
            return last.sequence + 1 if last else 0

    def lines(self) -> Iterator[bytes]:
        """Give the lines with their newline, the torn tail last and without one."""
        if not os.path.lexists(self.path):
            return
        with _open_descriptor(self.path, os.O_RDONLY) as handle:
            try:
                with os.fdopen(os.dup(handle), "rb", buffering=_BUFFER) as stream:
                    while line := stream.readline(LINE_LIMIT + 2):
                        yield line
            except OSError as error:
                raise _refused_error(self.path, error) from error

    def _torn(self) -> int:
        if not os.path.lexists(self.path):
            return 0
        with _open_descriptor(self.path, os.O_RDONLY) as handle:
            size = os.fstat(handle).st_size
            return size - _tail(handle, self.path)[0]

    @contextlib.contextmanager
    def _hold_writer(self) -> Iterator[int]:
        with storage(self.path.parent, "a folder that can be made"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with lock.hold(self.path.with_name(f".{self.path.name}.lock"), self._wait_s):
            is_new = not os.path.lexists(self.path)
            with _open_descriptor(self.path, os.O_RDWR | os.O_CREAT) as handle:
                yield handle
            if is_new:
                sync_folder(self.path.parent)

    def _add_all(
        self, handle: int, items: Sequence[tuple[str, str, Mapping[str, Any], str]]
    ) -> list[Entry]:
        end, last = _tail(handle, self.path)
        entries, lines = [], []
        for kind, subject, body, time in items:
            line = _line(kind, subject, body, time or self._clock(), last)
            last = parse(line, f"{self.path.name} new entry")
            entries.append(last)
            lines.append(line + b"\n")
        _write(handle, self.path, end, b"".join(lines))
        return entries


def parse(line: bytes, where: str) -> Entry:
    """Read one line of a ledger; only canonical JSON with exactly the known fields passes.

    Raises:
        IntegrityError: The line is anything else; ``where`` names it.
    """
    if len(line) > LINE_LIMIT:
        raise _damage_error(where, f"{len(line)} bytes", f"at most {LINE_LIMIT}")
    try:
        value = _decode(line.decode())
        spelled = _encode(value).encode() if line.isascii() else canonical.dumps(value)
        is_canonical = spelled == line
    except RecursionError as error:
        raise _damage_error(where, "nesting too deep", "an entry") from error
    except ValueError as error:
        actual = str(error) if isinstance(error, canonical.CanonicalError) else "no JSON"
        raise _damage_error(where, actual, "one entry in canonical JSON") from error
    if not is_canonical:
        raise _damage_error(where, "another spelling", "canonical JSON")
    _require_fields(value, where)
    return Entry(
        sequence=value["sequence"],
        time=value["time"],
        kind=value["kind"],
        subject=value["subject"],
        body=value["body"],
        previous=value["previous"],
        leaf=merkle.leaf_hash(line).hex(),
    )


def chain_entry(entry: Entry, last: Entry | None) -> Entry:
    """Return an entry as it reads behind another one (or first of all)."""
    line = _line(entry.kind, entry.subject, entry.body, entry.time, last)
    return parse(line, "a rebuilt entry")


def _line(
    kind: str, subject: str, body: Mapping[str, Any], time: str, last: Entry | None
) -> bytes:
    return canonical.dumps(
        {
            "schema": SCHEMA,
            "sequence": 0 if last is None else last.sequence + 1,
            "time": time,
            "kind": kind,
            "subject": subject,
            "body": dict(body),
            "previous": _START if last is None else last.leaf,
        }
    )


def _require_fields(value: Any, where: str) -> None:
    if type(value) is not dict or value.keys() != _KEYS:
        raise _damage_error(where, "other keys", f"an object with {', '.join(sorted(_KEYS))}")
    if type(value["schema"]) is not int or value["schema"] != SCHEMA:
        raise _damage_error(where, f"schema {value['schema']!r}"[:40], f"schema {SCHEMA}")
    texts = (value["time"], value["kind"], value["subject"], value["previous"])
    if (
        set(map(type, texts)) != {str}
        or type(value["sequence"]) is not int
        or type(value["body"]) is not dict
        or len(value["previous"]) != len(_START)
    ):
        raise _damage_error(where, "a field of another type", "text, a number and a body")


def _damage_error(where: str, found: str, expected: str) -> IntegrityError:
    remedy = "Restore the ledger from git or another copy; harness ledger verify shows more."
    return IntegrityError(where, found=found, expected=expected, remedy=remedy)


@contextlib.contextmanager
def _open_descriptor(path: Path, flags: int) -> Iterator[int]:
    try:
        handle = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    except OSError as error:
        raise _refused_error(path, error) from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _damage_error(str(path), "something else", "a regular file")
        yield handle
    finally:
        os.close(handle)


def _tail(handle: int, path: Path) -> tuple[int, Entry | None]:
    """Find the end of the last whole entry, and that entry, reading only the end of the file.

    A line that was never ended by a newline belongs to an append that never returned.
    """
    size = os.fstat(handle).st_size
    start = max(0, size - 2 * LINE_LIMIT - 2)
    try:
        content = os.pread(handle, size - start, start)
    except OSError as error:
        raise _refused_error(path, error) from error
    whole = content[: content.rfind(b"\n") + 1]
    if not whole:
        if start:
            raise _damage_error(path.name, "no line at the end", "entries, one a line")
        return 0, None
    line = whole[:-1].rpartition(b"\n")[2]
    return start + len(whole), parse(line, f"{path.name} last line")


def _write(handle: int, path: Path, end: int, content: bytes) -> None:
    """Write at ``end``, cutting what stands after it; put the old end back on trouble."""
    try:
        os.ftruncate(handle, end)
        done = 0
        while done < len(content):
            done += os.pwrite(handle, content[done:], end + done)
        os.fsync(handle)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.ftruncate(handle, end)
        raise _refused_error(path, error) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        StorageError: The disk refused.
    """
    with storage(folder, "a folder that can be made durable"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _refused_error(path: Path, error: OSError) -> StorageError:
    return StorageError(
        str(path),
        found=error.strerror or str(error),
        expected="a regular file that can be written and made durable",
        remedy="Free space or fix the permissions, then run again.",
    )
