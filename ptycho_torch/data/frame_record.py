"""Batches as they were served → which frames of the file they held, and where these lie.

Written beside the results, so that what a model was given can be held against the file itself:
its frames are known by their energy and its centroid, whatever number they have. Pairs are x
then y.

    G, C  groups, patterns in a group      N  side of a frame [px]
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ptycho_torch.data.dataset import Batch, GroupDataset

_BLOCK = 64


class FrameRecord:
    """The groups of a part of the data, in the order in which they were served.

    Energies are in units of the file; inputs are those of the model itself, whatever scale it
    is said to apply.

    Args:
        input_scale: α, by which the amplitudes that a model is given were multiplied.
    """

    def __init__(self, input_scale: float) -> None:
        self._input_scale = input_scale
        self._columns: dict[str, list[Any]] = {}

    def add(
        self,
        batch: Batch,
        members: NDArray[np.int64],
        positions: NDArray[np.float64] | None = None,
    ) -> None:
        """Take a batch.

        Args:
            batch: What the model is given.
            members: (B, C) where its frames are in the file.
            positions: (B, C, 2) where its patches are placed [px], if they are.
        """
        squares = batch.amplitude.detach().cpu().double() ** 2
        energies = squares.sum(dim=(-2, -1))
        along = torch.arange(squares.shape[-1], dtype=torch.float64)
        column = squares.sum(dim=-2) @ along / energies
        row = squares.sum(dim=-1) @ along / energies
        columns: dict[str, Any] = {
            "frames": members,
            "energies": energies / self._input_scale**2,
            "inputs": energies,
            "centroids": torch.stack([column, row], dim=-1),
            "offsets": batch.offsets.detach().cpu().double(),
        }
        if positions is not None:
            columns["positions"] = positions
        for name, values in columns.items():
            self._columns.setdefault(name, []).extend(values.tolist())

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values: a list of groups, each a list of its patterns, by name."""
        return self._columns


def record_dataset(
    served: GroupDataset, source_index: NDArray[np.int64], input_scale: float
) -> dict[str, Any]:
    """Record all groups of a dataset, in their order.

    Args:
        served: What a loader serves.
        source_index: (M,) where its scan points are in their file.
        input_scale: α.
    """
    record = FrameRecord(input_scale)
    for start in range(0, len(served), _BLOCK):
        numbers = np.arange(start, min(start + _BLOCK, len(served)))
        record.add(served.__getitems__(numbers.tolist()), source_index[served.members(numbers)])
    return record.to_dict()
