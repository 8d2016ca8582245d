"""Memory and time of the programs against the size of the scan: ``make bench-memory``.

Each size is simulated, trained for one epoch in which every pattern is seen about once, and
reconstructed with one group per point, by the programs as a user runs them. Frames stay in
their file at every size, so that the figures show what else grows. The record goes to
docs/scaling.json; ``python -m proofs.docs`` writes the tables of docs/scaling.md from it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import measured, resident, scaling_record
from benchmarks.measured import Measured

_FULL, _SMALL = (1000, 10_000, 100_000), (1000, 10_000)
_PATTERNS_PER_GROUP = 4
_SIDE = 64
_SETTINGS = {"data": {"mmap_threshold_mb": 8}}
_MEMORY_MIB = 3e9 / 2**20
_PROGRAMS = ("simulate", "train", "inference")

Row = dict[str, Any]


def measure(folder: Path, count: int, architecture: str, threads: int) -> Row:
    """Simulate, train and reconstruct one size."""
    scan, model, result = (folder / f"{count}{end}" for end in (".npz", "-model", "-result"))
    settings = folder / "settings.json"
    settings.write_text(json.dumps(_SETTINGS))
    groups = count // _PATTERNS_PER_GROUP
    train = (
        *("--train_data_file", scan, "--output_dir", model, "--config", settings),
        *("--max_epochs", 1, "--n_images", groups, "--val_split", 0),
        *("--architecture", architecture),
    )
    infer = (
        *("--model_path", model, "--test_data", scan, "--output_dir", result),
        *("--config", settings),
    )
    row: Row = {"patterns": count, "groups": groups, "frame_bytes": count * _SIDE**2 * 4}
    arguments_of = (("--output", scan, "--n_points", count), train, infer)
    for program, arguments in zip(_PROGRAMS, arguments_of, strict=True):
        usage = resident.watch(resident.python(program, *arguments, "--quiet"), threads)
        row[program] = dataclasses.asdict(usage)
        click.echo(
            f"{count:,} patterns, {program}: {usage.wall_s:.1f} s, {usage.cpu_s:.1f} CPU-s, "
            f"{usage.peak_mib:.0f} MiB at most, {usage.peak_own_mib:.0f} MiB its own"
        )
    with np.load(result / "reconstruction.npz") as stored:
        row["canvas_pixels"] = stored["weight"].size
    scan.unlink()
    return row


def plot(rows: list[Row], path: Path) -> None:
    """Draw memory and time against the number of patterns."""
    figure = Figure(figsize=(10, 4.2))
    memory, spent = figure.subplots(1, 2)
    sizes = [row["patterns"] for row in rows]
    for program in _PROGRAMS:
        _draw(memory, sizes, program, lambda row, of=program: row[of]["peak_mib"], rows)
        _draw(spent, sizes, program, lambda row, of=program: row[of]["cpu_s"], rows)
    frames = [row["frame_bytes"] / 2**20 for row in rows]
    memory.loglog(sizes, frames, "k--", label="the frames")
    steps = [rows[0]["train"]["cpu_s"] * size / sizes[0] for size in sizes]
    spent.loglog(sizes, steps, "k:", label="proportional")
    for axes, name in (
        (memory, "largest resident memory [MiB]"),
        (spent, "processor time [s]"),
    ):
        axes.set_xlabel("patterns in the scan")
        axes.set_ylabel(name)
        axes.grid(visible=True, which="both", alpha=0.3)
        axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def _draw(
    axes: Axes, sizes: list[int], label: str, value: Callable[[Row], float], rows: list[Row]
) -> None:
    axes.loglog(sizes, [value(row) for row in rows], marker="o", label=label)


def figures(rows: list[Row]) -> list[Measured]:
    """Return the memory at the largest size beside its frames, and how time grows."""
    first, last = rows[0], rows[-1]
    made = []
    for program in _PROGRAMS:
        peak = last[program]["peak_mib"]
        made.append(
            Measured(
                what=f"{program}, {last['patterns']:,} patterns: largest memory",
                value=peak,
                unit="MiB",
                peer="its frames",
                beside=last["frame_bytes"] / 2**20,
                target=f"< {_MEMORY_MIB:.0f} MiB",
                holds=peak < _MEMORY_MIB,
            )
        )
        made.append(
            Measured(
                what=f"{program}, a pattern of {last['patterns']:,}",
                value=1000 * last[program]["cpu_s"] / last["patterns"],
                unit="CPU-ms",
                peer=f"a pattern of {first['patterns']:,}",
                beside=1000 * first[program]["cpu_s"] / first["patterns"],
                note="start-up included",
            )
        )
    return made


@click.command()
@click.option("--small", is_flag=True, help="Two sizes, for a look.")
@click.option("--architecture", default="cnn-lite", show_default=True, help="Network.")
@click.option("--threads", default=os.cpu_count() or 1, show_default=True, help="Of torch.")
@click.option(
    "--record", type=click.Path(path_type=Path), default=scaling_record.RECORD, help="To write."
)
@click.option("--json", "numbers", type=click.Path(path_type=Path), help="Figures as numbers.")
def main(
    *, small: bool, architecture: str, threads: int, record: Path, numbers: Path | None
) -> None:
    """Measure every size, write the record and, beside it, the plot."""
    with tempfile.TemporaryDirectory() as name:
        sizes = _SMALL if small else _FULL
        rows = [measure(Path(name), count, architecture, threads) for count in sizes]
    content = {"architecture": architecture, "threads": threads, "rows": rows}
    scaling_record.update("scans", content, is_small=small, path=record)
    plot(rows, record.with_suffix(".svg"))
    measured.write(numbers, figures(rows))


if __name__ == "__main__":
    main()
