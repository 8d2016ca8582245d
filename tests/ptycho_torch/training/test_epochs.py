"""The table of epochs keeps every digit, and means weigh each batch by what it holds."""

from __future__ import annotations

import csv
import io
import math

import pytest

from ptycho_torch.training.epochs import COLUMNS, Means, Progress, Row


def row(epoch: int, **values: float | None) -> Row:
    numbers: Row = dict.fromkeys(COLUMNS, 0.1)
    return {**numbers, "epoch": epoch, "step": 3 * epoch, **values}


def test_numbers_of_the_table_come_back_to_the_last_digit() -> None:
    """Losses that differ in the last place differ in the file; an absent one is empty."""
    values = (1 / 3, math.nextafter(1 / 3, 1), 1.23456789e-17, 5e300)
    progress = Progress(monitor="train_loss", mode="min")
    for epoch, value in enumerate(values):
        progress.finish(row(epoch, train_loss=value, val_loss=None), {})

    table = list(csv.DictReader(io.StringIO(progress.table())))

    assert tuple(table[0]) == COLUMNS
    assert [float(one["train_loss"]) for one in table] == list(values)
    assert {one["val_loss"] for one in table} == {""}
    assert [one["step"] for one in table] == ["0", "3", "6", "9"]


@pytest.mark.parametrize(("mode", "best"), [("min", 1), ("max", 2)])
def test_first_of_the_best_epochs_is_kept(mode: str, best: int) -> None:
    """Neither an equal later one nor a NaN takes its place."""
    progress = Progress(monitor="val_loss", mode=mode)
    for epoch, value in enumerate((2.0, 1.0, 3.0, math.nan, 1.0, 3.0)):
        progress.finish(row(epoch, val_loss=value), {})

    assert progress.best_epoch == best


def test_means_weigh_what_a_batch_holds() -> None:
    """A last batch of one group counts for one, and an absent number for nothing."""
    means = Means()
    means.add({"loss": 1.0, "deviance": None}, 3)
    means.add({"loss": 5.0, "deviance": 2.0}, 1)

    assert means.take() == {"loss": 2.0, "deviance": 2.0}
    assert means.take() == {}
