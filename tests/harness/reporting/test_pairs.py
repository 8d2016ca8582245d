"""Pictures of two runs: how far they differ, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.files import sha256_bytes
from harness.judgement.guards import png
from harness.records import ArtifactRecord, HubRecord
from harness.reporting import pairs
from tests.builders import evidence, reports

_WIDTH, _HEIGHT = 12, 5


def stored(folder: Path, content: bytes) -> HubRecord:
    """Store one picture as the artifact of a run."""
    folder.mkdir()
    (folder / "grid.png").write_bytes(content)
    one = ArtifactRecord(
        id="grid",
        stage="train",
        path="grid.png",
        sha256=sha256_bytes(content),
        size=len(content),
        external=False,
        fresh=True,
    )
    return reports.record(artifacts=(one,))


def compared(tmp_path: Path, old: bytes, new: bytes) -> list[pairs.Pair]:
    folders = tmp_path / "old", tmp_path / "new"
    return pairs.compare(folders, (stored(folders[0], old), stored(folders[1], new)))


def test_difference_is_counted_and_drawn(tmp_path: Path) -> None:
    """Three of sixty pixels differ by 4, 10 and 20 grey levels, and the map shows where."""
    steps = {(0, 0): 4, (2, 7): 10, (4, 11): 20}
    old = evidence.png(_WIDTH, _HEIGHT, lambda row, column: 7 * row + column)
    new = evidence.png(
        _WIDTH, _HEIGHT, lambda row, column: 7 * row + column + steps.get((row, column), 0)
    )

    (pair,) = compared(tmp_path, old, new)

    assert (pair.size, pair.largest) == ((_WIDTH, _HEIGHT), 20)
    assert pair.changed == pytest.approx(3 / 60)
    assert pair.mean == pytest.approx(34 / 60)
    drawn = png.decode(pairs.difference_map(pair))
    lit = {(i // _WIDTH, i % _WIDTH): v for i, v in enumerate(drawn.levels) if v}
    assert lit.keys() == steps.keys()
    assert lit[4, 11] == 255
    assert lit[0, 0] == 51


def test_equal_pictures_are_no_pair(tmp_path: Path) -> None:
    """The same bytes are not told."""
    same = evidence.png(_WIDTH, _HEIGHT, lambda row, column: row + column)

    assert compared(tmp_path, same, same) == []


@pytest.mark.parametrize(
    ("new", "word"),
    [
        (b"a placeholder", "text file"),
        (evidence.png(_HEIGHT, _WIDTH, lambda row, column: row + column), "another size"),
    ],
    ids=["text", "size"],
)
def test_what_cannot_be_subtracted_says_why(tmp_path: Path, new: bytes, word: str) -> None:
    """A text placeholder or another size has no numbers, but a reason."""
    old = evidence.png(_WIDTH, _HEIGHT, lambda row, column: row + column)

    (pair,) = compared(tmp_path, old, new)

    assert pair.mean is None
    assert word in pairs.describe_pair(pair)
