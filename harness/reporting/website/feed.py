"""Red runs as an Atom feed, for whoever wants to be told.

Source: RFC 4287.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from urllib.parse import quote, urljoin
from xml.etree.ElementTree import Element, SubElement, tostring

from harness.reporting import text
from harness.reporting.website.rows import Row
from harness.verdict import Verdict

FILE = "feed.xml"
_ENTRIES = 50
_ATOM = "http://www.w3.org/2005/Atom"
_BEGINNING = "1970-01-01T00:00:00Z"


def render(project: str, rows: Sequence[Row], address: str = "") -> str:
    """Write the newest red runs, the last first.

    Args:
        project: Name of the project.
        rows: All rows of the site.
        address: Where the site is published; links are relative without it.
    """
    red = sorted(
        (r for r in rows if r.verdict == Verdict.RED), key=lambda r: r.run_id, reverse=True
    )
    name = text.visible(project)
    root = Element("feed", xmlns=_ATOM)
    _field(root, "id", _name(f"feed {project}"))
    _field(root, "title", f"Red runs of {name}")
    _field(root, "updated", red[0].finished if red else _BEGINNING)
    SubElement(root, "link", rel="self", href=_link(address, FILE))
    SubElement(root, "link", rel="alternate", href=_link(address, "index.html"))
    _field(SubElement(root, "author"), "name", name)
    for row in red[:_ENTRIES]:
        _entry(root, row, address)
    body = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _entry(root: Element, row: Row, address: str) -> None:
    entry = SubElement(root, "entry")
    _field(entry, "id", _name(row.digest))
    _field(entry, "title", f"RED {text.visible(row.suite)}: {text.visible(row.reason)}"[:300])
    _field(entry, "updated", row.finished)
    SubElement(entry, "link", rel="alternate", href=_link(address, quote(row.place)))
    commit = row.commit[:12] + (" with uncommitted changes" if row.dirty else "")
    _field(entry, "summary", f"Run {row.run_id}, commit {commit}. {text.visible(row.reason)}")


def _field(parent: Element, name: str, words: str) -> None:
    SubElement(parent, name).text = words


def _name(words: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"harness:{words}").urn


def _link(address: str, path: str) -> str:
    return urljoin(address.rstrip("/") + "/", path) if address else path
