"""Electron scans by dose: the network alone and sweeps of refinement, beside a constant object.

Usage: ``python -m benchmarks.bench_electrons [--doses 1e5 1e4 1e3] [--sweeps 0 1 2 …]``.
Trainings are those of suite quick; the scan that is judged is unseen. What is done stays below
``.harness/electrons/`` and not run again; the record goes to docs/quality/electrons.json, from
which ``python -m proofs.docs`` writes a table of docs/quality.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks import bench_scans, scan_kinds
from ptycho_torch.cli import inference, train
from ptycho_torch.simulation import simulate

FOLDER = Path(".harness/electrons")
RECORD = Path("docs/quality/electrons.json")
DOSES = (1e5, 1e4, 1e3)
SWEEPS = (0, 1, 2, 5, 10, 20, 40)
_SEED = 1


def main() -> int:
    """Train and refine what has not been, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--doses", type=float, nargs="+", default=DOSES)
    parser.add_argument("--sweeps", type=int, nargs="+", default=SWEEPS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for dose in args.doses:
        home = FOLDER / f"{dose:g}"
        pair = [_write_scan(home, dose, seed) for seed in scan_kinds.SEEDS]
        _train(home, *pair)
        for sweeps in args.sweeps:
            path = home / f"refined-{sweeps}.json"
            if not path.is_file():
                path.write_text(json.dumps(_reconstruct(home, pair[1], sweeps)), "utf-8")
            print(f"{dose:g} electrons, {sweeps} sweeps: {path.read_text('utf-8')}", flush=True)
    runs = [
        {"dose": dose, "sweeps": sweeps, **json.loads(path.read_text("utf-8"))}
        for dose in DOSES
        for sweeps in SWEEPS
        if (path := FOLDER / f"{dose:g}" / f"refined-{sweeps}.json").is_file()
    ]
    RECORD.write_text(json.dumps(runs, indent=1) + "\n", "utf-8")
    return 0


def _write_scan(home: Path, dose: float, seed: int) -> Path:
    path = home / f"scan-{seed}.npz"
    if not path.is_file():
        home.mkdir(parents=True, exist_ok=True)
        simulate.write(dataclasses.replace(scan_kinds.electron(dose), seed=seed), path)
    return path


def _train(home: Path, scan: Path, unseen: Path) -> None:
    """Train as suite quick does.

    Raises:
        RuntimeError: The training did not end well.
    """
    if (home / "model" / "wts.h5.zip").is_file():
        return
    places = ("--train_data_file", str(scan), "--test_data_file", str(unseen))
    flags = (*places, "--output_dir", str(home / "model"), "--seed", str(_SEED))
    if code := train.main([*flags, *bench_scans.USUAL, *bench_scans.SIZE, "--deterministic"]):
        raise RuntimeError(f"the training ended with exit code {code}")


def _reconstruct(home: Path, unseen: Path, sweeps: int) -> dict[str, Any]:
    """Reconstruct all points of the unseen scan, with sweeps over all of its frames.

    Raises:
        RuntimeError: The reconstruction did not end well.
    """
    back = home / "back"
    places = ("--model_path", str(home / "model"), "--test_data", str(unseen))
    usual = ("--output_dir", str(back), "--accelerator", "cpu", "--quiet")
    began = time.process_time()
    if code := inference.main([*places, *usual, "--refine", str(sweeps)]):
        raise RuntimeError(f"the inference ended with exit code {code}")
    scores = json.loads((back / "metrics.json").read_text())
    return {
        "phase_r": scores["phase"]["pearson"],
        "complex_error": scores["complex_error"],
        "error_beside_constant": scores["against_constant"]["error_ratio"],
        "residual_beside_constant": scores["data"]["object"]["ratio"]["constant"],
        "cpu_s": round(time.process_time() - began, 1),
    }


if __name__ == "__main__":
    raise SystemExit(main())
