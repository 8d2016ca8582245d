"""Translation in every backend: the same golden shifts, and no guessing of shapes."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ptycho_torch import oracle
from ptycho_torch.physics import shift
from tests.builders import backends

Translate = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]


def _torch(images: NDArray[Any], offsets: NDArray[Any]) -> NDArray[Any]:
    return shift.translate(torch.from_numpy(images), torch.from_numpy(offsets)).numpy()


def _tensorflow(images: NDArray[Any], offsets: NDArray[Any]) -> NDArray[Any]:
    if not backends.HAS_TENSORFLOW:
        pytest.skip(backends.NO_TENSORFLOW)
    backend = importlib.import_module("ptycho_torch.backends.tensorflow")
    moved: NDArray[Any] = backend.translate(images[..., None], offsets).numpy()[..., 0]
    return moved


BACKENDS = {"numpy": oracle.translate, "torch": _torch, "tensorflow": _tensorflow}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("images", "offsets"),
    [(128, 4), (4, 128), (1, 3), (3, 1), (0, 2)],
    ids=["per-image", "per-patch", "one-image", "one-offset", "no-image"],
)
def test_non_xla_translation_guard(backend: str, images: int, offsets: int) -> None:
    """Unequal leading lengths are refused by name; nothing is tiled or repeated.

    Equal lengths work for training and evaluation shapes, an empty batch included, and
    move content towards +d without blanking the last row or column.
    """
    translate: Translate = BACKENDS[backend]

    with pytest.raises(ValueError, match=r"\(B, 2\)") as caught:
        translate(np.zeros((images, 6, 9)), np.zeros((offsets, 2)))

    assert f"({images}, 6, 9" in str(caught.value)
    assert f"({offsets}, 2)" in str(caught.value)
    stack = np.arange(54.0).reshape(1, 6, 9).repeat(images, axis=0)
    still = translate(stack, np.zeros((images, 2)))
    assert np.array_equal(still, stack)
    moved = translate(stack, np.tile([[1.0, -2.0]], (images, 1)))
    assert np.array_equal(moved[:, :-2, 1:], stack[:, 2:, :-1])
    assert not moved[:, -2:].any()
    assert not moved[:, :, 0].any()
