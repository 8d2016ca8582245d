"""Groups to batches: frames are gathered and scaled on the fly, never copied ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler, SequentialSampler

from ptycho_torch.axes import Amplitude, Offsets
from ptycho_torch.data.frame_store import Amplitudes
from ptycho_torch.rng import Stream, generator


class Batch(NamedTuple):
    """Groups that go through the model together.

    Attributes:
        amplitude: (B, C, N, N) float32, X = αA.
        offsets: (B, C, 2) float32, positions relative to the group's centre [px].
        group_index: (B,) int64, which groups these are; `GroupDataset.members` knows them.
    """

    amplitude: Amplitude
    offsets: Offsets
    group_index: Int64[torch.Tensor, " B"]


class GroupDataset(Dataset[Batch]):
    """An indexed view of a scan's frames through its groups.

    Args:
        amplitude: (M, N, N) float32 amplitudes as read, possibly left in their file.
        groups: (G, C) scan indices.
        offsets: (G, C, 2) offsets from the group's centre [px].
        input_scale: α of the scaling contract.
    """

    def __init__(
        self,
        amplitude: Amplitudes,
        groups: NDArray[np.int64],
        offsets: NDArray[np.float64],
        input_scale: float,
    ) -> None:
        if offsets.shape != (*groups.shape, 2):
            raise ValueError(f"offsets {offsets.shape} do not fit groups {groups.shape}")
        self._amplitude = amplitude
        self._groups = groups
        self._offsets = offsets.astype(np.float32)
        self._input_scale = input_scale

    def __len__(self) -> int:
        """Return the number of groups G."""
        return len(self._groups)

    def __getitem__(self, index: int) -> Batch:
        """Return one group as a batch of one."""
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Gather some groups in one step."""
        chosen = np.asarray(indices, dtype=np.int64)
        groups, offsets = self._find(chosen)
        scaled = self._amplitude[groups] * np.float32(self._input_scale)
        return Batch(
            amplitude=torch.from_numpy(scaled),
            offsets=torch.from_numpy(offsets),
            group_index=torch.from_numpy(chosen),
        )

    def members(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the scan indices (n, C) of some groups."""
        return self._find(indices)[0]

    def _find(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return scan indices (n, C) and offsets (n, C, 2) of some groups."""
        return self._groups[chosen], self._offsets[chosen]


class FreshGroupDataset(GroupDataset):
    """A view of a scan's frames through groups that are drawn anew in every epoch.

    Group i of epoch e has the index e · G + i. The groups of one epoch are held at a time,
    and those of a batch are of one epoch.

    Args:
        amplitude: (M, N, N) float32 amplitudes as read, possibly left in their file.
        draw: Gives the (G, C) scan indices of an epoch and their (G, C, 2) offsets from the
            group's centre [px]; G is the same for all.
        input_scale: α of the scaling contract.
    """

    def __init__(
        self,
        amplitude: Amplitudes,
        draw: Callable[[int], tuple[NDArray[np.int64], NDArray[np.float64]]],
        input_scale: float,
    ) -> None:
        super().__init__(amplitude, *draw(0), input_scale)
        self._draw, self._epoch = draw, 0

    def _find(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        epochs, numbers = np.divmod(chosen, len(self))
        first = self._epoch if not len(epochs) else int(epochs[0])
        if (epochs != first).any():
            raise ValueError("the groups of a batch are of several epochs")
        if first != self._epoch:
            self._groups, offsets = self._draw(first)
            self._offsets, self._epoch = offsets.astype(np.float32), first
        return super()._find(numbers)


class EpochSampler(Sampler[int]):
    """A fresh order in every epoch, drawn from the shuffle stream of (seed, epoch).

    Args:
        length: Number of groups.
        seed: Root of the run's streams.
        is_fresh: The groups are those of a `FreshGroupDataset`, other ones in every epoch.
    """

    def __init__(self, length: int, seed: int, *, is_fresh: bool = False) -> None:
        self._length = length
        self._seed = seed
        self._is_fresh = is_fresh
        self._epoch = 0
        self._served = 0

    def resume_at(self, epoch: int, served: int) -> None:
        """Continue within an epoch: its first groups are left out, once."""
        self._epoch, self._served = epoch, served

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next; the training loop calls this."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Return the number of groups."""
        return self._length

    def __iter__(self) -> Iterator[int]:
        """Go through all groups once, or through those that are left of a resumed epoch."""
        order = generator(self._seed, Stream.SHUFFLE, self._epoch).permutation(self._length)
        served, self._served = self._served, 0
        first = self._epoch * self._length if self._is_fresh else 0
        return iter((first + order[served:]).tolist())


def loader(
    dataset: GroupDataset,
    batch_size: int,
    *,
    shuffle_seed: int | None = None,
    num_workers: int = 0,
    pin_memory: bool = False,
) -> DataLoader[Batch]:
    """Serve a dataset in batches; the last one may be short.

    The batches do not depend on the number of workers, and no global generator is used.

    Args:
        dataset: Groups to serve.
        batch_size: Groups per batch.
        shuffle_seed: Root seed of the shuffled orders; None keeps the order.
        num_workers: Processes that gather batches ahead.
        pin_memory: Serve batches in memory that a GPU copies from directly.
    """
    sampler: Sampler[int] = (
        SequentialSampler(dataset)
        if shuffle_seed is None
        else EpochSampler(
            len(dataset), shuffle_seed, is_fresh=isinstance(dataset, FreshGroupDataset)
        )
    )
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=num_workers,
        pin_memory=pin_memory,
        collate_fn=_as_is,
        generator=torch.Generator(),  # workers' seeds must not come from the global one
        persistent_workers=False,
    )


def _as_is(batch: Any) -> Any:
    return batch
