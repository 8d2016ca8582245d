"""Electron scans by dose: sweeps of refinement from a flat object, beside that flat object.

Usage: ``python -m benchmarks.bench_electrons [--doses 1e5 1e4 1e3]``. A flat object is what so
short a training as that of suite quick gives at 1e5 and 1e3: sweeps start from one here, and
no network is trained. What is done stays below ``.harness/electrons/``, not run twice. The
record goes to docs/quality/electrons.json, from which ``python -m proofs.docs`` writes a table.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from benchmarks import bench_refine, scan_kinds
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file
from ptycho_torch.simulation import simulate

FOLDER = Path(".harness/electrons")
RECORD = Path("docs/quality/electrons.json")
DOSES = (1e5, 1e4, 1e3)
SWEEPS = (1, 2, 5, 10, 20)
_SEED = scan_kinds.SEEDS[1]  # the unseen scan of `make scans`


def main() -> int:
    """Sweep over what has not been, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--doses", type=float, nargs="+", default=DOSES)
    args = parser.parse_args()
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for dose in args.doses:
        path = _file_of(dose)
        if not path.is_file():
            path.write_text(json.dumps(_measure(dose)), "utf-8")
        print(f"{dose:g} electrons: {path.read_text('utf-8')}", flush=True)
    runs = [
        {"dose": dose, **row}
        for dose in DOSES
        if _file_of(dose).is_file()
        for row in json.loads(_file_of(dose).read_text("utf-8"))
    ]
    RECORD.write_text(json.dumps(runs, indent=1) + "\n", "utf-8")
    return 0


def _file_of(dose: float) -> Path:
    return FOLDER / f"{dose:g}.json"


def _measure(dose: float) -> list[dict[str, Any]]:
    """Judge the object after some of the sweeps; the flat one before them is the constant."""
    path = FOLDER / f"scan-{dose:g}.npz"
    simulate.write(dataclasses.replace(scan_kinds.electron(dose), seed=_SEED), path)
    scan = scan_file.read(path, DataConfig(nphotons=dose))
    rows, constant = [], float("nan")
    for look in bench_refine.sweep(scan, None, max(SWEEPS)):
        row: dict[str, Any] = bench_refine.judge(scan, look) if _is_judged(look.sweeps) else {}
        if look.sweeps == 0:
            constant = row["complex_error"]
        elif row:
            rows.append({**row, "error_beside_constant": row["complex_error"] / constant})
    path.unlink()
    return rows


def _is_judged(sweeps: int) -> bool:
    return sweeps in (0, *SWEEPS)


if __name__ == "__main__":
    raise SystemExit(main())
