"""A log is whole, or says about how much of it is missing and where."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from harness.runner.stages import log_stream
from harness.runner.stages.log_stream import LogStream

LINE = 4096
_MARK = re.compile(rb"\n\[harness: log cut here: about ([0-9,]+) bytes left out\]\n")


def as_it_is(content: bytes) -> bytes:
    """Clean nothing; a torn character is an error."""
    return content.decode().encode()


def write_lines(path: Path, count: int, head: int) -> tuple[bytes, list[str]]:
    """Feed numbered lines of one size; return what was fed and what was passed on."""
    lines: list[str] = []
    stream = LogStream(path, as_it_is, lines.append, overlap=0, head=head)
    pieces = [f"{number:06d}".ljust(LINE - 1, ".").encode() + b"\n" for number in range(count)]
    for piece in pieces:
        stream.feed(piece)
    stream.close()
    assert stream.error is None
    return b"".join(pieces), [line[:6] for line in lines]


TAIL_LINES = log_stream.TAIL // LINE
HEADS = (1, 3)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("lost", [1, 2, TAIL_LINES - 1, TAIL_LINES + 1, 3 * TAIL_LINES])
def test_each_cut_is_marked_however_small(tmp_path: Path, head: int, lost: int) -> None:
    """Head and tail are there, and the mark between them says what is missing."""
    path = tmp_path / "a.log"
    fed, passed = write_lines(path, head + TAIL_LINES + lost, head * LINE)
    before, missing, after = _MARK.split(path.read_bytes())

    assert before == fed[: head * LINE]
    assert fed.endswith(after)
    assert log_stream.TAIL - LINE <= len(after) <= log_stream.TAIL
    said = int(missing.replace(b",", b""))
    assert abs(len(fed) - len(before) - len(after) - said) <= LINE
    stored = (before + after).split(b"\n")[:-1]
    assert passed == [line[:6].decode() for line in stored]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, TAIL_LINES])
def test_nothing_is_cut_that_has_room(tmp_path: Path, head: int, count: int) -> None:
    """As long as the rest fits the tail, the log is what the stage wrote, without a mark."""
    path = tmp_path / "a.log"
    fed, passed = write_lines(path, head + count, head * LINE)
    assert path.read_bytes() == fed
    assert passed == [f"{number:06d}" for number in range(head + count)]


@pytest.mark.parametrize("text", ["x", "é", "→", "🙂"])
def test_a_line_without_end_is_written_before_the_end(tmp_path: Path, text: str) -> None:
    """Only what redaction may have to see whole is held back, and no character is torn."""
    path = tmp_path / "a.log"
    content = (text * 70_000).encode()[: 70_000 + 70_000 % len(text.encode())]
    content = content.decode(errors="ignore").encode()
    stream = LogStream(path, as_it_is, lambda _: None, overlap=100)
    for begin in range(0, len(content), 4099):
        stream.feed(content[begin : begin + 4099])
    held_back = len(content) - path.stat().st_size
    stream.close()
    assert 0 < held_back <= (64 << 10) + 4099
    assert path.read_bytes() == content


PIECES: list[tuple[list[bytes], list[str]]] = [
    ([b"a\nb", b"c\n"], ["a", "bc"]),
    ([b"a\n", b"b"], ["a", "b"]),
    ([b"\n", b"a\n"], ["", "a"]),
    ([b"x" * 500 + b"\n"], ["x" * 400]),
]


@pytest.mark.parametrize(("pieces", "lines"), PIECES)
def test_lines_are_passed_on_whole(
    tmp_path: Path, pieces: list[bytes], lines: list[str]
) -> None:
    """A line that came in two pieces is one; the last needs no end; a long one is shortened."""
    passed: list[str] = []
    stream = LogStream(tmp_path / "a.log", as_it_is, passed.append, overlap=0)
    for piece in pieces:
        stream.feed(piece)
    stream.close()
    assert passed == lines
    assert (tmp_path / "a.log").read_bytes() == b"".join(pieces)


class Late:
    """A file whose disk refuses only when it is closed."""

    def write(self, content: bytes) -> int:
        """Take everything."""
        return len(content)

    def close(self) -> None:
        """Refuse."""
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


def test_a_disk_that_refuses_at_the_end_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that refuses before; the first reason stays."""
    monkeypatch.setattr(Path, "open", lambda *_, **__: Late())
    stream = LogStream(tmp_path / "a.log", as_it_is, lambda _: None, overlap=0)
    stream.feed(b"one\n")
    assert stream.error is None
    stream.close()
    assert stream.error == os.strerror(errno.EDQUOT)


def test_a_line_is_stored_as_soon_as_it_is_complete(tmp_path: Path) -> None:
    """What a stage said is in the file even if the run is killed now."""
    stream = LogStream(tmp_path / "a.log", as_it_is, lambda _: None, overlap=1000)
    stream.feed(b"one\ntwo")
    assert (tmp_path / "a.log").read_bytes() == b"one\n"
    stream.close("killed", "late")
    end = b"one\ntwo\n[harness: killed]\n\n[harness: late]\n"
    assert (tmp_path / "a.log").read_bytes() == end


SECRET = b"s3cr3t-of-all"


def clean_secret(content: bytes) -> bytes:
    """Redact one secret."""
    return content.replace(SECRET, b"<>")


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize("head", [1, 9, 20, 1 << 20])
@pytest.mark.parametrize("torn", range(1, len(SECRET)))
def test_all_that_is_stored_was_cleaned(
    tmp_path: Path, head: int, end: bytes, torn: int
) -> None:
    """Head, tail, and what lies across the seam between them."""
    overlap = len(SECRET)
    stream = LogStream(
        tmp_path / "a.log", clean_secret, lambda _: None, overlap=overlap, head=head
    )
    for piece in (b"a " + SECRET[:torn], SECRET[torn:] + b"\n", b"the " + SECRET, end):
        stream.feed(piece)
    stream.close()
    assert (tmp_path / "a.log").read_bytes() == b"a <>\nthe <>" + end


@pytest.mark.parametrize("torn", range(1, len(SECRET)))
def test_no_half_of_a_secret_is_left_at_a_cut(tmp_path: Path, torn: int) -> None:
    """A secret whose other half was cut away is not stored in part, on either side."""
    path = tmp_path / "a.log"
    stream = LogStream(path, clean_secret, lambda _: None, overlap=len(SECRET), head=10)
    stream.feed(b"before, " + SECRET + b" and " + SECRET[:torn])
    for piece in (SECRET[torn:] + b"\n", b"x" * LINE, SECRET[torn:] + b"\nafter\n"):
        stream.feed(piece)
    stream.feed(b"y" * (log_stream.TAIL - 20))
    stream.feed(b"\n")
    stream.close()
    before, _, after = _MARK.split(path.read_bytes())
    assert b"before, <> and ".startswith(before)
    assert len(before) >= len("bef")
    assert after.startswith(b"after\n")
