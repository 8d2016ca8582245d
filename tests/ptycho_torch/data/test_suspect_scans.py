"""Scans that may be right and look wrong: that is said, with the cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho_torch.data import likeness
from ptycho_torch.simulation import simulate
from ptycho_torch.simulation.recipe import OBJECTS, PROBES, SimulationRecipe
from tests.builders import bad_scans, known_scan, scans
from tests.builders.deformations import (
    AMPLITUDE,
    LARGEST_RESIDUAL,
    TRUTH,
    Make,
    make_cxi,
    make_npz,
    make_product,
    read_scan,
)
from tests.builders.known_scan import DETECTOR, SIDE

FACTOR = 0.3712  # counts behind a flat field are no whole numbers
WARNED: dict[str, tuple[Make, str, dict[str, Any] | None]] = {
    "intensities that are no whole numbers": (
        make_npz(
            diff3d=(TRUTH.counts * FACTOR).astype(np.float32),
            probeGuess=TRUTH.probe[0] * np.sqrt(FACTOR),
        ),
        "roots of what is read fit the probe better",
        {"input_kind": "intensity"},
    ),
    "amplitudes in cxi": (
        make_cxi(data=np.sqrt(TRUTH.counts)),
        "squares of what is read fit the probe better",
        {"input_kind": "amplitude"},
    ),
    "amplitudes in a product": (
        make_product(dp=np.sqrt(TRUTH.counts)),
        "squares of what is read fit the probe better",
        {"input_kind": "amplitude"},
    ),
    "a transposed object": (
        make_npz(objectGuess=TRUTH.canvas.T),
        "worse than none",
        None,
    ),
    "an object with another origin": (
        make_npz(objectGuess=TRUTH.canvas[9:, 9:]),
        "worse than none",
        None,
    ),
    "transposed frames beside an object": (
        make_product(dp=TRUTH.counts.transpose(0, 2, 1)),
        "worse than none",
        None,
    ),
    "dark frames beside the frames": (
        make_cxi(
            data=TRUTH.counts + 1e5, **{f"{DETECTOR}/data_dark": np.full((SIDE, SIDE), 1e5)}
        ),
        "data_dark not applied",
        None,
    ),
    "frames a pixel to the right": (
        make_npz(diff3d=np.roll(AMPLITUDE, 1, axis=2)),
        "--center 17,16",
        {"center": "17,16"},
    ),
    "frames a pixel up": (
        make_npz(diff3d=np.roll(AMPLITUDE, -1, axis=1)),
        "--center 16,15",
        {"center": "16,15"},
    ),
    "mirrored frames": (make_npz(diff3d=AMPLITUDE[:, :, ::-1]), "were mirrored", None),
    "logarithms of counts": (
        make_npz(diff3d=np.log10(1 + TRUTH.counts).astype(np.float32)),
        "unlike the far field of the probe",
        None,
    ),
    "a probe without its phase": (
        make_npz(probeGuess=np.abs(TRUTH.probe[0])),
        "no phase",
        None,
    ),
}


@pytest.mark.parametrize("name", WARNED)
def test_suspect_scan_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """What is read is read with a warning, and the flag that it names reads it right."""
    make, words, cure = WARNED[name]
    made = make(tmp_path)

    scan = read_scan(made)

    assert words in caplog.text
    if "object" not in name or "frames" in name:  # an object is not what a scan is read for
        assert known_scan.residual(scan) > 10 * LARGEST_RESIDUAL
    if cure is not None:
        caplog.clear()
        assert known_scan.residual(read_scan(made, **cure)) <= LARGEST_RESIDUAL
        assert words not in caplog.text


def _count(most: int, brightness: float, dtype: Any) -> np.ndarray:
    """Counts of a counter that stops at a number, the brightest pixel so far above it."""
    wanted = np.rint(TRUTH.counts / TRUTH.counts.max() * most * brightness)
    return np.minimum(wanted, most).astype(dtype)


@pytest.mark.parametrize(("most", "dtype"), [(4095, np.uint16), (255, np.uint8), (16383, int)])
def test_full_counters_are_left_out(tmp_path: Path, most: int, dtype: Any) -> None:
    """Pixels that stopped counting are bad, those below are not."""
    counts = _count(most, 4.0, dtype)
    path = make_npz(diff3d=counts)(tmp_path)

    scan = read_scan(path, input_kind="intensity")

    np.testing.assert_array_equal(scan.valid_mask, ~(counts == most).any(axis=0))
    assert 0 < (~scan.valid_mask).sum() < SIDE**2 / 10


def test_a_largest_count_is_a_count(tmp_path: Path) -> None:
    """One pixel that happens to hold 2ⁿ − 1 counts is not taken for a full counter."""
    path = make_npz(diff3d=_count(4095, 1.0, np.uint16))(tmp_path)

    assert read_scan(path, input_kind="intensity").valid_mask.all()


@pytest.mark.parametrize("probe", PROBES)
def test_sound_scans_are_not_suspected(caplog: pytest.LogCaptureFixture, probe: str) -> None:
    """No kind of object under any kind of probe is taken for another kind of number."""
    for kind in OBJECTS:
        made = simulate.simulate(SimulationRecipe(n=32, n_points=25, object=kind, probe=probe))
        likeness.check_probe_place(made.probe.astype(np.complex64), "probe")
        valid = np.ones((32, 32), np.bool_)
        likeness.report_unlike(made.amplitude, made.probe.astype(np.complex64), valid, kind)

    assert not caplog.records


def test_counts_behind_a_flat_field_are_suspected(caplog: pytest.LogCaptureFixture) -> None:
    """The scan of the suites, spoilt so that nothing of it is a whole number, is named."""
    spoilt = bad_scans.as_flattened(scans.simulated_scan(SimulationRecipe(n_points=64)))

    likeness.report_unlike(spoilt.amplitude, spoilt.probe, spoilt.valid_mask, "frames")

    assert "roots of what is read fit the probe better" in caplog.text


def test_amplitudes_of_this_package_are_silent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What `simulate` writes is read without a word."""
    path = scans.write_simulated(tmp_path / "s.npz")

    read_scan(path)

    assert "probe" not in caplog.text
