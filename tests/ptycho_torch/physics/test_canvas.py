"""The canvas: golden geometry and stitch, recovery, streaming and refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ptycho_torch.errors import ConfigError
from ptycho_torch.physics import canvas
from tests.builders import fields


def test_geometry_has_a_pixel_to_spare() -> None:
    """The canvas is a rectangle around all patches, found from positions alone."""
    positions = np.array([[10.25, 20.5], [13.0, 19.0], [40.75, 22.25]])

    assert canvas.canvas_geometry(positions, 8) == (5, 14, 41, 14)


def test_two_constants_meet_in_the_middle() -> None:
    """Two overlapping constants give their mean where both are, zero where none is."""
    patches = np.stack([np.full((4, 4), 1 + 0j), np.full((4, 4), 3 + 0j)])

    stitched = canvas.stitch(patches, np.array([[10.0, 20.0], [12.0, 20.0]]), np.ones((4, 4)))

    row = [0, 1, 1, 2, 2, 3, 3, 0]
    assert stitched.origin_xy == (7, 17)
    assert stitched.object.tolist() == [[0] * 8, row, row, row, row, [0] * 8]
    assert stitched.mask.tolist() == (stitched.object != 0).tolist()
    assert stitched.object.dtype == np.complex64
    assert stitched.weight.dtype == np.float32


def test_batches_may_be_split_anywhere() -> None:
    """Streaming in pieces, an empty one included, gives the same bits as all at once."""
    rng = np.random.default_rng(0)
    patches = torch.from_numpy(rng.normal(size=(700, 6, 6)) + 1j)
    positions = rng.uniform(0, 30, (700, 2)) * [1, 0.5]
    geometry = canvas.canvas_geometry(positions, 6)
    weight = canvas.patch_weight("hann", torch.ones(1, 6, 6) + 0j)

    whole, parts = canvas.Canvas(geometry, weight), canvas.Canvas(geometry, weight)
    whole.place(patches, positions)
    for piece in (slice(0, 0), slice(0, 311), slice(311, 700)):
        parts.place(patches[piece], positions[piece])

    assert np.array_equal(whole.numerator, parts.numerator)
    assert np.array_equal(whole.denominator, parts.denominator)


def test_ramp_survives_fractions() -> None:
    """A linear ramp sampled about a fractional position is exact inside the patch."""
    rows, columns = np.mgrid[:8, :8] - 4.0
    patch = (0.1 * (20.3 + columns) - 0.3 * (11.85 + rows)) + 1j * 0.05 * (11.85 + rows)
    position = np.array([[20.3, 11.85]])
    target = canvas.Canvas(canvas.canvas_geometry(position, 8), np.ones((8, 8)))

    target.place(patch[None], position)

    origin_x, origin_y = target.geometry[:2]
    i, j = np.nonzero(target.denominator > 1 - 1e-12)
    x, y = j + origin_x, i + origin_y
    assert (x.min(), x.max(), y.min(), y.max()) == (17, 23, 8, 14)
    np.testing.assert_allclose(target.numerator[i, j], 0.1 * x + (-0.3 + 0.05j) * y, rtol=1e-12)


def test_uncovered_pixels_are_zero() -> None:
    """Between far patches the object is zero and masked, never a quotient of zeros."""
    patches = np.ones((2, 4, 4), np.complex64)

    stitched = canvas.stitch(patches, np.array([[5.0, 5.0], [30.0, 9.0]]), np.ones((4, 4)))

    assert np.isfinite(stitched.object).all()
    assert int(stitched.mask.sum()) == 32
    assert not stitched.object[~stitched.mask].any()


def test_thin_cover_is_masked_out() -> None:
    """Pixels with little weight keep their value but are not trusted."""
    weight = np.ones((4, 4))
    weight[0] = 0.01
    target = canvas.Canvas(canvas.canvas_geometry(np.array([[8.0, 9.0]]), 4), weight)
    target.place(np.full((1, 4, 4), 2j, np.complex64), np.array([[8.0, 9.0]]))

    stitched = target.finish(0.02)

    assert stitched.object[1, 1:5].tolist() == [2j] * 4
    assert not stitched.mask[1].any()
    assert stitched.mask[2:5, 1:5].all()


def test_empty_canvas_is_all_zero() -> None:
    """Nothing placed, nothing trusted, no NaN."""
    stitched = canvas.Canvas(canvas.CanvasGeometry(0, 0, 7, 5), np.ones((4, 4))).finish()

    assert not stitched.object.any()
    assert not stitched.mask.any()


def test_patch_off_canvas_is_refused() -> None:
    """A patch is never dropped or clipped silently."""
    geometry = canvas.canvas_geometry(np.array([[10.0, 10.0]]), 4)

    with pytest.raises(ValueError, match="inside the canvas"):
        canvas.stitch(
            np.ones((1, 4, 4), complex), np.array([[13.0, 10.0]]), np.ones((4, 4)), geometry
        )


@pytest.mark.parametrize("positions", [np.zeros((0, 2)), np.array([[1.0, np.nan]])])
def test_useless_positions_are_refused(positions: NDArray[np.float64]) -> None:
    """No positions, or a gap in them, has no canvas."""
    with pytest.raises(ValueError, match="finite positions"):
        canvas.canvas_geometry(positions, 4)


def test_weights_by_name() -> None:
    """Each weight peaks at 1; the raised cosine peaks at N/2 and vanishes at index 0."""
    probe = torch.from_numpy(fields.probe(32, 2))

    weights = {kind: canvas.patch_weight(kind, probe) for kind in canvas.PATCH_WEIGHTS}

    assert all(weight.max() == pytest.approx(1.0) for weight in weights.values())
    assert np.unravel_index(weights["hann"].argmax(), (32, 32)) == (16, 16)
    assert weights["hann"][0].max() == pytest.approx(0.0, abs=1e-30)
    assert (weights["uniform"] == 1).all()
    with pytest.raises(ConfigError):
        canvas.patch_weight("flat", probe)
