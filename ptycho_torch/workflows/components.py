"""Training and loading as functions: what the programs call and notebooks may call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import backends, config_factory, run_folder
from ptycho_torch.bundle import read
from ptycho_torch.config_params import PyTorchExecutionConfig, RunConfig
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import ConfigError
from ptycho_torch.payload import TrainingPayload

if TYPE_CHECKING:
    from ptycho_torch.bundle.read import BundleInfo
    from ptycho_torch.pinn import PtychoPINN

_log = logging.getLogger(__name__)

Results = dict[str, Any]
Image = NDArray[np.float32]


def run_cdi_example_torch(
    train_data: ScanData,
    test_data: ScanData | None,
    config: RunConfig,
    *,
    do_stitching: bool = False,
    execution_config: PyTorchExecutionConfig | None = None,
    training_payload: TrainingPayload | None = None,
    begin: Callable[[], None] | None = None,
) -> tuple[Image | None, Image | None, Results]:
    """Train on a scan and, when asked, reconstruct it.

    Args:
        train_data: Training scan.
        test_data: Validation scan, also the one reconstructed; None takes the training scan.
        config: Settings; used only without a payload.
        do_stitching: Reconstruct after training.
        execution_config: Device settings; used only without a payload.
        training_payload: Complete settings; handed on as it is.
        begin: Clears the output folder and writes ``config.json``; None does just that.

    Returns:
        Amplitude and phase of the reconstruction, None when not asked for, and the results
        of `train_cdi_model_torch`.

    Raises:
        PtychoError: Bad input, a diverged training, or results that cannot be written.
    """
    results = train_cdi_model_torch(
        train_data,
        test_data,
        config,
        execution_config=execution_config,
        training_payload=training_payload,
        begin=begin,
    )
    if not do_stitching:
        return None, None, results
    settled = config if training_payload is None else training_payload.run_config
    scan = train_data if test_data is None else test_data
    amplitude, phase = _stitch(results, scan, settled)
    return amplitude, phase, results


def train_cdi_model_torch(
    train_data: ScanData,
    test_data: ScanData | None,
    config: RunConfig,
    *,
    execution_config: PyTorchExecutionConfig | None = None,
    training_payload: TrainingPayload | None = None,
    begin: Callable[[], None] | None = None,
) -> Results:
    """Train on a scan and write bundle and records.

    Args:
        train_data: Training scan.
        test_data: Validation scan, if any.
        config: Settings; used only without a payload.
        execution_config: Device settings; used only without a payload.
        training_payload: Complete settings; the factory is called only without them.
        begin: Clears the output folder and writes ``config.json``; None does just that.

    Returns:
        history, best_epoch, epochs_run, bundle_path, bundle_sha256, scaling, run_dir, model.

    Raises:
        PtychoError: Bad input, a diverged training, or results that cannot be written.
    """
    payload = training_payload
    if payload is None:
        payload = _payload(config, execution_config)
    if payload.execution_config.backend == backends.TENSORFLOW:
        return _train_with_tensorflow(train_data, test_data, payload.run_config, begin)
    return _train_with_lightning(
        train_data, test_data, payload.run_config, training_payload=payload, begin=begin
    )


def _train_with_lightning(
    train_data: ScanData,
    test_data: ScanData | None,
    config: RunConfig,
    *,
    execution_config: PyTorchExecutionConfig | None = None,
    training_payload: TrainingPayload | None = None,
    begin: Callable[[], None] | None = None,
) -> Results:
    """Fit the training module; see `train_cdi_model_torch`."""
    from ptycho_torch.training import fit  # noqa: PLC0415 - inference has no use for Lightning
    from ptycho_torch.workflows import judging  # noqa: PLC0415 - after a training only

    payload = training_payload
    if payload is None:
        payload = _payload(config, execution_config)
    trained = fit.run(payload.run_config, train_data, test_data, begin=begin)
    if trained.bundle_path is not None:
        judging.write_metrics(payload.run_config, trained.prepared, trained.module.model)
    progress = trained.module.progress
    return {
        "history": progress.rows,
        "best_epoch": progress.best_epoch,
        "epochs_run": len(progress.rows),
        "bundle_path": trained.bundle_path,
        "bundle_sha256": trained.bundle_sha256,
        "scaling": trained.prepared.contract,
        "run_dir": run_folder.folder_of(payload.run_config),
        "model": trained.module.model,
    }


def _train_with_tensorflow(
    train_data: ScanData,
    test_data: ScanData | None,
    config: RunConfig,
    begin: Callable[[], None] | None,
) -> Results:
    """Fit with TensorFlow; see `train_cdi_model_torch`."""
    backends.require(config.execution)
    from ptycho_torch.backends.tensorflow import fit  # noqa: PLC0415 - an extra
    from ptycho_torch.workflows import judging  # noqa: PLC0415 - after a training only

    trained = fit.run(config, train_data, test_data, begin=begin)
    judging.write_metrics(config, trained.prepared, trained.model)
    return {
        "history": trained.progress.rows,
        "best_epoch": trained.progress.best_epoch,
        "epochs_run": len(trained.progress.rows),
        "bundle_path": trained.bundle_path,
        "bundle_sha256": trained.bundle_sha256,
        "scaling": trained.prepared.contract,
        "run_dir": trained.bundle_path.parent,
        "model": trained.model,
    }


def with_backend(model: PtychoPINN, execution: PyTorchExecutionConfig) -> PtychoPINN:
    """Let the backend of a run compute what a model predicts.

    Args:
        model: Rebuilt from a bundle.
        execution: Names the backend.

    Raises:
        InputError: The backend is not installed, or cannot do what is asked.
    """
    if execution.backend == backends.TORCH:
        return model
    backends.require(execution)
    from ptycho_torch.backends.tensorflow import adapter  # noqa: PLC0415 - an extra

    return adapter.TensorFlowPINN(model).eval()


def load_inference_bundle_torch(bundle_dir: str | Path) -> tuple[PtychoPINN, BundleInfo]:
    """Verify a bundle and rebuild its model in evaluation mode.

    Args:
        bundle_dir: Training output folder, or the bundle itself.

    Returns:
        The model and what the bundle says: scales, geometry, settings, provenance.

    Raises:
        MissingInputError: The path does not exist.
        ConfigError: The folder holds no bundle.
        BundleError: The bundle is damaged or not trusted.
    """
    model, info = read.read(Path(bundle_dir))
    scale = info.scaling.intensity_scale
    _log.info("Loaded intensity_scale from bundle: %.6f", scale)
    return model, info


def _stitch(results: Results, scan: ScanData, config: RunConfig) -> tuple[Image, Image]:
    """Reconstruct a scan, one group per point, by the road that inference takes."""
    from ptycho_torch.physics import canvas  # noqa: PLC0415 - only when asked for
    from ptycho_torch.reconstruct import predict  # noqa: PLC0415 - only when asked for

    model, wanted = results["model"], config.inference
    plan = predict.plan(scan, config.data, None, config.run.seed)
    weight = canvas.patch_weight(
        wanted.patch_weighting, model.probe, config.model.weight_blur_sigma
    )
    engine = predict.Engine(batch_size=wanted.batch_size)
    batches = predict.forward(model, scan, plan, results["scaling"].input_scale, engine)
    target = canvas.Canvas(plan.canvas, weight)
    stitched = predict.stitch(batches, scan, plan, target).stitched
    return np.abs(stitched.object), np.angle(stitched.object)


def _payload(config: RunConfig, execution: PyTorchExecutionConfig | None) -> TrainingPayload:
    """Complete settings that came without a payload."""
    if config.training.train_data_file is None or config.run.output_dir is None:
        raise ConfigError(
            "configuration",
            expected="training.train_data_file and run.output_dir",
            found="none",
            remedy="or pass a training_payload",
        )
    return config_factory.create_training_payload(
        train_data_file=config.training.train_data_file,
        output_dir=config.run.output_dir,
        overrides=_explicit(config),
        execution_config=execution,
    )


def _explicit(config: RunConfig) -> Mapping[str, Any]:
    usual, own = RunConfig().values(), config.values()
    return {
        f"{section}.{name}": value
        for section, fields in own.items()
        for name, value in fields.items()
        if value != usual[section][name]
    }
