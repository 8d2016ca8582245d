"""Ways in which one known scan is deformed into files that others might write."""

from __future__ import annotations

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
from tests.builders.known_scan import (
    DETECTOR,
    DETECTOR_PIXEL_M,
    ENERGY_EV,
    JOULE_PER_EV,
    POINTS,
    SIDE,
    SOURCE,
    known,
    set_units,
    write_cxi,
    write_frames,
    write_npz,
    write_product,
)

LARGEST_RESIDUAL = 0.004
PATH = "entry_1/sample_1/geometry_1/translation"
TRUTH = known()
AMPLITUDE = np.sqrt(TRUTH.counts).astype(np.float32)
ORDER = np.random.default_rng(5).permutation(POINTS)
METRES = np.column_stack([TRUTH.metres, np.zeros(POINTS)])
ROUGH = np.zeros((SIDE, SIDE), bool)
ROUGH[3, 5] = ROUGH[20, 11] = True

Make = Callable[[Path], "Path | tuple[Path, Path]"]


def mark_pixels(value: float, frames: Any = slice(None), dtype: Any = np.float64) -> np.ndarray:
    counts = TRUTH.counts.astype(dtype)
    counts[frames, 3, 5] = counts[frames, 20, 11] = value
    return counts


def exchange_frame(number: int, frame: Any) -> np.ndarray:
    frames = AMPLITUDE.copy()
    frames[number] = frame
    return frames


def lose_position(axis: str, number: int) -> dict[str, np.ndarray]:
    places = {"xcoords": TRUTH.positions[:, 0].copy(), "ycoords": TRUTH.positions[:, 1].copy()}
    places[axis][number] = np.nan
    return places


def write_pair(tmp: Path, ids: Any, frames: Path, **more: Any) -> tuple[Path, Path]:
    product = write_product(tmp / "p.h5", dp=None, probe_position_indexes=ids, **more)
    return product, frames


def write_virtual(path: Path, *, is_whole: bool) -> Path:
    write_frames(path.with_name("part.h5"), data=TRUTH.counts)
    layout = h5py.VirtualLayout((POINTS, SIDE, SIDE), np.float64)
    source = h5py.VirtualSource("part.h5", "data", (POINTS, SIDE, SIDE))
    count = POINTS if is_whole else POINTS - 3
    layout[:count] = source[:count]
    write_cxi(path, data=None)
    with h5py.File(path, "r+") as root:
        root.create_virtual_dataset(f"{DETECTOR}/data", layout, fillvalue=0)
    return path


def remove_source(path: Path) -> Path:
    write_virtual(path, is_whole=True)
    path.with_name("part.h5").unlink()
    return path


def shorten_source(path: Path) -> Path:
    write_virtual(path, is_whole=True)
    write_frames(path.with_name("part.h5"), data=TRUTH.counts[:-2])
    return path


def write_link(path: Path, *, is_there: bool) -> Path:
    if is_there:
        write_frames(path.with_name("part.h5"), data=TRUTH.counts)
    link = h5py.ExternalLink("part.h5", "data")
    return write_cxi(path, data=None, **{"entry_1/data_1/data": link})


def split_complex(values: np.ndarray, names: tuple[str, str]) -> np.ndarray:
    fields = np.empty(values.shape, [(name, np.float64) for name in names])
    fields[names[0]], fields[names[1]] = values.real, values.imag
    return fields


def write_numbered(path: Path) -> Path:
    """A master file with its mask, and two files of frames that it links to."""
    gap = np.where(ROUGH, 1, 0).astype(np.uint32)
    with h5py.File(path, "w") as root:
        for number, part in enumerate((TRUTH.counts[:20], TRUTH.counts[20:]), start=1):
            counts = part.astype(np.uint32)
            counts[:, ROUGH] = 2**32 - 1
            write_frames(path.with_name(f"data_{number:06}.h5"), data=counts)
            link = h5py.ExternalLink(f"data_{number:06}.h5", "data")
            root[f"entry/data/data_{number:06}"] = link
        root["entry/instrument/detector/detectorSpecific/pixel_mask"] = gap
    return path


def write_matlab(path: Path) -> Path:
    """What MATLAB writes for frames (rows, columns, M): axes reversed after 512 bytes."""
    arrays = {
        "diff3d": np.moveaxis(AMPLITUDE, 0, -1),
        "xcoords": TRUTH.positions[:, :1],
        "ycoords": TRUTH.positions[:, 1:],
        "probeGuess": split_complex(TRUTH.probe[0], ("real", "imag")),
    }
    with h5py.File(path, "w", userblock_size=512) as root:
        for key, value in arrays.items():
            root[key] = np.ascontiguousarray(value.T)
            root[key].attrs["MATLAB_class"] = np.bytes_("single")
    content = bytearray(path.read_bytes())
    content[:19] = b"MATLAB 7.3 MAT-file"
    path.write_bytes(bytes(content))
    return path


def write_ptyd(tmp: Path) -> tuple[Path, Path]:
    path = tmp / "s.ptyd"
    with h5py.File(path, "w") as root:
        root["meta/energy"], root["meta/distance"] = ENERGY_EV / 1e3, 1.9
        root["meta/psize"] = np.full(2, DETECTOR_PIXEL_M)
        for number, rows in enumerate((slice(0, 30), slice(30, None))):
            root[f"chunks/{number}/data"] = mark_pixels(7e8)[rows]
            root[f"chunks/{number}/positions"] = TRUTH.metres[rows, ::-1]
            weights = np.broadcast_to(~ROUGH, TRUTH.counts[rows].shape)
            root[f"chunks/{number}/weights"] = weights.astype(np.float32)
    return path, save_arrays(tmp / "probe.npz", probeGuess=TRUTH.probe)


def pad_frames(rows: int, columns: int, top: int, left: int) -> np.ndarray:
    frames = np.zeros((POINTS, rows, columns))
    frames[:, top : top + SIDE, left : left + SIDE] = TRUTH.counts
    return frames


def make_npz(**changes: Any) -> Make:
    return lambda tmp: write_npz(tmp / "s.npz", **changes)


def make_cxi(**changes: Any) -> Make:
    return lambda tmp: write_cxi(tmp / "s.cxi", **changes)


def make_product(**changes: Any) -> Make:
    return lambda tmp: write_product(tmp / "s.h5", **changes)


def make_units(**units: tuple[float, str]) -> Make:
    keys = {
        "energy": f"{SOURCE}/energy",
        "distance": f"{DETECTOR}/distance",
        "x": f"{DETECTOR}/x_pixel_size",
        "y": f"{DETECTOR}/y_pixel_size",
        "translation": PATH,
    }
    chosen = {keys[name]: unit for name, unit in units.items()}
    return lambda tmp: set_units(write_cxi(tmp / "s.cxi"), chosen)


def make_basis(rows: list[float], columns: list[float]) -> np.ndarray:
    return DETECTOR_PIXEL_M * np.array([rows, columns]).T


MIRROR_X = METRES * [-1, 1, 1]
IDENTITIES = np.arange(POINTS)
EV = JOULE_PER_EV


def save_arrays(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def read_by_cure(
    made: Path | tuple[Path, Path], words: str, cure: dict[str, Any] | None
) -> Any:
    """Have a copy refused in one line with these words, and read right by its cure, if any."""
    with pytest.raises(InputError) as caught:
        read_scan(made)

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    if cure is None:
        return None
    scan = read_scan(made, **cure)
    assert known_scan.residual(scan) <= LARGEST_RESIDUAL
    return scan


def read_scan(made: Path | tuple[Path, Path], **changes: Any) -> Any:
    path, companion = made if isinstance(made, tuple) else (made, None)
    chosen = None if companion is None else str(companion)
    return scan_file.read(
        path, DataConfig(gridsize=1, companion_file=chosen, nphotons=1e9, **changes)
    )
