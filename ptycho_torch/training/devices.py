"""Refuse devices, precisions and compilers that this machine does not have."""

from __future__ import annotations

import importlib.util
import os
import shutil

import torch

from ptycho_torch.config_params import PyTorchExecutionConfig, RunConfig
from ptycho_torch.errors import ConfigError

_COMPILERS = ("g++", "clang++", "c++")


def check(config: RunConfig) -> None:
    """Compare what a training run asks for with what there is.

    Raises:
        ConfigError: Too many devices, a precision or a compiler that is not there.
    """
    execution = config.execution
    _check_strategy(execution)
    _check_count(execution)
    _check_precision(execution)
    if execution.compile == "inductor":
        _check_compiler(execution)


def _check_strategy(execution: PyTorchExecutionConfig) -> None:
    if execution.world_size == 1 and execution.strategy != "auto":
        raise ConfigError(
            "--strategy",
            expected="auto for one device, which has nobody to share a batch with",
            found=execution.strategy,
            remedy="--devices 2 trains in two processes",
        )


def _check_count(execution: PyTorchExecutionConfig) -> None:
    if execution.accelerator == "cpu":
        if execution.world_size > 1 and execution.strategy != "ddp":
            name = "--devices" if execution.devices > 1 else "--num_nodes"
            raise ConfigError(
                name,
                expected="1 on the CPU",
                found=str(max(execution.devices, execution.num_nodes)),
                remedy="--strategy ddp trains in that many processes",
            )
        return
    available = torch.cuda.device_count()
    if execution.devices > available:
        raise ConfigError(
            "--devices",
            expected=f"at most {available} for --accelerator {execution.accelerator}",
            found=str(execution.devices),
        )


def _check_precision(execution: PyTorchExecutionConfig) -> None:
    precision = execution.precision
    if precision == "16-mixed" and execution.accelerator == "cpu":
        raise ConfigError(
            "--precision",
            expected="32-true, 64-true or bf16-mixed on the CPU",
            found=precision,
            remedy="half precision with loss scaling needs a GPU",
        )
    if (
        precision == "bf16-mixed"
        and execution.accelerator != "cpu"
        and not torch.cuda.is_bf16_supported(including_emulation=False)
    ):
        raise ConfigError(
            "--precision",
            expected="32-true, 64-true or 16-mixed on this GPU",
            found=precision,
            remedy="it has no bfloat16",
        )


def _check_compiler(execution: PyTorchExecutionConfig) -> None:
    """Look for what turns the generated code into a program."""
    if execution.accelerator != "cpu":
        if importlib.util.find_spec("triton") is None:
            raise ConfigError("--compile", expected="the package triton", found="none")
        return
    compiler = os.environ.get("CXX")
    if all(shutil.which(name) is None for name in ((compiler,) if compiler else _COMPILERS)):
        raise ConfigError(
            "--compile",
            expected="a C++ compiler: g++, clang++ or what CXX names",
            found=compiler or "none",
            remedy="install one or leave --compile out",
        )
