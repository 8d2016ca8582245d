"""The training program: flags in, a bundle and its records out."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho_torch import process, ranks, run_folder
from ptycho_torch.cli import exits, launch, shared
from ptycho_torch.cli.journal import RunJournal
from ptycho_torch.ranks import Rank

if TYPE_CHECKING:
    from ptycho_torch.config_params import PyTorchExecutionConfig
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

    launch.exit_with_parent()
    process.keep_freed_memory()
    overrides = shared.overrides_from_args(args, "training")
    held_out = overrides.get("training.test_data_file")
    shared.validate_paths(args.train_data_file, held_out, args.output_dir)
    payload = config_factory.create_training_payload(
        train_data_file=args.train_data_file,
        output_dir=args.output_dir,
        overrides=overrides,
        config_file=vars(args).get("config"),
    )
    if launch.is_needed(payload.execution_config):
        return _launch(payload, args.argv)
    rank = ranks.find_rank(payload.execution_config.world_size)
    if not rank.is_first:
        logging.getLogger("ptycho_torch").setLevel(logging.ERROR)
    return _train(payload, args.argv, rank)


def _train(payload: TrainingPayload, argv: list[str], rank: Rank) -> int:
    """Train in this process, alone or with the others of the run."""
    from ptycho_torch.workflows import components

    with RunJournal(payload.run_config, argv, is_writer=rank.is_first) as journal:
        journal.extra["execution"] = _execution(payload.execution_config)
        paths = payload.pt_training_config
        train_data = _read(payload, str(paths.train_data_file), "train", journal)
        held_out = paths.test_data_file
        test_data = None if held_out is None else _read(payload, held_out, "test", journal)
        _, _, results = components.run_cdi_example_torch(
            train_data,
            test_data,
            payload.run_config,
            training_payload=payload,
            on_start=journal.start_run,
        )
        journal.bundle_sha256 = results["bundle_sha256"]
    if payload.execution_config.enable_progress_bar and rank.is_first:
        best, bundle = results["best_epoch"], results["bundle_path"]
        print(f"trained {results['epochs_run']} epochs, best {best}: {bundle}")
    return 0


def _launch(payload: TrainingPayload, argv: list[str]) -> int:
    """Train in several processes; their failure is said once, here."""
    from ptycho_torch.training import devices

    config = payload.run_config
    devices.check(config)
    journal = RunJournal(config, argv, is_writer=launch.is_first_machine())
    journal.extra["execution"] = _execution(payload.execution_config)
    settings = run_folder.folder_of(config) / run_folder.CONFIG
    before = _identity(settings)
    outcome = launch.run(
        "ptycho_torch.train", argv, payload.execution_config, shows_all="--debug" in argv
    )
    if outcome.error is not None:
        has_begun = _identity(settings) != before
        journal.overrule(outcome.exit_code, outcome.error, has_begun=has_begun)
        exits.report(outcome.error)
    return outcome.exit_code


def _identity(path: Path) -> tuple[int, int] | None:
    """Tell one version of a file from another; each is a new file."""
    if not path.is_file():
        return None
    about = path.stat()
    return about.st_ino, about.st_mtime_ns


def _execution(execution: PyTorchExecutionConfig) -> dict[str, str | int]:
    """Say on what a run was computed."""
    return {
        "accelerator": execution.accelerator,
        "world_size": execution.world_size,
        "strategy": "ddp" if execution.world_size > 1 else "single",
        "precision": execution.precision,
        "compile": execution.compile,
    }


def _read(payload: TrainingPayload, name: str, role: str, journal: RunJournal) -> ScanData:
    from ptycho_torch.data import scan_file

    scan = scan_file.read(Path(name), payload.pt_data_config)
    journal.note_dataset(role, scan.name, scan.sha256)
    return scan
