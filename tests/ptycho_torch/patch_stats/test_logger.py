"""Statistics of predicted patches, against sums written out by hand."""

from __future__ import annotations

import io
import json
import logging
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ptycho_torch import run_folder
from ptycho_torch.patch_stats import grid, reduction
from ptycho_torch.patch_stats_instrumentation import PatchStatsLogger

SHAPE = (5, 3, 6, 10)


def patches(seed: int = 0) -> torch.Tensor:
    """Complex patches of five samples and three channels, 6 by 10 px."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(SHAPE, dtype=torch.complex64, generator=generator)


def recorded(values: torch.Tensor, **about: Any) -> dict[str, Any]:
    logger = PatchStatsLogger(enabled=True)
    logger.log_batch(values, "train", **about)
    entry: dict[str, Any] = logger.stats[0]
    return entry


def decode(png: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Read an unfiltered grey PNG, checking every checksum."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    position, body, size = 8, b"", (0, 0)
    kinds = []
    while position < len(png):
        length = int.from_bytes(png[position : position + 4], "big")
        kind = png[position + 4 : position + 8]
        data = png[position + 8 : position + 8 + length]
        checksum = int.from_bytes(png[position + 8 + length : position + 12 + length], "big")
        assert zlib.crc32(kind + data) == checksum
        kinds.append(kind)
        if kind == b"IHDR":
            size = (int.from_bytes(data[4:8], "big"), int.from_bytes(data[:4], "big"))
            assert data[8:] == bytes([8, 0, 0, 0, 0])
        if kind == b"IDAT":
            body += data
        position += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(size[0], size[1] + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:]


def test_global_numbers_are_plain_moments() -> None:
    """Mean, unbiased deviation and variance about each patch's own mean, in float64."""
    amplitude = np.abs(patches().numpy().astype(np.complex128))
    entry = recorded(patches())

    centred = amplitude - amplitude.mean(axis=(2, 3), keepdims=True)
    assert entry["global_mean"] == pytest.approx(amplitude.mean(), rel=1e-7)
    assert entry["global_std"] == pytest.approx(amplitude.std(ddof=1), rel=1e-7)
    assert entry["var_zero_mean"] == pytest.approx((centred**2).mean(), rel=1e-7)
    assert entry["batch_size"] == 5
    assert entry["n_nonfinite"] == 0


def test_samples_and_patches_are_the_first_four() -> None:
    """Four samples over all channels, and each of their patches, raw and stretched."""
    amplitude = np.abs(patches().numpy().astype(np.complex128))
    entry = recorded(patches())

    assert [row["patch_idx"] for row in entry["per_patch"]] == [0, 1, 2, 3]
    assert len(entry["patches"]) == 12
    sample, row = amplitude[2], entry["per_patch"][2]
    expected = [sample.mean(), sample.std(ddof=1), sample.min(), sample.max()]
    numbers = [row[name] for name in ("mean", "std", "min", "max")]
    assert numbers == pytest.approx(expected, rel=1e-6)
    one, patch = amplitude[3, 1], entry["patches"][10]
    stretched = (one - one.min()) / (one.max() - one.min())
    assert (patch["sample"], patch["channel"]) == (3, 1)
    assert patch["raw"]["var"] == pytest.approx(one.var(), rel=1e-6)
    assert patch["norm"]["mean"] == pytest.approx(stretched.mean(), rel=1e-5)
    assert patch["norm"]["var"] == pytest.approx(stretched.var(), rel=1e-5)
    assert not patch["degenerate"]


def test_a_small_variance_is_not_lost() -> None:
    """A variance of 1e-12 on an amplitude of one survives, and is legible in the log."""
    base = torch.ones(SHAPE, dtype=torch.float64)
    base[..., ::2] += 2e-6
    entry = recorded(base)

    assert entry["var_zero_mean"] == pytest.approx(1e-12, rel=1e-3)


def test_constant_patches_are_flagged() -> None:
    """A constant patch becomes one half and says that it is degenerate."""
    values = patches().abs()
    values[0, 1] = 0.7
    entry = recorded(values)

    patch = entry["patches"][1]
    assert patch["degenerate"] is True
    assert patch["norm"] == {"mean": 0.5, "var": 0.0, "min": 0.5, "max": 0.5}
    assert [each["degenerate"] for each in entry["patches"]].count(True) == 1


def test_non_finite_elements_are_counted_apart() -> None:
    """Three odd elements are counted, and the statistics are those of the rest."""
    values = patches().abs().double()
    values[1, 2, 0, :3] = torch.tensor([math.nan, math.inf, -math.inf], dtype=torch.float64)
    rest = values[torch.isfinite(values)].numpy()
    entry = recorded(values)

    assert entry["n_nonfinite"] == 3
    assert entry["global_mean"] == pytest.approx(rest.mean(), rel=1e-12)
    assert entry["global_std"] == pytest.approx(rest.std(ddof=1), rel=1e-12)
    json.dumps(entry, allow_nan=False)


def test_nothing_finite_is_null() -> None:
    """A batch of no numbers has no statistics, and still fits JSON."""
    entry = recorded(torch.full(SHAPE, math.nan))

    assert entry["n_nonfinite"] == 5 * 3 * 6 * 10
    assert entry["global_mean"] is None
    assert entry["running"] == {"min": None, "max": None, "count": 0}
    json.dumps(entry, allow_nan=False)


def test_batches_are_counted_once() -> None:
    """A repeated key is ignored; phases have their own limits, over all epochs."""
    logger = PatchStatsLogger(enabled=True, limit=2)
    for epoch, index in ((0, 0), (0, 0), (0, 1), (1, 0)):
        logger.log_batch(patches(index), "train", index, epoch)
    logger.log_batch(patches(), "val", 0, 0)

    assert [entry["phase"] for entry in logger.stats] == ["train", "train", "val"]
    assert [entry["batch_idx"] for entry in logger.stats] == [0, 1, 0]
    assert logger.batch_count == 3
    assert not logger.should_log("train")
    assert logger.should_log("val")
    assert logger.should_log("inference")


def test_running_extremes_span_batches() -> None:
    """Smallest, largest and count go on over the batches of a phase."""
    logger = PatchStatsLogger(enabled=True)
    first, second = patches(1).abs(), patches(2).abs() * 3
    logger.log_batch(first, "train", 0)
    logger.log_batch(second, "train", 1)

    running = logger.stats[1]["running"]
    assert running["min"] == pytest.approx(min(first.min().item(), second.min().item()))
    assert running["max"] == pytest.approx(second.max().item())
    assert running["count"] == 2 * first.numel()


def test_switched_off_records_nothing(tmp_path: Path) -> None:
    """Without the switch there are no numbers and no files."""
    with PatchStatsLogger(tmp_path, enabled=False) as logger:
        logger.log_batch(patches(), "train")

    assert not logger.should_log()
    assert logger.stats == []
    assert not any(tmp_path.iterdir())


def test_the_log_line_is_scientific(caplog: pytest.LogCaptureFixture) -> None:
    """One line per batch, in the format that other software reads."""
    with caplog.at_level(logging.INFO):
        entry = recorded(patches(), batch_idx=4, epoch=2)

    low, high = entry["running"]["min"], entry["running"]["max"]
    line = (
        f"PATCH_STATS Torch patch stats (train batch 4): mean={entry['global_mean']:.6e} "
        f"std={entry['global_std']:.6e} var_zero_mean={entry['var_zero_mean']:.6e} epoch=2 "
        f"min={low:.6e} max={high:.6e} n_nonfinite=0"
    )
    assert caplog.messages == [line]


def test_files_are_written_on_failure(tmp_path: Path) -> None:
    """Leaving through an exception still writes both files."""
    logger = PatchStatsLogger(tmp_path, enabled=True)

    def fail() -> None:
        with logger:
            logger.log_batch(patches(), "train")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert json.loads((tmp_path / run_folder.STATS).read_text()) == logger.stats
    assert (tmp_path / run_folder.GRID).exists()


def test_finalising_twice_writes_once(tmp_path: Path) -> None:
    """A second call leaves the files alone."""
    logger = PatchStatsLogger(tmp_path, enabled=True)
    logger.log_batch(patches(), "train")
    logger.finalize()
    (tmp_path / run_folder.STATS).unlink()
    logger.finalize()

    assert not (tmp_path / run_folder.STATS).exists()


def test_nothing_recorded_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An enabled logger without batches leaves an empty list and a warning, no picture."""
    PatchStatsLogger(tmp_path, enabled=True, limit=0).finalize()

    assert json.loads((tmp_path / run_folder.STATS).read_text()) == []
    assert not (tmp_path / run_folder.GRID).exists()
    assert "PATCH_STATS nothing was recorded" in caplog.text


def test_the_picture_shows_the_patches() -> None:
    """Tiles of at least 64 px, samples down, channels across, separators between."""
    values = patches().abs()
    values[0, 2] = 1.0
    moments = reduction.moments(values)
    picture = decode(grid.render(moments))

    tall, wide = 6 * 11, 10 * 11
    assert picture.shape == (4 * tall + 3 * 2, 3 * wide + 2 * 2)
    assert (picture[tall : tall + 2] == 255).all()
    for row in range(4):
        for column in range(3):
            top, left = row * (tall + 2), column * (wide + 2)
            tile = picture[top : top + tall, left : left + wide]
            expected = np.rint(255 * reduction.normalise_patch(moments, row, column))
            assert np.array_equal(tile[5::11, 5::11], expected)
            is_flat = (row, column) == (0, 2)
            assert len(np.unique(tile)) == 1 if is_flat else {0, 255} <= set(tile.flat)


def test_the_picture_is_deterministic() -> None:
    """The same patches give the same bytes."""
    assert grid.render(reduction.moments(patches())) == grid.render(
        reduction.moments(patches())
    )


def test_levels_are_the_same_in_every_run() -> None:
    """An amplitude has one grey, whatever the other patches of its batch are; 2 is white."""
    bright, dim = patches().abs() * 0 + 1.9, patches().abs() * 0 + 0.1
    for values in (bright, dim):
        values[1, 2], values[2, 1] = 1.0, 2.5
        values[0, 0, 0, 0] = math.nan

    tiles = []
    for values in (bright, dim):
        png = grid.levels(reduction.moments(values))
        with Image.open(io.BytesIO(png)) as image:
            colours = np.asarray(image.convert("RGB")).astype(int)
        zoom = round(300 / (3 * 12 - 2))
        tiles.append(colours[40 + zoom // 2 :: zoom, 14 + zoom // 2 :: zoom])

    (one, over, first), (same, beyond, other) = (
        (tile[8 + 2, 24 + 2], tile[16 + 2, 12 + 2], tile[2, 2]) for tile in tiles
    )
    assert one.tolist() == same.tolist() == [128] * 3
    assert over.tolist() == beyond.tolist() == [0xD6, 0x40, 0x2F]
    assert first[0] > 230
    assert other[0] < 30
    assert tiles[0][0, 0].tolist() == [0xD6, 0x40, 0x2F]


def test_gradients_are_not_kept() -> None:
    """Recording a batch adds nothing to its graph and changes nothing in it."""
    values = patches().requires_grad_()
    logger = PatchStatsLogger(enabled=True)
    logger.log_batch(values * 2, "train")

    assert values.grad is None
    assert torch.equal(values.detach(), patches())


def test_spread_between_samples_is_that_at_one_pixel() -> None:
    """The variance over the samples at each pixel, mean over pixels, of finite elements."""
    values = patches()
    amplitude = np.abs(values.numpy().astype(np.complex128))
    assert recorded(values)["var_between"] == pytest.approx(
        amplitude.var(axis=0).mean(), rel=1e-7
    )

    values[1, 0, 2, 3] = math.nan
    rest = np.delete(amplitude[:, 0, 2, 3], 1)
    expected = amplitude.var(axis=0)
    expected[0, 2, 3] = rest.var()
    assert recorded(values)["var_between"] == pytest.approx(expected.mean(), rel=1e-7)


def test_equal_samples_have_no_spread_and_one_has_none() -> None:
    """Patches that are alike in every sample give exactly 0, however they vary within."""
    same = patches()[:1].expand(SHAPE)

    assert recorded(same)["var_between"] == 0.0
    assert recorded(same)["var_zero_mean"] > 0.1
    assert recorded(same[:1])["var_between"] is None


def test_response_is_the_change_over_the_size() -> None:
    """Unmoved patches answer with 0, others by how far they move."""
    values = patches()
    rolled = values.roll(1, 0)
    expected = ((rolled - values).abs() ** 2).mean().sqrt() / (values.abs() ** 2).mean().sqrt()

    assert reduction.response(values, values) == 0.0
    assert reduction.response(values, rolled) == pytest.approx(float(expected), rel=1e-6)
    assert reduction.response(torch.zeros(SHAPE), torch.zeros(SHAPE)) == 0.0
    assert recorded(values, response=math.nan)["response"] is None


def test_last_patches_are_drawn_beside_the_first(tmp_path: Path) -> None:
    """One picture holds the first batch on the left and the trained one on the right."""
    with PatchStatsLogger(tmp_path, enabled=True, limit=1) as logger:
        logger.log_batch(patches(0), "train")
        logger.log_batch(patches(1), "val")
    assert not (tmp_path / run_folder.PROGRESS).exists()
    logger.log_batch(patches(2), "trained", response=0.5)
    logger.finalize()

    both = decode((tmp_path / run_folder.PROGRESS).read_bytes())
    first = decode(grid.render(reduction.moments(patches(0))))
    last = decode(grid.render(reduction.moments(patches(2))))
    assert (both[:, : first.shape[1]] == first).all()
    assert (both[:, -last.shape[1] :] == last).all()
    assert (decode((tmp_path / run_folder.GRID).read_bytes()) == last).all()
    entries = json.loads((tmp_path / run_folder.STATS).read_text())
    assert [entry["phase"] for entry in entries] == ["train", "val", "trained"]
