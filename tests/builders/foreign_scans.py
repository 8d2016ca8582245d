"""Further ways in which other programs write one known scan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.builders.deformations import (
    AMPLITUDE,
    IDENTITIES,
    ORDER,
    ROUGH,
    TRUTH,
    Make,
    save_arrays,
    split_complex,
    write_pair,
    write_ptyd,
)
from tests.builders.known_scan import (
    DETECTOR,
    PIXEL_M,
    POINTS,
    SIDE,
    write_cxi,
    write_frames,
    write_npz,
)
from tests.ptycho_torch.data.test_beamlines import write_ptyr

PROBE = TRUTH.probe
X, Y = TRUTH.positions.T
MOTORS = "entry1/instrument/lab_sxy/lab_s"
MERLIN = "entry1/instrument/merlin_sw_hdf"
SAMPLE = "entry_1/sample_1/geometry_1"
VARIANTS = np.stack([0.3j * PROBE, PROBE])
SHARES = np.array([[0.0, 1.0]] * POINTS)
DEAD = TRUTH.counts * ~ROUGH  # no count where there would be many: nothing else shows it
DEAD_ROOTS = np.sqrt(DEAD).astype(np.float32)


def change(make: Make, edit: Callable[[h5py.File], Any]) -> Make:
    """Write a file and edit it."""

    def changed(tmp: Path) -> Path | tuple[Path, Path]:
        made = make(tmp)
        with h5py.File(made[0] if isinstance(made, tuple) else made, "r+") as root:
            edit(root)
        return made

    return changed


def put(key: str, value: Any, **attributes: Any) -> Callable[[h5py.File], None]:
    """Store a value in place of another one."""

    def store(root: h5py.File) -> None:
        if key in root:
            del root[key]
        root[key] = value
        root[key].attrs.update(attributes)

    return store


def make_named(**changes: Any) -> Make:
    """Write the arrays of this package into HDF5, some replaced or left out by None."""
    arrays = {"diff3d": AMPLITUDE, "xcoords": X, "ycoords": Y, "probeGuess": PROBE[0]}
    chosen = {key: value for key, value in {**arrays, **changes}.items() if value is not None}
    return lambda tmp: write_frames(tmp / "s.h5", **chosen)


def make_frames(**arrays: Any) -> Make:
    """Write a product of ptychodus and its frames in a second file."""
    return lambda tmp: write_pair(tmp, IDENTITIES, write_frames(tmp / "f.h5", **arrays))


def make_matlab(empty: tuple[str, ...] = (), **changes: Any) -> Make:
    """Write what MATLAB would of arrays with rows first."""
    arrays = {
        "diff3d": np.moveaxis(AMPLITUDE, 0, -1),
        "xcoords": X[:, None],
        "ycoords": Y[:, None],
        "probeGuess": split_complex(PROBE[0], ("real", "imag")),
        **changes,
    }

    def write(tmp: Path) -> Path:
        with h5py.File(tmp / "s.mat", "w", userblock_size=512) as root:
            for key, value in arrays.items():
                root[key] = np.ascontiguousarray(value.T)
                root[key].attrs["MATLAB_class"] = np.bytes_("double")
            for key in empty:
                root[key] = np.zeros(2, np.uint64)
                root[key].attrs.update(MATLAB_class=np.bytes_("double"), MATLAB_empty=1)
        return tmp / "s.mat"

    return write


def make_parts(*names: str, count: int = POINTS) -> Make:
    """Write a master file with its frames in numbered parts."""

    def write(tmp: Path) -> tuple[Path, Path]:
        rows = np.array_split(np.arange(count), len(names))
        with h5py.File(tmp / "master.h5", "w") as root:
            for name, part in zip(names, rows, strict=True):
                root[f"entry/data/{name}"] = TRUTH.counts[part].astype(np.uint32)
        return write_pair(tmp, IDENTITIES, tmp / "master.h5")

    return write


def make_sparse(chunks: tuple[int, int, int], fill: float, dtype: Any = np.float64) -> Make:
    """Write frames of which some chunks are never written."""

    def write(tmp: Path) -> Path:
        path = write_cxi(tmp / "s.cxi", data=None)
        with h5py.File(path, "r+") as root:
            shape = TRUTH.counts.shape
            stored = root.create_dataset(
                f"{DETECTOR}/data", shape, dtype, chunks=chunks, fillvalue=fill
            )
            for number, frame in enumerate(TRUTH.counts):
                rows = chunks[1] if number in (4, 5) else SIDE
                if number < POINTS - 3:
                    stored[number, :rows] = frame[:rows]
        return path

    return write


def make_virtual(*, is_overlapping: bool) -> Make:
    """Write virtual frames: some mapped twice and some not, or a source with chunks missing."""

    def write(tmp: Path) -> Path:
        shape = TRUTH.counts.shape
        with h5py.File(tmp / "part.h5", "w") as root:
            part = root.create_dataset("data", shape, np.float64, chunks=(1, SIDE, SIDE))
            written = POINTS if is_overlapping else POINTS - 3
            part[:written] = TRUTH.counts[:written]
        layout = h5py.VirtualLayout(shape, np.float64)
        source = h5py.VirtualSource("part.h5", "data", shape)
        mapped = POINTS - 3 if is_overlapping else POINTS
        layout[:mapped] = source[:mapped]
        if is_overlapping:
            layout[:3] = source[:3]
        path = write_cxi(tmp / "s.cxi", data=None)
        with h5py.File(path, "r+") as root:
            root.create_virtual_dataset(f"{DETECTOR}/data", layout, fillvalue=0)
        return path

    return write


def write_ptyd_of_two_sides(tmp: Path) -> Any:
    made = write_ptyd(tmp)
    with h5py.File(made[0], "r+") as root:
        del root["chunks/1/data"], root["chunks/1/weights"]
        root["chunks/1/data"] = np.zeros((POINTS - 30, SIDE + 4, SIDE + 4))
    return made


def write_two_orders(tmp: Path) -> tuple[Path, Path]:
    frames = {"diff3d": AMPLITUDE[ORDER], "xcoords": X[ORDER], "ycoords": Y[ORDER]}
    return write_npz(tmp / "s.npz", diff3d=None), save_arrays(tmp / "f.npz", **frames)


def write_matlab_frames(path: Path) -> Path:
    with h5py.File(path, "w", userblock_size=512) as root:
        for key, value in (("patterns", DEAD), ("bad_pixels", ROUGH.astype("u1"))):
            root[key] = np.swapaxes(value, -2, -1)
            root[key].attrs["MATLAB_class"] = np.bytes_("double")
    return path


def write_npz_product(tmp: Path) -> Path:
    pixels = {
        f"{owner}_pixel_{side}_m": PIXEL_M * (2 if owner == "probe" else 1)
        for owner in ("probe", "object")
        for side in ("width", "height")
    }
    return save_arrays(
        tmp / "p.npz",
        probe=PROBE,
        object=TRUTH.canvas[None],
        patterns=TRUTH.counts,
        probe_position_x_m=TRUTH.metres[:, 0],
        probe_position_y_m=TRUTH.metres[:, 1],
        object_center_x_m=0.0,
        object_center_y_m=0.0,
        **pixels,
    )


def write_without_distance(tmp: Path) -> tuple[Path, Path]:
    path = write_cxi(tmp / "s.cxi", distance=None, illumination=None)
    return path, write_ptyr(tmp / "p.ptyr")


def lose_place(places: np.ndarray, value: float) -> np.ndarray:
    return np.where(np.arange(POINTS) == 7, value, places)


def turn_motor(root: h5py.File) -> None:
    root[f"{MOTORS}x"][...] = -root[f"{MOTORS}x"][()]
    root[f"{MOTORS}x"].attrs["vector"] = [-1.0, 0.0, 0.0]
