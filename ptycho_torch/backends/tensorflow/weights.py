"""Weights of a bundle to those of this backend, and back: names one to one, axes turned.

A kernel of a bundle is (outputs, inputs, rows, columns), one of TensorFlow (rows, columns,
inputs, outputs); a bias is the same in both. Turning axes moves numbers and changes none, so
that a round trip gives the very bytes back.

Source:
    Design of the model, section 15.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.bundle import tensors

_TO_TENSORFLOW = (2, 3, 1, 0)
_TO_BUNDLE = (3, 2, 0, 1)
_KERNEL_RANK = 4

Arrays = dict[str, NDArray[Any]]


def from_bundle(state: Mapping[str, NDArray[Any]]) -> Arrays:
    """Turn the arrays of ``model.safetensors`` into those of this backend."""
    return _turn_axes(state, _TO_TENSORFLOW)


def to_bundle(state: Mapping[str, NDArray[Any]]) -> Arrays:
    """Turn arrays of this backend into those of ``model.safetensors``."""
    return _turn_axes(state, _TO_BUNDLE)


def digest(state: Mapping[str, NDArray[Any]]) -> str:
    """Digest the bytes that a bundle stores for these arrays, in the order of their names."""
    ordered = {name: state[name] for name in sorted(state)}
    return hashlib.sha256(tensors.encode(ordered)).hexdigest()


def _turn_axes(state: Mapping[str, NDArray[Any]], axes: tuple[int, ...]) -> Arrays:
    """Turn the axes of every kernel and copy the rest."""
    return {
        name: np.ascontiguousarray(
            value.transpose(axes) if value.ndim == _KERNEL_RANK else value
        )
        for name, value in state.items()
    }
