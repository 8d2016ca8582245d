"""The commands of a page in their order, with what the page says that they answer.

In a ``sh`` block every line is a command; in a ``console`` block those that begin with ``$``,
and what follows such a line is its output. A line ``…`` stands for lines left out. The exit
code is 0, or what a sentence "The exit code is N" after the block says of its last command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from proofs.docs import page_text

LEFT_OUT = "…"
RUN_ID = re.compile(r"\b\d{8}T\d{6}Z-[0-9a-f]{6}\b")
_CODE = re.compile(r"The exit code is (\d+)")


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a page.

    Attributes:
        page: Name of the page.
        command: What a reader types.
        output: Lines that the page shows as its answer; ``None`` where it shows none.
        first: Line of the page on which the output begins, from 0.
        code: Exit code that the page states.
    """

    page: str
    command: str
    output: tuple[str, ...] | None = None
    first: int = 0
    code: int = 0


def of(page: Path) -> list[Step]:
    """Read the steps of a page.

    A command that is shown again with its output counts once, there.
    """
    text = page.read_text("utf-8")
    steps: list[Step] = []
    for match in page_text.FENCE.finditer(text):
        indent, _, language, body = match.groups()
        kind = language.strip().split(" ")[0]
        if kind not in page_text.SHELLS:
            continue
        first = text.count("\n", 0, match.start()) + 1
        lines = [line.removeprefix(indent) for line in body.splitlines()]
        made = _of_block(lines, first, page_text.name(page), is_console=kind == "console")
        if made:
            made[-1] = replace(made[-1], code=_code(text[match.end() :]))
        steps += made
    answered = {step.command for step in steps if step.output}
    return [step for step in steps if step.output or step.command not in answered]


def _of_block(lines: list[str], first: int, page: str, *, is_console: bool) -> list[Step]:
    steps: list[Step] = []
    rows = list(enumerate(lines, first))
    while rows:
        number, line = rows.pop(0)
        if is_console and not line.startswith("$ "):
            last = steps[-1]
            steps[-1] = replace(last, output=(*(last.output or ()), line))
            continue
        while line.endswith("\\"):
            number, more = rows.pop(0)
            line = f"{line[:-1].rstrip()} {more.strip()}"
        command = re.sub(r"(^|\s+)# .*$", "", line.removeprefix("$ "))
        if command:
            steps.append(Step(page, command, first=number + 1))
    return steps


def _code(after: str) -> int:
    prose = " ".join(re.split(r"^ *```|^#", after, maxsplit=1, flags=re.MULTILINE)[0].split())
    stated = _CODE.search(prose)
    return int(stated[1]) if stated else 0
