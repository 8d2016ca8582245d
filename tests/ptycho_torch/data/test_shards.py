"""Processes share joint batches without doubling or losing a group."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from ptycho_torch.data.dataset import FreshGroupDataset, GroupDataset, loader
from ptycho_torch.data.shards import shard
from ptycho_torch.ranks import Rank

RNG = np.random.default_rng(0)


def served(groups: int, batch_size: int, count: int, epoch: int) -> list[list[list[int]]]:
    """Return the groups of each batch of each process."""
    index = RNG.integers(0, 5, (groups, 3))
    dataset = GroupDataset(
        RNG.random((5, 8, 8), dtype=np.float32), index, np.zeros((groups, 3, 2)), 0.5
    )
    shares = []
    for number in range(count):
        whole = loader(dataset, batch_size, shuffle_seed=9)
        own = shard(whole, batch_size, groups, Rank(number=number, count=count))
        whole.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        batches = [batch.group_index.tolist() for batch in own]
        assert len(own) == len(batches)
        shares.append(batches)
    return shares


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("groups", [1, 2, 7, 12, 13])
@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_joint_batches_are_those_of_one(groups: int, batch_size: int, count: int) -> None:
    """Shares put together are the batches of one process with the joint batch size.

    So every group comes once, in the same step and order, whatever is left for the last.
    """
    shares = served(groups, batch_size, count, epoch=3)
    alone = served(groups, batch_size * count, 1, epoch=3)[0]

    joint = [list(itertools.chain(*parts)) for parts in zip(*shares, strict=True)]
    assert joint == alone
    for parts in zip(*shares, strict=True):
        sizes = [len(part) for part in parts]
        assert max(sizes) - min(sizes) <= 1


def test_the_order_follows_the_epoch() -> None:
    """Another epoch is another order, the same in all processes."""
    first, second = (served(12, 2, 2, epoch) for epoch in (0, 1))

    assert first != second
    assert first == served(12, 2, 2, 0)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_resumed_epoch_serves_the_rest(count: int, workers: int) -> None:
    """What a broken epoch has served is left out once, and the next one is whole."""
    dataset = GroupDataset(
        RNG.random((5, 8, 8), dtype=np.float32),
        RNG.integers(0, 5, (11, 3)),
        np.zeros((11, 3, 2)),
        0.5,
    )
    whole = loader(dataset, 2, shuffle_seed=4, num_workers=workers)
    own = shard(whole, 2, 11, Rank(number=0, count=count))
    whole.sampler.set_epoch(6)  # type: ignore[attr-defined]
    straight = [batch.group_index for batch in own]

    whole.sampler.resume_at(6, 2 * 2 * count)  # type: ignore[attr-defined]
    rest, again = ([batch.group_index for batch in own] for _ in range(2))

    assert [part.tolist() for part in rest] == [part.tolist() for part in straight[2:]]
    assert torch.equal(torch.cat(again), torch.cat(straight))


def test_shares_of_fresh_groups() -> None:
    """Where every epoch has its own groups, the processes divide those of the same epoch."""

    def draw(epoch: int) -> tuple[np.ndarray, np.ndarray]:
        return np.random.default_rng(epoch).integers(0, 5, (7, 3)), np.zeros((7, 3, 2))

    frames = RNG.random((5, 8, 8), dtype=np.float32)
    shares = []
    for number in range(2):
        whole = loader(FreshGroupDataset(frames, draw, 0.5), 2, shuffle_seed=9)
        whole.sampler.set_epoch(4)  # type: ignore[attr-defined]
        shares.append(list(shard(whole, 2, 7, Rank(number=number, count=2))))

    served = [batch for pair in zip(*shares, strict=True) for batch in pair]
    index = torch.cat([batch.group_index for batch in served]).numpy() - 4 * 7
    assert sorted(index) == list(range(7))
    amplitude = torch.cat([batch.amplitude for batch in served]).numpy()
    np.testing.assert_array_equal(amplitude, 0.5 * frames[draw(4)[0][index]])
