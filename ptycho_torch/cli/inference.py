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
    from ptycho_torch.reconstruct.pipeline import Report

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
    from ptycho_torch.reconstruct import pipeline
    from ptycho_torch.workflows import components

    process.keep_freed_memory()
    overrides = shared.overrides_from_args(args, "inference")
    shared.validate_paths(None, args.test_data, args.output_dir)
    payload = config_factory.create_inference_payload(
        model_path=args.model_path,
        test_data_file=args.test_data,
        output_dir=args.output_dir,
        overrides=overrides,
        config_file=vars(args).get("config"),
    )
    with RunJournal(payload.run_config, args.argv) as journal:
        wanted = payload.pt_inference_config
        model, info = components.load_inference_bundle_torch(str(wanted.model_path))
        model = components.with_backend(model, payload.execution_config)
        journal.bundle_sha256 = info.sha256
        scan = scan_file.read(Path(str(wanted.test_data_file)), payload.pt_data_config)
        journal.note_dataset("test", scan.name, scan.sha256)
        report = pipeline.reconstruct(model, info, scan, payload.run_config, journal.start_run)
        journal.extra = {
            "data_residual": report.data_residual,
            "null_models": report.fit,
            "energy_ratio": report.energy_ratio,
            "probe_correlation": report.probe_correlation,
            "groups": report.group_count,
            "refinement": report.refinement,
        }
    if payload.execution_config.enable_progress_bar:
        print(summary(report, args.output_dir))
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
    if report.refinement is not None:
        text += f", refined by {report.refinement['sweeps']} sweeps"
    if report.metrics is not None:
        error = report.metrics["complex_error"]
        correlation = report.metrics["phase"]["pearson"]
        if error is not None:
            text += f", complex error {error:.4f}"
        if correlation is not None:
            text += f", phase correlation {correlation:.4f}"
    return f"{text}: {output_dir}"
