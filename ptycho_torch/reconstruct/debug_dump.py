"""Groups, patches and canvas of a run → numbers and pictures that explain a bad reconstruction.

Three JSON files are always written, also when the patches hold NaN; two pictures show the
first patches on one shared scale and each on its own. Standard deviations are those of the
whole set (no Bessel correction). A number over nothing, or over nothing finite, is null.

Source: design of the model, section 13.
"""

from __future__ import annotations

import io
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import files
from ptycho_torch.reconstruct import pictures

CANVAS, OFFSETS, STATS = "canvas.json", "offsets.json", "stats.json"
GRID, GRID_NORMALISED = "pred_patches_amp_grid.png", "pred_patches_amp_grid_normalized.png"
NAMES = (CANVAS, OFFSETS, STATS, GRID, GRID_NORMALISED)

_FIRST = 16
_COLUMNS = 4
_DPI = 200
_SCHEMA = 1

_log = logging.getLogger(__name__)


class PatchRecord:
    """Running statistics of all predicted patches, and the first few of them."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self.first: list[NDArray[np.float64]] = []
        self.count = 0
        self.nonfinite_count = 0
        self.low, self.high = math.inf, -math.inf
        self._sum = self._spread = 0.0
        self._squares = _RunningVariance()

    def add(self, amplitude: NDArray[np.floating[Any]]) -> None:
        """Take the amplitudes (B, C, N, N) of one batch."""
        patches = amplitude.astype(np.float64).reshape(-1, *amplitude.shape[-2:])
        self.first.extend(patches[: _FIRST - len(self.first)].copy())
        finite = np.isfinite(patches)
        self.nonfinite_count += int(patches.size - finite.sum())
        values = patches[finite]
        if values.size == 0:
            return
        self.count += values.size
        self.low, self.high = min(self.low, values.min()), max(self.high, values.max())
        self._squares.add(values)
        inside = np.where(finite, patches, 0.0)
        pixels = np.maximum(finite.sum(axis=(1, 2), keepdims=True), 1)
        mean = inside.sum(axis=(1, 2), keepdims=True) / pixels
        self._spread += float(np.sum(np.where(finite, patches - mean, 0.0) ** 2))

    def to_dict(self) -> dict[str, float | None]:
        """Give mean, std, min, max and the variance about each patch's own mean."""
        if self.count == 0:
            return dict.fromkeys(("mean", "std", "min", "max", "var_zero_mean"))
        return {
            "mean": self._squares.mean,
            "std": math.sqrt(self._squares.variance),
            "min": float(self.low),
            "max": float(self.high),
            "var_zero_mean": self._spread / self.count,
        }


class _RunningVariance:
    """Mean and variance of a stream, merged batch by batch without cancellation."""

    def __init__(self) -> None:
        self.count, self.mean, self._m2 = 0, 0.0, 0.0

    def add(self, values: NDArray[np.float64]) -> None:
        mean = float(values.mean())
        m2 = float(np.sum((values - mean) ** 2))
        total = self.count + values.size
        delta = mean - self.mean
        self._m2 += m2 + delta**2 * self.count * values.size / total
        self.mean += delta * values.size / total
        self.count = total

    @property
    def variance(self) -> float:
        return self._m2 / self.count


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Geometry:
    """Where the patches of a run lie.

    Attributes:
        patch_size: Side N of a patch [px].
        canvas_size: Rows and columns of the canvas.
        origin_xy: Scan coordinate of canvas pixel (0, 0) [px].
        padded_size: Side of a group canvas [px].
        positions: (M, 2) scan positions, x then y [px].
        groups: (G, C) scan points of each group.
        offsets: (G, C, 2) offsets from the group's mean [px].
    """

    patch_size: int
    canvas_size: tuple[int, int]
    origin_xy: tuple[float, float]
    padded_size: int
    positions: NDArray[np.float64]
    groups: NDArray[np.int64]
    offsets: NDArray[np.float64]


def write(
    folder: Path,
    geometry: Geometry,
    patches: PatchRecord,
    object_canvas: NDArray[np.complex64],
    mask: NDArray[np.bool_],
) -> None:
    """Write the five files of the dump; a picture that fails is a warning.

    Raises:
        OutputError: A file cannot be written.
    """
    files.write_json(folder / CANVAS, canvas_record(geometry))
    files.write_json(folder / OFFSETS, offsets_record(geometry))
    files.write_json(folder / STATS, stats_record(patches, object_canvas, mask))
    for name, is_normalised in ((GRID, False), (GRID_NORMALISED, True)):
        try:
            content = grid_png(patches.first, is_normalised=is_normalised)
        except pictures.DRAWING_ERRORS as error:
            _log.warning("%s was not drawn: %s", name, " ".join(str(error).split()))
        else:
            files.write_bytes(folder / name, content)


def canvas_record(geometry: Geometry) -> dict[str, Any]:
    """Describe the canvas, and how far groups spread about their means."""
    largest = np.abs(geometry.offsets).max(axis=(0, 1), initial=0.0)
    return {
        "schema": _SCHEMA,
        "patch_size": geometry.patch_size,
        "canvas_size": list(geometry.canvas_size),
        "origin_xy": list(geometry.origin_xy),
        "num_patch_slots": int(geometry.groups.size),
        "padded_group_size": geometry.padded_size,
        "max_abs_dx": float(largest[0]),
        "max_abs_dy": float(largest[1]),
    }


def offsets_record(geometry: Geometry) -> dict[str, Any]:
    """Describe the positions of all patch slots about the mean of the scan."""
    slots = geometry.positions[geometry.groups.ravel()] - geometry.positions.mean(axis=0)
    centred = geometry.offsets.reshape(-1, 2)
    return {
        "schema": _SCHEMA,
        "units": "px",
        "count": len(slots),
        "first_offsets_px": [{"dx": float(x), "dy": float(y)} for x, y in slots[:_FIRST]],
        "mean_dx": float(slots[:, 0].mean()),
        "mean_dy": float(slots[:, 1].mean()),
        "std_dx": float(slots[:, 0].std()),
        "std_dy": float(slots[:, 1].std()),
        "centered_std_dx": float(centred[:, 0].std()),
        "centered_std_dy": float(centred[:, 1].std()),
    }


def stats_record(
    patches: PatchRecord, object_canvas: NDArray[np.complex64], mask: NDArray[np.bool_]
) -> dict[str, Any]:
    """Describe the amplitudes of the patches and of the covered canvas."""
    covered = np.abs(object_canvas[mask]).astype(np.float64)
    finite = covered[np.isfinite(covered)]
    canvas: dict[str, float | None] = dict.fromkeys(("mean", "std", "min", "max"))
    if finite.size:
        canvas = {
            "mean": float(finite.mean()),
            "std": float(finite.std()),
            "min": float(finite.min()),
            "max": float(finite.max()),
        }
    return {
        "schema": _SCHEMA,
        "patch_amplitude": patches.to_dict(),
        "canvas_amplitude": canvas,
        "coverage_fraction": float(mask.mean()),
        "n_nonfinite": patches.nonfinite_count + int(covered.size - finite.size),
    }


def grid_png(patches: list[NDArray[np.float64]], *, is_normalised: bool) -> bytes:
    """Draw the first patches as a grid, on one colour range or each on its own.

    Raises:
        ValueError: There is no patch.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    if not patches:
        raise ValueError("no patch was predicted")
    tiles = np.ma.masked_invalid(np.stack(patches))
    if is_normalised:
        tiles = _normalise(tiles)
    row_count = math.ceil(len(patches) / _COLUMNS)
    figure = Figure(
        figsize=(1.6 * _COLUMNS + 0.9, 1.75 * row_count + 0.2), dpi=_DPI, layout="constrained"
    )
    FigureCanvasAgg(figure)
    grid = figure.subplots(row_count, _COLUMNS, squeeze=False)
    low, high = (0.0, 1.0) if is_normalised else (_number(tiles.min()), _number(tiles.max()))
    for axes in grid.ravel():
        axes.set_axis_off()
    images = []
    for index, (axes, tile) in enumerate(zip(grid.ravel(), tiles, strict=False)):
        images.append(axes.imshow(tile, cmap="gray", vmin=low, vmax=high))
        axes.set_title(str(index), fontsize=8)
    label = "|object|, each patch from 0 to 1" if is_normalised else "|object|"
    figure.colorbar(images[0], ax=grid, shrink=0.8, label=label)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _normalise(tiles: Any) -> Any:
    """Stretch each tile to 0 … 1; a constant tile becomes 0.5."""
    low = tiles.min(axis=(1, 2), keepdims=True)
    extent = tiles.max(axis=(1, 2), keepdims=True) - low
    is_flat = np.ma.filled(extent, 0.0) == 0.0
    return (tiles - low + 0.5 * is_flat) / np.where(is_flat, 1.0, np.ma.filled(extent, 1.0))


def _number(value: Any) -> float:
    """A bound of the colour range; 0 when every pixel is masked."""
    return 0.0 if value is np.ma.masked else float(value)
