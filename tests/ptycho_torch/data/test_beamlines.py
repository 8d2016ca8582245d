"""Files as beamlines and detectors write them, each judged by the object that is known."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file
from ptycho_torch.errors import InputError
from tests.builders import known_scan
from tests.builders.deformations import (
    IDENTITIES,
    LARGEST_RESIDUAL,
    ROUGH,
    TRUTH,
    mark_pixels,
    read_scan,
    save_arrays,
    write_pair,
)
from tests.builders.known_scan import (
    DETECTOR_PIXEL_M,
    DISTANCE_M,
    ENERGY_EV,
    PIXEL_M,
    POINTS,
    SIDE,
    WAVELENGTH_M,
    write_frames,
    write_product,
)

MICROMETRE = 1e-6
SAMPLE = -TRUTH.metres  # the sample moves against the probe


def _class(root: h5py.File, **classes: str) -> None:
    for name, kind in classes.items():
        root[name.replace("__", "/")].attrs["NX_class"] = kind


def _probe(tmp: Path) -> Path:
    return save_arrays(tmp / "probe.npz", probeGuess=TRUTH.probe)


def write_ptyr(path: Path, probe: Any = TRUTH.probe, pixel: float = PIXEL_M) -> Path:
    """Write a probe as a reconstruction of PtyPy keeps it."""
    with h5py.File(path, "w") as root:
        root["content/probe/Sscan00G00/data"] = probe
        root["content/probe/Sscan00G00/_psize"] = np.full(2, pixel)
    return path


def i13(tmp: Path, *, unit: str | None = "um", factor: float = MICROMETRE) -> tuple[Path, Path]:
    """Motors of one positioner, frames linked into the NXdata of the detector."""
    path = tmp / "i13.nxs"
    with h5py.File(path, "w") as root:
        det = "entry1/instrument/merlin_sw_hdf"
        root[f"{det}/data"] = TRUTH.counts.astype(np.uint32)
        root[f"{det}/distance"], root[f"{det}/x_pixel_size"] = DISTANCE_M, DETECTOR_PIXEL_M
        for axis, name in enumerate(("lab_sx", "lab_sy")):
            key = f"entry1/instrument/lab_sxy/{name}"
            root[key] = SAMPLE[:, axis] / factor
            if unit:
                root[key].attrs["units"] = unit
            root[f"{key}_set"] = np.zeros(POINTS)
        root["entry1/instrument/beam/incident_energy"] = ENERGY_EV / 1e3
        root["entry1/instrument/beam/incident_energy"].attrs["units"] = "keV"
        root["entry1/merlin_sw_hdf/data"] = h5py.SoftLink(f"/{det}/data")
        _class(root, entry1="NXentry", entry1__merlin_sw_hdf="NXdata")
    return path, _probe(tmp)


def positioners(tmp: Path) -> tuple[Path, Path]:
    """A positioner of its own for each motor, its places in its value."""
    path = tmp / "scan.nxs"
    with h5py.File(path, "w") as root:
        det = "entry/instrument/excalibur"
        root[f"{det}/data"] = TRUTH.counts
        root[f"{det}/distance"], root[f"{det}/x_pixel_size"] = (
            DISTANCE_M * 1e3,
            DETECTOR_PIXEL_M,
        )
        root[f"{det}/distance"].attrs["units"] = "mm"
        for axis, name in enumerate(("stage_x", "stage_y")):
            key = f"entry/instrument/{name}"
            root[f"{key}/value"] = SAMPLE[:, axis] * 1e3
            root[f"{key}/value"].attrs["units"] = "mm"
            root[key].attrs["NX_class"] = "NXpositioner"
        root["entry/instrument/beam/incident_wavelength"] = WAVELENGTH_M * 1e10
        root["entry/instrument/beam/incident_wavelength"].attrs["units"] = "angstrom"
    return path, _probe(tmp)


def i08(tmp: Path, *, is_listed: bool = False) -> tuple[Path, Path]:
    """A raster of frames beside the two axes of the raster, or beside each point's place."""
    path = tmp / "i08.nxs"
    counts, places = _raster()
    with h5py.File(path, "w") as root:
        root["entry1/instrument/_andorrastor/data"] = counts
        x, y = places[0, :, 0], places[:, 0, 1]
        if is_listed:
            x, y = places[..., 0], places[..., 1]
        root["entry1/Counter1/sample_x"], root["entry1/Counter1/sample_y"] = x, y
    return path, write_ptyr(tmp / "p.ptyr")


def _raster() -> tuple[Any, Any]:
    """The known object on a raster of 5 × 6, and where the sample was [µm]."""
    left, top = TRUTH.positions.min(axis=0)
    rows, columns = top + np.arange(5) * 3.0, left + np.arange(6) * 4.0
    y, x = np.meshgrid(rows, columns, indexing="ij")
    places = np.stack([x.ravel(), y.ravel()], axis=1).astype(float)
    counts = known_scan.expose_known(places).reshape(5, 6, SIDE, SIDE)
    metres = (places - np.array(TRUTH.canvas.shape[::-1]) / 2) * PIXEL_M
    return counts, -metres.reshape(5, 6, 2) / MICROMETRE


def nanomax(tmp: Path, *, home: str = "pseudo", key: str = "eiger1m/frames") -> Any:
    """Frames behind an external link, places in micrometres without a unit."""
    frames = write_frames(tmp / "scan_000012_eiger.hdf5", frames=TRUTH.counts.astype(np.uint32))
    path = tmp / "000012.h5"
    with h5py.File(path, "w") as root:
        root[f"entry/measurement/{key}"] = h5py.ExternalLink(frames.name, "frames")
        for axis, name in enumerate("xy"):
            root[f"entry/measurement/{home}/{name}"] = SAMPLE[:, axis] / MICROMETRE
            root[f"entry/measurement/s{name}"] = np.zeros(POINTS)
        root["entry/snapshot/energy"] = ENERGY_EV
    return path, write_ptyr(tmp / "p.ptyr", TRUTH.probe)


def eiger(tmp: Path, counts: Any, **stated: Any) -> tuple[Path, Path]:
    """A master file with links to its data, and what it says of its numbers."""
    write_frames(tmp / "s_data_000001.h5", data=counts)
    path = tmp / "s_master.h5"
    with h5py.File(path, "w") as root:
        root["entry/data/data_000001"] = h5py.ExternalLink("s_data_000001.h5", "data")
        for key, value in stated.items():
            root[f"entry/instrument/detector/{key.replace('__', '/')}"] = value
    return write_pair(tmp, IDENTITIES, path)


BITS = np.zeros((SIDE, SIDE), np.uint32)
BITS[ROUGH] = [1 << 1, 1 << 31]  # a dead pixel, a virtual one

FILES: dict[str, Callable[[Path], Any]] = {
    "I13": i13,
    "I13 without a unit": lambda tmp: i13(tmp, unit=None),
    "I13 in mm": lambda tmp: i13(tmp, unit="mm", factor=1e-3),
    "positioners": positioners,
    "NanoMAX": nanomax,
    "NanoMAX buffered": lambda tmp: nanomax(tmp, home="npoint_buff", key="Eiger/data"),
    "eiger of 16 bits in 32": lambda tmp: (
        eiger(tmp, mark_pixels(2**16 - 1, 4, np.uint32), bit_depth_image=16)
        if TRUTH.counts.max() < 2**16 - 1
        else eiger(tmp, mark_pixels(2**31 - 1, 4, np.uint32), bit_depth_image=31)
    ),
    "eiger with a cutoff": lambda tmp: eiger(
        tmp,
        mark_pixels(7e8, 4, np.uint32),
        detectorSpecific__countrate_correction_count_cutoff=int(7e8),
    ),
    "above the saturation value": lambda tmp: eiger(
        tmp, mark_pixels(7e8 + 1, 4, np.uint32), saturation_value=int(7e8)
    ),
    "bits of an eiger's mask": lambda tmp: eiger(
        tmp, mark_pixels(7e8, dtype=np.uint32), detectorSpecific__pixel_mask=BITS
    ),
    "probe of ptyr": lambda tmp: (
        write_product(tmp / "p.h5", probe=TRUTH.probe),
        write_ptyr(tmp / "p.ptyr"),
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_file_of_a_beamline_is_read_right(tmp_path: Path, name: str) -> None:
    """Frames, places and masks are those of the known object."""
    scan = read_scan(FILES[name](tmp_path))

    assert scan.point_count == POINTS
    assert known_scan.residual(scan) <= LARGEST_RESIDUAL


@pytest.mark.parametrize("is_listed", [False, True])
def test_raster_of_i08_is_read_right(tmp_path: Path, is_listed: bool) -> None:  # noqa: FBT001
    """The fast axis of the frames is x, whether axes or places of all points are stored."""
    scan = read_scan(i08(tmp_path, is_listed=is_listed))

    assert scan.point_count == 30
    assert known_scan.residual(scan) <= LARGEST_RESIDUAL


def test_pixel_comes_from_the_file(tmp_path: Path) -> None:
    """The geometry gives the object pixel, in whatever units it is stated."""
    assert read_scan(positioners(tmp_path)).pixel_size_m == pytest.approx(PIXEL_M, rel=1e-6)


def test_motion_of_the_probe_turns_the_scan(tmp_path: Path) -> None:
    """What such a file leaves open is a flag, and the other choice is another scan."""
    made = i13(tmp_path)

    turned = read_scan(made, translation_kind="probe")

    assert known_scan.residual(turned) > 10 * LARGEST_RESIDUAL


def _two_detectors(tmp: Path) -> tuple[Path, Path]:
    made = i13(tmp)
    with h5py.File(made[0], "r+") as root:
        root["entry1/instrument/excalibur/data"] = TRUTH.counts
    return made


def _two_pairs(tmp: Path) -> tuple[Path, Path]:
    made = i13(tmp)
    with h5py.File(made[0], "r+") as root:
        for axis in "xy":
            root[f"entry1/instrument/lab_sxy/lab_p{axis}"] = np.arange(POINTS) * 1.0
    return made


def _no_pixel(tmp: Path) -> tuple[Path, Path]:
    return nanomax(tmp)[0], _probe(tmp)


def _other_pixel(tmp: Path) -> tuple[Path, Path]:
    return i13(tmp)[0], write_ptyr(tmp / "p.ptyr", pixel=1.2 * PIXEL_M)


def _no_frames(tmp: Path) -> Path:
    made = nanomax(tmp)
    (tmp / "scan_000012_eiger.hdf5").unlink()
    return made


def _two_probes(tmp: Path) -> tuple[Path, Path]:
    path = write_ptyr(tmp / "p.ptyr")
    with h5py.File(path, "r+") as root:
        root["content/probe/Sscan01G00/data"] = TRUTH.probe
    return i13(tmp)[0], path


REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "two detectors": (_two_detectors, "one detector"),
    "two pairs of motors": (_two_pairs, "lab_px"),
    "nothing of the geometry": (_no_pixel, "x_pixel_size"),
    "a probe of another pixel": (_other_pixel, "pixel"),
    "frames that are not there": (_no_frames, "scan_000012_eiger.hdf5"),
    "probes of two scans": (_two_probes, "Sscan01G00"),
    "an unknown unit": (lambda tmp: i13(tmp, unit="steps"), "length"),
    "a wrong unit": (lambda tmp: i13(tmp, unit="nm"), "divide"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_beamline_leaves_open_is_refused(tmp_path: Path, name: str) -> None:
    """Two detectors, lost links and unknown units are one line with the cure."""
    make, words = REFUSED[name]

    with pytest.raises(InputError) as caught:
        read_scan(make(tmp_path))

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_links_to_places_are_part_of_the_identity(tmp_path: Path) -> None:
    """Places behind a link that changed are another scan, whatever lies in the scan file."""
    path, probe = i13(tmp_path)
    key = "entry1/instrument/lab_sxy/lab_sx"
    with h5py.File(path, "r+") as root:
        del root[key]
        root[key] = h5py.ExternalLink("motors.h5", "x")
    digests = []
    for shift in (0.0, 0.05):
        write_frames(tmp_path / "motors.h5", x=SAMPLE[:, 0] / MICROMETRE * (1 + shift))
        digests.append(read_scan((path, probe)).sha256)

    assert digests[0] != digests[1]


HAS_FILTERS = importlib.util.find_spec("hdf5plugin") is not None


@pytest.mark.skipif(not HAS_FILTERS, reason="needs hdf5plugin")
@pytest.mark.parametrize("name", ["Bitshuffle", "LZ4", "Blosc", "Zstd"])
def test_packed_frames_are_unpacked(tmp_path: Path, name: str) -> None:
    """Frames that are packed as detectors pack them are the frames of the known object."""
    import hdf5plugin

    made = nanomax(tmp_path)
    with h5py.File(tmp_path / "scan_000012_eiger.hdf5", "w") as root:
        packing = getattr(hdf5plugin, name)()
        counts = TRUTH.counts.astype(np.uint32)
        root.create_dataset("frames", data=counts, chunks=(1, SIDE, SIDE), **packing)

    assert known_scan.residual(read_scan(made)) <= LARGEST_RESIDUAL


def test_masters_without_places_are_second_files(tmp_path: Path) -> None:
    """A master file alone is no scan: the line says to give it as a second file."""
    _, master = eiger(tmp_path, TRUTH.counts)

    with pytest.raises(InputError, match="companion_file"):
        scan_file.read(master, DataConfig(gridsize=1))
