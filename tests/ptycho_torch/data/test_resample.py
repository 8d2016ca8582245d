"""Detectors that are cut, padded and binned, judged by an object in closed form.

O(x) = Σ a exp(2πi k·x) of few slow waves, P(x) a Gaussian: the pattern at the frequency q is
|Σ a exp(2πi k·r) G(q − k)|² with G the Gaussian that P transforms into, on any detector.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ptycho_torch.cli import convert
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import resample, scan_file
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError
from ptycho_torch.simulation import expose
from tests.builders import scans

SIDE, SIGMA, PIXEL_M = 96, 3.0, 2e-8
WAVES = {(0.0, 0.0): 0.8, (0.05, 0.03): 0.3j, (-0.04, 0.06): 0.2, (0.02, -0.07): 0.15 - 0.1j}
CANVAS = (190, 200)
# Whole pixels on every grid below, so that the judge needs no interpolation of its own.
PLACES = np.array([(x, y) for x in (72.0, 84, 96, 108, 120) for y in (60.0, 72, 96)])
PHOTONS = 1e6


def _closed_form(side: int, places: NDArray[np.float64] = PLACES) -> NDArray[np.float64]:
    """Amplitudes of all points on a detector of that side, the window being SIDE pixels."""
    frequency = (np.arange(side) - side // 2) / SIDE
    total = np.zeros((len(places), side, side), complex)
    for (kx, ky), factor in WAVES.items():
        turn = factor * np.exp(2j * np.pi * (places @ (kx, ky)))
        squared = (frequency - kx)[None, :] ** 2 + (frequency - ky)[:, None] ** 2
        total += turn[:, None, None] * np.exp(-2 * np.pi**2 * SIGMA**2 * squared)
    return np.abs(total)


@cache
def _known() -> dict[str, NDArray[np.generic]]:
    """The scan as arrays of a file, frames in closed form, PHOTONS a frame on average."""
    axis = np.arange(SIDE) - SIDE // 2
    probe = np.exp(-(axis[None, :] ** 2 + axis[:, None] ** 2) / (2 * SIGMA**2))
    y, x = np.indices(CANVAS)
    canvas = sum(a * np.exp(2j * np.pi * (kx * x + ky * y)) for (kx, ky), a in WAVES.items())
    amplitude = _closed_form(SIDE)
    scale = np.sqrt(PHOTONS / np.square(amplitude).sum(axis=(1, 2)).mean())
    # exp() at the detector stands for a probe with that transform, see the module.
    peak = 2 * np.pi * SIGMA**2 / SIDE
    return {
        "diff3d": (amplitude * scale).astype(np.float32),
        "xcoords": PLACES[:, 0],
        "ycoords": PLACES[:, 1],
        "probeGuess": (probe * scale / peak).astype(np.complex64),
        "objectGuess": canvas.astype(np.complex64),
        "_metadata": np.array(
            f'{{"physics_parameters": {{"pixel_size_m": {PIXEL_M}, "nphotons": {PHOTONS}}}}}'
        ),
    }


def _residual(scan: ScanData) -> float:
    """|√Î − A| / |A| of a scan by its own object, probe and places."""
    assert scan.object_canvas is not None
    canvas = np.pad(scan.object_canvas, expose.MARGIN, mode="reflect")
    places = scan.positions + expose.MARGIN
    blocks = list(expose.blocks(canvas, scan.probe.astype(np.complex128), places))
    amplitude = np.asarray(scan.amplitude[:], np.float64)
    error = (np.sqrt(np.concatenate(blocks)) - amplitude)[:, scan.valid_mask]
    return float(np.linalg.norm(error) / np.linalg.norm(amplitude[:, scan.valid_mask]))


def _convert(tmp_path: Path, *flags: str, **changes: NDArray[np.generic]) -> ScanData:
    source = scans.write_arrays(tmp_path / "known.npz", **{**_known(), **changes})
    target = tmp_path / "resized.npz"
    words = ["--input", str(source), "--output", str(target), *flags, "--quiet"]
    assert convert.main(words) == 0
    return scan_file.read(target, DataConfig(gridsize=1))


def test_known_scan_explains_itself(tmp_path: Path) -> None:
    """Before anything is resized, the model gives the frames in closed form."""
    source = scans.write_arrays(tmp_path / "known.npz", **_known())

    assert _residual(scan_file.read(source, DataConfig(gridsize=1))) < 1e-4


@pytest.mark.parametrize(
    ("flags", "side", "pixel", "largest"),
    [
        (("--crop", "72"), 72, PIXEL_M * 96 / 72, 1e-3),
        (("--crop", "48"), 48, PIXEL_M * 96 / 48, 1e-3),
        (("--pad", "104"), 104, PIXEL_M * 96 / 104, 1e-3),
        (("--pad", "128"), 128, PIXEL_M * 96 / 128, 1e-3),
        (("--bin", "2"), 48, PIXEL_M, 0.01),
        (("--bin", "3"), 32, PIXEL_M, 0.025),
        (("--bin", "2", "--crop", "40"), 40, PIXEL_M * 48 / 40, 0.01),
    ],
)
def test_resized_scan_explains_itself(
    tmp_path: Path, flags: tuple[str, ...], side: int, pixel: float, largest: float
) -> None:
    """Probe, object and places that follow predict the resized frames.

    What is left of bins is their spread, which no probe can follow; it grows as K² − 1.
    """
    scan = _convert(tmp_path, *flags)

    assert scan.side == side
    assert scan.pixel_size_m == pytest.approx(pixel, rel=1e-12)
    assert _residual(scan) < largest


def test_cut_frames_are_those_of_a_smaller_detector(tmp_path: Path) -> None:
    """A cut leaves the frames that a smaller detector would have taken."""
    scan = _convert(tmp_path, "--crop", "72")

    whole, cut = _closed_form(SIDE), _closed_form(72)
    scale = np.sqrt(PHOTONS / np.square(whole).sum(axis=(1, 2)).mean())
    np.testing.assert_allclose(scan.amplitude, cut * scale, rtol=1e-5, atol=1e-4)


def test_bins_add_counts(tmp_path: Path) -> None:
    """Every bin holds the counts of its pixels, so that no photon is lost."""
    scan = _convert(tmp_path, "--bin", "2")

    fine = np.square(_known()["diff3d"].astype(np.float64))
    coarse = fine.reshape(len(fine), 48, 2, 48, 2).sum(axis=(2, 4))
    np.testing.assert_allclose(np.square(scan.amplitude, dtype=np.float64), coarse, rtol=1e-5)
    assert scan.nphotons == PHOTONS


def test_photons_beside_a_cut_are_lost(tmp_path: Path) -> None:
    """The photons that the file states are those that the cut detector sees."""
    scan = _convert(tmp_path, "--crop", "32")

    seen = np.square(np.asarray(scan.amplitude[:], np.float64)).sum(axis=(1, 2)).mean()
    assert seen < 0.9996 * PHOTONS
    assert scan.nphotons == pytest.approx(seen, rel=1e-5)


def test_masks_follow(tmp_path: Path) -> None:
    """A bin with a bad pixel is bad, and so is the rim that nobody measured."""
    valid = np.ones((SIDE, SIDE), bool)
    valid[40, 51] = False

    binned = _convert(tmp_path, "--bin", "2", valid_mask=valid)
    padded = _convert(tmp_path, "--pad", "104", valid_mask=valid)

    assert np.argwhere(~binned.valid_mask).tolist() == [[20, 25]]
    assert not padded.valid_mask[44, 55]
    assert padded.valid_mask.sum() == SIDE**2 - 1
    assert _residual(binned) < 0.01


def test_a_side_that_no_network_takes_is_resized(tmp_path: Path) -> None:
    """Frames of 100 pixels are refused with the program that cuts them, and are cut by it."""
    side, grid = 100, np.arange(100) - 50
    frames = np.exp(-(grid[None, :] ** 2 + grid[:, None] ** 2) / 200)
    probe = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(frames))).astype(np.complex64)
    arrays = {
        "diff3d": np.repeat(frames[None], 12, axis=0).astype(np.float32),
        "xcoords": np.arange(12.0) * 5,
        "ycoords": np.zeros(12),
        "probeGuess": probe,
    }
    source, target = scans.write_arrays(tmp_path / "s.npz", **arrays), tmp_path / "t.npz"

    with pytest.raises(InputError, match=r"side 100; crop, pad or bin them with .*convert"):
        scan_file.read(source, DataConfig(gridsize=1))
    words = ["--input", str(source), "--output", str(target), "--crop", "96", "--quiet"]
    assert convert.main(words) == 0
    scan = scan_file.read(target, DataConfig(gridsize=1))
    np.testing.assert_allclose(scan.positions[:, 0], np.arange(12) * 5 * 96 / side)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--crop", "44"), "multiple of 8"),
        (("--crop", "104"), "up to 96"),
        (("--pad", "160"), "half of it measured"),
        (("--pad", "88"), "from 96"),
        (("--crop", "64", "--pad", "128"), "either"),
        (("--bin", "two"), "number of pixels"),
        (("--bin", "0"), "number of pixels"),
    ],
)
def test_impossible_sizes_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], words: str
) -> None:
    """What cannot be is one line with exit code 2, and nothing is written."""
    source = scans.write_arrays(tmp_path / "known.npz", **_known())
    target = tmp_path / "resized.npz"

    assert convert.main(["--input", str(source), "--output", str(target), *flags]) == 2

    assert words in capsys.readouterr().err
    assert not target.exists()


def test_probe_too_wide_to_bin_is_refused() -> None:
    """A probe that fills the window has speckles as fine as a pixel: bins destroy them."""
    scan = scans.simulated_scan()

    with pytest.raises(InputError, match=r"error of .* for the probe alone"):
        resample.bin_detector(scan, 2)


def test_residual_sees_what_does_not_follow(tmp_path: Path) -> None:
    """Amplitudes that are added, places, probe or object that stay: each shows."""
    source = scans.write_arrays(tmp_path / "known.npz", **_known())
    scan = scan_file.read(source, DataConfig(gridsize=1))
    cut, binned = resample.cut_detector(scan, 72), resample.bin_detector(scan, 2)
    middle = slice(24, 72)
    frames = np.asarray(scan.amplitude[:])
    added = frames.reshape(len(frames), 48, 2, 48, 2).sum(axis=(2, 4))

    def change(resized: ScanData, **fields: object) -> ScanData:
        names = resized.__dataclass_fields__
        return ScanData(**{**{name: getattr(resized, name) for name in names}, **fields})

    for wrong in (
        change(cut, positions=scan.positions * 0.98 * 72 / 96),
        change(cut, object_canvas=scan.object_canvas),
        change(binned, amplitude=added),
        change(binned, probe=scan.probe[:, middle, middle]),
    ):
        assert _residual(wrong) > 0.05
