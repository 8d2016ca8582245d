"""Frames left in their file are the frames in memory, whatever is asked for."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ptycho_torch.data.frame_file import FrameFile
from ptycho_torch.data.frame_views import TakenFrames
from ptycho_torch.errors import InputError

COUNT, OFFSET = 13, 37
FRAMES = np.random.default_rng(0).random((COUNT, 3, 5), dtype=np.float32)
NUMBERS = st.integers(0, COUNT - 1)
SLICES = st.slices(COUNT).filter(lambda part: (part.step or 1) > 0)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> FrameFile:
    """Frames that begin at an odd byte and are followed by others' bytes."""
    path = tmp_path_factory.mktemp("frames") / "frames.raw"
    path.write_bytes(b"x" * OFFSET + FRAMES.tobytes() + b"y" * 100)
    return FrameFile(path, OFFSET, FRAMES.shape)


@given(SLICES)
@settings(max_examples=50, deadline=None)
def test_a_range_is_that_of_the_array(stored: FrameFile, part: slice) -> None:
    """Any rising range gives the same frames as the array."""
    np.testing.assert_array_equal(stored[part], FRAMES[part])


@given(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=9))
@settings(max_examples=50, deadline=None)
def test_indices_may_repeat_and_have_any_shape(
    stored: FrameFile, rows: list[list[int]]
) -> None:
    """Groups of indices give groups of frames, repeated ones too."""
    groups = np.array(rows, np.int64)

    np.testing.assert_array_equal(stored[groups], FRAMES[groups])


@given(st.permutations(range(COUNT)), st.lists(NUMBERS, min_size=2, max_size=8))
@settings(max_examples=30, deadline=None)
def test_a_part_of_a_part_is_found(
    stored: FrameFile, order: list[int], chosen: list[int]
) -> None:
    """A choice of frames, chosen from again, equals the array indexed twice."""
    part = TakenFrames(TakenFrames(stored, np.array(order)[:9]), np.array([4, 0, 8, 2]))
    expected = FRAMES[np.array(order)[:9]][[4, 0, 8, 2]]
    wanted = np.array(chosen)[None] % 4

    np.testing.assert_array_equal(part[wanted], expected[wanted])
    np.testing.assert_array_equal(part[1:3], expected[1:3])
    np.testing.assert_array_equal(np.asarray(part), expected)
    assert part.shape == expected.shape


def test_neighbours_are_read_at_once(
    stored: FrameFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of frames takes one read, and a frame that is wanted twice is read once."""
    places: list[int] = []
    real = os.preadv

    def counted(descriptor: int, buffers: list[memoryview], place: int) -> int:
        places.append(place)
        return real(descriptor, buffers, place)

    monkeypatch.setattr(os, "preadv", counted)
    frames = stored[np.array([[7, 3], [2, 7], [4, 9]])]

    np.testing.assert_array_equal(frames[1, 0], FRAMES[2])
    assert places == [OFFSET + 60 * number for number in (2, 7, 9)]


@pytest.mark.parametrize("index", [-1, COUNT])
def test_no_other_bytes_are_taken_for_frames(stored: FrameFile, index: int) -> None:
    """An index before the first or after the last frame is an error, not other bytes."""
    with pytest.raises(IndexError):
        stored[np.array([0, index])]


def test_a_file_that_shrinks_is_an_input_error(tmp_path: Path) -> None:
    """A file cut short while it is in use is named; the process lives."""
    path = tmp_path / "short.raw"
    path.write_bytes(FRAMES.tobytes())
    opened = FrameFile(path, 0, FRAMES.shape)
    os.truncate(path, 61)

    with pytest.raises(InputError) as caught:
        opened[:]

    assert str(path) in caught.value.where
    np.testing.assert_array_equal(opened[:1], FRAMES[:1])


def test_another_process_opens_the_file_anew(stored: FrameFile) -> None:
    """What is sent to a worker is the place of the frames, not the frames."""
    sent = pickle.dumps(stored)
    again: NDArray[np.float32] = pickle.loads(sent)[2:4]  # noqa: S301 - made one line above

    assert len(sent) < FRAMES.nbytes
    np.testing.assert_array_equal(again, FRAMES[2:4])
