"""What is understood of a scan file, for people: facts, a picture, what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import panels
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import (
    arrangement,
    catalogue,
    centring,
    checks,
    frames,
    likeness,
    scan_file,
    scan_reader,
)
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError, MissingInputError
from ptycho_torch.panels import Panel, Ramp

_SHADES = 64
_NOTHING = "nothing"
_PLANE = 2


@dataclass(slots=True, kw_only=True, eq=False)
class Understanding:
    """Facts about a scan file.

    Attributes:
        facts: What is known, by the name of its line.
        refusal: Why the file cannot be used as given; None when it can.
        maps: (N, N) planes by title, for a picture.
    """

    facts: dict[str, str] = field(default_factory=dict)
    refusal: InputError | None = None
    maps: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def to_text(self) -> str:
        """Return the facts, one a line, and what would be refused."""
        width = max(len(name) for name in (*self.facts, "refused"))
        lines = [f"{name:<{width}}  {value}" for name, value in self.facts.items()]
        refused = _NOTHING if self.refusal is None else " ".join(str(self.refusal).split())
        return "\n".join([*lines, f"{'refused':<{width}}  {refused}"])

    def draw(self) -> bytes:
        """Draw the mean pattern, the places of the scan and the probe as a PNG.

        Raises:
            InputError: The file was refused before anything could be seen.
        """
        if not self.maps:
            raise InputError("--picture", expected="a scan that can be drawn", found=_NOTHING)
        return panels.draw([_panel(title, plane) for title, plane in self.maps.items()])


def understand(path: Path, config: DataConfig) -> Understanding:
    """Read a scan file as every program does, and say what was made of it.

    Args:
        path: File of any format of the catalogue.
        config: Settings that say how to understand the file.

    Raises:
        MissingInputError: A named file does not exist.
    """
    understanding = Understanding()
    try:
        with scan_reader.open_source(path) as source:
            name, _ = catalogue.find_reader(source)
        understanding.facts["format"] = f"{name}: {catalogue.list_formats()[name]}"
        scan = scan_file.read(path, config)
    except MissingInputError:
        raise
    except InputError as error:
        understanding.refusal = error
        _describe_refused(understanding, path, config)
    else:
        with scan_file.open_raw(path, config) as raw:
            _describe_raw(understanding, raw)
            arranged = arrangement.arrange(raw, config)
            understanding.facts["frames"] += f", read as {arranged.order.kind}"
            shape, _ = raw.pieces.complete()
            if shape.count(scan.side) < _PLANE:
                understanding.facts["frames"] += f", cut to {scan.side} × {scan.side}"
        _describe_scan(understanding, scan)
    return understanding


def _describe_refused(understanding: Understanding, path: Path, config: DataConfig) -> None:
    """Say what can be said of a file whose frames are not read."""
    try:
        with scan_file.open_raw(path, config) as raw:
            _describe_raw(understanding, raw)
            stored = raw.pieces.frames
            if stored is None:
                return
            listed = frames.orient(stored, int(np.size(raw.x)), raw.pieces.frame_where)
            kind = frames.resolve_kind(listed, raw.pieces.kind, config.input_kind, "")
            _describe_pattern(understanding, arrangement.mean_pattern(listed, kind))
    except InputError as error:
        understanding.facts["not read"] = " ".join(str(error).split())


def _describe_raw(understanding: Understanding, raw: RawScan) -> None:
    shape, probe = raw.pieces.complete()
    stored = raw.pieces.frames
    kind = "" if stored is None else f" {stored.dtype}"
    home = raw.pieces.frame_where.rsplit(": ", 1)[-1]
    understanding.facts["frames"] = f"{' × '.join(map(str, shape))}{kind} in {home}"
    understanding.facts["probe"] = (
        f"{' × '.join(map(str, probe.shape))} {probe.dtype} in "
        + (raw.pieces.probe_where.rsplit(": ", 1)[-1])
    )
    for name, values in (("x", raw.x), ("y", raw.y)):
        finite = np.ravel(values)[np.isfinite(np.ravel(values))]
        lost = np.size(values) - finite.size
        text = f"{finite.min():.6g} … {finite.max():.6g} px" if finite.size else "none finite"
        understanding.facts[f"positions {name}"] = text + (
            f", {lost} not finite" if lost else ""
        )
    pixel = raw.pixel_size_m
    understanding.facts["object pixel"] = "not stated" if pixel is None else f"{pixel:.4g} m"
    understanding.facts["orientation"] = "; ".join(raw.notes) or "x along columns, y along rows"
    ids = np.zeros(1) if raw.scan_index is None else raw.scan_index
    known, counts = np.unique(ids, return_counts=True)
    understanding.facts["scans"] = ", ".join(
        f"{number:g}" + (f" ({count} points)" if len(known) > 1 else "")
        for number, count in zip(known, counts, strict=True)
    )
    photons = "not stated" if raw.nphotons is None else f"{raw.nphotons:.4g} a frame, stated"
    understanding.facts["photons"] = photons
    if raw.pieces.files:
        understanding.facts["other files"] = ", ".join(file.name for file in raw.pieces.files)


def _describe_scan(understanding: Understanding, scan: ScanData) -> None:
    amplitude = np.zeros((scan.side, scan.side))
    energies = []
    for block in frames.blocks(scan.amplitude):
        squares = np.square(block, dtype=np.float64)
        amplitude += squares.sum(axis=0)
        energies.extend(squares.sum(axis=(1, 2)).tolist())
    _describe_pattern(understanding, amplitude)
    understanding.facts["photons"] += f"; {np.mean(energies):.4g} in the squared amplitudes"
    dark = np.flatnonzero(np.array(energies) == 0)
    if len(dark):
        understanding.facts["dark"] = checks.name_points(dark)
    bad = int((~scan.valid_mask).sum())
    understanding.facts["mask"] = f"{bad} of {scan.valid_mask.size} pixels are bad"
    understanding.facts["probe"] += (
        f", read as {len(scan.probe)} mode{'s' if len(scan.probe) > 1 else ''}"
    )
    reference = "none"
    if scan.object_canvas is not None:
        rows, columns = scan.object_canvas.shape
        explained = likeness.explain_frames(scan, scan.object_canvas)
        reference = f"{rows} × {columns} px, explains the frames to {explained:.4f}"
    understanding.facts["reference"] = reference
    understanding.facts["identity"] = f"sha256 {scan.sha256}"
    understanding.maps["scan"] = _map_places(scan.positions, scan.side)
    understanding.maps["probe"] = np.sqrt(
        np.square(np.abs(scan.probe), dtype=np.float64).sum(axis=0)
    )


def _describe_pattern(understanding: Understanding, pattern: NDArray[np.float64]) -> None:
    centre = centring.measure_centre(pattern)
    middle = " × ".join(str(size // 2) for size in pattern.shape[::-1])
    understanding.facts["centre"] = (
        f"{centre.describe()} of the mean pattern, zero frequency taken at {middle}"
        if centre.is_certain
        else "light spread evenly, not measured"
    )
    mean = np.log10(1 + pattern / max(float(pattern.mean()), 1e-300))
    if len(set(pattern.shape)) == 1:
        understanding.maps["mean pattern, log"] = mean


def _map_places(positions: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Count the points in a square of cells over the extent of the scan."""
    low = positions.min(axis=0)
    extent = max(float(np.ptp(positions, axis=0).max()), 1.0)
    cells = np.minimum(((positions - low) / extent * (side - 1)).astype(int), side - 1)
    plane = np.zeros((side, side))
    np.add.at(plane, (cells[:, 1], cells[:, 0]), 1)
    return plane


def _panel(title: str, plane: NDArray[np.float64]) -> Panel:
    low, high = float(plane.min()), float(plane.max())
    high = high if high > low else low + 1
    ramp = Ramp(
        colours=panels.grey(_SHADES),
        low=low,
        high=high,
        ticks=panels.ticks(low, high),
        unit="",
    )
    return Panel(title=title, values=plane, mask=np.ones(plane.shape, np.bool_), ramp=ramp)
