"""Batches to the shares of the processes that train together.

The joint batch k holds the groups that batch k of a single process with ``count`` times
the batch size would hold, in the same order, and the processes divide it evenly. No group
is served twice and none is left out; of a short last batch some shares may be empty.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler

from ptycho_torch.data.dataset import Batch
from ptycho_torch.ranks import Rank


class ShardedBatches(Sampler[list[int]]):
    """The share of one process in each joint batch.

    Args:
        sampler: Order of all groups, the same in every process.
        length: Number of groups.
        batch_size: Groups per process in a full batch.
        rank: Which process this is.

    Attributes:
        sampler: As given; the training loop tells it the epoch.
    """

    def __init__(self, sampler: Sampler[int], length: int, batch_size: int, rank: Rank) -> None:
        self.sampler = sampler
        self._length = length
        self._joint_size = batch_size * rank.count
        self._rank = rank

    def __len__(self) -> int:
        """Return the number of joint batches, the same for every process."""
        return math.ceil(self._length / self._joint_size)

    def __iter__(self) -> Iterator[list[int]]:
        """Go through the joint batches once."""
        order = list(self.sampler)
        for start in range(0, len(order), self._joint_size):
            joint = order[start : start + self._joint_size]
            low, high = self._rank.bounds(len(joint))
            yield joint[low:high]


def shard(
    whole: DataLoader[Batch], batch_size: int, length: int, rank: Rank
) -> DataLoader[Batch]:
    """Serve the share of one process of what a loader serves.

    Args:
        whole: Loader of all groups; it is served itself to a process that is alone.
        batch_size: Groups per process in a full batch.
        length: Number of groups.
        rank: Which process this is.
    """
    if rank.is_alone:
        return whole
    order: Any = whole.sampler
    return DataLoader(
        whole.dataset,
        batch_sampler=ShardedBatches(order, length, batch_size, rank),
        num_workers=whole.num_workers,
        pin_memory=whole.pin_memory,
        collate_fn=whole.collate_fn,
        generator=torch.Generator(),
        persistent_workers=False,
    )
