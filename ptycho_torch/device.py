"""Which device a run uses, decided from flags and from what the machine has."""

from __future__ import annotations

import warnings

from ptycho_torch.errors import ConfigError, PtychoError

_FROM_DEVICE = {"cpu": "cpu", "cuda": "gpu"}


class MissingTorchError(PtychoError):
    """PyTorch is not installed; it is mandatory."""


def cuda_is_available() -> bool:
    """Whether a CUDA device can be used.

    Raises:
        MissingTorchError: PyTorch is not installed.
    """
    try:
        import torch  # noqa: PLC0415 - flags are resolved without torch whenever possible
    except ImportError as error:
        raise MissingTorchError(
            "POLICY-001", expected="PyTorch", found="none", remedy="pip install torch"
        ) from error
    return torch.cuda.is_available()


def resolve_accelerator(accelerator: str = "auto", device: str | None = None) -> str:
    """Choose the accelerator from the flag and from its deprecated predecessor.

    Args:
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``cuda``.
        device: Deprecated ``cpu`` or ``cuda``; None when not given.

    Returns:
        ``cpu``, ``gpu`` or ``cuda``; ``auto`` becomes what the machine offers, and
        falling back to the CPU warns.

    Raises:
        ConfigError: The deprecated device has an unknown name.
        MissingTorchError: PyTorch is not installed.
    """
    if device is not None:
        accelerator = _with_device(accelerator, device)
    if accelerator != "auto":
        return accelerator
    if cuda_is_available():
        return "cuda"
    warnings.warn("POLICY-001: no CUDA device found; running on the CPU", stacklevel=2)
    return "cpu"


def _with_device(accelerator: str, device: str) -> str:
    if device not in _FROM_DEVICE:
        raise ConfigError("--device", expected="cpu or cuda", found=repr(device))
    if accelerator != "auto":
        text = f"--device {device} is ignored because --accelerator {accelerator} is given"
        warnings.warn(text, DeprecationWarning, stacklevel=3)
        return accelerator
    text = f"--device is deprecated; use --accelerator {_FROM_DEVICE[device]}"
    warnings.warn(text, DeprecationWarning, stacklevel=3)
    return _FROM_DEVICE[device]
