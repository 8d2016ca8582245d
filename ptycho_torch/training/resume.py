"""Continue a run from a checkpoint: find it, open it without pickle, compare settings."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ptycho_torch import config_params, run_folder
from ptycho_torch.config_params import RunConfig
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import ConfigError, InputError, MissingInputError
from ptycho_torch.training.module import STATE_KEY

AUTO = "auto"

_DAMAGE = (pickle.UnpicklingError, RuntimeError, KeyError, TypeError, EOFError, OSError)

# These change where and how a run goes, not what it computes.
_FREE: dict[str, tuple[str, ...]] = {
    "training": ("epochs", "resume", "train_data_file", "test_data_file"),
    "data": ("companion_file",),
    "execution": (
        "backend",
        "accelerator",
        "devices",
        "num_nodes",
        "strategy",
        "compile",
        "num_workers",
        "pin_memory",
        "logger_backend",
        "enable_progress_bar",
        "enable_checkpointing",
        "checkpoint_save_top_k",
        "checkpoint_every_n_steps",
    ),
}


def digest(config: RunConfig, train_data: ScanData, test_data: ScanData | None) -> str:
    """Digest what a resumed run must share with the run it continues.

    Data count by content, not by path. The length of the run is free, except where the
    schedule depends on it.
    """
    values = config.values()
    settings: dict[str, Any] = {
        section: {
            name: value
            for name, value in values[section].items()
            if name not in _FREE.get(section, ())
        }
        for section in ("data", "model", "training", "execution")
    }
    # What counts is the joint batch, however many devices share it.
    settings["training"]["batch_size"] *= config.execution.world_size
    # This schedule ends with the run: a longer one has other rates from its first epoch on.
    if config.training.scheduler == "WarmupCosine":
        settings["training"]["epochs"] = config.training.epochs
    settings["seed"] = config.run.seed
    if config.run.perturb:  # only then: checkpoints of before it still fit
        settings["perturb"] = config.run.perturb
    settings["scans"] = [train_data.sha256, None if test_data is None else test_data.sha256]
    return config_params.digest(settings)


def locate(config: RunConfig) -> Path | None:
    """Find the checkpoint to continue from; None for a fresh run.

    Raises:
        MissingInputError: It is not there.
    """
    source = config.training.resume
    if source is None:
        return None
    usual = run_folder.folder_of(config) / run_folder.CHECKPOINTS / run_folder.LAST
    path = usual if source == AUTO else Path(source)
    if not path.is_file():
        raise MissingInputError(
            f"--resume {source}", expected="a checkpoint", found=f"no file {path}"
        )
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a checkpoint was written.

    Attributes:
        path: The checkpoint.
        epoch: Epochs that were finished.
        batches: Batches of the next epoch that were done.
    """

    path: Path
    epoch: int
    batches: int


def check(path: Path, expected: str) -> Place:
    """Compare the settings stored in a checkpoint with those of this run.

    Args:
        path: Checkpoint; nothing in it is executed.
        expected: Digest of this run.

    Returns:
        Where to continue.

    Raises:
        InputError: Not a checkpoint of this package.
        ConfigError: It was written under other settings.
    """
    try:
        # weights_only: a checkpoint is a pickle, and another one could run anything.
        content = torch.load(path, map_location="cpu", weights_only=True)
        state = content[STATE_KEY]
        stored, epoch = state["digest"], len(state["progress"]["rows"])
    except (
        pickle.UnpicklingError,
        RuntimeError,
        KeyError,
        TypeError,
        EOFError,
        OSError,
    ) as error:
        raise InputError(
            str(path),
            expected="a checkpoint of this package",
            found=type(error).__name__,
        ) from error
    if stored != expected:
        raise ConfigError(
            str(path),
            expected="a checkpoint of the same settings and data",
            found="another",
            remedy="only length, folder, devices and logging may differ",
        )
    return Place(path=path, epoch=epoch, batches=state.get("batches_done", 0))
