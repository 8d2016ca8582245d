"""Command lines and links that the pages show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [
        *DOCS.rglob("*.md"),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    ]
)
FENCE = re.compile(r"^( *)(```+|~~~+)([^\n`]*)\n(.*?)^\1\2[ ]*$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
SHELLS = ("sh", "bash", "console", "shell")


def name(path: Path) -> str:
    """Name a page for a message."""
    return path.relative_to(ROOT).as_posix()


def prose(text: str) -> str:
    """Return a page without its blocks and code spans."""
    return _SPAN.sub("", FENCE.sub("", text))


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of every command line in the shell blocks of a page."""
    for indent, _, language, body in FENCE.findall(text):
        if language.strip().split(" ")[0] in SHELLS:
            lines = re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)
            is_console = language.strip() == "console"
            yield from _words(lines.replace("\\\n", " "), is_console=is_console)


def blocks(text: str, language: str) -> list[str]:
    """Return the blocks of a language, without their indentation."""
    return [
        re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)
        for indent, _, named, body in FENCE.findall(text)
        if named.strip() == language
    ]


def _words(text: str, *, is_console: bool) -> Iterator[list[str]]:
    for line in text.splitlines():
        if is_console and not line.startswith("$ "):
            continue
        written = re.sub(r"<[^<>]+>", "X", line.removeprefix("$ ") if is_console else line)
        yield from typed(written)


def typed(line: str) -> Iterator[list[str]]:
    """Yield the words of every program that a line starts."""
    for part in re.split(r"\s(?:&&|\||>>?\s.*)\s?", line):
        words = shlex.split(part, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words = words[1:]
        if words:
            yield words


def spans(text: str) -> Iterator[str]:
    """Yield the code spans of a page that name a command of the harness or of make."""
    for span in _SPAN.findall(FENCE.sub("", text)):
        if re.match(r"(harness|make|python -m (harness|ptycho_torch|tests)\S*)( |$)", span):
            yield span


def links(text: str) -> list[str]:
    """Return the targets of the links and pictures of a page."""
    return [target for target in _LINK.findall(prose(text)) if "://" not in target]


def anchors(path: Path) -> set[str]:
    """Return what a link may point at: headings of a page, names of a Python file."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        return set(re.findall(r"^ *(?:def|class) (\w+)", text, re.MULTILINE))
    titles = _HEADING.findall(FENCE.sub("", text))
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", title) for title in titles]
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in plain}
