"""The entry of training: settings and scans in, a trained model and its bundle out."""

from __future__ import annotations

from collections.abc import Callable

from ptycho_torch import backends, config_factory
from ptycho_torch.config_params import RunConfig
from ptycho_torch.data.scan import ScanData
from ptycho_torch.training.result import TrainingResult
from ptycho_torch.workflows import judging


def train(
    config: RunConfig,
    train_scan: ScanData,
    test_scan: ScanData | None = None,
    *,
    on_start: Callable[[], None] | None = None,
) -> TrainingResult:
    """Train on a scan with the backend of the settings, and write the bundle and its records.

    Everything else that trains, the program and the names of the field log, ends here.
    Settings that only the scan or the machine can decide are completed first; those of a
    payload are complete already and stay as they are.

    Args:
        config: Settings; ``run.output_dir`` is required, the rest has defaults.
        train_scan: Training scan.
        test_scan: Validation scan; None holds out a share of the training scan.
        on_start: Called once data and settings are known to fit, before the first write;
            None clears the output folder and writes ``config.json``.

    Raises:
        ConfigError: A setting contradicts the scan, or its backend cannot use it.
        InputError: The scans or the checkpoint cannot be used.
        DivergedError: A loss was not finite; patch statistics are written all the same.
        OutputError: The settings name no folder, or a result cannot be written.
    """
    complete = config_factory.complete_training(config, train_scan)
    if complete.execution.backend == backends.TENSORFLOW:
        from ptycho_torch.backends.tensorflow import fit as tensorflow_fit  # noqa: PLC0415 - an extra

        trained = tensorflow_fit.run(complete, train_scan, test_scan, on_start=on_start)
    else:
        from ptycho_torch.training import fit  # noqa: PLC0415 - Lightning takes a second

        trained = fit.run(complete, train_scan, test_scan, on_start=on_start)
    if trained.bundle_path is not None:  # one process of a joint training writes
        judging.write_metrics(complete, trained.prepared, trained.model)
    return trained
