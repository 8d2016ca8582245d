"""Gather the fragments of ``changelog.d/``: ``python -m proofs.docs.changelog VERSION``."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import click

ROOT = Path(__file__).parents[2]
KINDS = ("added", "changed", "fixed", "removed")
_NAME = re.compile(rf"(\d+)\.({'|'.join(KINDS)})\.md")


def fragments(folder: Path) -> dict[Path, str]:
    """Return the kind of each fragment, in the order of kinds and numbers.

    Raises:
        ValueError: A file is named otherwise, or says nothing.
    """
    by_path: dict[Path, tuple[int, int, str]] = {}
    for path in folder.glob("*.md"):
        if path.name == "README.md":
            continue
        match = _NAME.fullmatch(path.name)
        if match is None or not path.read_text("utf-8").strip():
            raise ValueError(f"{path.name}: expected <number>.<{'|'.join(KINDS)}>.md with text")
        by_path[path] = (KINDS.index(match[2]), int(match[1]), match[2])
    return {path: by_path[path][2] for path in sorted(by_path, key=by_path.__getitem__)}


def section(folder: Path, version: str, date: str) -> str:
    """Write the section of one release.

    Raises:
        ValueError: There is no fragment, or a bad one.
    """
    by_kind: dict[str, list[str]] = {}
    for path, kind in fragments(folder).items():
        by_kind.setdefault(kind, []).append(" ".join(path.read_text("utf-8").split()))
    if not by_kind:
        raise ValueError("changelog.d holds no fragment")
    lines = [f"## {version} ({date})", ""]
    for kind, texts in by_kind.items():
        lines += [f"### {kind.capitalize()}", "", *(f"- {text}" for text in texts), ""]
    return "\n".join(lines)


def gathered(text: str, new: str) -> str:
    """Put a section above the newest one."""
    head, mark, rest = text.partition("\n## ")
    return f"{head}\n{new}{mark}{rest}"


@click.command()
@click.argument("version")
def main(version: str) -> None:
    """Move the fragments into CHANGELOG.md."""
    page, folder = ROOT / "CHANGELOG.md", ROOT / "changelog.d"
    today = dt.datetime.now(dt.UTC).date().isoformat()
    page.write_text(gathered(page.read_text("utf-8"), section(folder, version, today)), "utf-8")
    for path in fragments(folder):
        path.unlink()
        click.echo(f"gathered {path.name}")


if __name__ == "__main__":
    main()
