"""What a log says of the failure that ended its program: which line, raised where.

Python says it behind a traceback, pytest beside ``E``, and other languages in words of their
own. Two runs seldom say it alike: addresses, times, names of temporary files and digests change
from run to run, and are no part of what broke.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

# Patterns are compiled where they are first used: of what loads this, few read a log.
_FRAME = (
    r'(?m)^[ \t]*File "(?P<file>[^"]+)", line \d+, in (?P<name>\S+)'
    r"|^(?P<path>\S+\.py):\d+: (?P<error>\w+)"
)
_TRACEBACK = "Traceback (most recent call last):"
# What stands before each line of a process among others, or of one exception of a group.
_PREFIX = r"(?:\[[\w .:-]{1,40}\]:? |[ \t]*[|+](?:[-+| ]* )?)"
_RAISED = (
    r"(?:E   +)?(?:(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Failed)"
    r"|assert)\b"
)
# A line of a program that is no Python, or that says itself why it ends.
_SAID = (
    r"(?i)thread '[^']*' (?:\(\d+\) )?panicked at |panic: |terminate called |\s*what\(\):  "
    r"|Exception in thread |Caused by: |Error (?:in|using|while|at) "
    r"|(?:[\w./<>-]{1,80}: (?:[\w.-]{1,40}: ){0,3})?(?:fatal |\w{1,30} runtime )?"
    r"(?:error|fatal|critical|panic|cannot|could not|failed)\b"
    r"|.{0,120}: (?:command not found|not found|No such file or directory|Permission denied"
    r"|No space left on device|Assertion .{0,200} failed)"
)
_NEAR_END = 25  # lines: an error before those was handled, or the program said more since
_LONGEST = 200
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_CHANGING = (
    (r"0x[0-9a-fA-F]+", "0x…"),
    (r"\d{8}T\d{6}Z-[0-9a-f]{6}", "<run id>"),
    (r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "#"),
    # Names that mktemp and tempfile draw, and folders below the one for temporary files.
    (r"\btmp(?:[a-z0-9_]{8}|\.[A-Za-z0-9]{6,12})\b", "tmp…"),
    (r"(?:<tmp>|/tmp|/var/tmp)(?:/[^\s/'\":,;()\[\]]+)+(?=/)", "<tmp>/…"),
    (r"(?:<tmp>|/tmp|/var/tmp)/[^\s/'\":,;.()\[\]…]+", "<tmp>/…"),
    # Digests: both letters and digits, so that no word is one.
    (r"(?<![0-9A-Za-z])(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{7,}(?!\w)", "#"),
    (r"(?<!\w)(?=(?:[A-Za-z]*\d){3})[0-9A-Za-z]{20,}(?!\w)", "#"),
    (
        rf"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?(?:{_MONTHS})[a-z]* +\d",
        "#",
    ),
    (r"(?i)(?<!\w)[-+]?(?:nan|inf|infinity)(?!\w)", "nan"),
    (r"[-+]?\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?", "#"),
    (r"#(?:[#:.,]|\s+#)*#", "#"),
    (r"\s+", " "),
)


def normalise(text: str) -> str:
    """Replace what changes from run to run: numbers, addresses, digests, times, spacing."""
    for pattern, instead in _CHANGING:
        text = re.sub(pattern, instead, text)
    return text.strip()


def list_raised(log: str) -> tuple[str, ...]:
    """Return the errors that Python and pytest told of, in the order of the log."""
    return tuple(line[:_LONGEST].strip() for _, line in _iterate_errors(log.splitlines()))


def find_said(log: str) -> str:
    """Return the line that says why a program ended: what it raised, else what it said.

    An error far above the end of the log was handled, or the program said more since.

    Returns:
        At most 200 characters; nothing where no line says so.
    """
    lines = [line for line in log.splitlines() if line.strip()]
    raised = [line for at, line in _iterate_errors(lines) if at >= len(lines) - _NEAR_END]
    said = (line for line in reversed(lines[-_NEAR_END:]) if re.match(_SAID, line))
    ending = raised[-1] if raised else next(said, "")
    return ending[:_LONGEST].strip()


def find_ending(log: str) -> str:
    """Return the line that says why a program ended, else its last one."""
    last = next((line for line in reversed(log.splitlines()) if line.strip()), "")
    return find_said(log) or last.strip()[:_LONGEST]


def find_first_raised(log: str) -> str:
    """Return what the last traceback of a log ended in, or the last error without one."""
    _, marker, rest = log.rpartition(_TRACEBACK)
    raised = list_raised(f"{marker}\n{rest}" if marker else log)
    return raised[0 if marker else -1] if raised else ""


def find_frame(log: str) -> str:
    """Return file and function of the last frame that a log names."""
    frames = [
        f"{m['file'] or m['path']}:{m['name'] or m['error']}" for m in re.finditer(_FRAME, log)
    ]
    return frames[-1] if frames else ""


def _iterate_errors(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield place and text of each error: whatever ends a traceback, and what is named so."""
    is_inside = False
    for at, line in enumerate(lines):
        prefix = re.match(_PREFIX, line)
        text = line[prefix.end() :] if prefix else line
        if text.endswith(_TRACEBACK):
            is_inside = True
        elif (is_inside and text and not text[0].isspace()) or re.match(_RAISED, text):
            is_inside = False
            yield at, text
