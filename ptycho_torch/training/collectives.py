"""What processes that train together tell each other; every method is called by all."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import distributed

from ptycho_torch.axes import ObjectPatches
from ptycho_torch.ranks import Rank

_LONGEST_TEXT = 256


class Collectives:
    """Exchanges of numbers, words and patches between the processes of a run.

    Args:
        rank: The place of this process.
        device: Where tensors must be to be exchanged.
    """

    def __init__(self, rank: Rank, device: torch.device) -> None:
        self.rank = rank
        self._device = device

    def total(self, values: Sequence[float]) -> list[float]:
        """Add up numbers, in double precision; the sums are the same bits everywhere."""
        sums = torch.tensor(values, dtype=torch.float64, device=self._device)
        distributed.all_reduce(sums)
        return [float(value) for value in sums]

    def each(self, value: float) -> list[float]:
        """Collect one number of each process, in the order of the ranks."""
        mine = [0.0] * self.rank.count
        mine[self.rank.number] = value
        return self.total(mine)

    def tell(self, text: str, source: int) -> str:
        """Return what the process ``source`` says, cut at 256 bytes."""
        # A broadcast needs one size that everybody knows beforehand.
        letters = text.encode()[:_LONGEST_TEXT].ljust(_LONGEST_TEXT, b"\0")
        tensor = torch.tensor(list(letters), dtype=torch.uint8, device=self._device)
        distributed.broadcast(tensor, source)
        return bytes(tensor.tolist()).rstrip(b"\0").decode(errors="replace")

    def join(self, patches: ObjectPatches) -> ObjectPatches:
        """Put the patches of all processes behind each other, in the order of the ranks.

        Args:
            patches: Share of this process, possibly empty.
        """
        parts = torch.view_as_real(patches.detach().resolve_conj()).contiguous()
        pieces = []
        for source, size in enumerate(self.each(len(parts))):
            piece = parts.new_empty(int(size), *parts.shape[1:])
            if source == self.rank.number:
                piece.copy_(parts)
            # Known to all from ``each``: a broadcast that one of them leaves out would hang
            # the rest.
            if size:
                distributed.broadcast(piece, source)
            pieces.append(piece)
        return torch.view_as_complex(torch.cat(pieces))
