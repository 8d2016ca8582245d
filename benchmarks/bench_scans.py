"""Phase r over kinds of scans and seeds, with the defaults of today and without them.

Usage: ``python -m benchmarks.bench_scans [--star FOLDER] [--only NAME …] [--seeds 1 2 3 4 5]``.
Trainings are short ones of the lighter network. Each run that is done is kept below
``.harness/scans/`` and not run again; the record goes to docs/quality/scans.json, from which
``python -m proofs.docs`` writes the table of docs/quality.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from benchmarks import scan_kinds
from benchmarks.scan_kinds import Pair
from ptycho_torch.cli import inference, train

FOLDER = Path(".harness/scans")
# A second call beside a first must not train into its folder.
MODEL, BACK = (FOLDER / f"{name}-{os.getpid()}" for name in ("model", "back"))
RECORD = Path("docs/quality/scans.json")
SWEEPS = 5  # of a refinement, by the first seed
SETTINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"before": ("--warmup_steps", "0"), "after": ()}
)
_SIZE = ("--max_epochs", "10", "--n_images", "64", "--gridsize", "2", "--batch_size", "4")
_GROUPS = "128"  # of a reconstruction

Run = dict[str, Any]


def main() -> int:
    """Run what has not been run, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--star", type=Path, help="folder of the measured star")
    parser.add_argument("--only", nargs="+", default=[*scan_kinds.NAMES, scan_kinds.CORNER])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS))
    parser.add_argument("--limit", type=int, help="runs of this call, for a shared machine")
    args = parser.parse_args()
    torch.set_num_threads(1)
    left = args.limit
    for kind in args.only:
        seeds = args.seeds[:1] if kind == scan_kinds.CORNER else args.seeds
        pair = scan_kinds.files_of(kind, FOLDER / "data", args.star)
        for seed in seeds:
            for name in args.settings:
                path = FOLDER / "runs" / f"{kind}-{seed}-{name}.json"
                if pair is None or path.is_file() or left == 0:
                    continue
                left = None if left is None else left - 1
                done = {"scan": kind, "seed": seed, "settings": name}
                done |= _run(pair, seed, SETTINGS[name])
                if name == "after" and seed == seeds[0] and not done["exit"]:
                    done["refined"] = {"sweeps": SWEEPS, **_reconstruct(pair, SWEEPS)}
                print(json.dumps(done), flush=True)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(done), "utf-8")
    for folder in (MODEL, BACK):
        shutil.rmtree(folder, ignore_errors=True)
    RECORD.write_text(json.dumps(list(_gather()), indent=1) + "\n", "utf-8")
    return 0


def _run(pair: Pair, seed: int, options: tuple[str, ...]) -> Run:
    """Train shortly and reconstruct the unseen scan by as many groups."""
    for folder in (MODEL, BACK):
        shutil.rmtree(folder, ignore_errors=True)
    began = time.process_time()
    places = ("--train_data_file", str(pair.train), "--test_data_file", str(pair.unseen))
    usual = ("--config", "configs/quick.json", "--accelerator", "cpu", "--quiet")
    flags = (*places, "--output_dir", str(MODEL), *usual, *_SIZE, "--seed", str(seed), *options)
    code = train.main([*flags, "--deterministic"])
    spent = time.process_time() - began
    run: Run = {"exit": code, "training_cpu_s": round(spent, 1)}
    if code:
        record = MODEL / "run.json"
        failed = json.loads(record.read_text()) if record.is_file() else {}
        return {**run, "error": failed.get("error")}
    return run | _reconstruct(pair)


def _reconstruct(pair: Pair, sweeps: int = 0) -> Run:
    """Reconstruct the unseen scan by the trained model, all its points where it is refined."""
    options = ("--refine", str(sweeps)) if sweeps else ("--n_images", _GROUPS)
    places = ("--model_path", str(MODEL), "--test_data", str(pair.unseen))
    usual = ("--output_dir", str(BACK), "--accelerator", "cpu", "--quiet")
    if code := inference.main([*places, *usual, *options]):
        return {"exit": code}
    scores = json.loads((BACK / "metrics.json").read_text())
    return {
        "phase_r": scores["phase"]["pearson"],
        "complex_error": scores["complex_error"],
        "error_beside_constant": scores["against_constant"]["error_ratio"],
        "residual_beside_constant": scores["data"]["network"]["ratio"]["constant"],
    }


def _gather() -> Iterator[Run]:
    """Read all runs that are done, in the order of the table."""
    kinds = [*scan_kinds.NAMES, scan_kinds.CORNER]
    runs = [json.loads(path.read_text()) for path in (FOLDER / "runs").glob("*.json")]
    places = {name: index for index, name in enumerate(kinds)}
    yield from sorted(
        runs, key=lambda run: (places[run["scan"]], run["seed"], run["settings"] == "after")
    )


if __name__ == "__main__":
    raise SystemExit(main())
