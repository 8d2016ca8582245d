"""Scans to files of every format that can be read back."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import files
from ptycho_torch.data.scan import ScanData


def write_npz_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as an uncompressed NPZ: mappable, and the same bytes each time.

    Raises:
        OutputError: The file cannot be written.
    """
    with files.replacing(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            # A fixed entry, so that the time of writing leaves no trace.
            entry = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def write_npz(path: Path, scan: ScanData) -> None:
    """Write a scan as NPZ with the keys of the data contract.

    Raises:
        OutputError: The file cannot be written.
    """
    stated = {"nphotons": scan.nphotons, "pixel_size_m": scan.pixel_size_m}
    metadata = {
        "schema_version": "1",
        "physics_parameters": {key: value for key, value in stated.items() if value},
    }
    optional = {"objectGuess": scan.object_canvas, "objectMask": scan.object_mask}
    write_npz_arrays(
        path,
        {
            "diff3d": scan.amplitude,
            "xcoords": scan.positions[:, 0],
            "ycoords": scan.positions[:, 1],
            "probeGuess": scan.probe[0] if len(scan.probe) == 1 else scan.probe,
            **{key: value for key, value in optional.items() if value is not None},
            "scan_index": scan.scan_index,
            "valid_mask": scan.valid_mask,
            "_metadata": np.array(json.dumps(metadata, sort_keys=True)),
        },
    )
