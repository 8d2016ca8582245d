"""The training program: flags in, a bundle and its records out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho_torch import allocator
from ptycho_torch.cli import exits, shared
from ptycho_torch.cli.journal import RunJournal

if TYPE_CHECKING:
    from ptycho_torch.data.scan import ScanData
    from ptycho_torch.payload import TrainingPayload

_ABOUT = "Train a reconstruction network on one scan and write a bundle."


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the training program."""
    return shared.make_parser("train", _ABOUT, ("train_data_file", "output_dir"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the training program and return its exit code."""
    return exits.run(run, make_parser(), argv)


def run(args: argparse.Namespace) -> int:
    """Build the settings, read the scans, train; one payload goes all the way down."""
    from ptycho_torch import config_factory
    from ptycho_torch.workflows import components

    allocator.keep_freed_memory()
    given = vars(args)
    overrides = shared.overrides_from_args(args, "training")
    execution = shared.build_execution_config_from_args(args, "training")
    shared.validate_paths(
        given["train_data_file"], given.get("test_data_file"), given["output_dir"]
    )
    payload = config_factory.create_training_payload(
        train_data_file=given["train_data_file"],
        output_dir=given["output_dir"],
        overrides=overrides,
        execution_config=execution,
        config_file=given.get("config"),
    )
    with RunJournal(payload.run_config, given["argv"]) as journal:
        train_data = _read(payload, given["train_data_file"], "train", journal)
        held_out = payload.pt_training_config.test_data_file
        test_data = None if held_out is None else _read(payload, held_out, "test", journal)
        _, _, results = components.run_cdi_example_torch(
            train_data,
            test_data,
            payload.run_config,
            execution_config=payload.execution_config,
            training_payload=payload,
            begin=journal.begin,
        )
        journal.bundle_sha256 = results["bundle_sha256"]
    if payload.execution_config.enable_progress_bar:
        best, bundle = results["best_epoch"], results["bundle_path"]
        print(f"trained {results['epochs_run']} epochs, best {best}: {bundle}")
    return 0


def _read(payload: TrainingPayload, name: str, role: str, journal: RunJournal) -> ScanData:
    from ptycho_torch.data import scan_file

    scan = scan_file.read(Path(name), payload.pt_data_config)
    journal.note_dataset(role, scan.name, scan.sha256)
    return scan
