"""Public face of the patch statistics."""

from __future__ import annotations

from ptycho_torch.patch_stats.logger import PatchStatsLogger

__all__ = ["PatchStatsLogger"]
