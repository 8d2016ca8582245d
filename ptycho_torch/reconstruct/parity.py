"""Patches of the training process against the same patches by the inference road.

Training stores O and extract(merge(O)) of a few groups as its own loop computed them; here
they are computed again from the data file and the bundle alone. Stages are compared in the
order of the road, so that the first one that differs names the fault.

    relative L2 of a group    ‖again − stored‖ / ‖stored‖ over its C patches
    amplitude ratio           mean |O again| / mean |O stored|

Source: design of the model, section 11.2.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError, MissingInputError
from ptycho_torch.pinn import PtychoPINN
from ptycho_torch.reconstruct import predict

SCHEMA = 1
TOLERANCE = 1e-6
STAGES = ("patches", "consistent")
_KEYS = ("dataset_sha256", "groups", "positions", "patches", "consistent")
_RANKS = {"dataset_sha256": 0, "groups": 2, "positions": 3, "patches": 4, "consistent": 4}
_KINDS = {
    "dataset_sha256": "U",
    "groups": "iu",
    "positions": "f",
    "patches": "c",
    "consistent": "c",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probe:
    """What training stored.

    Attributes:
        dataset_sha256: Digest of the training file.
        groups: (G, C) scan indices in that file.
        positions: (G, C, 2) their positions, x then y [px].
        patches: (G, C, N, N) complex, O.
        consistent: (G, C, N, N) complex, extract(merge(O)).
    """

    dataset_sha256: str
    groups: NDArray[np.int64]
    positions: NDArray[np.float64]
    patches: NDArray[np.complex64]
    consistent: NDArray[np.complex64]


def read_probe(path: Path) -> Probe:
    """Read the patches that training stored; nothing is unpickled.

    Raises:
        MissingInputError: The file is not there.
        InputError: It is not such a file, or its arrays do not fit together.
    """
    if not path.is_file():
        raise MissingInputError(
            str(path),
            expected="patches stored by training",
            found="no file",
            remedy="train with --log-patch-stats",
        )
    try:
        with np.load(path, allow_pickle=False) as store:
            arrays = {name: store[name] for name in _KEYS if name in store.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        found = " ".join(str(error).split())
        raise InputError(
            str(path), expected="patches stored by training", found=found
        ) from error
    for name in _KEYS:
        if name not in arrays:
            raise InputError(f"{path}: {name}", expected="an array", found="none")
        array = arrays[name]
        if array.ndim != _RANKS[name] or array.dtype.kind not in _KINDS[name]:
            raise InputError(
                f"{path}: {name}",
                expected=f"{_RANKS[name]} axes of kind {_KINDS[name]!r}",
                found=f"{array.ndim} of kind {array.dtype.kind!r}",
            )
    _check_shapes(path, arrays)
    return Probe(
        dataset_sha256=str(arrays["dataset_sha256"]),
        groups=arrays["groups"].astype(np.int64),
        positions=arrays["positions"].astype(np.float64),
        patches=arrays["patches"],
        consistent=arrays["consistent"],
    )


def check_fit(stored: Probe, scan: ScanData, group_size: int) -> None:
    """Refuse stored groups that the scan or the model cannot hold.

    Raises:
        InputError: Another group size or patch side, or scan points that do not exist.
    """
    shape = (group_size, scan.side, scan.side)
    if stored.patches.shape[1:] != shape:
        found = str(stored.patches.shape[1:])
        raise InputError("parity probe: patches", expected=f"groups of {shape}", found=found)
    low, high = int(stored.groups.min()), int(stored.groups.max())
    if low < 0 or high >= scan.point_count:
        raise InputError(
            "parity probe: groups",
            expected=f"scan points below {scan.point_count}",
            found=f"{low} to {high}",
        )


def recompute(
    model: PtychoPINN,
    scan: ScanData,
    groups: NDArray[np.int64],
    input_scale: float,
    engine: predict.Engine,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Compute O and extract(merge(O)), each (G, C, N, N), by the inference road."""
    plan = predict.lay_out(scan, groups)
    results = [
        (result.patches.cpu().numpy(), result.consistent.cpu().numpy())
        for _, result in predict.forward(model, scan, plan, input_scale, engine)
    ]
    return (
        np.concatenate([patches for patches, _ in results]),
        np.concatenate([consistent for _, consistent in results]),
    )


def compare(
    stored: Probe,
    positions: NDArray[np.float64],
    patches: NDArray[Any],
    consistent: NDArray[Any],
    tolerance: float = TOLERANCE,
) -> dict[str, Any]:
    """Compare the two processes stage by stage.

    Args:
        stored: From training.
        positions: (G, C, 2) of the same groups, read again.
        patches: O, computed again.
        consistent: extract(merge(O)), computed again.
        tolerance: Largest relative L2 that counts as equal.

    Returns:
        JSON values: schema, groups, tolerance, relative_l2 (largest over groups and
        stages), relative_l2_patches, relative_l2_consistent, amplitude_ratio and
        first_stage, null when all stages agree. A value that is no number is null.
    """
    by_stage = {
        "patches": relative_l2(patches, stored.patches),
        "consistent": relative_l2(consistent, stored.consistent),
    }
    first = None if np.array_equal(positions, stored.positions) else "positions"
    for stage in STAGES:
        if first is None and not (by_stage[stage] <= tolerance).all():
            first = stage
    worst = float(max(values.max() for values in by_stage.values()))
    level = float(np.abs(stored.patches).mean())
    return {
        "schema": SCHEMA,
        "groups": len(stored.groups),
        "tolerance": tolerance,
        "relative_l2": _number(worst),
        "relative_l2_patches": [_number(value) for value in by_stage["patches"].tolist()],
        "relative_l2_consistent": [_number(value) for value in by_stage["consistent"].tolist()],
        "amplitude_ratio": _number(float(np.abs(patches).mean()) / level if level > 0 else 1.0),
        "first_stage": first,
    }


def relative_l2(found: NDArray[Any], expected: NDArray[Any]) -> NDArray[np.float64]:
    """Compute ‖found − expected‖ / ‖expected‖ for each group.

    A group that is zero on both sides differs by 0; one that is not finite by infinity.
    """
    axes = tuple(range(1, expected.ndim))
    gap = np.abs(found.astype(np.complex128) - expected.astype(np.complex128))
    size = np.sqrt(np.sum(np.abs(expected.astype(np.complex128)) ** 2, axis=axes))
    error = np.sqrt(np.sum(gap**2, axis=axes))
    ratio = np.divide(error, size, out=np.where(error > 0, np.inf, 0.0), where=size > 0)
    return np.where(np.isfinite(ratio), ratio, np.inf)


def _check_shapes(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Refuse arrays whose leading axes or patches differ, and a probe without groups."""
    groups, patches = arrays["groups"], arrays["patches"]
    wanted = {
        "positions": (*groups.shape, 2),
        "patches": (*groups.shape, *patches.shape[-1:], *patches.shape[-1:]),
        "consistent": patches.shape,
    }
    for name, shape in wanted.items():
        if arrays[name].shape != shape:
            found = str(arrays[name].shape)
            raise InputError(f"{path}: {name}", expected=f"shape {shape}", found=found)
    if groups.size == 0:
        raise InputError(f"{path}: groups", expected="at least one group", found="none")


def _number(value: float) -> float | None:
    """A JSON number, or null for infinity and NaN."""
    return value if np.isfinite(value) else None
