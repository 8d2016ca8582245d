"""The programs that train and reconstruct, measured as a user runs them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks import resident
from benchmarks.measured import Measured
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file


class Row(NamedTuple):
    """One line of the table: its cells, and the same as numbers."""

    cells: tuple[str, str, str, str, str]
    figures: tuple[Measured, ...] = ()


class Size(NamedTuple):
    """Patterns of two scans to reconstruct, epochs and groups of a training."""

    few: int
    many: int
    epochs: int
    groups: int


class Flops(NamedTuple):
    """The work of one group, in training and in inference."""

    training: float
    inference: float


FULL, QUICK = Size(1000, 10_000, 10, 256), Size(64, 200, 1, 64)


def rows(folder: Path, rate: float, threads: int, size: Size, flops: Flops) -> Iterator[Row]:
    """Measure the programs as a user runs them.

    Args:
        folder: Where scans and models are made.
        rate: Of convolutions, at best [FLOP/s].
        threads: Of torch.
        size: How much is trained and reconstructed.
        flops: The work of one group.
    """
    few, many = size.few, size.many
    scans = {count: folder / f"{count}.npz" for count in (16, few, many)}
    for count, path in scans.items():
        resident.watch(
            resident.python("simulate", "--output", path, "--n_points", count), threads
        )
    yield _loading(scans[many])
    yield from _train_program(
        folder / "model", scans[few], threads, size, (flops.training, rate)
    )
    inference = ["--model_path", folder / "model", "--output_dir", folder / "out", "--quiet"]
    start = resident.watch(
        resident.python("inference", "--test_data", scans[16], *inference), threads
    )
    for count, target in ((few, "≤ 12 s after start-up, < 1 GB"), (many, "< 1 GB above data")):
        argv = resident.python("inference", "--test_data", scans[count], *inference)
        usage = resident.watch(argv, threads)
        after = usage.wall_s - start.wall_s
        floor = count * flops.inference / rate
        cells = (
            f"inference program, {count} patterns, {threads} threads",
            f"{usage.wall_s:.1f} s ({usage.cpu_s:.1f} CPU-s), {usage.peak_mib:.0f} MiB",
            f"start-up {start.wall_s:.1f} s, data {scans[count].stat().st_size >> 20} MiB",
            f"{floor:.1f} s",
            f"{100 * floor / after:.0f} % after start-up, {target}",
        )
        yield Row(
            cells,
            (_patterns(f"{cells[0]}, after start-up", count, after, floor),)
            + ((_start("inference program", start.wall_s),) if count == few else ()),
        )


def _patterns(what: str, count: int, seconds: float, floor: float | None = None) -> Measured:
    return Measured(
        what=what,
        value=count / seconds,
        unit="patterns/s",
        floor=None if floor is None else count / floor,
    )


def _start(program: str, seconds: float) -> Measured:
    return Measured(what=f"start-up of the {program}", value=seconds, unit="s")


def _loading(path: Path) -> Row:
    began = time.perf_counter()
    scan = scan_file.read(path, DataConfig())
    taken = time.perf_counter() - began
    cells = (
        f"reading {scan.point_count} patterns",
        f"{scan.point_count / taken:.0f} patterns/s",
        "",
        "",
        f"{path.stat().st_size / taken / 1e6:.0f} MB/s with digest and checks",
    )
    return Row(cells, (_patterns(cells[0], scan.point_count, taken),))


def _train_program(
    model: Path, scan: Path, threads: int, size: Size, work: tuple[float, float]
) -> Iterator[Row]:
    """Measure training; ``work`` is that of a group [FLOP] and the best rate [FLOP/s]."""
    epochs, groups = size.epochs, size.groups
    argv = resident.python(
        *("train", "--train_data_file", scan, "--output_dir", model, "--quiet"),
        *("--max_epochs", epochs, "--n_images", groups, "--val_split", 0, "--batch_size", 16),
    )
    usage = resident.watch(argv, threads)
    flops, rate = work[0] * groups * epochs, work[1]
    cells = (
        f"training program, {epochs} epochs of {groups} groups, {threads} threads",
        f"{usage.wall_s:.1f} s ({usage.cpu_s:.1f} CPU-s), {usage.peak_mib:.0f} MiB",
        f"{flops / usage.wall_s / 1e9:.0f} GFLOP/s, start-up included",
        f"{flops / rate:.1f} s",
        f"{100 * flops / rate / usage.wall_s:.0f} %, ≥ 50 %, < 1 GB",
    )
    program = Measured(
        what=cells[0],
        value=groups * epochs / usage.wall_s,
        unit="groups/s",
        floor=groups * epochs * rate / flops,
        target="≥ 50 % of the floor",
        holds=flops / rate >= usage.wall_s / 2,
        note="start-up included",
    )
    yield Row(cells, (program,))
