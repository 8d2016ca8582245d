"""What computes a run: PyTorch by default, TensorFlow where the extra is installed.

Nothing heavy is imported here; asking for a backend says whether it can be had.
"""

from __future__ import annotations

import importlib.util
import os

from ptycho_torch.config_params import PyTorchExecutionConfig
from ptycho_torch.errors import ConfigError, InputError

TORCH = "torch"
TENSORFLOW = "tensorflow"
INSTALL = "pip install 'ptycho-harness[tf]'"

_OPTION = "--backend tensorflow"
# What TensorFlow is told before it starts; what the user has set stays.
_QUIET = ("TF_CPP_MIN_LOG_LEVEL", "2")
_DETERMINISTIC = ("TF_DETERMINISTIC_OPS", "1")
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def require(execution: PyTorchExecutionConfig) -> None:
    """Make sure that the backend of a run is there and can do what is asked of it.

    TensorFlow reads its switches from the environment when it starts: its notes stay off
    stderr, it takes as many threads as the rest, and it is deterministic where asked.

    Args:
        execution: Backend, device and precision of the run.

    Raises:
        InputError: TensorFlow is not installed.
        ConfigError: It is asked for what only PyTorch does.
    """
    if execution.backend != TENSORFLOW:
        return
    if importlib.util.find_spec(TENSORFLOW) is None:
        raise InputError(
            _OPTION, expected=f"the package {TENSORFLOW}", found="none", remedy=INSTALL
        )
    _refuse(execution)
    os.environ.setdefault(*_QUIET)
    if execution.deterministic:
        os.environ.setdefault(*_DETERMINISTIC)
    source, target = _THREADS
    if source in os.environ:
        os.environ.setdefault(target, os.environ[source])


def _refuse(execution: PyTorchExecutionConfig) -> None:
    """Refuse settings that this backend would have to ignore."""
    wanted = {
        "--accelerator": (execution.accelerator, "cpu"),
        "--devices": (str(execution.world_size), "1"),
        "--compile": (execution.compile, "off"),
        "--checkpoint_every_n_steps": (str(execution.checkpoint_every_n_steps), "None"),
    }
    for option, (found, expected) in wanted.items():
        if found != expected:
            raise ConfigError(option, expected=f"{expected} with {_OPTION}", found=found)
    if execution.precision not in ("32-true", "64-true"):
        raise ConfigError(
            "--precision",
            expected=f"32-true or 64-true with {_OPTION}",
            found=execution.precision,
        )
