"""The coarse canvas holds the weighted mean of each block, and the blocks hold all of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ptycho_torch.reconstruct import low_resolution


def test_blocks_are_weighted_means(tmp_path: Path) -> None:
    """Against a loop over blocks, on a canvas that no block divides."""
    rng = np.random.default_rng(1)
    canvas = (rng.normal(size=(37, 50)) + 1j * rng.normal(size=(37, 50))).astype(np.complex64)
    weight = rng.uniform(size=(37, 50)).astype(np.float32)
    weight[:9] = 0

    low_resolution.write(tmp_path / "x.json", canvas, weight)

    content = json.loads((tmp_path / "x.json").read_text())
    means = np.array(content["real"]) + 1j * np.array(content["imaginary"])
    rows = [int(37 * i / 16) for i in range(17)]
    columns = [int(50 * i / 16) for i in range(17)]
    for i in range(16):
        for j in range(16):
            block = np.s_[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
            total = weight[block].astype(float).sum()
            expected = (canvas[block] * weight[block]).sum() / total if total else 0
            np.testing.assert_allclose(means[i, j], expected, rtol=1e-5, atol=1e-6)


def test_small_canvas_stays_as_it_is() -> None:
    """With fewer pixels than blocks each pixel is a block."""
    canvas = np.arange(12, dtype=np.complex64).reshape(3, 4)

    shrunk = low_resolution.shrink(canvas, np.ones((3, 4), np.float32))

    np.testing.assert_array_equal(shrunk, canvas)
