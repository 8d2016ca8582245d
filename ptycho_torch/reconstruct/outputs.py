"""Stitched object → the files of a reconstruction, and back.

``reconstruction.npz`` holds plain arrays, ``reconstruction.h5`` follows the CXI layout, two
pictures are for people. No file holds a date or a folder of this machine, so that equal
reconstructions are equal byte for byte.

Source: design of the model, section 14.1; Maia, The Coherent X-ray Imaging Data Bank.
"""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

import ptycho_torch
from ptycho_torch import files
from ptycho_torch.config_params import RunConfig
from ptycho_torch.errors import InputError, MissingInputError
from ptycho_torch.reconstruct import pictures

NPZ = "reconstruction.npz"
HDF5 = "reconstruction.h5"
AMPLITUDE_PNG = "reconstructed_amplitude.png"
PHASE_PNG = "reconstructed_phase.png"
METRICS = "metrics.json"

_CXI_VERSION = 160
_STITCHED = MappingProxyType({"object": 2, "weight": 2, "mask": 2, "origin_xy": 1})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reconstruction:
    """A stitched object with all that is needed to place and trust it.

    Attributes:
        object_canvas: (Y, X) complex64, 0 where uncovered.
        weight: (Y, X) float32 accumulated stitching weight.
        mask: (Y, X) bool, where the object counts as covered.
        origin_xy: (2,) float64, scan coordinate of canvas pixel (0, 0) [px].
        positions: (M, 2) float64, scan positions as used, x then y [px].
        pixel_size_m: Object pixel [m], when known.
        config_json: Settings of the run.
        bundle_sha256: Digest of the bundle that predicted the patches.
    """

    object_canvas: NDArray[np.complex64]
    weight: NDArray[np.float32]
    mask: NDArray[np.bool_]
    origin_xy: NDArray[np.float64]
    positions: NDArray[np.float64]
    pixel_size_m: float | None
    config_json: str
    bundle_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stitched:
    """What a stored reconstruction needs to be judged: object, weight, mask and place."""

    object_canvas: NDArray[np.complex64]
    weight: NDArray[np.float32]
    mask: NDArray[np.bool_]
    origin_xy: NDArray[np.float64]


def write(folder: Path, reconstruction: Reconstruction) -> None:
    """Write the four files of a reconstruction.

    A picture that cannot be drawn is a warning; the numbers are written first.

    Raises:
        OutputError: A file cannot be written.
    """
    files.write_bytes(folder / NPZ, npz_bytes(reconstruction))
    files.write_bytes(folder / HDF5, hdf5_bytes(reconstruction))
    view = pictures.View(
        object_canvas=reconstruction.object_canvas,
        mask=reconstruction.mask,
        origin_xy=(float(reconstruction.origin_xy[0]), float(reconstruction.origin_xy[1])),
        pixel_size_m=reconstruction.pixel_size_m,
    )
    for name, draw in ((AMPLITUDE_PNG, pictures.amplitude), (PHASE_PNG, pictures.phase)):
        try:
            content = draw(view)
        except pictures.DRAWING_ERRORS as error:
            _log.warning("%s was not drawn: %s", name, " ".join(str(error).split()))
        else:
            files.write_bytes(folder / name, content)


def npz_bytes(reconstruction: Reconstruction) -> bytes:
    """Encode the arrays of a reconstruction as NPZ, with fixed time stamps and no objects."""
    size = reconstruction.pixel_size_m
    buffer = io.BytesIO()
    np.savez(
        buffer,
        allow_pickle=False,
        object=reconstruction.object_canvas,
        amplitude=np.abs(reconstruction.object_canvas),
        phase=np.angle(reconstruction.object_canvas),
        weight=reconstruction.weight,
        mask=reconstruction.mask,
        origin_xy=reconstruction.origin_xy,
        positions=reconstruction.positions,
        pixel_size_m=np.float64("nan") if size is None else np.float64(size),
        config_json=np.str_(reconstruction.config_json),
    )
    return buffer.getvalue()


def hdf5_bytes(reconstruction: Reconstruction) -> bytes:
    """Encode a reconstruction as CXI-like HDF5, without time stamps.

    Positions are stored as motion of the sample, as the CXI standard has them.
    """
    import h5py  # noqa: PLC0415 - only this function needs it

    size = reconstruction.pixel_size_m
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", track_order=False) as store:
        store.create_dataset("cxi_version", data=np.int32(_CXI_VERSION))
        image = store.create_group("entry_1/image_1")
        image.create_dataset("data", data=reconstruction.object_canvas)
        image.create_dataset("mask", data=(~reconstruction.mask).astype(np.uint8))
        image.create_dataset("weight", data=reconstruction.weight)
        image.attrs["origin_x_px"] = float(reconstruction.origin_xy[0])
        image.attrs["origin_y_px"] = float(reconstruction.origin_xy[1])
        image.attrs["pixel_size_m"] = float("nan") if size is None else size
        if size is not None:
            translation = np.zeros((len(reconstruction.positions), 3))
            translation[:, :2] = -reconstruction.positions * size
            geometry = store.create_group("entry_1/sample_1/geometry_1")
            geometry.create_dataset("translation", data=translation)
        process = store.create_group("entry_1/process_1")
        process.create_dataset("bundle_sha256", data=reconstruction.bundle_sha256)
        process.create_dataset("config_json", data=reconstruction.config_json)
        process.create_dataset("package_version", data=ptycho_torch.__version__)
    return buffer.getvalue()


def portable_config(config: RunConfig) -> str:
    """Encode settings as JSON without the folders of this machine.

    Data files keep their names; where the bundle lay and where results went is left out,
    because it shapes no number.
    """
    portable = dataclasses.replace(
        config,
        run=dataclasses.replace(config.run, output_dir=None),
        data=dataclasses.replace(config.data, companion_file=_name(config.data.companion_file)),
        training=dataclasses.replace(
            config.training,
            train_data_file=_name(config.training.train_data_file),
            test_data_file=_name(config.training.test_data_file),
            resume=_name(config.training.resume),
        ),
        inference=dataclasses.replace(
            config.inference,
            model_path=None,
            debug_dump=None,
            test_data_file=_name(config.inference.test_data_file),
        ),
    )
    return json.dumps(portable.to_dict(), sort_keys=True, allow_nan=False)


def read_npz(path: Path) -> Stitched:
    """Read back what is needed to judge a stored reconstruction; nothing is unpickled.

    Raises:
        MissingInputError: The file is not there.
        InputError: It is no reconstruction, or its arrays do not fit together.
    """
    if not path.is_file():
        raise MissingInputError(str(path), expected="a reconstruction", found="no file")
    try:
        with np.load(path, allow_pickle=False) as store:
            arrays = {name: store[name] for name in _STITCHED if name in store.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise InputError(
            str(path), expected="a reconstruction.npz", found=" ".join(str(error).split())
        ) from error
    for name, rank in _STITCHED.items():
        if name not in arrays or arrays[name].ndim != rank:
            found = f"{arrays[name].ndim}" if name in arrays else "no such array"
            raise InputError(f"{path}: {name}", expected=f"{rank} axes", found=found)
    _check_stitched(path, arrays)
    return Stitched(
        object_canvas=arrays["object"].astype(np.complex64),
        weight=arrays["weight"].astype(np.float32),
        mask=arrays["mask"].astype(np.bool_),
        origin_xy=arrays["origin_xy"].astype(np.float64),
    )


def _check_stitched(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    """Refuse arrays of other kinds, other shapes or with values that are not numbers."""
    shape = arrays["object"].shape
    for name in ("weight", "mask"):
        if arrays[name].shape != shape:
            found = str(arrays[name].shape)
            raise InputError(f"{path}: {name}", expected=f"shape {shape}", found=found)
    kinds = {"object": "c", "weight": "f", "mask": "b", "origin_xy": "fiu"}
    for name, allowed in kinds.items():
        if arrays[name].dtype.kind not in allowed:
            found = str(arrays[name].dtype)
            raise InputError(f"{path}: {name}", expected=f"kind {allowed!r}", found=found)
        if not np.isfinite(arrays[name]).all():
            raise InputError(
                f"{path}: {name}", expected="finite values", found="NaN or infinity"
            )
    if arrays["origin_xy"].shape != (2,):
        found = str(arrays["origin_xy"].shape)
        raise InputError(f"{path}: origin_xy", expected="shape (2,)", found=found)


def _name(path: str | None) -> str | None:
    """Reduce a path to its file name."""
    return None if path is None else Path(path).name
