"""Time, memory and loss curves of PyTorch and of TensorFlow, side by side.

Both programs are run from the command line on the same simulated scan, with the same settings
and thread count, each in a process of its own and in turn; the fastest of the repeats counts.
Both trainings start from the same weights, so that their curves may be held against each other.

    python -m benchmarks.bench_backends [--quick]
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from benchmarks.resident import Watched, python, watch

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "backends.md"
SCAN = "scan.npz"
BACKENDS = ("torch", "tensorflow")
EPOCHS = 4
CURVE_EPOCHS = 10
CURVES = ("train_loss", "val_loss", "train_deviance")


class Size(NamedTuple):
    """A scan: side of a frame [px], scan points, groups of a training epoch."""

    N: int
    points: int
    groups: int


FULL = (Size(32, 400, 256), Size(64, 400, 256))
QUICK = (Size(32, 64, 32),)


def main() -> None:
    """Measure and write the page; with ``--quick`` print it only."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="A small scan, once, not written.")
    parser.add_argument("--repeats", type=int, default=3, help="Runs of each program.")
    args = parser.parse_args()
    is_quick = args.quick
    threads = len(os.sched_getaffinity(0))
    sizes, repeats = (QUICK, 1) if is_quick else (FULL, args.repeats)
    rows: list[str] = []
    curves: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in sizes:
            simulate(folder, size)
            rows += measure(folder, size, threads, repeats)
            if not curves:  # ten epochs of larger frames take minutes
                curves.append(parted(folder, size))
    text = page(rows, curves, threads, repeats)
    if is_quick:
        print(text)
    else:
        PAGE.write_text(text)


def simulate(folder: Path, size: Size) -> None:
    """Write the scan that both backends read."""
    made = ("--n", size.N, "--n_points", size.points, "--output", folder / SCAN)
    subprocess.run(python("simulate", *made), check=True)


def measure(folder: Path, size: Size, threads: int, repeats: int) -> list[str]:
    """Run both programs with both backends; return a row for each."""
    rows = []
    runs = {backend: [] for backend in BACKENDS}
    for _ in range(repeats):
        for backend in BACKENDS:
            commands = (train(folder, size, backend), infer(folder, backend))
            runs[backend].append([watch(command, threads) for command in commands])
    for index, program in enumerate((f"train, {EPOCHS} epochs", "inference")):
        for backend in BACKENDS:
            best = min((run[index] for run in runs[backend]), key=lambda run: run.wall_s)
            rows.append(row(size, program, backend, best))
    return rows


def parted(folder: Path, size: Size) -> str:
    """Train with both backends; return the row of how far their curves part."""
    histories = []
    for backend in BACKENDS:
        subprocess.run(train(folder, size, backend, CURVE_EPOCHS), check=True)
        with (folder / backend / "history.csv").open() as stream:
            histories.append(list(csv.DictReader(stream)))
    apart = [
        max(
            abs(float(theirs[name]) / float(mine[name]) - 1)
            for mine, theirs in zip(*histories, strict=True)
        )
        for name in CURVES
    ]
    numbers = " | ".join(f"{value:.1e}" for value in apart)
    return f"| {size.N} px, {size.points} points | {numbers} |"


def train(folder: Path, size: Size, backend: str, epochs: int = EPOCHS) -> list[str]:
    """Return the command that trains."""
    flags = ["--max_epochs", str(epochs), "--n_images", str(size.groups), "--batch_size", "16"]
    places = ["--train_data_file", str(folder / SCAN), "--output_dir", str(folder / backend)]
    return program("train", backend, *places, *flags, "--disable-checkpointing")


def infer(folder: Path, backend: str) -> list[str]:
    """Return the command that reconstructs."""
    output = folder / f"{backend}-inference"
    places = ["--test_data", str(folder / SCAN), "--output_dir", str(output)]
    return program("inference", backend, "--model_path", str(folder / backend), *places)


def program(name: str, backend: str, *words: str) -> list[str]:
    """Return a command of the package."""
    fixed = ["--backend", backend, "--accelerator", "cpu", "--quiet"]
    return python(name, *words, *fixed)


def row(size: Size, name: str, backend: str, watched: Watched) -> str:
    """Write one row of the table."""
    scan = f"{size.N} px, {size.points} points"
    return (
        f"| {scan} | {name} | {backend} | {watched.wall_s:.1f} | {watched.cpu_s:.1f} "
        f"| {watched.peak_mib:.0f} | {watched.peak_own_mib:.0f} |"
    )


def page(rows: list[str], curves: list[str], threads: int, repeats: int) -> str:
    """Write the page."""
    versions = ", ".join(
        f"{name} {metadata.version(name)}" for name in ("torch", "tensorflow-cpu", "numpy")
    )
    intro = (
        "Time and memory of whole programs, start-up included, with the default network "
        "and groups of four; written by `make bench-tf`. "
        f"Runs of each, in turn: {repeats}; the fastest counts."
    )
    conditions = (
        f"{threads} threads on {platform.machine()}, Python {platform.python_version()}, "
        f"{versions}. The memory of TensorFlow includes PyTorch's libraries, which read "
        "the data and hold the batches in both."
    )
    parting = (
        f"The largest relative difference of any of {CURVE_EPOCHS} epochs, from the same "
        "weights, batches and scan, in single precision. Rounding grows from step to step, and "
        "the last deviances, the part of the loss above its floor, show it first. In double "
        "precision suite `tf-parity` holds every epoch to 10⁻⁶."
    )
    return "\n".join(
        [
            "# Both backends side by side",
            "",
            intro,
            "",
            conditions,
            "",
            "| scan | program | backend | wall [s] | CPU [s] | peak [MiB] | own pages [MiB] |",
            "| --- | --- | --- | ---: | ---: | ---: | ---: |",
            *rows,
            "",
            "## Loss curves",
            "",
            parting,
            "",
            "| scan | training loss | validation loss | training deviance |",
            "| --- | ---: | ---: | ---: |",
            *curves,
            "",
        ]
    )


if __name__ == "__main__":
    main()
