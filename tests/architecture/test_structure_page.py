"""What the page about the structure says is so: rooms, arrows, picture, and where to go."""

from __future__ import annotations

import re
from pathlib import Path

from proofs.docs import wings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/structure.md"
# One room and nine arrows of them are of harness.frozen, on which every record stands.
MOST_ROOMS, MOST_ARROWS, LEAST_ROWS = 15, 76, 25


def _rows() -> list[tuple[str, str]]:
    table = PAGE.read_text("utf-8").split("## Where to begin")[1].split("\n## ")[0]
    cells = [
        line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| ")
    ]
    return [(row[0].strip(), row[1].strip()) for row in cells[2:]]


def test_rooms_and_arrows_are_few() -> None:
    """A newcomer sees the whole of the harness at once."""
    assert len(wings.rooms()) <= MOST_ROOMS
    assert len(wings.arrows()) <= MOST_ARROWS


def test_no_arrow_leads_up() -> None:
    """A room imports from rows below its own only, and so there is no circle."""
    level = {name: depth for depth, layer in enumerate(wings.layers()) for name in layer}

    assert sorted(level) == wings.rooms()
    assert [pair for pair in wings.arrows() if level[pair[0]] >= level[pair[1]]] == []


def test_picture_is_of_today() -> None:
    """The picture is drawn from the imports; renew it with python -m proofs.docs."""
    assert wings.PICTURE.read_text("utf-8") == wings.draw()


def test_every_place_of_the_table_is_there() -> None:
    """Each row leads to a file or a folder, by a path from the root of the repository."""
    rows = _rows()
    places = {want: re.findall(r"`([\w./]+/[\w./]*)`", place) for want, place in rows}

    assert len(rows) >= LEAST_ROWS
    assert [want for want, paths in places.items() if not paths] == []
    assert [p for paths in places.values() for p in paths if not (ROOT / p).exists()] == []
