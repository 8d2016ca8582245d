"""Patterns over the log of a stage, searched so that the time stays small whatever it says.

No repeated group, no back-reference, two repetitions at most, and a deadline for the whole
log. A pattern with a repetition sees the first 1,000 characters of a line. From what was not
seen nothing is concluded: where a line or the log was cut, or a line is of another encoding
than UTF-8, "not there" is no answer.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator

from harness.errors import EvidenceMissingError

_LINE_LIMIT = 1000
_PATTERN_LIMIT = 300
_REPEATS = 2
_BRANCHES = 6  # each one at most doubles the ways that a line can be matched
_DEADLINE_S = 10.0
# The remark of a log whose middle was left out, as the stage's stream writes it.
CUT = re.compile(r"^\[harness: log cut here: about [0-9,]+ bytes left out\]$", re.MULTILINE)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_REFUSED = re.compile(r"@|\(\?(?!:)|\)[*+{]")
_REPEAT = re.compile(r"[*+{]")
# How another encoding stands in a log: the zeros of UTF-16, and bytes that are no UTF-8.
_WIDE = re.compile(r"(?:[ -~](?:\\x00){1,3}){3}")
_BYTE = re.compile(r"\\x[89a-f][0-9a-f]")
_FOREIGN = re.compile(r"[^\x00-\x7f]|\\[xuUN]")
_BRANCH = re.compile(r"[|]|(?<![*+}(])\?")


class Log:
    """The log of a stage, searched line by line until a deadline."""

    def __init__(self, stage: str, text: str) -> None:
        self._stage, self._text = stage, text
        self._is_cut = CUT.search(text) is not None
        self._deadline = time.monotonic() + _DEADLINE_S
        self.count = text.count("\n") + (not text.endswith("\n") and bool(text))

    def search(self, text: str, *, needs_all: bool) -> list[re.Match[str]]:
        """Return the matches of a pattern, one a line.

        Args:
            text: The pattern.
            needs_all: Whether each match counts, and not only whether there is any.

        Raises:
            EvidenceMissingError: Something was not searched that the answer depends on.
        """
        pattern, hits, unseen = re.compile(text), [], ""
        limit = _LINE_LIMIT if _REPEAT.search(_bare(text)) else sys.maxsize
        for line in self._lines():
            match = pattern.search(line[:limit] if len(line) > limit else line)
            if match and (len(line) <= limit or match.end() < limit):
                hits.append(match)
            else:
                unseen = _tell_unread(line, limit, text) or unseen
            if time.monotonic() > self._deadline:
                raise self._open(text, f"no end of the search after {_DEADLINE_S:.0f} s")
        if self._is_cut:
            unseen = "a log of which the middle was left out"
        if unseen and (needs_all or not hits):
            raise self._open(text, unseen)
        return hits

    def _lines(self) -> Iterator[str]:
        """Yield the lines one by one: all at once they would need far more memory."""
        begin, text = 0, self._text
        while begin < len(text):
            end = text.find("\n", begin)
            end = len(text) if end < 0 else end
            yield text[begin:end]
            begin = end + 1

    def _open(self, pattern: str, found: str) -> EvidenceMissingError:
        return EvidenceMissingError(
            f"log of {self._stage}",
            found=f"{found}, for {pattern!r}",
            expected="a log that is searched whole",
            remedy="Write shorter lines or fewer, or a pattern without repetitions.",
        )


def _tell_unread(line: str, limit: int, pattern: str) -> str:
    """Say why a pattern that is not in a line may be there all the same, or nothing."""
    if len(line) > limit:
        return f"a line of {len(line):,} characters, of which {limit:,} are searched"
    if "\\x" in line and (
        _WIDE.search(line) or (_FOREIGN.search(pattern) and _BYTE.search(line))
    ):
        return "a line of another encoding than UTF-8"
    return ""


def _bare(text: str) -> str:
    """Return a pattern in which each escape and each class is one character."""
    bare = _ESCAPE.sub(lambda match: "@" if match[1].isdigit() else "c", text.replace("@", "c"))
    return _CLASS.sub("c", bare)


def find_fault(text: str) -> tuple[str, str] | None:
    """Say what is wrong with a pattern: found and expected; None where nothing is."""
    if len(text) > _PATTERN_LIMIT or not text:
        return f"{len(text)} characters", f"1 to {_PATTERN_LIMIT}"
    bare = _bare(text)  # a back-reference is "@" in it
    if _REFUSED.search(bare):
        return repr(text), "no back-reference, look-around or repeated group"
    if len(_REPEAT.findall(bare)) > _REPEATS or len(_BRANCH.findall(bare)) > _BRANCHES:
        return repr(text), f"at most {_REPEATS} repetitions and {_BRANCHES} branches"
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        return f"{text!r}: {error}", "a regular expression"
    return None
