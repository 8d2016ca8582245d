"""What computes a run: PyTorch by default, TensorFlow where the extra is installed.

Nothing heavy is imported here; asking for a backend says whether it can be had.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from ptycho_torch import settings
from ptycho_torch.config_params import PyTorchExecutionConfig, RunConfig
from ptycho_torch.errors import ConfigError, InputError

TORCH = "torch"
TENSORFLOW = "tensorflow"
INSTALL = "pip install 'ptycho-torch[tf]'"

_OPTION = "--backend tensorflow"
# What TensorFlow is told before it starts; what the user has set stays.
_QUIET = ("TF_CPP_MIN_LOG_LEVEL", "2")
_DETERMINISTIC = ("TF_DETERMINISTIC_OPS", "1")
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
# What only PyTorch does: TensorFlow takes the one value that asks nothing of it.
_ASKS_NOTHING: Mapping[str, Any] = MappingProxyType(
    {
        "accelerator": "cpu",
        "devices": 1,
        "num_nodes": 1,
        "compile": "off",
        "checkpoint_every_n_steps": None,
        "pin_memory": False,
    }
)
_ASKS_NOTHING_OF_TRAINING: Mapping[str, Any] = MappingProxyType(
    {
        "strategy": "auto",
        "logger_backend": None,
        "enable_checkpointing": False,
        "checkpoint_save_top_k": 1,
    }
)
_WORDS = MappingProxyType({None: "none", True: "on", False: "off"})


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


def require_training(config: RunConfig) -> None:
    """Make sure that the backend of a training is there and uses every setting it is given.

    Args:
        config: Complete settings of the run.

    Raises:
        InputError: TensorFlow is not installed.
        ConfigError: It is asked for what only PyTorch does.
    """
    require(config.execution)
    if config.execution.backend != TENSORFLOW:
        return
    if config.training.resume is not None:
        raise ConfigError(
            "--resume",
            expected=f"none with {_OPTION}",
            found=config.training.resume,
            remedy="it writes no checkpoints; start from the beginning",
        )
    _refuse_others(config.execution, _ASKS_NOTHING_OF_TRAINING)


def complete(
    execution: PyTorchExecutionConfig, explicit: Collection[str]
) -> PyTorchExecutionConfig:
    """Give a TensorFlow run the defaults that it can keep: a CPU, no logger, no checkpoints.

    Args:
        execution: Settings as asked for.
        explicit: Fields that somebody has chosen; they stay, and `require` may refuse them.
    """
    if execution.backend != TENSORFLOW:
        return execution
    own = {**_ASKS_NOTHING, **_ASKS_NOTHING_OF_TRAINING}
    return dataclasses.replace(
        execution, **{name: value for name, value in own.items() if name not in explicit}
    )


def _refuse(execution: PyTorchExecutionConfig) -> None:
    """Refuse settings that this backend would have to ignore."""
    _refuse_others(execution, _ASKS_NOTHING)
    if execution.precision not in ("32-true", "64-true"):
        raise ConfigError(
            "--precision",
            expected=f"32-true or 64-true with {_OPTION}",
            found=execution.precision,
        )


def _refuse_others(execution: PyTorchExecutionConfig, admitted: Mapping[str, Any]) -> None:
    """Refuse any value but the admitted ones."""
    for name, wanted in admitted.items():
        value = getattr(execution, name)
        if value != wanted:
            flag = settings.get_declaration(
                PyTorchExecutionConfig.__dataclass_fields__[name]
            ).flag
            raise ConfigError(
                f"execution.{name}" if flag is None else flag.option,
                expected=f"{_describe(wanted)} with {_OPTION}",
                found=_describe(value),
            )


def _describe(value: Any) -> str:
    return (
        str(_WORDS.get(value, value))
        if value is None or isinstance(value, bool)
        else str(value)
    )
