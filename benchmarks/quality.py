"""Quality of the networks beside an iterative solver, on the same data, in one run.

Usage: ``python -m benchmarks.quality [--epochs 10 50] [--star FOLDER] [--only cnn-lite]``.
Writes docs/quality.md, and below docs/quality/ two pictures and all numbers, results.json.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from benchmarks import (
    epie,
    lsqml,
    measured,
    quality_page,
    quality_record,
    quality_steps,
    recipes,
    resident,
)
from benchmarks.quality_steps import Step
from benchmarks.recipes import Recipe
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file
from ptycho_torch.data.scan import ScanData
from ptycho_torch.reconstruct import metrics

_LOOKS = [1, 2, 3, 5, 8, 12, 20, 30, 45, 60]  # sweeps after which a solver is judged
_STAR = "star"
_COLUMNS = 2  # scans beside each other: trained and unseen
_log = logging.getLogger(__name__)
_DOSES = (1e5, 1e3)


@dataclass(frozen=True, slots=True)
class Sample:
    """A scan to train on and those to reconstruct; names as in the table."""

    name: str
    train: Path
    targets: dict[str, Path]


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table and its object."""

    scan: str
    method: str
    training: float | None
    reconstruction: float
    metrics: dict[str, Any]
    phase: NDArray[np.float64]

    def line(self) -> str:
        """Return the row of the table."""
        training = "–" if self.training is None else f"{self.training:.0f}"
        values = (
            self.metrics["phase"]["pearson"],
            self.metrics["phase"]["ssim"],
            self.metrics["complex_error"],
            self.metrics["frc"]["f_halfbit"],
        )
        numbers = ["none" if value is None else f"{value:.3f}" for value in values]
        cells = [self.scan, self.method, training, f"{self.reconstruction:.1f}", *numbers]
        return "| " + " | ".join(cells) + " |"

    def numbers(self) -> dict[str, Any]:
        """Return the row of the record."""
        return {
            "scan": self.scan,
            "method": self.method,
            "training_cpu_s": self.training,
            "cpu_s": self.reconstruction,
            "metrics": self.metrics,
        }


class Point(NamedTuple):
    """A solver's errors after some CPU seconds."""

    cpu_s: float
    complex_error: float
    phase_rmse: float


def main() -> int:
    """Run all scenes and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, nargs="+", default=[10, 50])
    parser.add_argument("--star", type=Path, help="folder of the measured star")
    parser.add_argument("--only", nargs="+", default=["cnn", "cnn-lite"], help="networks")
    parser.add_argument("--doses", type=float, nargs="+", default=_DOSES, help="photons")
    parser.add_argument("--sweeps", type=int, default=max(_LOOKS), help="of a solver, at most")
    parser.add_argument("--output", type=Path, default=Path("docs"))
    parser.add_argument("--json", type=Path, help="figures as numbers")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        results, curves, steps = _run(Path(folder), args)
    pictures = args.output / "quality"
    pictures.mkdir(parents=True, exist_ok=True)
    _draw_phases(results, pictures / "phases.png")
    _draw_curves(curves, results, pictures / "error-against-time.png")
    lines = "\n".join(result.line() for result in results)
    options = ",\n".join(
        _describe_recipe(name, recipes.of(name, recipes.LONG)) for name in args.only
    )
    head = quality_page.HEAD.format(long=recipes.LONG, options=options)
    helped = quality_steps.text(recipes.LIGHT, steps)
    (args.output / "quality.md").write_text(head + lines + "\n" + helped + quality_page.TAIL)
    record = _record(results, curves, steps)
    text = json.dumps(record, indent=1, allow_nan=False)
    (pictures / "results.json").write_text(text + "\n", "utf-8")
    measured.write(args.json, quality_record.figures(record))
    return 0


Curves = dict[tuple[str, str], list[Point]]  # by scan and solver


def _record(results: list[Result], curves: Curves, steps: list[Step]) -> dict[str, Any]:
    return {
        "rows": [result.numbers() for result in results],
        "curves": [
            {"scan": scan, "solver": solver, "points": [point._asdict() for point in points]}
            for (scan, solver), points in curves.items()
        ],
        "steps": [step.numbers() for step in steps],
    }


def _run(folder: Path, args: argparse.Namespace) -> tuple[list[Result], Curves, list[Step]]:
    results, curves, steps = [], {}, []
    looks = [sweeps for sweeps in _LOOKS if sweeps <= args.sweeps]
    for sample in _samples(folder, args.doses, args.star):
        for name, path in sample.targets.items():
            scan = scan_file.read(path, DataConfig())
            for solver, estimates in _solvers(scan, looks):
                best, curves[name, solver] = _iterative(name, solver, scan, estimates)
                results.append(_said(best))
        for architecture in args.only:
            for epochs in args.epochs:
                network_results = _network(
                    folder, sample, architecture, recipes.of(architecture, epochs)
                )
                results.extend(_said(result) for result in network_results)
        if sample.name == _STAR and recipes.LONG in args.epochs and recipes.LIGHT in args.only:
            steps.extend(_steps(folder, sample, results))
    return results, curves, steps


def _describe_recipe(architecture: str, recipe: Recipe) -> str:
    """Name the options of a network's long recipe."""
    around = "" if recipe.around == 1 else f", and {recipe.around} groups a point"
    return f"{recipe.text()} ({architecture}{around})"


def _said(result: Result) -> Result:
    print(result.line(), flush=True)
    return result


def _samples(folder: Path, doses: Iterable[float], star: Path | None) -> Iterator[Sample]:
    for dose in doses:
        paths = {seed: folder / f"{dose:g}-{seed}.npz" for seed in (42, 43)}
        for seed, path in paths.items():
            argv = ("--output", path, "--n_points", 400, "--seed", seed, "--nphotons", dose)
            resident.watch(resident.python("simulate", *argv), 1)
        title = f"simulated, {dose:g} photons"
        yield Sample(title, paths[42], {title: paths[42], f"{title}, unseen": paths[43]})
    if star is not None:
        train, test = (star / f"siemens_star_{part}.npz" for part in ("train", "test"))
        yield Sample(
            _STAR, train, {f"{_STAR}, trained half": train, f"{_STAR}, unseen half": test}
        )


def _network(
    folder: Path, sample: Sample, architecture: str, recipe: Recipe
) -> Iterator[Result]:
    """Train and reconstruct by the programs."""
    model, method = folder / "model", f"{architecture}, {recipe.epochs} epochs"
    training = recipes.train(model, sample.train, architecture, recipe)
    for name, path in sample.targets.items():
        reconstruction = recipes.reconstruct(folder / "back", model, path, recipe)
        yield Result(
            name,
            method,
            training,
            reconstruction.cpu_s,
            reconstruction.metrics,
            reconstruction.phase,
        )


def _steps(folder: Path, sample: Sample, results: Iterable[Result]) -> Iterator[Step]:
    """Add options one by one; the last step is a row of the table."""
    *before, last = recipes.steps()
    yield from quality_steps.measure(
        folder, sample.train, sample.targets, recipes.LIGHT, before
    )
    rows = [
        row
        for row in results
        if row.scan in sample.targets and row.method == f"{recipes.LIGHT}, {last.epochs} epochs"
    ]
    pearson = {row.scan: row.metrics["phase"]["pearson"] for row in rows}
    yield Step(last, rows[0].training or 0.0, pearson)


def _solvers(scan: ScanData, looks: list[int]) -> Iterator[tuple[str, Iterable[epie.Estimate]]]:
    """Name each iterative solver and give its estimates at the sweeps to look at."""
    sweeps = epie.reconstruct(scan, max(looks))
    yield "ePIE", (estimate for estimate in sweeps if estimate.sweeps in looks)
    if lsqml.is_installed():
        yield "pty-chi LSQML", lsqml.reconstruct(scan, looks)
    else:
        _log.warning(
            "pty-chi is not installed: its rows are left out; make quality installs it"
        )


def _iterative(
    name: str, solver: str, scan: ScanData, estimates: Iterable[epie.Estimate]
) -> tuple[Result, list[Point]]:
    """Sweep until the error has settled; the best sweep counts."""
    best: Result | None = None
    curve = []
    for estimate in estimates:
        scores = _judge(scan, estimate)
        errors = scores["complex_error"], quality_record.phase_error(scores)
        curve.append(Point(estimate.cpu_seconds, *errors))
        if best is None or scores["complex_error"] < best.metrics["complex_error"]:
            lit = estimate.weight > 0.1 * estimate.weight.max()
            phase = np.where(lit, np.angle(estimate.object_canvas), np.nan)
            method = f"{solver}, {estimate.sweeps} sweeps"
            best = Result(name, method, None, estimate.cpu_seconds, scores, phase)
    if best is None:
        raise RuntimeError("no sweep was judged")
    return best, curve


def _judge(scan: ScanData, estimate: epie.Estimate) -> dict[str, Any]:
    if scan.object_canvas is None:
        raise RuntimeError(f"{scan.name} has no reference object")
    truth = metrics.Truth(object_canvas=scan.object_canvas, known=scan.object_mask)
    return metrics.evaluate(estimate.object_canvas, estimate.weight, estimate.origin, truth)


def _draw_phases(results: Iterable[Result], path: Path) -> None:
    panels = list(results)
    columns = max(1, sum(result.scan == panels[0].scan for result in panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(2.4 * columns, 2.6 * rows), layout="constrained")
    for index, result in enumerate(sorted(panels, key=lambda item: item.scan)):
        axes = figure.add_subplot(rows, columns, index + 1)
        axes.imshow(result.phase, cmap="twilight")
        axes.set_title(f"{result.scan}\n{result.method}", fontsize=6)
        axes.set_axis_off()
    _save(figure, path)


def _draw_curves(curves: Curves, results: Iterable[Result], path: Path) -> None:
    scans = list(dict.fromkeys(scan for scan, _ in curves))
    rows = -(-len(scans) // _COLUMNS)
    figure = Figure(figsize=(4.5 * _COLUMNS, 3.6 * rows), layout="constrained")
    for index, scan in enumerate(scans):
        axes = figure.add_subplot(rows, _COLUMNS, index + 1)
        for (of, solver), curve in curves.items():
            if of == scan:
                seconds, errors = ([point[axis] for point in curve] for axis in (0, 1))
                axes.plot(seconds, errors, marker=".", label=solver)
        for result in results:
            if result.scan == scan and result.training is not None:
                error = result.metrics["complex_error"]
                total = result.training + result.reconstruction
                line = axes.plot(
                    [total], [error], marker="o", linestyle="", label=result.method
                )
                color = line[0].get_color()
                axes.plot([result.reconstruction], [error], marker="x", color=color)
        axes.set(xscale="log", yscale="log", title=scan)
        axes.set_xlabel("CPU seconds (× once trained)")
        axes.set_ylabel("complex NRMSE")
        axes.legend(fontsize=6)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    """Write a picture with a palette: a quarter of the bytes, for the repository's sake."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=120, metadata={"Software": None})
    Image.open(drawn).convert("RGB").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    raise SystemExit(main())
