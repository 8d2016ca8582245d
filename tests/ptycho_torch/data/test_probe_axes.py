"""Probes of several modes in the order of axes of every program, judged by their frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.builders import known_scan
from tests.builders.deformations import (
    LARGEST_RESIDUAL,
    TRUTH,
    make_cxi,
    make_npz,
    make_product,
    read_scan,
    split_complex,
)
from tests.builders.known_scan import POINTS, SIDE

Probe = NDArray[np.complexfloating[Any, Any]]
AXIS = (np.arange(SIDE) - SIDE // 2) / 6
FIRST = TRUTH.probe[0]
MODES = np.stack([FIRST, 0.7 * FIRST * AXIS, 0.4 * FIRST * AXIS[:, None]]).astype(np.complex64)
COUNTS = known_scan.expose_known(TRUTH.positions, MODES)
AMPLITUDE = np.sqrt(COUNTS).astype(np.float32)
VARIANTS = np.stack([MODES, 0.3j * MODES])
WEIGHTS = np.array([[1.0, 0.0]] * POINTS)

ORDERS: dict[str, Callable[[Probe], Probe]] = {
    "P H W": lambda modes: modes,
    "H W P": lambda modes: np.moveaxis(modes, 0, -1),
    "1 P H W": lambda modes: modes[None],
    "P 1 H W": lambda modes: modes[:, None],
    "P H W 1": lambda modes: modes[..., None],
    "H W P 1": lambda modes: np.moveaxis(modes, 0, -1)[..., None],
    "H W 1 P": lambda modes: np.moveaxis(modes, 0, -1)[:, :, None],
    "1 1 P H W": lambda modes: modes[None, None],
    "1 P 1 H W": lambda modes: modes[None, :, None],
    "1 1 P 1 H W": lambda modes: modes[None, None, :, None],
}


def _write_matlab(path: Path, probe: Probe) -> Path:
    arrays = {
        "diff3d": np.moveaxis(AMPLITUDE, 0, -1),
        "xcoords": TRUTH.positions[:, :1],
        "ycoords": TRUTH.positions[:, 1:],
        "probeGuess": split_complex(probe, ("real", "imag")),
    }
    with h5py.File(path, "w", userblock_size=512) as root:
        for key, value in arrays.items():
            root[key] = np.ascontiguousarray(value.T)
            root[key].attrs["MATLAB_class"] = np.bytes_("single")
    return path


@pytest.mark.parametrize("order", ORDERS)
def test_modes_are_those_of_the_frames(tmp_path: Path, order: str) -> None:
    """Every order of axes gives the three modes, in NPZ and in CXI."""
    probe = ORDERS[order](MODES)

    for made in (
        make_npz(diff3d=AMPLITUDE, probeGuess=probe)(tmp_path),
        make_cxi(data=COUNTS, illumination=probe)(tmp_path),
    ):
        scan = read_scan(made)
        assert scan.probe.shape == MODES.shape
        assert known_scan.residual(scan) <= LARGEST_RESIDUAL


@pytest.mark.parametrize("order", ["H W P", "H W P 1", "H W 1 P"])
def test_modes_of_matlab_are_those_of_the_frames(tmp_path: Path, order: str) -> None:
    """MATLAB keeps rows first and turns all axes around when it writes."""
    scan = read_scan(_write_matlab(tmp_path / "s.mat", ORDERS[order](MODES)))

    assert scan.probe.shape == MODES.shape
    assert known_scan.residual(scan) <= LARGEST_RESIDUAL


@pytest.mark.parametrize(
    "stored",
    [VARIANTS, np.moveaxis(VARIANTS, (0, 1), (3, 2)), VARIANTS[None]],
    ids=["V P H W", "H W P V", "1 V P H W"],
)
def test_variants_are_mixed_by_their_weights(tmp_path: Path, stored: Probe) -> None:
    """Variants of several modes, first or last, are mixed by the weights of their file."""
    scan = read_scan(make_product(dp=COUNTS, probe=stored, opr_weights=WEIGHTS)(tmp_path))

    assert scan.probe.shape == MODES.shape
    assert known_scan.residual(scan) <= LARGEST_RESIDUAL


def test_variants_of_one_mode_are_no_modes(tmp_path: Path) -> None:
    """Weights tell variants of a single mode from modes beside an unused axis."""
    stored = np.stack([TRUTH.probe, 0.5 * TRUTH.probe])

    scan = read_scan(make_product(probe=stored, opr_weights=WEIGHTS)(tmp_path))

    assert scan.probe.shape == TRUTH.probe.shape
    assert known_scan.residual(scan) <= LARGEST_RESIDUAL
