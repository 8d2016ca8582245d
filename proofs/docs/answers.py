"""Whether a program answers as a page shows it, and the page written anew where it does.

Numbers, times, ids and digests may differ, and so may the width of columns.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from proofs.docs.steps import LEFT_OUT, RUN_ID, Step

_VARYING = (
    (RUN_ID, "<run>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT[\d:]+Z"), "<time>"),
    (re.compile(r"\bB-[0-9a-f]{8}\b"), "<blocker>"),
    # A digest may happen to have no letter, and the decimals of a number are none.
    (re.compile(r"(?<!\.)\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b"), "<n>"),
    (re.compile(r"just now|\b\d+ (?:s|min|h|d|days?) ago"), "<age>"),
    (re.compile(r"(?:\b\d+(?:\.\d+)? (?:ms|s|min|h)\b ?)+"), "<time> "),
    (re.compile(r"[-−×]?\d[\d.,]*(?:e[+-]?\d+)?"), "<n>"),
    (re.compile(r"[▁-█]+"), "<trend>"),
    (re.compile(r"\s+"), " "),
)


def plain(line: str) -> str:
    """Return a line without what differs from run to run."""
    for pattern, name in _VARYING:
        line = pattern.sub(name, line)
    return line.strip()


def agree(page_lines: Sequence[str], real: Sequence[str]) -> tuple[str, ...] | str:
    """Return the real lines that stand where the shown ones do, or the first one missing.

    Args:
        page_lines: Lines of the page; ``…`` stands for any number of lines.
        real: Lines that the program wrote.
    """
    renewed: list[str] = []
    here, is_tied = 0, True
    parts = [
        (is_gap, list(lines))
        for is_gap, lines in itertools.groupby(
            page_lines, lambda line: line.strip() == LEFT_OUT
        )
    ]
    for index, (is_gap, lines) in enumerate(parts):
        if is_gap:
            renewed += lines
            is_tied = False
            continue
        is_last = index == len(parts) - 1
        starts = [here] if is_tied else range(here, len(real) + 1)
        ends = len(real) if is_last else None
        place = next((s for s in starts if _fits(lines, real, s, ends)), None)
        if place is None:
            return _missing(lines, real[here:])
        renewed += real[place : place + len(lines)]
        here = place + len(lines)
    return tuple(line.rstrip() for line in renewed)


def renewed(text: str, steps: Sequence[Step], outputs: Sequence[tuple[str, ...]]) -> str:
    """Return a page with the outputs of its steps, and its run ids, as they are now."""
    lines = text.split("\n")
    ids: dict[str, str] = {}
    for step, output in zip(steps, outputs, strict=True):
        if step.output is None:
            continue
        for index, (old, new) in enumerate(zip(step.output, output, strict=True), step.first):
            indent = lines[index].removesuffix(old) if old else ""
            lines[index] = f"{indent}{new}".rstrip()
            ids |= dict(zip(RUN_ID.findall(old), RUN_ID.findall(new), strict=True))
    return RUN_ID.sub(lambda match: ids.get(match[0], match[0]), "\n".join(lines))


def _fits(lines: list[str], real: Sequence[str], start: int, end: int | None) -> bool:
    stop = start + len(lines)
    if stop > len(real) or (end is not None and stop != end):
        return False
    return all(plain(a) == plain(b) for a, b in zip(lines, real[start:stop], strict=True))


def _missing(lines: list[str], real: Sequence[str]) -> str:
    known = {plain(line) for line in real}
    absent = [line for line in lines if plain(line) not in known]
    return f"not answered: {absent[0]}" if absent else f"answered elsewhere: {lines[0]}"
