"""Train the real package many times, for a history with known defects.

Each run is one short training with a seed of its own, by the program that suites call. From one
seed on the learning rate is another: a defect that the goldens of whole suites let pass. What
was run is kept beside this file, so that the campaign judges the same numbers everywhere.
"""

from __future__ import annotations

import csv
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from harness.files import json_bytes, write_bytes

STORE = Path(__file__).with_name("trainings.json")
_ROOT = Path(__file__).parents[2]
_SCAN = [
    *("--n", "32", "--n_points", "100", "--pitch", "4", "--jitter", "1"),
    *("--integer_positions", "--phase_range", "2.0", "--seed", "42"),
]
_TRAIN = [
    *("--val_split", "0", "--config", str(_ROOT / "configs/quick.json"), "--max_epochs", "4"),
    *("--n_images", "64", "--gridsize", "1", "--batch_size", "16", "--torch-loss-mode"),
    *("poisson", "--accelerator", "cpu", "--deterministic", "--quiet"),
]


@dataclass(frozen=True, slots=True)
class Kind:
    """Runs of one kind: their name, their first seed, how many, and what is another."""

    name: str
    first: int
    count: int
    change: tuple[str, ...] = ()


CLEAN = Kind("clean", 1, 40)
DEFECTS = (
    Kind("learning rate × 0.5", 201, 6, ("--learning-rate", "0.0005")),
    Kind("learning rate × 0.7", 101, 6, ("--learning-rate", "0.0007")),
)
_ALL = (*DEFECTS, CLEAN)


@click.command()
@click.option("--minutes", type=float, default=8.0, help="Start nothing after this time.")
def main(minutes: float) -> None:
    """Run what has not been run yet."""
    from ptycho_torch.simulate import main as simulate
    from ptycho_torch.train import main as train

    deadline = time.monotonic() + 60 * minutes
    runs = read_runs()
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan.npz"
        if simulate(["--output", str(scan), *_SCAN]):
            raise SystemExit("no scan")
        for kind in _ALL:
            for seed in range(kind.first, kind.first + kind.count):
                if any(run["seed"] == seed for run in runs) or time.monotonic() > deadline:
                    continue
                output = Path(folder) / str(seed)
                words = ["--train_data_file", str(scan), "--output_dir", str(output)]
                begun = time.perf_counter()
                if train([*words, *_TRAIN, "--seed", str(seed), *kind.change]):
                    raise SystemExit(f"seed {seed}: no training")
                took = time.perf_counter() - begun
                runs.append({"kind": kind.name, "seed": seed, "s": took, **_numbers(output)})
                write_bytes(STORE, json_bytes({"runs": runs}))
    click.echo(f"{len(runs)} runs of {sum(kind.count for kind in _ALL)}")


def read_runs() -> list[dict[str, Any]]:
    """Return the runs so far, in the order of their kinds and seeds."""
    if not STORE.is_file():
        return []
    runs: list[dict[str, Any]] = json.loads(STORE.read_text("utf-8"))["runs"]
    return sorted(runs, key=lambda run: int(run["seed"]))


def _numbers(output: Path) -> dict[str, float]:
    """Return the numbers of the last epoch."""
    with (output / "history.csv").open(encoding="utf-8") as stream:
        *_, last = csv.DictReader(stream)
    return {name: float(last[name]) for name in ("train_deviance", "amp_mean", "amp_std")}


if __name__ == "__main__":
    main()
