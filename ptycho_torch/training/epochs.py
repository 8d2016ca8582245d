"""Means of an epoch, the table of epochs, and the best of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from ptycho_torch.config_params import PyTorchExecutionConfig

COLUMNS = (
    "epoch",
    "step",
    "lr",
    "train_loss",
    "val_loss",
    "train_deviance",
    "val_deviance",
    "grad_norm",
    "amp_mean",
    "amp_std",
)

OPTIONAL = ("val_loss", "val_deviance", "train_deviance")

Row = dict[str, float | int | None]

_log = logging.getLogger(__name__)


def monitor(execution: PyTorchExecutionConfig, *, has_validation: bool) -> str:
    """Choose the column that decides the best epoch."""
    wanted = execution.checkpoint_monitor_metric
    if wanted.startswith("val_") and not has_validation:
        instead = wanted.replace("val_", "train_", 1)
        _log.info("no validation data; monitoring %s instead of %s", instead, wanted)
        return instead
    return wanted


class Means:
    """Weighted means of named numbers; reading them starts a new epoch."""

    def __init__(self) -> None:
        """Start from nothing."""
        self._sums: dict[str, float] = {}
        self._weights: dict[str, float] = {}

    def add(self, values: Mapping[str, torch.Tensor | float | None], weight: float) -> None:
        """Take in numbers; None is left out."""
        for name, value in values.items():
            if value is not None:
                self._sums[name] = self._sums.get(name, 0.0) + weight * float(value)
                self._weights[name] = self._weights.get(name, 0.0) + weight

    def state(self) -> dict[str, dict[str, float]]:
        """Return plain values for a checkpoint within an epoch."""
        return {"sums": dict(self._sums), "weights": dict(self._weights)}

    def restore(self, state: Mapping[str, Mapping[str, float]]) -> None:
        """Continue from a checkpoint within an epoch."""
        self._sums, self._weights = dict(state["sums"]), dict(state["weights"])

    def take(self) -> dict[str, float]:
        """Return the means and forget them."""
        means = {name: total / self._weights[name] for name, total in self._sums.items()}
        self._sums, self._weights = {}, {}
        return means


@dataclass(slots=True)
class Progress:
    """The table of epochs and the weights of the best one.

    Attributes:
        monitor: Column that decides.
        mode: ``min`` or ``max``.
        rows: One per finished epoch.
        best_epoch: None before the first epoch ended.
        best_value: Its value of the monitored column.
        best_weights: CPU copy of its weights.
    """

    monitor: str
    mode: str
    rows: list[Row] = field(default_factory=list)
    best_epoch: int | None = None
    best_value: float | None = None
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)

    def finish(self, row: Row, weights: Mapping[str, torch.Tensor]) -> None:
        """Append an epoch and keep its weights when it is the best so far."""
        self.rows.append(row)
        value, epoch = row[self.monitor], row["epoch"]
        if value is None or epoch is None or not self._is_better(float(value)):
            return
        self.best_epoch, self.best_value = int(epoch), float(value)
        self.best_weights = {
            # A copy: on a CPU the weights themselves would go on changing under the name of
            # the best.
            name: tensor.detach().to("cpu", copy=True)
            for name, tensor in weights.items()
        }

    def _is_better(self, value: float) -> bool:
        if self.best_value is None:
            return True
        # Strictly: of equal epochs the first stays, and a NaN never is the best.
        return value < self.best_value if self.mode == "min" else value > self.best_value

    def state(self) -> dict[str, Any]:
        """Return plain values and tensors for a checkpoint."""
        return {
            "rows": self.rows,
            "best_epoch": self.best_epoch,
            "best_value": self.best_value,
            "best_weights": self.best_weights,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a checkpoint."""
        self.rows = list(state["rows"])
        self.best_epoch, self.best_value = state["best_epoch"], state["best_value"]
        self.best_weights = dict(state["best_weights"])

    def table(self) -> str:
        """Return the epochs as CSV; numbers keep every digit, absent ones are empty."""
        lines = [",".join(COLUMNS)]
        lines += [",".join(_text(row.get(name)) for name in COLUMNS) for row in self.rows]
        return "\n".join(lines) + "\n"


def _text(value: float | None) -> str:
    # repr is the shortest text that gives the same number back.
    return "" if value is None else repr(value)
