"""The tensor members of a bundle: headers are judged before any tensor is built."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from ptycho_torch.errors import BundleError

HEADER_LIMIT = 1 << 20
# The format of safetensors: the length of a JSON header in 8 bytes, the header, the data.
_LENGTH = 8
_DTYPE = "F32"

Shapes = Mapping[str, tuple[int, ...]]
Arrays = dict[str, NDArray[np.float32]]


def encode(arrays: Mapping[str, NDArray[np.floating[Any]]]) -> bytes:
    """Store arrays as safetensors, narrowed to float32."""
    plain = {
        name: np.ascontiguousarray(value, dtype=np.float32) for name, value in arrays.items()
    }
    stored: bytes = safetensors.numpy.save(plain)
    return stored


def shapes(content: bytes, where: str) -> dict[str, tuple[int, ...]]:
    """Read names and shapes from the header; every tensor must be float32.

    Raises:
        BundleError: The header is too long, not JSON, or names another dtype.
    """
    if len(content) < _LENGTH:
        raise BundleError(where, expected="a tensor header", found=f"{len(content)} bytes")
    (length,) = struct.unpack("<Q", content[:_LENGTH])
    # Before json.loads, because the length is only what the file claims.
    if length > min(HEADER_LIMIT, len(content) - _LENGTH):
        raise BundleError(where, expected="a header within limits", found=f"{length} bytes")
    try:
        header = json.loads(content[_LENGTH : _LENGTH + length])
        return {name: _shape(name, about) for name, about in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError(where, expected="a tensor header", found=str(error)) from error


def decode(content: bytes, expected: Shapes, where: str) -> Arrays:
    """Build the tensors after their names and shapes were found to be the expected ones.

    Raises:
        BundleError: Names, shapes or dtypes differ, the data do not fill the header's
            shapes, or a value is not finite.
    """
    shapes_ = shapes(content, where)
    for name in sorted(set(shapes_) ^ set(expected)):
        state = "missing" if name in expected else "unknown"
        raise BundleError(f"{where}: {name}", expected="the tensors of the model", found=state)
    for name, shape in expected.items():
        if shapes_[name] != shape:
            raise BundleError(f"{where}: {name}", expected=f"{shape}", found=f"{shapes_[name]}")
    try:
        arrays: Arrays = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, ValueError) as error:
        raise BundleError(where, expected="whole tensors", found=str(error)) from error
    for name, value in arrays.items():
        # Weights that are no numbers load without an error and make every prediction NaN.
        if not np.isfinite(value).all():
            raise BundleError(f"{where}: {name}", expected="finite values", found="others")
    return arrays


def _shape(name: str, about: Any) -> tuple[int, ...]:
    if about["dtype"] != _DTYPE:
        raise ValueError(f"{name} is {about['dtype']}, not {_DTYPE}")
    return tuple(int(size) for size in about["shape"])
