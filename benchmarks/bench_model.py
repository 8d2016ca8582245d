"""Measure the model package beside a plain variant and write the table of docs/performance.md.

Usage: ``python -m benchmarks.bench_model [--quick] [--output FILE] [--json FILE]``;
``make bench-model``.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks import evidence_figures, measure, measured, model_programs
from benchmarks.measured import Measured
from benchmarks.model_programs import Row
from benchmarks.plain import PlainModel
from ptycho_torch.config_params import ModelConfig, TrainingConfig
from ptycho_torch.physics import canvas, losses
from ptycho_torch.pinn import PtychoPINN
from ptycho_torch.training import optimizer

_START, _END = "<!-- bench-model: begin -->", "<!-- bench-model: end -->"
_SCALE = 9.882118
_N, _C = 64, 4
_AGREEMENT = 1e-4

_Batch = tuple[torch.Tensor, torch.Tensor]


def main() -> int:
    """Measure, print the table and put it into the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, for a look")
    parser.add_argument("--output", type=Path, default=Path("docs/performance.md"))
    parser.add_argument("--json", type=Path, help="figures as numbers")
    args = parser.parse_args()
    figures: list[Measured] = []
    lines = [*_context(), *_table(args.quick, figures)]
    text = "\n".join(lines) + "\n"
    print(text)
    before = args.output.read_text() if args.output.exists() else f"{_START}\n{_END}\n"
    head, rest = before.split(_START)
    args.output.write_text(f"{head}{_START}\n{text}{_END}{rest.split(_END)[1]}")
    measured.write(args.json, figures)
    return 0


def _context() -> list[str]:
    processor = platform.processor() or platform.machine()
    about = (
        f"Measured {time.strftime('%Y-%m-%d')} on {processor}, "
        f"{torch.get_num_threads()} threads at most, torch {torch.__version__}, in one run. "
        f"Load average before: {os.getloadavg()[0]:.1f}; "
        "rows of whole programs need a quiet machine. "
        "CPU seconds are of one thread unless a row says otherwise."
    )
    return [about, ""]


def _table(is_quick: bool, figures: list[Measured]) -> Iterator[str]:  # noqa: FBT001
    """Write the lines of the tables; their numbers are added to ``figures``."""
    yield "| what | found | beside it | floor | share of floor, target |"
    yield "|---|---|---|---|---|"
    threads = torch.get_num_threads()
    one, all_threads = (measure.convolution_rate(count) for count in (1, threads))
    rates = (
        "convolution rate",
        f"{one / 1e9:.0f} GFLOP/s, one thread",
        f"{all_threads / 1e9:.0f} GFLOP/s, {threads} threads",
        "",
        "measured in this run",
    )
    yield _line(Row(rates), figures)
    torch.set_num_threads(1)
    rounds = 3 if is_quick else 9
    for row in (
        *_training(rounds, one),
        *_inference(rounds, one),
        _stitching(1000 if is_quick else 10000),
    ):
        yield _line(row, figures)
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        size = model_programs.QUICK if is_quick else model_programs.FULL
        for row in model_programs.rows(Path(folder), all_threads, threads, size, _flops()):
            yield _line(row, figures)
    torch.set_num_threads(1)
    yield ""
    yield "| operators of a training step, batch of 16 | share of CPU time |"
    yield "|---|---|"
    step, _ = _steps(16)
    for name, share in measure.operator_classes(step):
        yield f"| {name} | {100 * share:.1f} % |"
    torch.set_num_threads(threads)


def _line(row: Row, figures: list[Measured]) -> str:
    figures.extend(row.figures)
    return "| " + " | ".join(row.cells) + " |"


def _model(seed: int = 1, architecture: str = "cnn") -> PtychoPINN:
    """Make a model with a defocused Gaussian probe of the planned energy."""
    y, x = np.mgrid[:_N, :_N] - _N // 2
    probe = np.exp(-(x**2 + y**2) / 200 + 1j * x * y / 100).astype(np.complex64)[None]
    probe *= (_N / 2) / np.linalg.norm(probe)
    config = ModelConfig(architecture=architecture)
    return PtychoPINN(config, N=_N, gridsize=2, probe=probe, padded_size=_N + 8, seed=seed)


def _batch(count: int) -> _Batch:
    """Draw amplitudes of the planned energy and offsets of a scan of 5 px pitch."""
    rng = np.random.default_rng(0)
    X = torch.from_numpy(rng.gamma(0.5, size=(count, _C, _N, _N))).float()
    X *= (_N / 2) / X.square().sum(dim=(-2, -1), keepdim=True).sqrt()
    return X, torch.from_numpy(rng.uniform(-3.5, 3.5, size=(count, _C, 2))).float()


def _steps(count: int, architecture: str = "cnn") -> tuple[Callable[[], object], ...]:
    """Make one training step of the package and, for the default network, a plain one."""
    X, rel = _batch(count)
    model, other = _model(architecture=architecture), _model()
    mask = torch.ones(_N, _N, dtype=torch.bool)
    ours = optimizer.make(model.parameters(), TrainingConfig(), _SCALE)
    plain_model = PlainModel(other)
    plain_optimiser = torch.optim.Adam(other.parameters(), lr=1e-3)

    def package() -> None:
        ours.zero_grad()
        losses.poisson(model(X, rel).intensity, X, _SCALE, mask, 1e-8).loss.backward()
        ours.step()

    def plain() -> None:
        plain_optimiser.zero_grad()
        _, intensity = plain_model.forward(X, rel)
        losses.poisson(intensity, X, _SCALE, mask, 1e-8).loss.backward()
        plain_optimiser.step()

    return package, plain


def _training(rounds: int, rate: float) -> Iterator[Row]:
    for count in (16, 4):
        package, plain = _steps(count)
        lite, _ = _steps(count, "cnn-lite")
        seconds = measure.side_by_side(
            {"package": package, "plain": plain, "lite": lite}, rounds
        )
        floor = measure.flop_count(package) / rate
        for name, target in (("package", "≤ 0.92"), ("lite", "≤ 0.5 of the default")):
            own_floor = floor if name == "package" else measure.flop_count(lite) / rate
            beside = seconds["plain"] if name == "package" else seconds["package"]
            other = "plain" if name == "package" else "the default"
            what = f"training step, batch of {count}" + (", cnn-lite" if name == "lite" else "")
            cells = (
                what,
                f"{count / seconds[name]:.1f} groups per CPU-s",
                f"{seconds[name] / beside:.2f} × {other}",
                f"{count / own_floor:.1f} groups per CPU-s",
                f"{100 * own_floor / seconds[name]:.0f} %, {target}",
            )
            least = 1 / (0.92 if name == "package" else 0.5)
            yield Row(
                cells, (_rate(what, count, (seconds[name], beside, own_floor), other, least),)
            )


def _inference(rounds: int, rate: float) -> Iterator[Row]:
    count = 64
    X, rel = _batch(count)
    model = _model().eval()
    plain, lite = PlainModel(model), _model(architecture="cnn-lite").eval()
    with torch.inference_mode():
        ours = model(X, rel)
        patches, intensity = plain.forward(X, rel)
        _agree(ours.patches, patches)
        _agree(ours.intensity, intensity)

        def package() -> object:
            return model(X, rel)

        times = measure.side_by_side(
            {
                "package": package,
                "plain": lambda: plain.forward(X, rel),
                "lite": lambda: lite(X, rel),
            },
            rounds,
        )
        for name, run, target in (
            ("package", package, "≥ 1.6"),
            ("lite", lambda: lite(X, rel), "≥ 2 of the default"),
        ):
            floor = measure.flop_count(run) / rate
            beside = "plain" if name == "package" else "package"
            other = "plain" if name == "package" else "the default"
            what = "inference, batch of 64" + (", cnn-lite" if name == "lite" else "")
            cells = (
                what,
                f"{count / times[name]:.0f} groups per CPU-s",
                f"{times[beside] / times[name]:.2f} × {other}",
                f"{count / floor:.0f} groups per CPU-s",
                f"{100 * floor / times[name]:.0f} %, {target}",
            )
            least = 1.6 if name == "package" else 2
            seconds = (times[name], times[beside], floor)
            yield Row(cells, (_rate(what, count, seconds, other, least),))


def _rate(
    what: str, count: int, seconds: tuple[float, float, float], peer: str, least: float
) -> Measured:
    """Return groups a CPU second, beside a peer's and the floor's.

    Args:
        what: What was measured.
        count: Groups.
        seconds: CPU seconds of the package, of its peer and of the floor.
        peer: What stands beside it.
        least: The ratio of rates that was asked for.
    """
    own, beside, floor = seconds
    return Measured(
        what=what,
        value=count / own,
        unit="groups per CPU-s",
        peer=peer,
        beside=count / beside,
        floor=count / floor,
        target=f"ratio ≥ {least:.3g}",
        holds=beside / own >= least,
    )


def _agree(actual: torch.Tensor, wanted: torch.Tensor) -> None:
    """Refuse to time two variants that do not compute the same."""
    error = float((actual - wanted).abs().square().sum().sqrt() / wanted.norm())
    if error > _AGREEMENT:
        raise RuntimeError(f"the plain variant differs by {error:.1e}")


def _stitching(count: int) -> Row:
    rng = np.random.default_rng(1)
    positions = rng.uniform(40, 340, size=(count, 2))
    patches = torch.complex(*torch.rand(2, 256, _N, _N))
    geometry = canvas.canvas_geometry(positions, _N)
    weight = np.ones((_N, _N))

    def place() -> None:
        target = canvas.Canvas(geometry, weight)
        for start in range(0, count, 256):
            part = positions[start : start + 256]
            target.place(patches[: len(part)], part)
        target.finish()

    taken = evidence_figures.median(place, 3)
    moved = count * _N**2 * (16 + 8) * 2
    block = np.zeros(1 << 24)
    bandwidth = 2 * block.nbytes / evidence_figures.median(block.copy, 5)
    floor = moved / bandwidth
    cells = (
        f"stitching {count} patches",
        f"{taken:.2f} s",
        "",
        f"{floor:.2f} s ({moved / 1e9:.1f} GB at {bandwidth / 1e9:.1f} GB/s)",
        f"{100 * floor / taken:.0f} %, ≤ 3 s for 10,000",
    )
    limit = 3 * count / 10000
    return Row(cells, (measured.at_most(cells[0], taken, "s", limit, floor=floor),))


def _flops() -> model_programs.Flops:
    """Count the work of a group in training and in inference."""
    step, _ = _steps(16)
    model, (X, rel) = _model().eval(), _batch(2)
    with torch.inference_mode():
        forward = measure.flop_count(lambda: model(X, rel)) / 2
    return model_programs.Flops(measure.flop_count(step) / 16, forward)


if __name__ == "__main__":
    raise SystemExit(main())
