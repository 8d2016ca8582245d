"""Counts against an interval, pictures against what was painted: every bound on its edge."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from harness.judgement.guards import registry
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard, png

RED, GREEN = Verdict.RED, Verdict.GREEN


def _verdict(folder: Path, kind: str, content: object, name: str, **options: object) -> str:
    judged, *_ = registry.judge(
        [guard(kind, **options)], evidence(folder, {name: content}), None
    )
    return judged.verdict


@pytest.mark.parametrize(
    ("low", "high"), [(2, 4), (2, None), (None, 4), (0, 0), (3, 3), (None, 0)]
)
def test_count_is_an_interval(tmp_path: Path, low: int | None, high: int | None) -> None:
    """Green exactly for the numbers of records that lie within both bounds."""
    bounds = {k: v for k, v in (("min", low), ("max", high)) if v is not None}
    for count in range(7):
        folder = tmp_path / str(count)
        folder.mkdir()
        inside = (low is None or count >= low) and (high is None or count <= high)

        verdict = _verdict(
            folder,
            "count",
            [{"i": n} for n in range(count)],
            "r.json",
            records="r:[*]",
            **bounds,
        )

        assert verdict is (GREEN if inside else RED), count


@pytest.mark.parametrize("count", range(5))
def test_equals_is_one_number(tmp_path: Path, count: int) -> None:
    """One number of records is right, the next on either side is not."""
    content = [{"i": n} for n in range(count)]

    verdict = _verdict(tmp_path, "count", content, "r.json", records="r:[*]", equals=2)

    assert verdict is (GREEN if count == 2 else RED)


def _tiled(columns: int, rows: int, tile: int, gap: int, flat: set[tuple[int, int]]) -> bytes:
    """Paint tiles of noise with lines between them; those in ``flat`` have one level."""

    def level(y: int, x: int) -> int:
        row, top = divmod(y, tile + gap)
        column, left = divmod(x, tile + gap)
        if top >= tile or left >= tile:
            return 255
        return 9 if (row, column) in flat else (7 * x + 13 * y + 5 * x * y) % 200

    width, height = (n * (tile + gap) - gap for n in (columns, rows))
    return png(width, height, level)


@pytest.mark.parametrize(("columns", "rows"), [(3, 2), (2, 3), (4, 1), (1, 4), (5, 3)])
@pytest.mark.parametrize("gap", [0, 2])
def test_tiles_are_counted(tmp_path: Path, columns: int, rows: int, gap: int) -> None:
    """As many tiles as were painted are there, and one more is not."""
    content = _tiled(columns, rows, 8, gap, set())
    wanted = {"artifact": "p", "tile": 8, "separator": gap, "min_size": 8}

    for more in (0, 1):
        folder = tmp_path / str(more)
        folder.mkdir()
        tiles = columns * rows + more
        verdict = _verdict(folder, "image", content, "p.png", tiles=tiles, **wanted)
        assert verdict is (RED if more else GREEN)


@pytest.mark.parametrize("place", list(itertools.product(range(2), range(3))))
def test_flat_tile_is_named(tmp_path: Path, place: tuple[int, int]) -> None:
    """Each single flat tile is found, with its row and column."""
    content = _tiled(3, 2, 8, 2, {place})
    spec = guard("image", artifact="p", tile=8, separator=2, min_size=8)

    judged, *_ = registry.judge([spec], evidence(tmp_path, {"p.png": content}), None)

    assert judged.verdict is RED
    assert judged.reason.endswith(f"1 of 6 tiles are flat: {place}")


@pytest.mark.parametrize(("pixels", "verdict"), [(9, RED), (10, GREEN), (11, GREEN)])
def test_level_counts_from_its_share_on(tmp_path: Path, pixels: int, verdict: Verdict) -> None:
    """A level counts that covers exactly the share, and none that covers one pixel less."""
    # 20 × 10 pixels: half and half but for one level of so many pixels.
    content = png(20, 10, lambda y, x: 90 if 20 * y + x < pixels else 10 * (x % 2))
    wanted = {"artifact": "p", "min_levels": 3, "level_share": 0.05, "min_size": 5}

    assert _verdict(tmp_path, "image", content, "p.png", **wanted) is verdict


@pytest.mark.parametrize(("width", "height"), [(7, 9), (9, 7), (8, 8), (8, 30)])
def test_each_side_has_its_least_size(tmp_path: Path, width: int, height: int) -> None:
    """The shorter side decides, whichever it is."""
    content = png(width, height, lambda y, x: (31 * x + 17 * y) % 256)

    verdict = _verdict(tmp_path, "image", content, "p.png", artifact="p", min_size=8)

    assert verdict is (RED if min(width, height) < 8 else GREEN)


@pytest.mark.parametrize(("flat", "verdict"), [(180, GREEN), (181, RED)])
def test_flat_share_is_held_to_its_bound(tmp_path: Path, flat: int, verdict: Verdict) -> None:
    """Nine tenths of one level are allowed where nine tenths are, and not a pixel more."""
    content = png(20, 10, lambda y, x: 3 if 20 * y + x < flat else 20 + (20 * y + x) % 20)
    wanted = {"artifact": "p", "max_flat": 0.9, "min_size": 5, "min_levels": 2}

    assert _verdict(tmp_path, "image", content, "p.png", **wanted) is verdict


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"min": 2}, "≥ 2 records"),
        ({"max": 4}, "≤ 4 records"),
        ({"min": 2, "max": 4}, "2 … 4 records"),
        ({"equals": 3}, "3 records"),
        ({"distinct": True}, "distinct records"),
    ],
)
def test_what_is_expected_is_said(
    tmp_path: Path, bounds: dict[str, object], expected: str
) -> None:
    """A bound that is there is told; without any it is that records differ."""
    spec = guard("count", records="r:[*]", **bounds)
    content = [{"i": n / 7} for n in range(3)]

    judged, *_ = registry.judge([spec], evidence(tmp_path, {"r.json": content}), None)

    assert (judged.verdict, judged.expected) == (GREEN, expected)
