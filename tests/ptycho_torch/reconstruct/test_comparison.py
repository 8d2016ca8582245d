"""Pictures beside the truth, judged by decoding them; coverage, by brute force."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ptycho_torch.physics import canvas
from ptycho_torch.reconstruct import comparison, coverage, metrics, pictures
from ptycho_torch.reconstruct.metrics import Registered
from tests.ptycho_torch.reconstruct.images import blob, waves

SHAPE = (80, 112)


def registered(factor: NDArray[np.complex128] | complex = 1.0) -> Registered:
    """A truth, and the same times a factor that registration did not remove."""
    truth, region = waves(SHAPE), blob(SHAPE)
    exact = metrics.register(
        np.where(region, truth, 0).astype(np.complex64),
        region.astype(np.float32),
        np.zeros(2),
        metrics.Truth(object_canvas=truth.astype(np.complex64)),
    )
    return Registered(
        image=exact.truth * factor,
        truth=exact.truth,
        region=exact.region,
        alignment=exact.alignment,
    )


def pixels(png: bytes) -> NDArray[np.uint8]:
    """Decode a picture to (rows, columns, 3)."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def maps(png: bytes, region: NDArray[np.bool_]) -> list[NDArray[np.uint8]]:
    """Return the three maps of a picture, one pixel for each value."""
    rows, columns = region[pictures.window(region)].shape
    zoom = round(300 / max(rows, columns))
    picture, width = pixels(png), max(columns * zoom, 190) + 28
    return [
        picture[40 : 40 + rows * zoom : zoom, at + 14 : at + 14 + columns * zoom : zoom]
        for at in (0, width, 2 * width)
    ]


def inside(pair: Registered) -> NDArray[np.bool_]:
    """Judged pixels, without the corner that the ruler covers."""
    region = pair.region[pictures.window(pair.region)].copy()
    region[-14:, :45] = False
    return region


def test_an_exact_copy_differs_nowhere() -> None:
    """Found and truth look alike, and their difference is the middle of its map."""
    pair = registered()
    for draw in (comparison.amplitude, comparison.phase):
        left, middle, right = maps(draw(pair), pair.region)

        here = inside(pair)
        np.testing.assert_array_equal(left[here], middle[here])
        colours = np.unique(right[here], axis=0)
        assert len(colours) == 1
        assert np.ptp(colours[0]) < 12  # a grey


def test_amplitudes_share_one_scale() -> None:
    """A gain of the left half is brighter there, red in the difference, and nothing else."""
    gain = np.where(np.arange(SHAPE[1]) < SHAPE[1] // 2, 1.2, 1.0)[None, :]
    pair = registered(gain)
    left, middle, right = maps(comparison.amplitude(pair), pair.region)

    here = inside(pair)
    split = SHAPE[1] // 2 - pictures.window(pair.region)[1].start
    first, second = here.copy(), here.copy()
    first[:, split:], second[:, :split] = False, False
    assert left[first][:, 0].mean() > middle[first][:, 0].mean() + 20
    np.testing.assert_array_equal(left[second], middle[second])
    assert (right[first][:, 0] > right[first][:, 2]).all()


def test_phase_map_closes() -> None:
    """Phases of almost plus and minus π have almost one colour: the map is cyclic."""
    ends = [
        maps(comparison.phase(registered(-np.exp(1j * step))), registered().region)[0]
        for step in (0.04, -0.04)
    ]
    mean = registered().truth[registered().region].mean().conj()
    near = np.abs(np.angle(registered().truth * mean)) < 0.01

    window = pictures.window(registered().region)
    here = inside(registered()) & near[window]
    assert here.sum() > 20
    assert np.abs(ends[0][here] - ends[1][here]).max() < 24


def test_phase_error_is_in_the_difference() -> None:
    """A step of half a radian that registration left shows as two colours, red and blue."""
    step = np.where(np.arange(SHAPE[0]) < SHAPE[0] // 2, 0.25, -0.25)[:, None]
    pair = registered(np.exp(1j * step))
    right = maps(comparison.phase(pair), pair.region)[2]

    here = inside(pair)
    split = SHAPE[0] // 2 - pictures.window(pair.region)[0].start
    upper, lower = right[:split][here[:split]], right[split:][here[split:]]
    assert (upper[:, 0] > upper[:, 2] + 100).all()
    assert (lower[:, 2] > lower[:, 0] + 100).all()


def test_rings_are_drawn_where_there_are_some() -> None:
    """With a ring correlation there are three pictures, without it two."""
    pair = registered(1 + 0.02 * np.random.default_rng(3).standard_normal(SHAPE))
    report = metrics.judge(pair, "objectGuess")
    made = comparison.drawings(pair, report, 4e-8)

    assert set(made) == {"comparison_amplitude.png", "comparison_phase.png", "frc.png"}
    assert set(comparison.drawings(pair, report | {"frc": None}, None)) < set(made)
    assert all(draw().startswith(b"\x89PNG") for draw in made.values())


def test_the_curve_lies_where_its_numbers_are() -> None:
    """A correlation of one runs along the top, and of zero along the bottom line."""
    report: dict[str, Any] = {"freq": [0.1, 0.3, 0.5], "n": [40, 80, 120], "f_halfbit": None}
    one, none = (
        pixels(comparison.rings(report | {"curve": [value] * 3}))[:, 300, 0]
        for value in (1.0, 0.0)
    )

    left, top, right, bottom = comparison._PLOT
    assert left < 300 < right
    assert one[top] < 60
    assert none[bottom] < 60


def scanned() -> tuple[NDArray[np.float64], NDArray[np.int64], canvas.CanvasGeometry]:
    """Points off the grid and groups of two that use some points twice."""
    rng = np.random.default_rng(7)
    positions = rng.uniform((5, -20), (70, 12), (15, 2))
    return positions, rng.integers(0, 15, (11, 2)), canvas.canvas_geometry(positions, 12)


def test_patches_are_counted_where_they_lie() -> None:
    """Every pixel counts the patches whose footprint, at the nearest place, holds it."""
    positions, members, where = scanned()
    covered = np.zeros((12, 12), bool)
    covered[2:9, 4:11] = True

    counts = coverage.count(positions, members, where, covered)

    expected = np.zeros((where.height, where.width), int)
    for member in members.ravel():
        for row, column in np.argwhere(covered):
            x = round(float(positions[member, 0])) - 6 + column - where.origin_x
            y = round(float(positions[member, 1])) - 6 + row - where.origin_y
            expected[y, x] += 1
    np.testing.assert_array_equal(counts, expected)
    assert counts.sum() == members.size * covered.sum()


def test_a_patch_outside_is_refused() -> None:
    """A canvas that does not hold every patch is an error, and nothing is dropped."""
    positions, members, where = scanned()
    small = where._replace(width=where.width - 9)

    with pytest.raises(ValueError, match="inside the canvas"):
        coverage.count(positions, members, small, np.ones((12, 12), bool))


def test_footprint_is_what_weighs() -> None:
    """Pixels of at least a tenth of the largest weight belong to a patch."""
    weight = np.array([[1.0, 0.1, 0.099], [0.0, 0.5, 0.2]]) * 3

    assert coverage.footprint(weight).tolist() == [[True, True, False], [False, True, True]]


def test_coverage_goes_from_none_to_most() -> None:
    """The emptiest pixel has the first colour of the map and the fullest the last."""
    counts = np.arange(40 * 60).reshape(40, 60) % 7
    covered = np.ones((40, 60), bool)

    picture = pixels(comparison.coverage(counts, covered))

    colours = pictures.shades("viridis", 96).astype(int)
    zoom = round(300 / 60)
    drawn = picture[40 : 40 + 40 * zoom : zoom, 14 : 14 + 60 * zoom : zoom]
    assert (drawn[0, 0] == colours[0]).all()
    assert (drawn[0, 6] == colours[-1]).all()
