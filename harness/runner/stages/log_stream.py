"""A child's output as a log file: cleaned, bounded, and passed on line by line.

The head is kept up to a bound and the tail always: the end of a log is where the reason is.
What lies between is counted, dropped, and marked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path

Clean = Callable[[bytes], bytes]
OnLine = Callable[[str], None]
HEAD = 48 << 20
TAIL = 1 << 20
_LONGEST_LINE = 64 << 10
_SHOWN_LINE = 400
_LONGEST_CHARACTER, _CONTINUES = 4, 0x80  # of UTF-8


class LogStream:
    """Writes one log; ``feed`` never raises for a full disk, ``error`` tells."""

    def __init__(
        self, path: Path, clean: Clean, on_line: OnLine, *, overlap: int, head: int = HEAD
    ) -> None:
        """Open the log.

        Args:
            path: File to write.
            clean: Redaction and neutralising of a piece of output.
            on_line: Called with each complete, cleaned line.
            overlap: Longest text that redaction looks for [bytes].
            head: Bytes kept from the start.
        """
        self._clean, self._on_line, self._overlap = clean, on_line, overlap
        self._left = head
        self._buffer = b""
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self.cut = 0
        self.error: str | None = None
        # Unbuffered: what a stage said is in the file even when the run is killed.
        self._stream: RawIOBase = path.open("wb", buffering=0)

    def feed(self, piece: bytes) -> None:
        """Take a piece of raw output."""
        if self._left <= 0:
            self._keep_tail(piece)
            return
        self._left -= len(piece)
        buffer = self._buffer + piece
        end = buffer.rfind(b"\n") + 1
        if end == 0 and len(buffer) > _LONGEST_LINE:
            # No newline for long: clean what is there, and hold back what may be
            # the beginning of something that redaction must see whole.
            whole = _whole_characters(buffer, len(buffer))
            buffer, torn = self._clean(buffer[:whole]), buffer[whole:]
            end = _whole_characters(buffer, len(buffer) - self._overlap)
            self._write(buffer[:end], lines=False)
            buffer += torn
        elif end:
            self._write(self._clean(buffer[:end]), lines=True)
        self._buffer = buffer[end:]

    def close(self, *closing: str) -> None:
        """Write what is held back, the mark of a cut, and closing remarks."""
        tail = b"".join(self._tail)
        if self.cut:
            # Redaction sees no half of a path or secret at the edges of the cut.
            held_back = self._clean(self._buffer)
            end = _whole_characters(held_back, len(held_back) - self._overlap)
            tail = tail[tail.find(b"\n") + 1 :][-TAIL:]
            self._write(held_back[:end], lines=True)
            self._remark(f"log cut here: about {self.cut:,} bytes left out")
            self._write(self._clean(tail), lines=True)
        elif self._buffer or tail:  # one text: what is redacted may lie across the seam
            self._write(self._clean(self._buffer + tail), lines=True)
        for remark in closing:
            self._remark(remark)
        try:
            self._stream.close()
        except OSError as error:
            self.error = self.error or error.strerror

    def _remark(self, text: str) -> None:
        self._write(f"\n[harness: {text}]\n".encode(), lines=False)

    def _keep_tail(self, piece: bytes) -> None:
        self._tail.append(piece)
        self._tail_size += len(piece)
        while self._tail_size - len(self._tail[0]) >= TAIL:
            gone = len(self._tail.popleft())
            self._tail_size -= gone
            self.cut += gone

    def _write(self, content: bytes, *, lines: bool) -> None:
        if self.error is None:
            try:
                left = memoryview(content)
                while left:
                    left = left[self._stream.write(left) or 0 :]
            except OSError as error:
                self.error = error.strerror or str(error)
        if lines:
            for line in content.decode(errors="replace").splitlines():
                self._on_line(line[:_SHOWN_LINE])


def _whole_characters(content: bytes, end: int) -> int:
    """Return the last place up to ``end`` where no UTF-8 character is torn."""
    end = max(end, 0)
    for back in range(1, min(_LONGEST_CHARACTER, end) + 1):
        byte = content[end - back]
        if byte & 0xC0 != _CONTINUES:
            length = 1 + (byte >= 0xC0) + (byte >= 0xE0) + (byte >= 0xF0)  # noqa: PLR2004 - UTF-8
            return end if length <= back else end - back
    return end
