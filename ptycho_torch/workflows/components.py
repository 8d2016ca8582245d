"""Training and loading under the names of the field log, thin faces of `training.train`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import backends, config_factory
from ptycho_torch.bundle import read
from ptycho_torch.config_params import PyTorchExecutionConfig, RunConfig
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import ConfigError
from ptycho_torch.payload import TrainingPayload
from ptycho_torch.workflows import training

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
    on_start: Callable[[], None] | None = None,
) -> tuple[Image | None, Image | None, Results]:
    """Train on a scan and, when asked, reconstruct it; a face of `training.train`.

    Args:
        train_data: Training scan.
        test_data: Validation scan, also the one reconstructed; None takes the training scan.
        config: Settings; beside a payload they must not contradict it.
        do_stitching: Reconstruct after training.
        execution_config: Device settings; beside a payload they must not contradict it.
        training_payload: Complete settings; handed on as it is.
        on_start: Clears the output folder and writes ``config.json``; None does just that.

    Returns:
        Amplitude and phase of the reconstruction, None when not asked for, and the results
        of `train_cdi_model_torch`.

    Raises:
        PtychoError: Bad input, a diverged training, or results that cannot be written.
    """
    payload = _settle(config, execution_config, training_payload)
    if do_stitching:
        _check_engine(payload.run_config)
    results = train_cdi_model_torch(
        train_data, test_data, payload.run_config, training_payload=payload, on_start=on_start
    )
    if not do_stitching:
        return None, None, results
    scan = train_data if test_data is None else test_data
    amplitude, phase = _stitch(results, scan, payload.run_config)
    return amplitude, phase, results


def train_cdi_model_torch(
    train_data: ScanData,
    test_data: ScanData | None,
    config: RunConfig,
    *,
    execution_config: PyTorchExecutionConfig | None = None,
    training_payload: TrainingPayload | None = None,
    on_start: Callable[[], None] | None = None,
) -> Results:
    """Train on a scan and write bundle and records; a face of `training.train`.

    Args:
        train_data: Training scan.
        test_data: Validation scan, if any.
        config: Settings; beside a payload they must not contradict it.
        execution_config: Device settings; beside a payload they must not contradict it.
        training_payload: Complete settings; the factory is called only without them.
        on_start: Clears the output folder and writes ``config.json``; None does just that.

    Returns:
        history, best_epoch, epochs_run, bundle_path, bundle_sha256, scaling, run_dir, model.

    Raises:
        PtychoError: Bad input, a diverged training, or results that cannot be written.
    """
    payload = _settle(config, execution_config, training_payload)
    return _train_with_lightning(
        train_data, test_data, payload.run_config, training_payload=payload, on_start=on_start
    )


def _train_with_lightning(
    train_data: ScanData,
    test_data: ScanData | None,
    config: RunConfig,
    *,
    execution_config: PyTorchExecutionConfig | None = None,
    training_payload: TrainingPayload | None = None,
    on_start: Callable[[], None] | None = None,
) -> Results:
    """Train with the backend of the settings under the oldest name; see `training.train`."""
    payload = _settle(config, execution_config, training_payload)
    trained = training.train(payload.run_config, train_data, test_data, on_start=on_start)
    return {
        "history": trained.progress.rows,
        "best_epoch": trained.progress.best_epoch,
        "epochs_run": len(trained.progress.rows),
        "bundle_path": trained.bundle_path,
        "bundle_sha256": trained.bundle_sha256,
        "scaling": trained.prepared.contract,
        "run_dir": trained.run_dir,
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


def _check_engine(config: RunConfig) -> None:
    """Refuse, before training, devices that could not stitch afterwards."""
    from ptycho_torch.reconstruct import predict  # noqa: PLC0415 - only when asked for

    predict.Engine.from_config(config.execution, config.inference.batch_size)


def _stitch(results: Results, scan: ScanData, config: RunConfig) -> tuple[Image, Image]:
    """Reconstruct a scan in the way of inference, and with its settings."""
    from ptycho_torch.reconstruct import pipeline  # noqa: PLC0415 - only when asked for

    model = results["model"]
    setup = pipeline.prepare(model, scan, config)
    prediction = pipeline.predict_object(
        model, scan, config, setup, results["scaling"].input_scale
    )
    canvas = prediction.stitched.object
    return np.abs(canvas), np.angle(canvas)


def _settle(
    config: RunConfig,
    execution: PyTorchExecutionConfig | None,
    payload: TrainingPayload | None,
) -> TrainingPayload:
    """Complete settings that came without a payload, or hold those beside one to it."""
    explicit = _collect_explicit(config)
    if payload is not None:
        _refuse_others(explicit, execution, payload)
        return payload
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
        overrides=explicit,
        execution_config=execution,
    )


def _refuse_others(
    explicit: Mapping[str, Any],
    execution: PyTorchExecutionConfig | None,
    payload: TrainingPayload,
) -> None:
    """Refuse a setting beside a payload that the payload would silently overrule.

    Raises:
        ConfigError: The two disagree.
    """
    if execution is not None:
        beside = RunConfig(execution=execution)
        explicit = {**explicit, **_collect_explicit(beside)}
    settled = payload.run_config.values()
    for key, value in explicit.items():
        section, name = key.split(".", 1)
        if value != settled[section][name]:
            raise ConfigError(
                key,
                expected=f"{settled[section][name]!r}, as in the payload beside it",
                found=repr(value),
            )


def _collect_explicit(config: RunConfig) -> Mapping[str, Any]:
    """Return the values that are not at their default, by ``section.field``."""
    usual, own = RunConfig.from_dict({}).values(), config.values()
    return {
        f"{section}.{name}": value
        for section, fields in own.items()
        for name, value in fields.items()
        if value != usual[section][name]
    }
