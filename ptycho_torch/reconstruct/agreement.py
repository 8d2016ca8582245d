"""Two runs of the same pipeline, laid side by side: their loss curves and their objects.

    curve        largest |b − a| / |a| of a column over all epochs
    object       complex factor between the objects removed, then as in ``similarity``

The second run is judged by the first.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import run_folder
from ptycho_torch.errors import InputError, MissingInputError
from ptycho_torch.reconstruct import outputs, similarity

CURVES = ("train_loss", "val_loss")


def curves(first: Path, second: Path) -> dict[str, Any]:
    """Compare the epoch tables of two training folders.

    Returns:
        JSON values: epochs, and for each loss the largest relative difference and the epoch
        of it; null where the first run has no such column.

    Raises:
        InputError: A table is missing or not one, or the numbers of epochs differ.
    """
    tables = [_table(folder / run_folder.HISTORY) for folder in (first, second)]
    if len(tables[0]) != len(tables[1]):
        raise InputError(
            f"{second}: {run_folder.HISTORY}",
            expected=f"{len(tables[0])} epochs, as in {first}",
            found=str(len(tables[1])),
        )
    report: dict[str, Any] = {"epochs": len(tables[0])}
    for name in CURVES:
        a, b = (np.array([row[name] for row in table]) for table in tables)
        gaps = np.abs(b - a) / np.abs(a)
        report[name] = float(gaps.max()) if np.isfinite(gaps).all() else None
    return report


def objects(first: Path, second: Path) -> dict[str, Any]:
    """Compare the reconstructions of two inference folders.

    Returns:
        JSON values: pixels (that both cover), relative_l2, and for amplitude and phase mae,
        mse, pearson, psnr and ssim.

    Raises:
        InputError: A reconstruction is missing, or the two lie elsewhere.
    """
    a, b = (outputs.read_npz(folder / outputs.NPZ) for folder in (first, second))
    if a.object_canvas.shape != b.object_canvas.shape or any(a.origin_xy != b.origin_xy):
        raise InputError(
            f"{second}: {outputs.NPZ}",
            expected=f"the canvas of {first}, {a.object_canvas.shape} at {a.origin_xy}",
            found=f"{b.object_canvas.shape} at {b.origin_xy}",
        )
    region = a.mask & b.mask
    if not region.any():
        raise InputError(
            f"{second}: {outputs.NPZ}", expected=f"pixels that {first} covers", found="none"
        )
    truth = a.object_canvas.astype(np.complex128)
    other = b.object_canvas.astype(np.complex128)
    energy = float(np.sum(np.abs(other[region]) ** 2))
    product = complex(np.vdot(other[region], truth[region]))
    other = other * (product / energy if energy > 0 else 0.0)
    gap = float(np.linalg.norm((other - truth)[region]))
    size = float(np.linalg.norm(truth[region]))
    return {
        "pixels": int(region.sum()),
        "relative_l2": gap / size if size > 0 else None,
        "amplitude": _pair(np.abs(other), np.abs(truth), region),
        "phase": _pair(
            np.angle(truth) + np.angle(other * truth.conj()), np.angle(truth), region
        ),
    }


def _pair(
    reconstruction: NDArray[np.float64], truth: NDArray[np.float64], region: NDArray[np.bool_]
) -> dict[str, float | None]:
    judged = similarity.compare(reconstruction, truth, region)
    names = ("mae", "mse", "pearson", "psnr", "ssim")
    return {name: getattr(judged, name) for name in names}


def _table(path: Path) -> list[dict[str, float]]:
    """Read an epoch table; a number that is not there is NaN."""
    if not path.is_file():
        raise MissingInputError(str(path), expected="an epoch table", found="no file")
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    try:
        rows_ = [{name: float(row[name] or "nan") for name in CURVES} for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            str(path), expected=f"an epoch table with {', '.join(CURVES)}", found=str(error)
        ) from error
    if not rows_:
        raise InputError(str(path), expected="an epoch table", found="no epochs")
    return rows_
