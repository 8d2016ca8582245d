"""The short form of every campaign of docs/reliability.md; the full one is ``make faults``."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.faults import campaigns, parsers
from proofs.faults.figures import SHORT, every

_MEASURED = Path(__file__).parents[2] / "docs" / "reliability.md"


@pytest.mark.slow
@pytest.mark.parametrize("name", list(campaigns.CAMPAIGNS))
def test_every_try_of_a_campaign_holds(name: str, tmp_path: Path) -> None:
    """The same code as in full, at fewer places."""
    made = campaigns.run(name, tmp_path, SHORT)

    assert made.tried > 0
    assert made.failures == []


def test_the_published_table_has_a_row_for_each_campaign() -> None:
    """The page is written by the campaigns, and none is missing from it."""
    text = _MEASURED.read_text("utf-8").split("\n## ")[0]
    rows = [line for line in text.splitlines() if line[:2] == "| "]

    assert [row.split("|")[1].strip() for row in rows[1:]] == list(campaigns.CAMPAIGNS)


_DEEP = b"[" * 20_000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cache of drills", _DEEP),
        ("list of calibration runs", _DEEP),
        ("cache of proofs", _DEEP),
        ("owner of a lock", b'{"pid":1e999,"boot":"b","start":"s"}'),
        ("drawn table", b"\n\nstep\n1\n"),
        ("drawn table", b"step,x\n1,1\n2," + b"9" * 140_000),
    ],
)
def test_what_once_escaped_is_answered(name: str, content: bytes, tmp_path: Path) -> None:
    """Inputs that hypothesis found, kept for ever."""
    assert parsers.judged(name, lambda c: parsers.PARSERS[name](tmp_path, c), content)[0]


def test_a_row_says_how_many_places_were_tried() -> None:
    """The full form tries each, a strided one says which."""
    assert [every(n, "byte") for n in (1, 2, 11, 61)] == [
        "each byte",
        "every 2nd byte",
        "every 11th byte",
        "every 61st byte",
    ]
