"""The logger that a run hands its predicted patches to, and the two files it leaves."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from ptycho_torch import files, run_folder
from ptycho_torch.patch_stats import grid, reduction
from ptycho_torch.patch_stats.reduction import Moments, Patches

SCHEMA = 2
TAG = "PATCH_STATS"
TRAINED = "trained"  # the phase whose patches are drawn beside the first ones
_LINE = (
    TAG + " Torch patch stats (%s batch %d): mean=%.6e std=%.6e var_zero_mean=%.6e "
    "epoch=%d min=%.6e max=%.6e n_nonfinite=%d"
)

_log = logging.getLogger(__name__)


class PatchStatsLogger:
    """Records statistics of the amplitude of predicted patches.

    A batch is counted once: repeating a (phase, epoch, batch) is ignored. Used as a
    context manager it writes its files on the way out, exceptions included.

    Args:
        output_dir: Folder below which ``analysis/`` is written; None keeps all in memory.
        enabled: Whether anything is recorded at all.
        limit: Batches recorded per phase over the whole run; None for all.
        backend: What predicts the patches.
    """

    def __init__(
        self,
        output_dir: str | Path | None = None,
        enabled: bool = False,  # noqa: FBT001, FBT002 - the public signature
        limit: int | None = None,
        *,
        backend: str = "torch",
    ) -> None:
        """Start with nothing recorded."""
        self._backend = backend
        self.enabled = enabled
        self.limit = limit
        self.batch_count = 0
        self.stats: list[dict[str, Any]] = []
        self._folder = None if output_dir is None else Path(output_dir)
        self._seen: set[tuple[str, int, int]] = set()
        self._running: dict[str, _Running] = {}
        self._first: Moments | None = None
        self._last: Moments | None = None
        self._is_final = False

    def should_log(self, phase: str = "train") -> bool:
        """Whether a new batch of this phase would be recorded."""
        if not self.enabled:
            return False
        recorded = self._running[phase].batches if phase in self._running else 0
        return self.limit is None or recorded < self.limit

    def log_batch(
        self,
        patches: Patches,
        phase: str = "unknown",
        batch_idx: int = 0,
        epoch: int = 0,
        global_step: int | None = None,
        scale: Mapping[str, float] | None = None,
        response: float | None = None,
    ) -> None:
        """Record one batch, unless it was recorded before or the limit is reached.

        Args:
            patches: Predicted patches, complex or amplitude.
            phase: ``train``, ``val``, ``trained`` or ``inference``.
            batch_idx: Number of the batch in its epoch.
            epoch: Epoch; 0 for inference.
            global_step: Optimiser steps taken so far.
            scale: Scales in force: ``input``, ``intensity``, ``probe``.
            response: Change of the patches when their inputs are exchanged, where measured.
        """
        key = (phase, epoch, batch_idx)
        if key in self._seen or not self.should_log(phase):
            return
        self._seen.add(key)
        batch = reduction.moments(patches)
        running = self._running.setdefault(phase, _Running())
        running.add(batch)
        entry = {
            "schema": SCHEMA,
            "backend": self._backend,
            "phase": phase,
            "batch_idx": batch_idx,
            "batch_size": patches.shape[0],
            "epoch": epoch,
            "global_step": global_step,
            **reduction.whole(batch),
            "per_patch": reduction.samples(batch),
            "patches": reduction.patches(batch),
            "running": running.to_dict(),
            "scale": None if scale is None else dict(scale),
            "response": None if response is None else reduction.keep_finite(response),
        }
        self.stats.append(entry)
        self.batch_count += 1
        self._first = self._first or batch
        self._last = batch
        self._is_final = False
        _announce(entry, batch)

    def finalize(self) -> None:
        """Write the records and the pictures of the last batch; a second call does nothing.

        Raises:
            OutputError: A file cannot be written.
        """
        if not self.enabled or self._is_final:
            return
        self._is_final = True
        if not self.stats:
            _log.warning("%s nothing was recorded (limit %s)", TAG, self.limit)
        if self._folder is None:
            return
        files.write_json(self._folder / run_folder.STATS, self.stats)
        if self._last is not None and self._last.pixels.size:
            files.write_bytes(self._folder / run_folder.GRID, grid.render(self._last))
            files.write_bytes(self._folder / run_folder.LEVELS, grid.levels(self._last))
            if TRAINED in self._running and self._first is not None:
                both = grid.render_pair(self._first, self._last)
                files.write_bytes(self._folder / run_folder.PROGRESS, both)

    def __enter__(self) -> PatchStatsLogger:  # noqa: PYI034 - shape checks cannot read Self
        """Return the logger itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the files, whatever happened."""
        self.finalize()


class _Running:
    """Extremes and count of a phase so far."""

    def __init__(self) -> None:
        """Start from nothing."""
        self.batches = 0
        self._low, self._high, self._count = math.inf, -math.inf, 0

    def add(self, batch: Moments) -> None:
        """Take in one batch."""
        self.batches += 1
        if batch.count.size:
            self._low = min(self._low, float(batch.low.min()))
            self._high = max(self._high, float(batch.high.max()))
        self._count += int(batch.count.sum())

    def to_dict(self) -> dict[str, float | int | None]:
        """Return plain values; null where nothing finite was seen."""
        seen = self._count > 0
        return {
            "min": self._low if seen else None,
            "max": self._high if seen else None,
            "count": self._count,
        }


def _announce(entry: Mapping[str, Any], batch: Moments) -> None:
    finite = batch.count > 0
    low = float(batch.low[finite].min()) if finite.any() else math.nan
    high = float(batch.high[finite].max()) if finite.any() else math.nan
    numbers = [entry[name] for name in ("global_mean", "global_std", "var_zero_mean")]
    _log.info(
        _LINE,
        entry["phase"],
        entry["batch_idx"],
        *(math.nan if number is None else number for number in numbers),
        entry["epoch"],
        low,
        high,
        entry["n_nonfinite"],
    )
