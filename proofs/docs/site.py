"""Hooks of the site's generator: pages that the menu forgot, links that leave the site.

In a repository a page may link to a test or to another file; on the site that file is not
there, and the link becomes its text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"(?<!!)\[([^\]\[]*)\]\((\.\./[^)\s]+)\)")
REST, DECISIONS = "Measured", "Decisions"


def on_config(config: Any) -> Any:
    """Add pages that the menu does not list: measurements, and one page per decision."""
    docs = Path(config["docs_dir"])
    listed = set(re.findall(r"[\w/.-]+\.md", str(config["nav"])))
    more: dict[str, list[str]] = {REST: [], DECISIONS: []}
    for path in sorted(docs.rglob("*.md")):
        name = path.relative_to(docs).as_posix()
        if name not in listed:
            more[DECISIONS if name.startswith("adr/") else REST].append(name)
    config["nav"] += [{title: names} for title, names in more.items() if names]
    return config


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Turn links that leave the site into their text."""
    source = Path(page.file.abs_src_path)
    return inside(markdown, source, Path(config["docs_dir"]))


def inside(markdown: str, source: Path, docs: Path) -> str:
    """Return a page without links to files outside of ``docs``."""

    def strip_foreign(match: re.Match[str]) -> str:
        target = (source.parent / match[2].partition("#")[0]).resolve()
        return match[0] if docs.resolve() in target.parents else match[1]

    return _LINK.sub(strip_foreign, markdown)
