"""The Atom feed against RFC 4287."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

from harness.reporting.website import feed
from harness.reporting.website.rows import Row

_ATOM = "{http://www.w3.org/2005/Atom}"


def _row(number: int, verdict: str = "red", reason: str = "too large") -> Row:
    return Row(
        suite="quick",
        run_id=f"20260102T0304{number:02d}Z-00000a",
        digest=f"{number:064x}",
        verdict=verdict,
        reason=reason,
        finished=f"2026-01-02T03:04:{number:02d}Z",
        commit="4be1" * 10,
    )


def _parse(written: str) -> Element:
    return fromstring(written)  # noqa: S314 - what we wrote ourselves


def _texts(element: Element, name: str) -> list[str | None]:
    return [child.text for child in element.iter(f"{_ATOM}{name}")]


def test_feed_holds_what_atom_wants() -> None:
    """Feed and entries have id, title and updated; ids are unique IRIs."""
    root = _parse(feed.render("p", [_row(1), _row(2)]))

    assert root.tag == f"{_ATOM}feed"
    for name in ("id", "title", "updated"):
        assert len(_texts(root, name)) == 3
    ids = _texts(root, "id")
    assert len(set(ids)) == 3
    assert all(str(i).startswith("urn:uuid:") for i in ids)
    assert root.find(f"{_ATOM}author/{_ATOM}name") is not None


def test_only_red_runs_are_told_newest_first() -> None:
    """Green and inconclusive runs are no news here; the feed is as new as its newest entry."""
    rows = [_row(1), _row(2, "green"), _row(3), _row(4, "inconclusive"), _row(5, "unreadable")]

    root = _parse(feed.render("p", rows))

    assert _texts(root, "updated") == [
        "2026-01-02T03:04:03Z",
        "2026-01-02T03:04:03Z",
        "2026-01-02T03:04:01Z",
    ]


def test_links_are_absolute_when_published() -> None:
    """With an address each link leads there; an entry keeps its id."""
    rows = [_row(1)]
    here, there = (_parse(feed.render("p", rows, a)) for a in ("", "https://e.org/x"))

    links = [link.get("href") for link in there.iter(f"{_ATOM}link")]
    assert f"https://e.org/x/{rows[0].place}" in links
    assert all(str(link).startswith("https://e.org/x/") for link in links)
    assert _texts(here, "id") == _texts(there, "id")


def test_hostile_reasons_stay_text() -> None:
    """Markup and control characters make no element and no broken XML."""
    reason = "<script>&\x00\x1b[2J]]>"

    root = _parse(feed.render("<p>", [_row(1, reason=reason)]))

    assert "<script>&[2J]]>" in str(_texts(root, "title")[1])


def test_feed_is_bounded() -> None:
    """A long history does not make a long feed."""
    rows = [_row(i % 60) for i in range(500)]

    assert feed.render("p", rows).count("<entry>") == 50
