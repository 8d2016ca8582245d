"""What complete settings must not be: at odds with the program, the scan or the backend."""

from __future__ import annotations

from ptycho_torch import backends
from ptycho_torch.config_params import PyTorchExecutionConfig, RunConfig
from ptycho_torch.errors import ConfigError


def check_mode(wanted: str, mode: str) -> None:
    """Refuse settings that were written for the other program.

    Raises:
        ConfigError: ``run.mode`` is not that of the program.
    """
    if wanted != mode:
        raise ConfigError("run.mode", expected=f"{mode} in this program", found=repr(wanted))


def check_side(wanted: int | None, side: int, name: str) -> None:
    """Hold a stated side to that of the frames.

    Args:
        wanted: ``data.N``; None leaves it to the data.
        side: Side of the frames [px].
        name: File they are in.

    Raises:
        ConfigError: They differ.
    """
    if wanted not in (None, side):
        raise ConfigError(
            "data.N", expected=f"{side}, the side of the frames in {name}", found=str(wanted)
        )


def check_memory(execution: PyTorchExecutionConfig) -> None:
    """Refuse pinned memory where no GPU would copy from it.

    Args:
        execution: Device settings, the accelerator resolved.

    Raises:
        ConfigError: Memory would be pinned for the CPU.
    """
    if execution.pin_memory and execution.accelerator == "cpu":
        raise ConfigError(
            "execution.pin_memory",
            expected="false on the CPU, which copies nothing from pinned memory",
            found="true",
            remedy="use --accelerator gpu, or leave it out",
        )


def check_training(config: RunConfig) -> None:
    """Refuse what the backend or the loss of a training would have to ignore.

    Raises:
        ConfigError: A setting that nothing would read.
        InputError: The backend is not installed.
    """
    backends.require_training(config)
    monitor = config.execution.checkpoint_monitor_metric
    if monitor.endswith("_deviance") and config.training.torch_loss_mode != "poisson":
        raise ConfigError(
            "--checkpoint_monitor",
            expected="a loss, because only poisson has a deviance",
            found=monitor,
        )


def check_inference(config: RunConfig) -> None:
    """Refuse what the backend, or an inference without sweeps, would have to ignore.

    Raises:
        ConfigError: Probe or positions are to be refined, by no sweep.
        InputError: The backend is not installed.
    """
    backends.require(config.execution)
    inference = config.inference
    if (inference.refine_probe or inference.refine_positions) and not inference.refine:
        asked_by = "--refine_probe" if inference.refine_probe else "--refine_positions"
        raise ConfigError(
            "--refine",
            expected=f"a number of sweeps, because {asked_by} is given",
            found="0",
            remedy="add --refine 10",
        )
