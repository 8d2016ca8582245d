"""Model and scan → predicted patches, batch by batch, stitched as they come.

The scales are those of the bundle: X = αA with the stored α, the stored probe, never a
refit. Each batch is placed on the canvas and forgotten, so memory is bounded by the canvas
and one batch; the last batch may be short.

Source: design of the model, sections 6, 11.1 and 5.6.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ptycho_torch.config_params import DataConfig, PyTorchExecutionConfig
from ptycho_torch.data import dataset, frames, grouping
from ptycho_torch.data.dataset import Batch, GroupDataset
from ptycho_torch.data.frame_record import FrameRecord
from ptycho_torch.data.null_models import Misfit
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError
from ptycho_torch.physics import canvas
from ptycho_torch.physics.canvas import CanvasGeometry, StitchResult
from ptycho_torch.pinn import ForwardResult, PtychoPINN
from ptycho_torch.rng import Stream, generator

Observer = Callable[[int, ForwardResult], None]

_ENERGY_RATIO_RANGE = (0.25, 4.0)
_PROBE_CORRELATION = 0.95
_AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """Which patterns go together, and where everything lies.

    Attributes:
        groups: (G, C) scan indices.
        offsets: (G, C, 2) positions about each group's mean [px].
        padded_size: Side of the group canvas [px].
        canvas: Rectangle of the whole scan.
    """

    groups: NDArray[np.int64]
    offsets: NDArray[np.float64]
    padded_size: int
    canvas: CanvasGeometry


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """How batches are computed.

    Attributes:
        batch_size: Groups per forward pass.
        device: ``cpu`` or ``cuda``.
        precision: Precision of the network; physics stays at 32 bits or more.
        num_workers: Processes that gather frames.
        pin_memory: Gather them into memory that a GPU copies from directly.
        is_deterministic: Use deterministic algorithms only.
    """

    batch_size: int
    device: str = "cpu"
    precision: str = "32-true"
    num_workers: int = 0
    pin_memory: bool = False
    is_deterministic: bool = True

    @classmethod
    def from_config(cls, execution: PyTorchExecutionConfig, batch_size: int) -> Engine:
        """Take what inference needs of the execution settings.

        Raises:
            InputError: More than one device, or a GPU that is not there.
        """
        if execution.devices != 1:
            raise InputError("--devices", expected="1", found=str(execution.devices))
        device = "cpu" if execution.accelerator == "cpu" else "cuda"
        if device == "cuda" and not torch.cuda.is_available():
            raise InputError(
                "--accelerator",
                expected="a CUDA device",
                found="none",
                remedy="use --accelerator cpu",
            )
        return cls(
            batch_size=batch_size,
            device=device,
            precision=execution.precision,
            num_workers=execution.num_workers,
            pin_memory=execution.pin_memory,
            is_deterministic=execution.deterministic,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """A stitched scan and how well it explains the data.

    Attributes:
        stitched: Object, weight, mask and origin.
        data_residual: Σ|√Î − X| / ΣX over valid pixels.
        misfit: Error against the null models, see `null_models.Misfit.report`.
        nonfinite_count: Predicted pixels that were no numbers; they were placed as 0.
        served: Which frames the model was given, and where its patches were placed.
    """

    stitched: StitchResult
    data_residual: float
    misfit: dict[str, Any]
    nonfinite_count: int
    served: dict[str, Any]


def plan(
    scan: ScanData,
    config: DataConfig,
    n_groups: int | None,
    seed: int,
    max_factor: float | None = None,
) -> Plan:
    """Group a scan and lay out its canvas.

    Args:
        scan: The scan to reconstruct.
        config: Grid size and neighbour settings, structure taken from the bundle.
        n_groups: Number of groups; None = one per scan point, so that every point is covered.
        seed: Root of the random streams.
        max_factor: Largest group canvas allowed, in patch sides; None allows any.

    Raises:
        InputError: The scan has too few points, or is spread wider than its patches.
    """
    if n_groups is not None and n_groups > scan.point_count and not config.oversample:
        _log.info(
            "%d groups asked, %d scan points: using one group each; --oversample allows more",
            n_groups,
            scan.point_count,
        )
    groups = grouping.make_groups(
        scan.positions,
        config.C,
        config.neighbours,
        n_groups,
        generator(seed, Stream.GROUPING),
        max_neighbor_distance=config.max_neighbor_distance,
        oversample=config.oversample,
    )
    return lay_out(scan, groups, max_factor)


def lay_out(scan: ScanData, groups: NDArray[np.int64], max_factor: float | None = None) -> Plan:
    """Lay out the canvas of a scan whose groups (G, C) are known."""
    located = grouping.locate(scan.positions, groups, scan.side, max_factor=max_factor)
    return Plan(
        groups=groups,
        offsets=located.offsets,
        padded_size=located.padded_size,
        canvas=canvas.canvas_geometry(scan.positions, scan.side),
    )


def forward(
    model: PtychoPINN, scan: ScanData, plan: Plan, input_scale: float, engine: Engine
) -> Iterator[tuple[Batch, ForwardResult]]:
    """Run the groups of a plan through the model, in order.

    Args:
        model: Rebuilt from a bundle; its group canvas is resized to the plan.
        scan: Frames in file units.
        plan: Groups and offsets.
        input_scale: α of the bundle.
        engine: Batch size, device, precision.

    Yields:
        Each batch with its patches, consistent patches and intensity.
    """
    model = model.to(engine.device).eval()
    if engine.precision == "64-true":
        model = model.double()
    real = next(model.parameters()).dtype
    model.resize_canvas(plan.padded_size)
    source = GroupDataset(scan.amplitude, plan.groups, plan.offsets, input_scale)
    batches = dataset.loader(
        source,
        engine.batch_size,
        num_workers=engine.num_workers,
        pin_memory=engine.pin_memory,
    )
    with _deterministic(is_on=engine.is_deterministic):
        for batch in batches:
            moved = Batch(
                amplitude=batch.amplitude.to(engine.device, real),
                offsets=batch.offsets.to(engine.device, real),
                group_index=batch.group_index,
            )
            with torch.inference_mode(), _precision(engine):
                result = model(moved.amplitude, moved.offsets)
            yield moved, result


def stitch(
    batches: Iterator[tuple[Batch, ForwardResult]],
    scan: ScanData,
    plan: Plan,
    target: canvas.Canvas,
    observers: tuple[Observer, ...] = (),
    coverage_threshold: float = 0.02,
    input_scale: float = 1.0,
) -> Prediction:
    """Place every patch of every group at its own position as it is predicted.

    Args:
        batches: From `forward`.
        scan: Positions and valid pixels.
        plan: Groups.
        target: Empty canvas with its patch weight.
        observers: Called with the number of the batch and its result.
        coverage_threshold: Share of the largest weight below which a pixel is masked.
        input_scale: α that the frames were multiplied by.
    """
    record = FrameRecord(input_scale)
    difference = total = 0.0
    nonfinite_count = 0
    misfit = Misfit(scan.probe, scan.valid_mask)
    for number, (batch, result) in enumerate(batches):
        for observe in observers:
            observe(number, result)
        patches = result.patches.flatten(0, 1).cpu()
        is_finite = torch.isfinite(patches.real) & torch.isfinite(patches.imag)
        nonfinite_count += int((~is_finite).sum())
        members = plan.groups[batch.group_index.numpy()]
        positions = scan.positions[members]
        target.place(torch.where(is_finite, patches, 0), positions.reshape(-1, 2))
        record.add(batch, members, positions)
        predicted, measured = _amplitudes(batch, result, scan)
        misfit.add(predicted.numpy(), measured.numpy())
        difference += float((predicted - measured).abs().sum())
        total += float(measured.sum())
    return Prediction(
        stitched=target.finish(coverage_threshold),
        data_residual=difference / total if total > 0 else float("inf"),
        misfit=misfit.report(),
        nonfinite_count=nonfinite_count,
        served=record.to_dict(),
    )


def _amplitudes(
    batch: Batch, result: ForwardResult, scan: ScanData
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return √Î and X (B, C, V) of the valid pixels, in double precision on the CPU."""
    valid = torch.from_numpy(scan.valid_mask)
    measured = batch.amplitude.cpu()[..., valid].double()
    return result.intensity.cpu()[..., valid].double().sqrt(), measured


def compare_with_training(
    scan: ScanData, input_scale: float, probe: NDArray[np.complex64]
) -> tuple[float, float]:
    """Warn when a scan's brightness or probe is unlike what the model was trained on.

    Args:
        scan: The scan to reconstruct.
        input_scale: α of the bundle.
        probe: (P, N, N) normalised probe of the bundle; it is the one that is used.

    Returns:
        ρ = mean ΣX² / (N/2)², and the normalised correlation of the probes.
    """
    energy = sum(
        float(np.square(block[:, scan.valid_mask], dtype=np.float64).sum())
        for block in frames.blocks(scan.amplitude)
    )
    ratio = input_scale**2 * energy / scan.point_count / (scan.side / 2) ** 2
    low, high = _ENERGY_RATIO_RANGE
    if not low <= ratio <= high:
        _log.warning(
            "Frames hold rho=%.4g times the energy of the training's, outside %g to %g.",
            ratio,
            low,
            high,
        )
    correlation = probe_correlation(scan.probe, probe)
    if correlation < _PROBE_CORRELATION:
        _log.warning(
            "The file's probe correlates %.3f with the bundle's; the bundle's is used.",
            correlation,
        )
    return ratio, correlation


def probe_correlation(first: NDArray[np.complex64], second: NDArray[np.complex64]) -> float:
    """Correlate two probes (P, N, N) up to a complex factor; a missing mode counts as zero."""
    count = min(len(first), len(second))
    a, b = first.astype(np.complex128), second.astype(np.complex128)
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(abs(np.vdot(a[:count], b[:count]))) / norms if norms > 0 else 0.0


@contextlib.contextmanager
def _precision(engine: Engine) -> Iterator[None]:
    """Compute the network in the asked precision."""
    kind = _AUTOCAST.get(engine.precision)
    if kind is None:
        yield
        return
    with torch.autocast(engine.device, dtype=kind):
        yield


@contextlib.contextmanager
def _deterministic(*, is_on: bool) -> Iterator[None]:
    """Switch deterministic algorithms on or off and put the old choice back."""
    before = torch.get_deterministic_debug_mode()
    # Unlike use_deterministic_algorithms, this does not load the compiler (one second).
    torch.set_deterministic_debug_mode("error" if is_on else "default")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
