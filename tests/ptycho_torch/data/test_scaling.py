"""The scaling contract against closed forms."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from ptycho_torch.data import scaling
from ptycho_torch.errors import BundleError, InputError
from tests.builders import scans

SCAN = scans.simulated_scan(scans.tiny_recipe(modes=2))
CONTRACT = scaling.fit(SCAN, 1e5)


def test_normalised_frames_have_the_gauge_energy() -> None:
    """After scaling, frames and probe both carry (N / 2)² on average."""
    scaled = CONTRACT.input_scale * SCAN.amplitude.astype(np.float64)
    probe = scaling.normalise_probe(SCAN.probe, CONTRACT).astype(np.complex128)

    assert np.square(scaled).sum() / SCAN.point_count == pytest.approx(256, rel=1e-12)
    assert np.square(np.abs(probe)).sum() == pytest.approx(256, rel=1e-6)
    assert probe.shape == (2, 32, 32)


@pytest.mark.parametrize(
    ("side", "photons", "expected"),
    [
        (32, 1e5, 19.764235),
        (64, 1e5, 9.882118),
        (128, 1e5, 4.941059),
        (256, 1e5, 2.470529),
        (64, 1e9, 988.211769),
        (128, 1e9, 494.105884),
        (256, 1e9, 247.052942),
    ],
)
def test_intensity_scale_is_golden(side: int, photons: float, expected: float) -> None:
    """The published intensity scales, for each side and dose."""
    scan = dataclasses.replace(
        SCAN,
        amplitude=np.ones((3, side, side), np.float32),
        positions=SCAN.positions[:3],
        probe=np.ones((1, side, side), np.complex64),
        valid_mask=np.ones((side, side), np.bool_),
    )

    assert scaling.fit(scan, photons).intensity_scale == pytest.approx(expected, abs=5e-7)


def test_bad_pixels_carry_no_energy() -> None:
    """Pixels outside the valid mask count neither in the energy nor in the scale."""
    mask = np.ones((32, 32), np.bool_)
    mask[10:20, 5:9] = False

    masked = scaling.fit(dataclasses.replace(SCAN, valid_mask=mask), 1e5)

    expected = np.square(SCAN.amplitude[:, mask].astype(np.float64)).sum() / SCAN.point_count
    assert masked.mean_energy == pytest.approx(expected, rel=1e-12)


def test_contract_survives_its_record() -> None:
    """Writing and reading a contract changes nothing."""
    assert scaling.ScalingContract.from_dict(CONTRACT.to_dict()) == CONTRACT


DAMAGE: dict[str, dict[str, Any]] = {
    "input scale": {"input_scale": CONTRACT.input_scale * (1 + 1e-8)},
    "intensity scale": {"intensity_scale": CONTRACT.intensity_scale * (1 - 1e-8)},
    "probe scale": {"probe_scale": 1.0},
    "zero energy": {"mean_energy": 0.0},
    "NaN photons": {"nphotons": float("nan")},
    "text": {"nphotons": "many"},
    "truth value": {"N": True},
    "version": {"version": "scale-2"},
    "gauge": {"amplitude_gauge": "other"},
    "unknown field": {"gain": 1.0},
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_damaged_contract_is_refused(change: dict[str, Any]) -> None:
    """A contract whose numbers do not follow from each other ends with exit code 4."""
    with pytest.raises(BundleError) as caught:
        scaling.ScalingContract.from_dict({**CONTRACT.to_dict(), **change})

    assert caught.value.exit_code == 4


def test_missing_field_is_refused() -> None:
    """No field of the contract has a silent default."""
    for name in CONTRACT.to_dict():
        partial = {key: value for key, value in CONTRACT.to_dict().items() if key != name}
        with pytest.raises(BundleError):
            scaling.ScalingContract.from_dict(partial)


def test_dark_scan_cannot_be_scaled() -> None:
    """Without energy there is no scale, and no division by zero either."""
    with pytest.raises(InputError):
        scaling.fit(dataclasses.replace(SCAN, amplitude=SCAN.amplitude * 0), 1e5)
