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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

import ptycho_torch
from ptycho_torch import files
from ptycho_torch.config_params import RunConfig
from ptycho_torch.errors import InputError
from ptycho_torch.reconstruct import pictures, stored
from ptycho_torch.reconstruct.stored import Kind

NPZ = "reconstruction.npz"
HDF5 = "reconstruction.h5"
AMPLITUDE_PNG = "reconstructed_amplitude.png"
PHASE_PNG = "reconstructed_phase.png"
METRICS = "metrics.json"

_CXI_VERSION = 160
_STITCHED = MappingProxyType(
    {
        "object": Kind(2, "c"),
        "weight": Kind(2, "f"),
        "mask": Kind(2, "b"),
        "origin_xy": Kind(1, "fiu"),
    }
)

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
    draw(
        folder,
        {
            AMPLITUDE_PNG: lambda: pictures.amplitude(view),
            PHASE_PNG: lambda: pictures.phase(view),
        },
    )


def draw(folder: Path, drawings: Mapping[str, Callable[[], bytes]]) -> None:
    """Write pictures by file name; one that cannot be drawn is a warning.

    Raises:
        OutputError: A file cannot be written.
    """
    for name, drawing in drawings.items():
        try:
            content = drawing()
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
    arrays = stored.read(path, _STITCHED, what="a reconstruction.npz")
    wanted = dict.fromkeys(("weight", "mask"), arrays["object"].shape)
    for name, shape in {**wanted, "origin_xy": (2,)}.items():
        if arrays[name].shape != shape:
            actual = str(arrays[name].shape)
            raise InputError(f"{path}: {name}", expected=f"shape {shape}", found=actual)
    return Stitched(
        object_canvas=arrays["object"].astype(np.complex64),
        weight=arrays["weight"].astype(np.float32),
        mask=arrays["mask"].astype(np.bool_),
        origin_xy=arrays["origin_xy"].astype(np.float64),
    )


def _name(path: str | None) -> str | None:
    """Reduce a path to its file name."""
    return None if path is None else Path(path).name
