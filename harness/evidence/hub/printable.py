"""Foreign text that any terminal and any CI system can show: nothing in it is obeyed."""

from __future__ import annotations

import re

# Colours, and what erases a line or hides the cursor: within a word they are no part of it.
_DISPLAY = re.compile(r"\x1b\[(?:[0-9;:]*[mK]|[0-9]*G|\?25[hl])")
# C0 but tab and newline, DEL, C1, and what reorders or hides text.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
# Where a CI system would read a command: at the start of a line, some of them anywhere.
_CI_COMMAND = re.compile(
    r"^(?P<lead>[^\S\n]*):(?=:)|#(?=#(?:\[|vso\[|teamcity\[))"
    r"|(?P<inner>:)(?=:(?:error|warning|notice|debug|group|endgroup|add-mask|add-matcher|remove-matcher"
    r"|set-output|save-state|set-env|add-path|stop-commands|echo)\b)",
    re.MULTILINE | re.IGNORECASE,
)


def visible(text: str) -> str:
    """Drop colours and what programs draw their lines with; escape all other control."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _DISPLAY.sub("", text)
    return _CONTROL.sub(lambda m: m[0].encode("unicode_escape").decode(), text)


def safe_to_print(text: str) -> str:
    """Make stored text safe to print where a CI system reads commands from output."""
    return defuse(visible(text))


def defuse(text: str) -> str:
    """Put a space into whatever a CI system would take for a command."""
    return "\n".join(map(_defuse_line, text.split("\n")))


def _defuse_line(line: str) -> str:
    # Inside a line a command needs a second pair of colons behind it, or `std::error` were one.
    # Looked for once: a pattern that looks ahead from each pair takes the square of the line.
    last = line.rfind("::")

    def space_out(match: re.Match[str]) -> str:
        is_open = match["inner"] is not None and last <= match.start() + 1
        return match[0] if is_open else f"{match[0]} "

    return _CI_COMMAND.sub(space_out, line)
