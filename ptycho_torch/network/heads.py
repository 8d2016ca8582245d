"""Logits in, complex object patches out.

Phase = π·tanh(z), in radians on (−π, π); the amplitude depends on the head. Both are
computed in single precision at least, whatever the precision of the network.
"""

from __future__ import annotations

import logging
import math

import torch
from jaxtyping import Float
from torch.nn import functional

from ptycho_torch.axes import ObjectPatches
from ptycho_torch.errors import ConfigError

Logits = Float[torch.Tensor, "B C H W"]

logger = logging.getLogger(__name__)

KINDS = ("bounded", "softplus", "sigmoid", "swish")
_SOFTPLUS_SHIFT = math.log(math.e - 1)


def check(kind: str, amp_max: float) -> None:
    """Refuse an unknown head or an impossible bound; warn about the unbounded one.

    Raises:
        ConfigError: The head is unknown, or bounded at or below 1.
    """
    if kind not in KINDS:
        raise ConfigError("amp_activation", expected=" or ".join(KINDS), found=kind)
    if not amp_max > 1:
        raise ConfigError("amp_max", expected="more than 1", found=str(amp_max))
    if kind == "swish":
        logger.warning("amp_activation swish is unbounded and may be negative")


def amplitude(logits: Logits, kind: str, amp_max: float) -> Logits:
    """Turn logits into amplitudes.

    Args:
        logits: Real maps z.
        kind: ``bounded`` and ``softplus`` give 1 at z = 0, ``sigmoid`` 0.5, ``swish`` 0.
        amp_max: Upper bound of the bounded head, more than 1.

    Returns:
        Amplitudes of the object [unitless].
    """
    if kind == "bounded":
        return amp_max * torch.sigmoid(logits - math.log(amp_max - 1))
    if kind == "softplus":
        return functional.softplus(logits + _SOFTPLUS_SHIFT)
    if kind == "sigmoid":
        return torch.sigmoid(logits)
    return logits * torch.sigmoid(logits)


def combine(amplitudes: Logits, phase_logits: Logits) -> ObjectPatches:
    """Join amplitudes and phase logits into complex patches."""
    phase = math.pi * torch.tanh(phase_logits)
    return torch.complex(amplitudes * torch.cos(phase), amplitudes * torch.sin(phase))
