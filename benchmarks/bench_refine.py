"""Sweeps of ``inference --refine`` beside pty-chi's LSQML: time and sweeps to the same error.

Usage: ``python -m benchmarks.bench_refine [--star FOLDER] [--only NAME …]``.
The same frames, the same known probe, one thread, in one run: LSQML from a flat object, the
sweeps of this package from a flat object and from that of a network trained by the short
recipe. All are judged by protocol m1 on the same pixels. The record goes to
docs/quality/refine.json, from which ``python -m proofs.docs`` writes the table.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import lsqml, recipes
from benchmarks.epie import Estimate
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scaling, scan_file
from ptycho_torch.data.scan import ScanData
from ptycho_torch.physics.canvas import canvas_geometry
from ptycho_torch.reconstruct import metrics, scoring
from ptycho_torch.reconstruct.sweeps import State, Wanted
from ptycho_torch.simulation import simulate
from ptycho_torch.simulation.recipe import SimulationRecipe

RECORD = Path("docs/quality/refine.json")
LOOKS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 45, 60]  # of LSQML
SWEEPS = 20  # of this package
PEER = "pty-chi LSQML, from flat"
_SIMULATED = "simulated, 1e5 photons"
_STAR = "star"

Row = dict[str, Any]


def main() -> int:
    """Measure every scan and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--star", type=Path, help="folder of the measured star")
    parser.add_argument("--only", nargs="+", default=[_STAR, _SIMULATED])
    args = parser.parse_args()
    torch.set_num_threads(1)
    record: dict[str, Row] = json.loads(RECORD.read_text()) if RECORD.is_file() else {}
    with tempfile.TemporaryDirectory() as folder:
        for name in args.only:
            targets = _targets(name, Path(folder), args.star)
            model = Path(folder) / name
            recipe = recipes.of(recipes.LIGHT, 10)
            training = recipes.train(model, next(iter(targets.values())), recipes.LIGHT, recipe)
            for part, path in targets.items():
                start = Path(folder) / f"{part} start"
                pass_s = recipes.reconstruct(start, model, path, recipe).cpu_s
                about = {"training_cpu_s": training, "network_cpu_s": pass_s}
                record[part] = about | {"curves": _measure(path, start)}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return 0


def _targets(name: str, folder: Path, star: Path | None) -> dict[str, Path]:
    """Return the scans of a kind; the first is the one to train on."""
    if name == _STAR:
        if star is None:
            return {}
        return {
            "star, trained half": star / "siemens_star_train.npz",
            "star, unseen half": star / "siemens_star_test.npz",
        }
    paths = {
        f"{name}{end}": folder / f"{seed}.npz" for end, seed in (("", 42), (", unseen", 43))
    }
    for path, seed in zip(paths.values(), (42, 43), strict=True):
        simulate.write(SimulationRecipe(seed=seed), path)
    return paths


def _measure(path: Path, start: Path) -> dict[str, list[Row]]:
    """Judge every solver after every look at it."""
    scan = scan_file.read(path, DataConfig())
    curves: dict[str, list[Row]] = {}
    estimates: dict[str, Iterable[Estimate]] = {
        PEER: lsqml.reconstruct(scan, LOOKS),
        "--refine, from flat": sweep(scan, None),
        "--refine, from the network": sweep(scan, start / "reconstruction.npz"),
    }
    for solver, looks in estimates.items():
        curves[solver] = [judge(scan, estimate) for estimate in looks]
        print(path.name, solver, json.dumps(curves[solver][-1]), flush=True)
    return curves


def sweep(scan: ScanData, start: Path | None, sweeps: int = SWEEPS) -> Iterator[Estimate]:
    """Yield the object before the first and after each sweep of ``inference --refine``.

    Args:
        scan: Frames, positions and probe.
        start: A reconstruction to start from; None for a flat object.
        sweeps: How many.
    """
    began = time.process_time()
    contract = scaling.fit(scan, scan.nphotons or 1e5)
    geometry = canvas_geometry(scan.positions, scan.side)
    origin = np.array([geometry.origin_x, geometry.origin_y], np.float64)
    state = State(
        object_canvas=_start(start, (geometry.height, geometry.width)),
        probe=scaling.normalise_probe(scan.probe, contract),
        positions=scan.positions.copy(),
        residuals=[],
    )
    wanted = Wanted(sweeps=sweeps)
    members = np.arange(scan.point_count)
    scales = contract.input_scale, contract.intensity_scale
    sweeper = scoring.choose(scan, members, geometry, *scales, wanted, state)
    weight = lsqml.light(scan, origin, state.object_canvas.shape)
    spent = time.process_time() - began
    for number in range(sweeps + 1):
        canvas = state.object_canvas.astype(np.complex128)
        yield Estimate(canvas, weight, origin, number, spent)
        began = time.process_time()
        sweeper.sweep(state)
        spent += time.process_time() - began


def _start(path: Path | None, shape: tuple[int, int]) -> NDArray[np.complex64]:
    """Return a flat object, or a stitched one with its mean where nothing was placed."""
    if path is None:
        return np.ones(shape, np.complex64)
    with np.load(path) as stored:
        canvas, mask = stored["object"], stored["mask"]
    if canvas.shape != shape:
        raise RuntimeError(f"{path} is {canvas.shape}, the scan's canvas {shape}")
    return np.where(mask, canvas, canvas[mask].mean()).astype(np.complex64)


def judge(scan: ScanData, estimate: Estimate) -> Row:
    """Judge an object by protocol m1 where it was lit.

    Raises:
        RuntimeError: The scan has no reference object.
    """
    if scan.object_canvas is None:
        raise RuntimeError(f"{scan.name} has no reference object")
    truth = metrics.Truth(object_canvas=scan.object_canvas, known=scan.object_mask)
    canvas = estimate.object_canvas.astype(np.complex64)
    weight = estimate.weight.astype(np.float32)
    scores = metrics.evaluate(canvas, weight, estimate.origin, truth)
    return {
        "sweeps": estimate.sweeps,
        "cpu_s": round(estimate.cpu_seconds, 3),
        "phase_r": scores["phase"]["pearson"],
        "complex_error": scores["complex_error"],
    }


if __name__ == "__main__":
    raise SystemExit(main())
