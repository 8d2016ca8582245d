"""What a fit works on: parts, scales, groups and their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho_torch.data import scan_file
from ptycho_torch.errors import ConfigError, InputError
from ptycho_torch.rng import Stream, generator
from ptycho_torch.training import prepare
from ptycho_torch.training.module import PtychoPINN_Lightning
from tests.builders import bundles, scans


def prepared(scan: Path, folder: Path, **overrides: Any) -> prepare.Prepared:
    config = bundles.settle(scan, folder, **overrides).run_config
    return prepare.prepare(config, scan_file.read(scan, config.data))


def test_parts_share_no_frame(scan: Path, tmp_path: Path) -> None:
    """Training and validation split the file's points between them."""
    made = prepared(scan, tmp_path, val_split=0.3)

    assert made.validation is not None
    train, held = made.train.source_index, made.validation.source_index
    assert sorted([*train, *held]) == list(range(24))
    assert len(held) >= 0.3 * 24


def test_scales_see_the_training_part_only(scan: Path, tmp_path: Path) -> None:
    """The mean energy is that of the frames that are fitted, each counted once."""
    made = prepared(scan, tmp_path, val_split=0.3)
    with np.load(scan) as data:
        frames = data["diff3d"][made.train.source_index].astype(np.float64)

    energy = (frames**2).sum(axis=(1, 2)).mean()
    assert made.contract.mean_energy == pytest.approx(energy, rel=1e-9)
    assert made.contract.n_frames == len(frames)


def test_the_canvas_holds_both_parts(scan: Path, tmp_path: Path) -> None:
    """The group canvas of the model is the larger one of the two parts."""
    made = prepared(scan, tmp_path, val_split=0.5, neighbor_count=11)

    assert made.validation is not None
    farthest = max(np.abs(part.offsets).max() for part in (made.train, made.validation))
    assert made.model.padded_size == 32 + 2 * int(np.ceil(farthest))
    assert made.max_rel == pytest.approx(farthest)


def test_a_validation_scan_of_another_size(scan: Path, tmp_path: Path) -> None:
    """Frames of another side cannot validate."""
    config = bundles.settle(scan, tmp_path).run_config
    other = scans.simulated_scan(scans.tiny_recipe(n=64))

    with pytest.raises(InputError):
        prepare.prepare(config, scan_file.read(scan, config.data), other)


def test_validation_takes_no_more_than_it_has(scan: Path, tmp_path: Path) -> None:
    """A held-out part smaller than n_images has one group per point."""
    made = prepared(scan, tmp_path, val_split=0.2, n_groups=16)

    assert made.validation is not None
    assert len(made.train.groups) == 16
    assert len(made.validation.groups) == made.validation.scan.point_count < 16


def test_batches_follow_the_shuffle_stream(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each epoch serves every group once, in the order of (seed, epoch)."""
    seen: list[list[int]] = [[], []]
    real = PtychoPINN_Lightning.training_step

    def spy(self: Any, batch: Any, index: int) -> Any:
        seen[self.current_epoch] += batch.group_index.tolist()
        return real(self, batch, index)

    monkeypatch.setattr(PtychoPINN_Lightning, "training_step", spy)
    assert bundles.train(scan, tmp_path, "--max_epochs", "2", "--seed", "5") == 0

    orders = [generator(5, Stream.SHUFFLE, epoch).permutation(8).tolist() for epoch in (0, 1)]
    assert seen == orders
    assert seen[0] != seen[1]


def test_groups_come_from_their_stream(scan: Path, tmp_path: Path) -> None:
    """Changing what validation draws does not change the training groups."""
    from ptycho_torch.data import grouping

    made = prepared(scan, tmp_path, val_split=0.3)
    drawn = grouping.make_groups(
        made.train.scan.positions, 4, 6, 8, generator(42, Stream.GROUPING)
    )

    assert np.array_equal(made.train.groups, drawn)


def test_regrouping_draws_in_every_epoch(scan: Path, tmp_path: Path) -> None:
    """The first epoch has the usual groups, each later one its own, and all come back."""
    usual, fresh, again = (
        prepared(scan, tmp_path, val_split=0.3, regroup=wanted)
        for wanted in (False, True, True)
    )

    epochs = [np.arange(8) + 8 * epoch for epoch in (0, 1, 7)]
    drawn = [fresh.served.members(index) for index in epochs]
    assert np.array_equal(drawn[0], usual.train.groups)
    assert len({groups.tobytes() for groups in drawn}) == 3
    for index, groups in reversed(list(zip(epochs, drawn, strict=True))):
        assert np.array_equal(again.served.members(index), groups)
    assert fresh.validation is not None
    assert usual.validation is not None
    assert np.array_equal(fresh.validation.groups, usual.validation.groups)


def test_the_canvas_holds_every_epoch(scan: Path, tmp_path: Path) -> None:
    """No group of forty epochs leaves the canvas, whose side does not know their number."""
    made = prepared(scan, tmp_path, val_split=0, regroup=True, n_groups=24)

    positions = made.train.scan.positions
    for epoch in range(40):
        members = positions[made.served.members(np.arange(24) + 24 * epoch)]
        assert np.abs(members - members.mean(axis=1, keepdims=True)).max() <= made.max_rel
    assert made.model.padded_size == 32 + 2 * int(np.ceil(made.max_rel))


def test_regrouping_within_a_distance(scan: Path, tmp_path: Path) -> None:
    """A limit that drops groups by chance would leave other numbers of them each epoch."""
    with pytest.raises(ConfigError):
        prepared(scan, tmp_path, regroup=True, max_neighbor_distance=9.0)
