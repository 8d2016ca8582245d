"""Bundle and scan → everything an inference run leaves behind.

The order is that of the design, section 11.1: check, scale, group, predict and stitch,
write outputs, diagnostics and metrics.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import files, run_folder
from ptycho_torch.bundle.read import BundleInfo
from ptycho_torch.config_params import InferenceConfig, RunConfig
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError, PtychoError
from ptycho_torch.patch_stats.logger import PatchStatsLogger
from ptycho_torch.physics import canvas
from ptycho_torch.pinn import ForwardResult, PtychoPINN
from ptycho_torch.reconstruct import (
    comparison,
    contrast,
    debug_dump,
    explain,
    low_resolution,
    metrics,
    outputs,
    predict,
    refinement,
    results,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is worth telling after a reconstruction.

    Attributes:
        group_count: Groups that went through the model.
        point_count: Scan points of the file.
        data_residual: Σ|√Î − X| / ΣX.
        energy_ratio: ρ, mean energy of the frames against the training's.
        probe_correlation: Probe of the file against the bundle's.
        fit: Error of network and object against the null models, see `explain.judge`.
        metrics: Protocol m1, None without a reference.
        refinement: Sweeps and what they brought; None where nothing was refined.
    """

    group_count: int
    point_count: int
    data_residual: float
    energy_ratio: float
    probe_correlation: float
    fit: dict[str, Any]
    metrics: dict[str, Any] | None
    refinement: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setup:
    """How a scan is reconstructed, as the settings of a run say.

    Attributes:
        engine: Batch size, device, precision.
        plan: Groups and canvas of the scan.
        weight: (N, N) weight of a patch.
    """

    engine: predict.Engine
    plan: predict.Plan
    weight: NDArray[np.float64]


def prepare(model: PtychoPINN, scan: ScanData, config: RunConfig) -> Setup:
    """Group a scan, lay out its canvas and weigh its patches; nothing is written.

    Args:
        model: Trained, or rebuilt from a bundle.
        scan: The scan to reconstruct.
        config: Complete settings of the run.

    Raises:
        InputError: The device cannot be had, or the scan does not suit the settings.
    """
    wanted = config.inference
    return Setup(
        engine=predict.Engine.from_config(config.execution, wanted.batch_size),
        plan=predict.plan(
            scan, config.data, wanted.n_images, config.run.seed, config.model.max_padded_factor
        ),
        # Before the model runs: another precision would change it, and the weight with it.
        weight=canvas.patch_weight(
            wanted.patch_weighting, model.probe, config.model.weight_blur_sigma
        ),
    )


def predict_object(
    model: PtychoPINN,
    scan: ScanData,
    config: RunConfig,
    setup: Setup,
    input_scale: float,
    observers: tuple[predict.Observer, ...] = (),
) -> predict.Prediction:
    """Predict the patches of a scan and stitch them; the one way of training and inference.

    Args:
        model: Trained, or rebuilt from a bundle.
        scan: The scan to reconstruct.
        config: Complete settings of the run.
        setup: From `prepare`.
        input_scale: α of the scaling contract.
        observers: Called with the number and the result of every batch.
    """
    plan = setup.plan
    return predict.stitch(
        predict.forward(model, scan, plan, input_scale, setup.engine),
        scan,
        plan,
        model.canvas(plan.canvas, setup.weight),
        observers,
        config.inference.coverage_threshold,
        input_scale,
    )


def reconstruct(
    model: PtychoPINN,
    info: BundleInfo,
    scan: ScanData,
    config: RunConfig,
    on_start: Callable[[], None],
) -> Report:
    """Reconstruct a scan and write all results to the output folder of the settings.

    Args:
        model: Rebuilt from the bundle.
        info: The bundle's contract, geometry and probe.
        scan: The scan to reconstruct.
        config: Complete settings of the run.
        on_start: Called once inputs are known to be good, before the first write.

    Raises:
        InputError: Scan and bundle do not fit, or a reference is asked for and missing.
        PtychoError: The model predicted values that are no numbers.
        OutputError: A file cannot be written.
    """
    wanted = config.inference
    _refuse_misfit(scan, info, wanted)
    setup = prepare(model, scan, config)
    plan = setup.plan
    folder = run_folder.folder_of(config)
    on_start()
    if wanted.debug_dump is not None:
        run_folder.clear(Path(wanted.debug_dump), debug_dump.NAMES)
    ratio, correlation = predict.compare_with_training(
        scan, info.scaling.input_scale, info.probe
    )
    record = debug_dump.PatchRecord()
    with PatchStatsLogger(
        folder,
        wanted.log_patch_stats,
        wanted.patch_stats_limit,
        backend=model.backend,
    ) as stats:
        prediction = predict_object(
            model,
            scan,
            config,
            setup,
            info.scaling.input_scale,
            _observers(stats if stats.enabled else None, record, info, wanted),
        )
    if wanted.debug_dump is not None:
        results.write_dump(Path(wanted.debug_dump), scan, plan, record, prediction)
    if prediction.nonfinite_count:
        raise PtychoError(
            "prediction",
            expected="finite patches",
            found=f"{prediction.nonfinite_count} pixels that are no numbers",
            remedy="the weights of the bundle do not suit this scan",
        )
    prediction, scan, refined = _refine(model, info, scan, config, plan, prediction)
    results.write_files(folder, scan, config, info, prediction)
    results.draw_coverage(folder, scan, plan, setup.weight, prediction)
    if wanted.log_patch_stats:
        stitched = prediction.stitched
        target = folder / run_folder.LOW_RESOLUTION
        low_resolution.write(target, stitched.object, stitched.weight)
        results.write_served(folder / run_folder.FRAMES, prediction)
    fit = explain.judge(prediction, scan, plan)
    scores = _judge(folder, scan, wanted, prediction, fit)
    if refined is not None:
        refined["after"] = _summarise(fit, scores)
    return Report(
        group_count=len(plan.groups),
        point_count=scan.point_count,
        data_residual=prediction.data_residual,
        energy_ratio=ratio,
        probe_correlation=correlation,
        fit=fit,
        metrics=scores,
        refinement=refined,
    )


def _refine(
    model: PtychoPINN,
    info: BundleInfo,
    scan: ScanData,
    config: RunConfig,
    plan: predict.Plan,
    prediction: predict.Prediction,
) -> tuple[predict.Prediction, ScanData, dict[str, Any] | None]:
    """Refine what was stitched, where the settings ask for it, and keep what it was before."""
    wanted = refinement.wanted_of(config)
    if wanted is None:
        return prediction, scan, None
    registered = _register(scan, config.inference, prediction)
    before = None if registered is None else metrics.judge(registered, metrics.REFERENCE)
    fit = explain.judge(prediction, scan, plan)
    refined = refinement.refine(
        prediction.stitched,
        scan,
        plan,
        model.probe.cpu().numpy(),
        (info.scaling.input_scale, info.scaling.intensity_scale),
        wanted,
        refinement.Keeping(
            folder=run_folder.folder_of(config),
            identity=f"{info.sha256} {scan.sha256} {outputs.portable_config(config)}",
        ),
    )
    record = {**refined.record, "before": _summarise(fit, before)}
    return replace(prediction, stitched=refined.stitched), refined.scan, record


def _summarise(fit: dict[str, Any], scores: dict[str, Any] | None) -> dict[str, Any]:
    """Keep of a judgement what tells whether it became better."""
    return {"object": fit["object"], "metrics": scores}


def _refuse_misfit(scan: ScanData, info: BundleInfo, wanted: InferenceConfig) -> None:
    """Check that the scan suits the bundle and the request."""
    if scan.side != info.scaling.N:
        raise InputError(
            scan.name,
            expected=f"frames of side {info.scaling.N}, as in the bundle",
            found=f"side {scan.side}",
        )
    if wanted.metrics == "on" and scan.object_canvas is None:
        raise InputError(
            f"{scan.name}: objectGuess",
            expected="a reference object, because --metrics is given",
            found="none",
        )


def _observers(
    stats: PatchStatsLogger | None,
    record: debug_dump.PatchRecord,
    info: BundleInfo,
    wanted: InferenceConfig,
) -> tuple[predict.Observer, ...]:
    """Collect the diagnostics that were asked for."""
    observers: list[predict.Observer] = []
    scale = {
        "input": info.scaling.input_scale,
        "intensity": info.scaling.intensity_scale,
        "probe": info.scaling.probe_scale,
    }
    if stats is not None:

        def log(number: int, result: ForwardResult) -> None:
            stats.log_batch(result.patches, phase="inference", batch_idx=number, scale=scale)

        observers.append(log)
    if wanted.debug_dump is not None:
        observers.append(lambda _, result: record.add(result.patches.abs().cpu().numpy()))
    return tuple(observers)


def _judge(
    folder: Path,
    scan: ScanData,
    wanted: InferenceConfig,
    prediction: predict.Prediction,
    fit: dict[str, Any],
) -> dict[str, Any] | None:
    """Write what can be said of the reconstruction, and of its likeness to a reference.

    Misfit and contrast need no reference; protocol m1 and its pictures are added where the
    file carries one.
    """
    if wanted.metrics == "off":
        return None
    stitched, registered = prediction.stitched, _register(scan, wanted, prediction)
    report = {} if registered is None else metrics.judge(registered, metrics.REFERENCE)
    absolute = {
        "data": {"data_residual": prediction.data_residual, **fit},
        "object": contrast.measure(stitched.object, stitched.mask),
        "references": {
            "in_file": int(scan.object_canvas is not None),
            "judged": int(registered is not None),
        },
    }
    files.write_json(folder / outputs.METRICS, report | absolute)
    if registered is None:
        return None
    outputs.draw(folder, comparison.drawings(registered, report, scan.pixel_size_m))
    return report


def _register(
    scan: ScanData, wanted: InferenceConfig, prediction: predict.Prediction
) -> metrics.Registered | None:
    """Bring the object onto the reference of its file; None without one that it overlaps."""
    if scan.object_canvas is None or wanted.metrics == "off":
        return None
    stitched = prediction.stitched
    truth = metrics.Truth(object_canvas=scan.object_canvas, known=scan.object_mask)
    origin = np.array(stitched.origin_xy, np.float64)
    try:
        registered = metrics.register(stitched.object, stitched.weight, origin, truth)
    except InputError as error:
        if wanted.metrics == "on":
            raise
        _log.warning("No metrics: %s", error)
        return None
    return registered
