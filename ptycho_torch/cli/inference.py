"""The inference program: a bundle and a scan in, a reconstruction and its records out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho_torch import process
from ptycho_torch.cli import exits, shared
from ptycho_torch.cli.journal import RunJournal

if TYPE_CHECKING:
    from ptycho_torch.reconstruct.road import Report

_ABOUT = "Reconstruct a scan with a trained bundle."


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the inference program."""
    return shared.make_parser("inference", _ABOUT, ("model_path", "test_data", "output_dir"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the inference program and return its exit code."""
    return exits.run(run, make_parser(), argv)


def run(args: argparse.Namespace) -> int:
    """Build the settings, load the bundle, read the scan, reconstruct."""
    from ptycho_torch import config_factory
    from ptycho_torch.data import scan_file
    from ptycho_torch.reconstruct import road
    from ptycho_torch.workflows import components

    process.keep_freed_memory()
    given = vars(args)
    overrides = shared.overrides_from_args(args, "inference")
    execution = shared.build_execution_config_from_args(args, "inference")
    shared.validate_paths(None, given["test_data"], given["output_dir"])
    payload = config_factory.create_inference_payload(
        model_path=given["model_path"],
        test_data_file=given["test_data"],
        output_dir=given["output_dir"],
        overrides=overrides,
        execution_config=execution,
        config_file=given.get("config"),
    )
    with RunJournal(payload.run_config, given["argv"]) as journal:
        model, info = components.load_inference_bundle_torch(given["model_path"])
        model = components.with_backend(model, payload.execution_config)
        journal.bundle_sha256 = info.sha256
        scan = scan_file.read(Path(given["test_data"]), payload.pt_data_config)
        journal.note_dataset("test", scan.name, scan.sha256)
        report = road.reconstruct(model, info, scan, payload.run_config, journal.begin)
        journal.extra = {
            "data_residual": report.data_residual,
            "null_models": report.fit,
            "energy_ratio": report.energy_ratio,
            "probe_correlation": report.probe_correlation,
            "groups": report.group_count,
        }
    if payload.execution_config.enable_progress_bar:
        print(summary(report, given["output_dir"]))
    return 0


def summary(report: Report, output_dir: str) -> str:
    """Say in one line what was reconstructed and how well."""
    text = (
        f"reconstructed {report.point_count} points from {report.group_count} groups, "
        f"data residual {report.data_residual:.4f}"
    )
    ratio, null = report.fit["object"]["ratio"]["best"], report.fit["object"]["best_null"]
    if ratio is not None:
        text += f" ({ratio:.3f} of the error of the null model {null!r})"
    if report.metrics is not None:
        error = report.metrics["complex_error"]
        correlation = report.metrics["phase"]["pearson"]
        if error is not None:
            text += f", complex error {error:.4f}"
        if correlation is not None:
            text += f", phase correlation {correlation:.4f}"
    return f"{text}: {output_dir}"
