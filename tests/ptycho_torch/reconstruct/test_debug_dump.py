"""The debug dump against sums worked out directly."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from ptycho_torch.reconstruct import debug_dump, pictures
from tests.ptycho_torch.reconstruct.images import blob, waves

POSITIONS = np.array([[10.0, 40.0], [13.0, 41.0], [30.0, 40.5], [12.5, 52.0], [11.0, 44.0]])
GROUPS = np.array([[0, 1, 4], [2, 3, 4]])


def geometry() -> debug_dump.Geometry:
    """Two groups of three points, spread differently in x and y."""
    members = POSITIONS[GROUPS]
    return debug_dump.Geometry(
        patch_size=8,
        canvas_size=(23, 31),
        origin_xy=(5.0, 35.0),
        padded_size=34,
        positions=POSITIONS,
        groups=GROUPS,
        offsets=members - members.mean(axis=1, keepdims=True),
    )


def patches(batch: int, seed: int) -> np.ndarray:
    """Amplitudes (B, 3, 6, 7) around one."""
    rng = np.random.default_rng(seed)
    return (1 + 0.2 * rng.normal(size=(batch, 3, 6, 7))).astype(np.float32)


def test_statistics_do_not_depend_on_batches() -> None:
    """Batches of different sizes give the moments of the whole."""
    parts = [patches(4, 1), patches(1, 2), patches(2, 3)]
    record = debug_dump.PatchRecord()

    for part in parts:
        record.add(part)

    whole = np.concatenate(parts).astype(np.float64)
    centred = whole - whole.mean(axis=(-2, -1), keepdims=True)
    assert record.to_dict() == pytest.approx(
        {
            "mean": whole.mean(),
            "std": whole.std(),
            "min": whole.min(),
            "max": whole.max(),
            "var_zero_mean": (centred**2).mean(),
        }
    )
    assert len(record.first) == 16


def test_variance_of_large_levels_survives() -> None:
    """A small spread on a large level is not lost to cancellation."""
    record = debug_dump.PatchRecord()

    for sign in (1, -1):
        record.add(np.full((2, 2, 3, 4), 1e8) + sign * 0.5)

    assert record.to_dict()["std"] == pytest.approx(0.5)


def test_pixels_that_are_no_numbers_are_counted() -> None:
    """NaN and infinity are counted and leave the moments of the rest."""
    values = np.ones((2, 3, 4, 5))
    values[0, 0, 0, 0], values[1, 2, 3, 4] = np.nan, np.inf
    record = debug_dump.PatchRecord()

    record.add(values)

    assert record.nonfinite_count == 2
    assert record.to_dict()["mean"] == 1.0
    assert record.to_dict()["var_zero_mean"] == 0.0


def test_canvas_says_how_groups_spread() -> None:
    """Slots are groups times patterns; the largest offsets are per axis."""
    record = debug_dump.canvas_record(geometry())

    assert record["canvas_size"] == [23, 31]
    assert record["num_patch_slots"] == 6
    assert record["max_abs_dx"] == pytest.approx(30 - 53.5 / 3)
    assert record["max_abs_dy"] == pytest.approx(52 - 136.5 / 3)


def test_offsets_are_about_the_mean_of_the_scan() -> None:
    """Slot offsets count from the mean scan point, centred ones from their own group."""
    record = debug_dump.offsets_record(geometry())

    slots = POSITIONS[GROUPS].reshape(-1, 2) - POSITIONS.mean(axis=0)
    assert record["count"] == 6
    assert record["first_offsets_px"][3] == pytest.approx({"dx": 14.7, "dy": -3.0})
    assert (record["mean_dx"], record["std_dy"]) == pytest.approx(
        (slots[:, 0].mean(), slots[:, 1].std())
    )
    assert record["centered_std_dx"] == pytest.approx(geometry().offsets[..., 0].std())
    assert record["centered_std_dx"] != pytest.approx(record["centered_std_dy"])


def test_whole_dump_is_written(tmp_path: Path) -> None:
    """All five files are there; statistics of the canvas cover masked pixels only."""
    record = debug_dump.PatchRecord()
    record.add(patches(2, 4))
    canvas, mask = waves((23, 31)).astype(np.complex64), blob((23, 31), margin=1)

    debug_dump.write(tmp_path, geometry(), record, canvas, mask)

    assert {path.name for path in tmp_path.iterdir()} == set(debug_dump.NAMES)
    stats = json.loads((tmp_path / debug_dump.STATS).read_text())
    assert stats["canvas_amplitude"]["mean"] == pytest.approx(np.abs(canvas[mask]).mean())
    assert stats["coverage_fraction"] == pytest.approx(mask.mean())
    assert stats["n_nonfinite"] == 0


def test_failing_picture_leaves_the_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When drawing fails, the JSON files are written and the failure is a warning."""

    def fail(*_: object, **__: object) -> bytes:
        raise RuntimeError("no fonts")

    monkeypatch.setattr(debug_dump, "grid_png", fail)
    record = debug_dump.PatchRecord()
    record.add(patches(2, 4))

    with caplog.at_level(logging.WARNING):
        debug_dump.write(
            tmp_path,
            geometry(),
            record,
            waves((23, 31)).astype(np.complex64),
            blob((23, 31), margin=1),
        )

    assert {path.suffix for path in tmp_path.iterdir()} == {".json"}
    assert "no fonts" in caplog.text


def test_dump_of_broken_patches_is_written(tmp_path: Path) -> None:
    """Patches that are all NaN still leave every file, with nulls."""
    record = debug_dump.PatchRecord()
    record.add(np.full((2, 3, 6, 7), np.nan))
    nothing = np.zeros((23, 31), bool)

    debug_dump.write(tmp_path, geometry(), record, np.zeros((23, 31), np.complex64), nothing)

    stats = json.loads((tmp_path / debug_dump.STATS).read_text())
    assert stats["patch_amplitude"]["mean"] is None
    assert stats["canvas_amplitude"]["mean"] is None
    assert stats["n_nonfinite"] == 2 * 3 * 6 * 7
    assert (tmp_path / debug_dump.GRID).is_file()


def test_each_grid_has_its_own_scale() -> None:
    """A dim patch is black beside a bright one, but fills the normalised grid."""
    dim = 0.01 * patches(1, 5)[0].astype(np.float64)
    tiles = [*dim, *patches(1, 6)[0].astype(np.float64)]

    shared = debug_dump.grid_png(tiles, is_normalised=False)
    alone = debug_dump.grid_png(tiles, is_normalised=True)

    assert shared != alone
    assert shared == debug_dump.grid_png(tiles, is_normalised=False)
    assert b"tEXt" not in alone


def test_grid_of_nothing_is_an_error() -> None:
    """Without a patch there is no grid, and the caller is told."""
    with pytest.raises(pictures.DRAWING_ERRORS, match="no patch"):
        debug_dump.grid_png([], is_normalised=True)
