"""Which frames were served: known by their energy, whatever number they have."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ptycho_torch.data import frame_record
from ptycho_torch.data.dataset import GroupDataset

SCALE = 0.3
RNG = np.random.default_rng(8)
FRAMES: NDArray[Any] = RNG.uniform(0.1, 2, size=(7, 6, 6)).astype(np.float32)
GROUPS = np.array([[0, 3], [5, 1], [2, 2]])
OFFSETS = RNG.normal(size=(3, 2, 2))
SOURCE = np.array([10, 12, 14, 16, 18, 20, 22])


def record(frames: NDArray[Any] = FRAMES) -> dict[str, Any]:
    """Record the groups of a few frames."""
    served = GroupDataset(frames, GROUPS, OFFSETS, SCALE)
    return frame_record.record_dataset(served, SOURCE, SCALE)


def test_frames_are_named_by_the_file() -> None:
    """A part of a scan names its frames as the file does, group by group."""
    assert record()["frames"] == [[10, 16], [20, 12], [14, 14]]


def test_energies_are_those_of_the_file() -> None:
    """Energies are in units of the file: the scale of the model is taken out again."""
    energies = (FRAMES.astype(float) ** 2).sum(axis=(1, 2))

    np.testing.assert_allclose(record()["energies"], energies[GROUPS], rtol=1e-6)


def test_inputs_are_what_the_model_is_given() -> None:
    """Whatever scale is said to be applied: what is said to be other shows in the energies."""
    served = GroupDataset(FRAMES, GROUPS, OFFSETS, 2 * SCALE)
    doubled = frame_record.record_dataset(served, SOURCE, SCALE)

    np.testing.assert_allclose(doubled["inputs"], 4 * np.array(record()["inputs"]), rtol=1e-6)
    energies = (FRAMES.astype(float) ** 2).sum(axis=(1, 2))
    np.testing.assert_allclose(doubled["inputs"], energies[GROUPS] * 0.36, rtol=1e-6)


def test_centroids_follow_the_light() -> None:
    """Columns come first; mirrored frames have mirrored centroids, with the same energy."""
    one, mirrored = record(), record(FRAMES[:, :, ::-1].copy())

    x, y = np.moveaxis(np.array(one["centroids"]), -1, 0)
    turned = np.moveaxis(np.array(mirrored["centroids"]), -1, 0)
    np.testing.assert_allclose(turned, [5 - x, y], rtol=1e-6)
    np.testing.assert_allclose(mirrored["energies"], one["energies"], rtol=1e-6)
    assert np.abs(turned[0] - x).max() > 0.01


def test_offsets_are_those_of_the_model() -> None:
    """Offsets are as a model is given them."""
    np.testing.assert_allclose(record()["offsets"], OFFSETS, rtol=1e-6)


def test_records_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many groups are served at a time, the record is the same JSON."""
    whole = record()
    monkeypatch.setattr(frame_record, "_BLOCK", 2)

    assert json.dumps(record()) == json.dumps(whole)


def test_placed_patches_are_recorded() -> None:
    """Where patches are placed stands beside their frames."""
    made = frame_record.FrameRecord(SCALE)
    served = GroupDataset(FRAMES, GROUPS, OFFSETS, SCALE)
    positions = RNG.normal(size=(7, 2))

    made.add(served.__getitems__([1]), GROUPS[[1]], positions[GROUPS[[1]]])

    assert made.to_dict()["positions"] == [positions[[5, 1]].tolist()]
