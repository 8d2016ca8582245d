"""The split by blocks of positions."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho_torch.data.split import split_positions


def _grid(columns: int, rows: int) -> np.ndarray:
    index = np.arange(columns * rows)
    return np.stack([5.0 * (index % columns), 3.0 * (index // columns)], axis=1)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_parts_are_disjoint_and_complete(share: float) -> None:
    """Every point is in exactly one part, and validation holds at least its share."""
    positions = _grid(21, 17)

    training, validation = split_positions(positions, share, np.random.default_rng(1), 4)

    assert sorted([*training, *validation]) == list(range(21 * 17))
    assert share * 357 <= len(validation) <= share * 357 + 21 * 17 / 16 + 21


def test_held_points_are_whole_blocks() -> None:
    """Each of the b × b blocks of the area is entirely in one part."""
    positions = _grid(21, 17)
    blocks = 4  # ⌊√(357 / 16)⌋
    share = positions / positions.max(axis=0)
    column, row = np.minimum((share * blocks).astype(int), blocks - 1).T

    _, validation = split_positions(positions, 0.2, np.random.default_rng(3), 4)

    held = set(zip(column[validation], row[validation], strict=True))
    inside = [pair in held for pair in zip(column, row, strict=True)]
    assert np.flatnonzero(inside).tolist() == validation.tolist()


@pytest.mark.parametrize("seed", range(6))
def test_blocks_follow_the_permutation(seed: int) -> None:
    """The first block of the stream's permutation is held out, counted row by row."""
    positions = _grid(8, 8)  # two by two blocks of 16 points

    _, validation = split_positions(positions, 0.25, np.random.default_rng(seed), 4)

    first = int(np.random.default_rng(seed).permutation(4)[0])
    row, column = divmod(first, 2)
    expected = [
        8 * y + x
        for y in range(8)
        for x in range(8)
        if (y >= 4) == bool(row) and (x >= 4) == bool(column)
    ]
    assert validation.tolist() == expected


def test_zero_share_holds_nothing_out() -> None:
    """Without validation all points train and no random number is drawn."""
    rng = np.random.default_rng(0)

    training, validation = split_positions(_grid(5, 4), 0.0, rng, 4)

    assert len(training) == 20
    assert len(validation) == 0
    assert rng.random() == np.random.default_rng(0).random()


def test_small_scan_goes_without(caplog: pytest.LogCaptureFixture) -> None:
    """When a part is too small for one group, validation is off and that is said."""
    training, validation = split_positions(_grid(3, 2), 0.1, np.random.default_rng(0), 4)

    assert len(training) == 6
    assert len(validation) == 0
    assert "validation is off" in caplog.text


def test_line_scan_can_be_split() -> None:
    """A scan along a line has no extent across and is still divided."""
    positions = np.stack([np.arange(64.0), np.zeros(64)], axis=1)

    training, validation = split_positions(positions, 0.1, np.random.default_rng(0), 4)

    assert len(training) + len(validation) == 64
    assert len(validation) >= 7
