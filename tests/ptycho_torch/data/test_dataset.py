"""Batches are gathered by index, scaled, ordered by seed and epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ptycho_torch.data.dataset import EpochSampler, FreshGroupDataset, GroupDataset, loader
from ptycho_torch.rng import Stream, generator

RNG = np.random.default_rng(0)
AMPLITUDE = RNG.random((11, 8, 8), dtype=np.float32)
GROUPS = RNG.integers(0, 11, (7, 3))
OFFSETS = RNG.normal(size=(7, 3, 2))
SCALE = 0.125  # a power of two, so that products are exact
DATASET = GroupDataset(AMPLITUDE, GROUPS, OFFSETS, SCALE)


def test_batch_is_scaled_frames_of_its_groups() -> None:
    """Channel c of group g is the frame of point groups[g, c], times α."""
    batch = DATASET.__getitems__([5, 2])

    assert batch.amplitude.shape == (2, 3, 8, 8)
    np.testing.assert_array_equal(batch.amplitude[0, 1], SCALE * AMPLITUDE[GROUPS[5, 1]])
    np.testing.assert_array_equal(batch.offsets[1], OFFSETS[2].astype(np.float32))
    assert batch.group_index.tolist() == [5, 2]
    assert len(DATASET) == 7
    assert DATASET[3].amplitude.shape == (1, 3, 8, 8)


@pytest.mark.parametrize("workers", [0, 2])
def test_loader_covers_every_group(workers: int) -> None:
    """All groups come once, in order, the last batch short, for any number of workers."""
    batches = list(loader(DATASET, 3, num_workers=workers))

    assert [len(batch.group_index) for batch in batches] == [3, 3, 1]
    assert torch.cat([batch.group_index for batch in batches]).tolist() == list(range(7))


def test_order_follows_seed_and_epoch() -> None:
    """Each epoch has its own order, drawn from the shuffle stream, and it comes back."""
    shuffled = loader(DATASET, 4, shuffle_seed=9)
    sampler = shuffled.sampler
    assert isinstance(sampler, EpochSampler)

    for epoch in (0, 5, 0):
        sampler.set_epoch(epoch)
        seen = torch.cat([batch.group_index for batch in shuffled]).tolist()
        expected = generator(9, Stream.SHUFFLE, epoch).permutation(7)
        assert seen == expected.tolist()


def test_global_generators_stay_untouched() -> None:
    """Serving data draws nothing from the generators that others may use."""
    before = torch.random.get_rng_state()

    list(loader(DATASET, 4, shuffle_seed=1))

    assert torch.equal(torch.random.get_rng_state(), before)


def test_mapped_frames_serve_as_well(tmp_path: Path) -> None:
    """Frames on disk give the same batch as frames in memory."""
    np.save(tmp_path / "frames.npy", AMPLITUDE)
    mapped = np.load(tmp_path / "frames.npy", mmap_mode="r")

    batch = GroupDataset(mapped, GROUPS, OFFSETS, SCALE).__getitems__([6, 0])

    assert torch.equal(batch.amplitude, DATASET.__getitems__([6, 0]).amplitude)


def test_mismatched_offsets_are_refused() -> None:
    """Offsets of other groups cannot be paired silently."""
    with pytest.raises(ValueError, match="do not fit"):
        GroupDataset(AMPLITUDE, GROUPS, OFFSETS[:, :2], SCALE)


def drawn(epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Five groups of three for each epoch."""
    rng = np.random.default_rng((3, epoch))
    return rng.integers(0, 11, (5, 3)), rng.normal(size=(5, 3, 2))


@pytest.mark.parametrize("workers", [0, 2])
def test_fresh_groups_follow_the_epoch(workers: int) -> None:
    """Each epoch serves its own groups once, in the order that any groups would have."""
    served = loader(
        FreshGroupDataset(AMPLITUDE, drawn, SCALE), 2, shuffle_seed=9, num_workers=workers
    )
    sampler = served.sampler
    assert isinstance(sampler, EpochSampler)

    for epoch in (0, 3, 1):
        sampler.set_epoch(epoch)
        batches = list(served)
        order = generator(9, Stream.SHUFFLE, epoch).permutation(5)
        groups, offsets = drawn(epoch)
        index = torch.cat([batch.group_index for batch in batches])
        assert index.tolist() == (5 * epoch + order).tolist()
        amplitude = torch.cat([batch.amplitude for batch in batches]).numpy()
        np.testing.assert_array_equal(amplitude, SCALE * AMPLITUDE[groups[order]])
        placed = torch.cat([batch.offsets for batch in batches]).numpy()
        np.testing.assert_array_equal(placed, offsets[order].astype(np.float32))


def test_members_are_those_of_the_epoch() -> None:
    """The scan indices behind a batch's numbers, in whatever order epochs are asked for."""
    fresh = FreshGroupDataset(AMPLITUDE, drawn, SCALE)

    for epoch in (2, 0):
        numbers = np.array([5 * epoch + 4, 5 * epoch + 1])
        assert np.array_equal(fresh.members(numbers), drawn(epoch)[0][[4, 1]])
    assert np.array_equal(DATASET.members(np.array([6, 2])), GROUPS[[6, 2]])


def test_an_empty_share_of_fresh_groups() -> None:
    """A process that gets nothing of a short batch gets a batch of none."""
    assert FreshGroupDataset(AMPLITUDE, drawn, SCALE).__getitems__([]).amplitude.shape == (
        0,
        3,
        8,
        8,
    )


def test_epochs_do_not_mix_in_a_batch() -> None:
    """Groups of two epochs are never held at once."""
    with pytest.raises(ValueError, match="several epochs"):
        FreshGroupDataset(AMPLITUDE, drawn, SCALE).__getitems__([1, 6])
