"""Pictures held against their arrays: which array, which way round, and which sign."""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.errors import ConfigError
from harness.judgement.guards import lattice, registry
from harness.records import GuardResult
from harness.verdict import Verdict
from tests.builders.evidence import chunk, evidence, guard, png

RED, GREEN, OPEN = Verdict.RED, Verdict.GREEN, Verdict.INCONCLUSIVE
ROWS, COLUMNS = 40, 31
MARGIN, CELL = 6, 3
Map = NDArray[np.float64]


def scatter(seed: int) -> Map:
    """Make a map of independent numbers (rows, columns), which no symmetry maps onto itself."""
    return np.random.default_rng(seed).normal(size=(ROWS, COLUMNS))


AMPLITUDE, PHASE = scatter(1), scatter(2)
MASK = np.hypot(*np.mgrid[-1 : 1 : ROWS * 1j, -1 : 1 : COLUMNS * 1j]) < 0.95


def draw(values: Map, mask: NDArray[np.bool_] = MASK, text: str | None = None) -> bytes:
    """Draw a map in grey with a margin, and say where it lies; each value is a square."""
    low, high = values[mask].min(), values[mask].max()
    grey = np.where(mask, np.clip((values - low) / (high - low), 0, 1) * 255, 233).astype(int)
    height, width = (2 * MARGIN + CELL * side for side in grey.shape)

    def level(row: int, column: int) -> int:
        i, j = (row - MARGIN) // CELL, (column - MARGIN) // CELL
        inside = 0 <= i < grey.shape[0] and 0 <= j < grey.shape[1]
        return int(grey[i, j]) if inside else 255

    box = [MARGIN, MARGIN, width - MARGIN, height - MARGIN]
    return say(png(width, height, level), json.dumps([{"box": box}]) if text is None else text)


def say(picture: bytes, text: str) -> bytes:
    """Write the text ``panels`` into a picture, after its header."""
    return picture[:33] + chunk(b"tEXt", b"panels\0" + text.encode()) + picture[33:]


def judge(tmp_path: Path, picture: bytes, **options: Any) -> GuardResult:
    """Judge a picture of the amplitude; ``options`` differ from the usual ones."""
    buffer = io.BytesIO()
    np.savez(buffer, amplitude=AMPLITUDE, phase=PHASE, mask=MASK, square=AMPLITUDE[:31])
    usual = {"artifact": "p", "array": "a:amplitude", "mask": "a:mask", "rising": True}
    spec = guard("rendering", **{**usual, "unlike": ["a:phase"], **options})
    registry.check([spec])
    held = evidence(tmp_path, {"p.png": picture, "a.npz": buffer.getvalue()})
    return registry.judge([spec], held, None)[0]


def test_the_stored_array_is_seen(tmp_path: Path) -> None:
    """A picture of the array as it is stored passes, and names what is explained."""
    judged = judge(tmp_path, draw(AMPLITUDE))

    assert (judged.verdict, judged.reason) == (GREEN, "")


@pytest.mark.parametrize(
    ("turn", "word"),
    [
        (lambda a: a[::-1], "upside down"),
        (lambda a: a[:, ::-1], "mirrored left to right"),
        (lambda a: a[::-1, ::-1], "turned by half"),
    ],
)
def test_a_turned_picture_is_named(
    tmp_path: Path, turn: Callable[[Map], Map], word: str
) -> None:
    """A mirrored or turned map is red, and the reason says how it lies."""
    judged = judge(tmp_path, draw(turn(AMPLITUDE)), min=0.0, unlike=[])

    assert judged.verdict is RED
    assert word in judged.reason


@pytest.mark.parametrize(
    ("turn", "word"),
    [
        (lambda a: a.T, "transposed"),
        (np.rot90, "turned by"),
        (lambda a: np.rot90(a, 3), "turned by"),
        (lambda a: np.rot90(a, 2).T, "transposed and turned by half"),
    ],
)
def test_a_transposed_picture_is_named(
    tmp_path: Path, turn: Callable[[Map], Map], word: str
) -> None:
    """Where rows and columns are as many, a transposed map fits its frame and is red."""
    whole = np.ones((31, 31), np.bool_)
    square = draw(turn(AMPLITUDE[:31]), whole)

    judged = judge(tmp_path, square, array="a:square", mask="a:square", min=0.0, unlike=[])

    assert judged.verdict is RED
    assert word in judged.reason


def test_a_turned_map_in_its_frame_is_named(tmp_path: Path) -> None:
    """Values that are mirrored below a mask that is not are compared where both are drawn."""
    corner = np.add.outer(np.arange(ROWS), np.arange(COLUMNS)) > 24
    buffer = io.BytesIO()
    np.savez(buffer, amplitude=AMPLITUDE, mask=corner)
    picture = draw(0.7 * AMPLITUDE[:, ::-1] + 0.3 * AMPLITUDE, corner)
    held = evidence(tmp_path, {"p.png": picture, "a.npz": buffer.getvalue()})
    spec = guard("rendering", artifact="p", array="a:amplitude", mask="a:mask", min=0.0)

    judged = registry.judge([spec], held, None)[0]

    assert judged.verdict is RED
    assert "mirrored left to right" in judged.reason


def test_each_orientation_is_another() -> None:
    """The eight ways to lay a square are the group of its symmetries: all differ."""
    turns = [lattice.STORED, *lattice.ORIENTATIONS.values()]
    places = [(i, j) for i in range(3) for j in range(3)]
    images = {tuple(turn(i, j, 3) for i, j in places) for turn in turns}

    assert len(images) == 8
    assert all(sorted(image) == places for image in images)


def test_another_array_is_seen(tmp_path: Path) -> None:
    """The phase drawn in place of the amplitude is red, by its share and by its rival."""
    low = judge(tmp_path, draw(PHASE))
    rival = judge(tmp_path, draw(0.8 * AMPLITUDE + PHASE), min=0.1)

    assert (low.verdict, rival.verdict) == (RED, RED)
    assert "a:phase explains" in rival.reason


def test_a_picture_of_the_other_sign(tmp_path: Path) -> None:
    """A negative is red where brighter means more, and nowhere else."""
    negative = draw(-AMPLITUDE)

    assert judge(tmp_path, negative).reason == "higher values are darker"
    assert judge(tmp_path, negative, rising=False).verdict is GREEN


def test_a_cyclic_map_has_no_sign(tmp_path: Path) -> None:
    """Colours that come back to their start do not rise: the sign is not asked for."""
    text = json.dumps([{"box": [6, 6, 99, 126], "cyclic": True}])

    assert judge(tmp_path, draw(-AMPLITUDE, text=text)).verdict is GREEN


def test_any_colour_map_will_do(tmp_path: Path) -> None:
    """What is explained does not depend on how values become levels."""
    folded = np.abs(AMPLITUDE - AMPLITUDE[MASK].mean())

    assert judge(tmp_path, draw(folded), rising=False).verdict is GREEN
    assert judge(tmp_path, draw(folded[::-1]), rising=False).verdict is RED


def test_a_phase_is_compared_about_its_mean(tmp_path: Path) -> None:
    """A phase that is stored with its seam in the middle of its values is the same phase."""
    phase = 0.4 * PHASE / np.abs(PHASE).max()
    buffer = io.BytesIO()
    wrapped = np.angle(np.exp(1j * (phase + math.pi)))
    np.savez(buffer, phase=wrapped, mask=MASK)
    held = evidence(tmp_path, {"p.png": draw(phase), "a.npz": buffer.getvalue()})
    usual = {"artifact": "p", "array": "a:phase", "mask": "a:mask", "rising": True}

    judged, plain = (
        registry.judge([guard("rendering", **usual, **more)], held, None)[0]
        for more in ({"period": math.tau}, {})
    )

    assert (judged.verdict, plain.reason) == (GREEN, "higher values are darker")


def test_rows_and_columns_are_heeded(tmp_path: Path) -> None:
    """A picture of a part of the array is held against that part, not a neighbouring one."""
    part, hole = AMPLITUDE[8:33, 5:29], np.ones((25, 24), np.bool_)
    box = [MARGIN, MARGIN, MARGIN + 24 * CELL, MARGIN + 25 * CELL]
    texts = [
        json.dumps([{"box": box, "rows": rows, "columns": columns}])
        for rows, columns in (([8, 33], [5, 29]), ([2, 27], [5, 29]), ([8, 33], [0, 24]))
    ]

    verdicts = [
        judge(tmp_path, draw(part, hole, text), mask="a:amplitude", min=0.95).verdict
        for text in texts
    ]

    assert verdicts == [GREEN, RED, RED]


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "[]",
        "{}",
        "[[]]",
        '[{"box": [0, 0, 9]}]',
        '[{"box": [0, 0, "a", 9]}]',
        '[{"box": [0, 0, 900, 9]}]',
        '[{"box": [9, 9, 3, 3]}]',
        '[{"box": [-1, 0, 9, 9]}]',
        '[{"box": [0, 0, NaN, 9]}]',
        '[{"box": [0, 0, 60, 60], "rows": [0, 999]}]',
        '[{"box": [0, 0, 60, 60], "rows": [5, 5]}]',
        '[{"box": [0, 0, 60, 60], "rows": [1]}]',
        "[" * 3000,
    ],
)
def test_a_broken_layout_is_red(tmp_path: Path, text: str) -> None:
    """A picture that says nonsense of itself is no picture of the array."""
    assert judge(tmp_path, draw(AMPLITUDE, text=text)).verdict is RED


def test_no_picture_is_red(tmp_path: Path) -> None:
    """A text file in the place of a picture shows nothing."""
    assert judge(tmp_path, b"to be drawn").verdict is RED


def test_a_bare_picture_shows_all(tmp_path: Path) -> None:
    """Without a layout the array fills the picture; a second map is not there then."""
    low, high = AMPLITUDE.min(), AMPLITUDE.max()
    grey = ((AMPLITUDE - low) / (high - low) * 255).astype(int)
    bare = png(COLUMNS, ROWS, lambda row, column: int(grey[row, column]))
    options = {"mask": "a:amplitude", "unlike": []}

    assert judge(tmp_path, bare, **options).verdict is GREEN
    assert judge(tmp_path, bare, **options, panel=1).verdict is RED


def test_maps_that_do_not_fit_are_red(tmp_path: Path) -> None:
    """A mask or a rival of another shape is none of this picture."""
    assert judge(tmp_path, draw(AMPLITUDE), mask="a:square").verdict is RED
    assert judge(tmp_path, draw(AMPLITUDE), unlike=["a:square"]).verdict is RED


def test_a_flat_array_cannot_be_seen(tmp_path: Path) -> None:
    """An array of one value is explained by nothing: no verdict is made of it."""
    buffer = io.BytesIO()
    np.savez(buffer, flat=np.ones((ROWS, COLUMNS)))
    held = evidence(tmp_path, {"p.png": draw(AMPLITUDE), "a.npz": buffer.getvalue()})

    judged = registry.judge([guard("rendering", artifact="p", array="a:flat")], held, None)[0]

    assert judged.verdict is OPEN


@pytest.mark.parametrize("bad", [{"min": 1.5}, {"panel": -1}, {"period": 0.0}, {"array": "a"}])
def test_bad_declarations_are_refused(bad: dict[str, Any]) -> None:
    """A declaration that nothing could satisfy, or that names nothing, is an error."""
    options = {"artifact": "p", "array": "a:b", **bad}

    with pytest.raises(ConfigError):
        registry.check([guard("rendering", **options)])


def test_judging_is_quick(tmp_path: Path) -> None:
    """A large map is judged within a fifth of a second of processor time."""
    big = np.kron(AMPLITUDE, np.ones((16, 16)))
    buffer = io.BytesIO()
    np.savez(buffer, big=big)
    held = evidence(
        tmp_path, {"p.png": draw(AMPLITUDE, MASK | True), "a.npz": buffer.getvalue()}
    )
    spec = guard("rendering", artifact="p", array="a:big")
    kind = registry.built_in()["rendering"]

    began = time.process_time()
    judged = kind.judge(spec, held, None)

    assert judged.verdict is GREEN
    assert time.process_time() - began < 0.2
