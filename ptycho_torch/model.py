"""Public face of the model; the training module is loaded only when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptycho_torch.pinn import ForwardResult, PtychoPINN

if TYPE_CHECKING:
    from ptycho_torch.training.module import PtychoPINN_Lightning

__all__ = ["ForwardResult", "PtychoPINN", "PtychoPINN_Lightning"]


def __getattr__(name: str) -> Any:
    """Import the training module, and with it Lightning, on first use."""
    if name != "PtychoPINN_Lightning":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ptycho_torch.training import module  # noqa: PLC0415 - Lightning takes a second

    return module.PtychoPINN_Lightning
