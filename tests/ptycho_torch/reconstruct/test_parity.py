"""Parity numbers on differences that were put in."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho_torch.errors import InputError, MissingInputError
from ptycho_torch.reconstruct import parity


def make_probe(groups: int = 3, size: int = 4, side: int = 6) -> parity.Probe:
    """Stored patches of a few groups."""
    rng = np.random.default_rng(0)
    real, imaginary = rng.normal(size=(2, groups, size, side, side))
    patches = (1 + 0.1 * (real + 1j * imaginary)).astype(np.complex64)
    return parity.Probe(
        dataset_sha256="ab" * 32,
        groups=np.arange(groups * size).reshape(groups, size),
        positions=rng.uniform(0, 90, (groups, size, 2)),
        patches=patches,
        consistent=np.roll(patches, 1, axis=-1),
    )


def compared(probe: parity.Probe, **changes: Any) -> dict[str, Any]:
    """Compare stored patches with themselves, parts replaced."""
    again = dataclasses.replace(probe, **changes)
    return parity.compare(probe, again.positions, again.patches, again.consistent)


def test_equal_patches_agree() -> None:
    """The same numbers have distance 0, ratio 1 and no differing stage."""
    report = compared(make_probe())

    assert report["relative_l2"] == 0.0
    assert report["relative_l2_patches"] == [0.0, 0.0, 0.0]
    assert report["amplitude_ratio"] == 1.0
    assert report["first_stage"] is None


def test_distance_is_per_group() -> None:
    """A factor of 1.01 on one group is a distance of 0.01 there and 0 elsewhere."""
    factor = np.array([1, 1.01, 1])[:, None, None, None]

    report = compared(make_probe(), patches=make_probe().patches.astype(np.complex128) * factor)

    assert report["relative_l2_patches"] == pytest.approx([0, 0.01, 0])
    assert report["relative_l2_consistent"] == [0.0, 0.0, 0.0]
    assert report["relative_l2"] == pytest.approx(0.01)
    assert 1.003 < report["amplitude_ratio"] < 1.004
    assert report["first_stage"] == "patches"


def test_first_stage_follows_the_road() -> None:
    """The first stage that differs is named, however large a later one is."""
    probe = make_probe()

    only_last = compared(probe, consistent=probe.consistent * np.complex64(1.001))
    moved = compared(probe, positions=probe.positions + 1e-9, patches=2 * probe.patches)

    assert only_last["first_stage"] == "consistent"
    assert moved["first_stage"] == "positions"


def test_small_difference_is_tolerated() -> None:
    """A distance below the tolerance is reported but is no failure."""
    probe = make_probe()

    report = compared(probe, patches=probe.patches.astype(np.complex128) * (1 + 3e-7))

    assert report["relative_l2"] == pytest.approx(3e-7, rel=1e-3)
    assert report["first_stage"] is None


def test_nan_never_agrees() -> None:
    """A value that is no number fails its stage and is null in the record."""
    patches = make_probe().patches.copy()
    patches[1, 2, 3, 3] = np.nan

    report = compared(make_probe(), patches=patches)

    assert report["relative_l2"] is None
    assert report["relative_l2_patches"][1] is None
    assert report["first_stage"] == "patches"


def test_zero_groups_need_no_division() -> None:
    """A group that is zero on both sides agrees; zero against something does not."""
    zero, one = np.zeros((2, 3, 4)), np.ones((2, 3, 4))

    assert parity.relative_l2(zero, zero).tolist() == [0.0, 0.0]
    assert parity.relative_l2(one, zero).tolist() == [np.inf, np.inf]


def write(path: Path, probe: parity.Probe, **changes: Any) -> Path:
    """Store a probe as training does, with parts replaced or left out."""
    content = {field.name: getattr(probe, field.name) for field in dataclasses.fields(probe)}
    kept_parts = {k: v for k, v in (content | changes).items() if v is not None}
    np.savez(path, **kept_parts)
    return path


def test_stored_probe_is_read_back(tmp_path: Path) -> None:
    """What training stored is what parity reads."""
    probe = parity.read_probe(write(tmp_path / "probe.npz", make_probe()))

    assert probe.dataset_sha256 == "ab" * 32
    np.testing.assert_array_equal(probe.patches, make_probe().patches)
    np.testing.assert_array_equal(probe.groups, make_probe().groups)


@pytest.mark.parametrize(
    "changes",
    [
        {"patches": None},
        {"groups": np.zeros((0, 4), int)},
        {"positions": np.zeros((2, 4, 2))},
        {"consistent": np.zeros((3, 4, 6, 5), np.complex64)},
        {"patches": np.zeros((3, 4, 6, 6))},
        {"dataset_sha256": np.array({}, dtype=object)},
    ],
)
def test_odd_probe_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    """A missing, empty, misshapen or pickled array is an error that names it."""
    path = write(tmp_path / "probe.npz", make_probe(), **changes)

    with pytest.raises(InputError) as caught:
        parity.read_probe(path)

    assert caught.value.where.endswith(next(iter(changes)))


def test_missing_probe_says_how_to_get_one(tmp_path: Path) -> None:
    """Without stored patches the error names the flag that stores them."""
    with pytest.raises(MissingInputError) as caught:
        parity.read_probe(tmp_path / "probe.npz")

    assert "--log-patch-stats" in caught.value.remedy
