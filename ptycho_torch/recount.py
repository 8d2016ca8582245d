"""``python -m ptycho_torch.recount``: what files say, counted without this package's readers.

Data files are opened by NumPy alone, and nothing of this package is imported: a reader that
swaps axes, a scale that is fitted twice or metrics of another canvas are caught by numbers that
have not passed through the same code. A guard holds both against each other.

    A  amplitudes (M, N, N) as they are stored      α, s, q  scales of the model
    x, y  positions [px]

Numbers that a file does not tell, or that need a reader (masks, counts, other formats than
NPZ), are left out.

Source: design of the model, sections 4.1, 5.5, 6 and 14.2.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NPHOTONS = 1e5
_WEIGHT_SHARE, _EROSION_PX = 0.1, 2
_MASKS = ("valid_mask", "bad_pixels")
_BAD_INPUT, _GRIDSIZE = 2, 2
_UNREADABLE = (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError)

Plane = NDArray[np.complex128]


def count_scan(path: Path, group_size: int, groups: int | None = None) -> dict[str, Any]:
    """Return positions, energies and centroids of a scan's frames, and what follows from them.

    Args:
        path: The file.
        group_size: Patterns in a group.
        groups: Groups that were asked for; there are at most as many as frames.

    Returns:
        JSON values; empty for a file that is no NPZ.
    """
    try:
        with np.load(path, allow_pickle=False) as store:
            arrays = {name: _take(store, name) for name in store.files}
    except _UNREADABLE:
        return {}
    frames = next((arrays[k] for k in ("diff3d", "diffraction") if k in arrays), None)
    x, y = arrays.get("xcoords"), arrays.get("ycoords")
    if frames is None or x is None or y is None or frames.shape[1:] != (frames.shape[-1],) * 2:
        return {}
    side, physics = frames.shape[-1], _read_physics(arrays.get("_metadata"))
    counts: dict[str, Any] = {
        "frame_count": len(frames),
        "slots": min(len(frames), groups or len(frames)) * group_size,
        "positions": np.stack([x, y], axis=1).tolist(),
        **_lay_out(x, y, side),
        **{name: value for name, value in physics.items() if name == "pixel_size_m"},
    }
    is_whole = not np.mod(frames[0], 1).any()
    if frames.dtype.kind == "f" and not is_whole and not set(_MASKS) & set(arrays):
        counts |= _count_frames(frames, side, float(physics.get("nphotons", _NPHOTONS)))
    if "probeGuess" in arrays:
        norm = float(np.linalg.norm(arrays["probeGuess"].astype(np.complex128)))
        counts["probe_scale"] = side / 2 / norm
    return counts


def _take(store: Mapping[str, Any], name: str) -> NDArray[Any]:
    """Read an array; one that would have to be unpickled is an empty one."""
    try:
        return np.asarray(store[name])
    except ValueError:
        return np.empty((0, 0))


def _read_physics(metadata: NDArray[Any] | None) -> dict[str, Any]:
    if metadata is None or metadata.dtype.kind != "U":
        return {}
    physics = json.loads(str(metadata)).get("physics_parameters", {})
    return physics if isinstance(physics, dict) else {}


def _lay_out(x: NDArray[Any], y: NDArray[Any], side: int) -> dict[str, Any]:
    """Return origin (x, y) and size (rows, columns) of the canvas that holds all patches."""
    corners = []
    for places in (x, y):
        first = math.floor(places.min()) - side // 2 - 1
        last = math.ceil(places.max()) + side // 2 + 1
        corners.append((first, last - first))
    (left, width), (top, height) = corners
    return {"origin_xy": [left, top], "canvas_size": [height, width]}


def _count_frames(frames: NDArray[Any], side: int, nphotons: float) -> dict[str, Any]:
    """Return energy ΣA² and its centroid [px] of each frame, and the scales α and s."""
    squares = frames.astype(np.float64) ** 2
    energies = squares.sum(axis=(1, 2))
    along = np.arange(side)
    both = (squares.sum(axis=1) @ along, squares.sum(axis=2) @ along)
    return {
        "energies": energies.tolist(),
        "centroids": (np.stack(both, axis=1) / energies[:, None]).tolist(),
        "input_scale": side / 2 / math.sqrt(energies.mean()),
        "intensity_scale": math.sqrt(nphotons) / (side / 2),
    }


def add_inputs(train: Mapping[str, Any], scan: dict[str, Any]) -> None:
    """Add what a model is given of each frame of a scan, ΣX² with X = αA, where it is known.

    Args:
        train: Numbers of the training scan: α is fitted there, for whatever scan.
        scan: Numbers of a scan; changed.
    """
    if "input_scale" in train and "energies" in scan:
        scan["inputs"] = [one * train["input_scale"] ** 2 for one in scan["energies"]]


def judge(reconstruction: Path, scan: Path, metrics: Path) -> dict[str, Any]:
    """Return errors of a stored object against the truth of its scan.

    Shift and ramp are those that the metrics report; the rest is computed here.

    Returns:
        complex_error, phase_pearson, amplitude_pearson, constant_error and region_pixels;
        nothing where there is no truth.
    """
    reported = json.loads(metrics.read_text("utf-8"))
    if "shift_xy" not in reported:
        return {}
    with np.load(reconstruction, allow_pickle=False) as store:
        rec, weight = store["object"].astype(np.complex128), store["weight"]
        left, top = (round(float(value)) for value in store["origin_xy"])
    truth, known = _read_truth(scan)
    if truth is None:
        return {}
    heavy = _erode(weight > _WEIGHT_SHARE * weight.max(), _EROSION_PX)
    rows = slice(max(0, -top), min(rec.shape[0], truth.shape[0] - top))
    columns = slice(max(0, -left), min(rec.shape[1], truth.shape[1] - left))
    window = tuple(
        slice(one.start + shift, one.stop + shift)
        for one, shift in ((rows, top), (columns, left))
    )
    region = heavy[rows, columns] & (known[window] > 0)
    return _compare(rec[rows, columns], truth[window], region, reported)


def _read_truth(scan: Path) -> tuple[Plane | None, NDArray[Any]]:
    """Return the reference of a scan, where it has one that this program reads."""
    try:
        with np.load(scan, allow_pickle=False) as store:
            truth = store["objectGuess"].astype(np.complex128)
            known = store["objectMask"] if "objectMask" in store.files else np.ones(truth.shape)
    except _UNREADABLE:
        return None, np.empty(0)
    return (truth, known) if truth.ndim == 2 == known.ndim else (None, known)  # noqa: PLR2004


def _erode(mask: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """Take away ``steps`` pixels at every border, the edge of the canvas among them."""
    padded = np.pad(mask, steps)
    size = 2 * steps + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    return np.asarray(windows.all(axis=(2, 3)))


def _compare(
    rec: Plane, truth: Plane, region: NDArray[np.bool_], reported: Mapping[str, Any]
) -> dict[str, Any]:
    from scipy import ndimage  # noqa: PLC0415 - only where there is a truth

    slope_x, slope_y = reported["ramp_xy"]
    y, x = np.ogrid[: rec.shape[0], : rec.shape[1]]
    flat = rec * np.exp(-1j * (slope_x * x + slope_y * y))
    shift = reported["shift_xy"][::-1]
    moved = ndimage.shift(flat, shift, order=3, mode="nearest") if any(shift) else flat
    own, true = moved[region], truth[region]
    own = own * (np.vdot(own, true) / np.vdot(own, own))
    norm = np.linalg.norm(true)
    phase = np.angle(true * true.mean().conj())
    numbers = {
        "complex_error": float(np.linalg.norm(own - true) / norm),
        "constant_error": float(np.linalg.norm(true.mean() - true) / norm),
        "phase_pearson": _correlate(phase + np.angle(own * true.conj()), phase),
        "amplitude_pearson": _correlate(np.abs(own), np.abs(true)),
        "region_pixels": int(region.sum()),
    }
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _correlate(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return Pearson's coefficient; no number where one side is constant."""
    if not (np.ptp(first) and np.ptp(second)):
        return math.nan
    return float(np.corrcoef(first, second)[0, 1])


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the program."""
    about = "Count what scans and a reconstruction say, by NumPy alone."
    parser = argparse.ArgumentParser(
        "python -m ptycho_torch.recount", description=about, allow_abbrev=False
    )
    for name, help_ in (
        ("train_data_file", "Training scan."),
        ("test_data_file", "Scan that was reconstructed."),
        ("reconstruction", "reconstruction.npz of the test scan."),
        ("metrics", "metrics.json that was reported of it."),
        ("output", "Where the numbers go."),
    ):
        both = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
        parser.add_argument(*both, required=True, type=Path, metavar="FILE", help=help_)
    for name, help_ in (
        ("groups", "Groups that training was asked for [default: one a frame]."),
        ("test_groups", "Groups that inference was asked for [default: one a frame]."),
        ("gridsize", "Side of a group [default: 2]."),
    ):
        both = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
        parser.add_argument(*both, type=int, metavar="N", help=help_)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Count, write JSON, return the exit code: 0, or 2 for files that cannot be used."""
    args = make_parser().parse_args(argv)
    size = (args.gridsize or _GRIDSIZE) ** 2
    try:
        train = count_scan(args.train_data_file, size, args.groups)
        test = count_scan(args.test_data_file, size, args.test_groups)
        for scan in (train, test):
            add_inputs(train, scan)
        content = {
            "schema": 1,
            "train": train,
            "test": test,
            "object": judge(args.reconstruction, args.test_data_file, args.metrics),
        }
        text = json.dumps(content, sort_keys=True, allow_nan=False) + "\n"
        partial = args.output.with_name(f"{args.output.name}.part")
        partial.write_text(text, "utf-8")
        partial.replace(args.output)
    except _UNREADABLE as error:
        sys.stderr.write(f"error: {type(error).__name__}: {' '.join(str(error).split())}\n")
        return _BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())
