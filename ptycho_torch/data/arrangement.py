"""Raw scan to frames in the order and the view in which they are read."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import (
    centring,
    checks,
    detector_mask,
    frames,
    pairing,
    selection,
)
from ptycho_torch.data.centring import DetectorView
from ptycho_torch.data.frame_store import FrameStore
from ptycho_torch.data.frame_views import PickedFrames
from ptycho_torch.data.frames import FrameOrder
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.errors import InputError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrangement:
    """Frames as they will be read.

    Attributes:
        stored: (M, N, N) frames in the numbers of the file.
        order: How they become amplitudes.
        points: (M,) rows of the file's positions that they belong to.
        scan_index: (M,) number of the scan.
        view: Which part of the detector is read.
    """

    stored: FrameStore
    order: FrameOrder
    points: NDArray[np.int64]
    scan_index: NDArray[np.int64]
    view: DetectorView


def arrange(raw: RawScan, config: DataConfig, *, any_side: bool = False) -> Arrangement:
    """Choose points, crop to the probe, centre and mask, as the settings ask.

    Args:
        raw: The scan as its file holds it.
        config: Settings that say how to understand the file.
        any_side: Take frames that no network takes; they are resized later.

    Raises:
        InputError: Frames, masks and positions do not fit each other, or several scans or
            points without a place are not spoken of by the settings.
    """
    count = int(np.size(raw.x))
    where = raw.pieces.frame_where
    stored = raw.pieces.frames
    if stored is None:  # an opened scan without frames has been refused before
        raise InputError(where, expected="frames", found="none")
    pairing.check_order(raw.pieces)
    listed = frames.orient(stored, count, where)
    ids_where = f"{raw.where_x.rsplit(': ', 1)[0]}: scan_index"
    ids = checks.experiment_ids(raw.scan_index, count, ids_where)
    points = selection.choose_scan(ids, config.scan, ids_where)
    if config.drop:
        points = selection.drop_lost(points, raw.x, raw.y, min(listed.shape[-2:]), raw.where_x)
    kind = frames.resolve_kind(listed, raw.pieces.kind, config.input_kind, where)
    view = _choose_view(listed, raw, config, kind, any_side=any_side)
    seen = view.crop_frames(_pick(listed, points))
    frames.check_side(seen.shape, where, any_side=any_side)
    valid = _valid_pixels(raw, points, listed.shape, view)
    valid = valid & detector_mask.find_gaps(
        seen, where, raw.pieces.limit, raw.pieces.marks, is_root=kind == "amplitude"
    )
    order = FrameOrder(where=where, kind=kind, valid_mask=valid)
    if config.drop:
        sound = selection.find_sound(seen, order)
        selection.report_dropped(sound, where, "dark, unreadable or far too bright")
        points = points[sound]
        seen = view.crop_frames(_pick(listed, points))
    steps = _describe_steps(points, count, view, listed)
    return Arrangement(
        stored=seen,
        order=dataclasses.replace(order, steps=steps),
        points=points,
        scan_index=ids[points],
        view=view,
    )


def _valid_pixels(
    raw: RawScan, points: NDArray[np.int64], shape: tuple[int, ...], view: DetectorView
) -> NDArray[np.bool_]:
    """Return (N, N), true where the file calls a pixel good and nothing was rolled around."""
    mask = raw.pieces.valid_mask
    chosen = mask[points] if mask is not None and mask.shape == shape else mask
    plane = detector_mask.to_plane(chosen, (len(points), *shape[1:]), raw.pieces.mask_where)
    valid: NDArray[np.bool_] = view.crop_plane(plane) & view.find_unwrapped()
    return valid


def mean_pattern(stored: FrameStore, kind: str) -> NDArray[np.float64]:
    """Return the sum of the intensities over all frames (H, W); marks count as dark."""
    total = np.zeros(stored.shape[-2:])
    for block in frames.blocks(stored):
        wide = block.astype(np.float64)
        squares = wide if kind == "intensity" else np.square(wide)
        total += np.where(np.isfinite(squares) & (squares > 0), squares, 0).sum(axis=0)
    return total


def _choose_view(
    listed: FrameStore, raw: RawScan, config: DataConfig, kind: str, *, any_side: bool
) -> DetectorView:
    where = raw.pieces.frame_where
    _, probe = raw.pieces.complete()
    side = listed.shape[-1]
    if raw.pieces.kind == "intensity" or listed.shape[-2] != side:
        side = frames.common_side(listed.shape, probe.shape)
        if raw.pieces.kind != "intensity" and not any_side:
            frames.check_side(listed.shape, where)
    pixel = centring.parse_center(config.center)
    if config.center == centring.AUTO:
        pixel = _measure_pixel(listed, raw, kind)
    if listed.shape[-2:] != (side, side):
        rows, columns = listed.shape[-2:]
        _log.warning(
            "%s: frames of %d × %d px are cropped to the probe's %d × %d",
            where,
            columns,
            rows,
            side,
            side,
        )
    return centring.choose_view(listed.shape, side, pixel, where)


def _measure_pixel(listed: FrameStore, raw: RawScan, kind: str) -> tuple[float, float]:
    where, mask = raw.pieces.frame_where, raw.pieces.valid_mask
    pattern = mean_pattern(listed, kind)
    if mask is not None:
        pattern = pattern * (mask.all(axis=0) if mask.ndim == len(listed.shape) else mask)
    measured = centring.measure_centre(pattern)
    if not measured.is_certain:
        raise InputError(
            where,
            expected="a pattern with a centre",
            found="light spread evenly",
            remedy="name the pixel, --center X,Y",
        )
    _, probe = raw.pieces.complete()
    side = probe.shape[-1]
    expected = centring.predict_centre(
        probe if probe.ndim > len(pattern.shape) else probe[None]
    )
    tilt = (expected.x - side // 2, expected.y - side // 2) if expected.is_certain else (0, 0)
    pixel = measured.x - tilt[0], measured.y - tilt[1]
    _log.info("%s: the zero frequency is taken to be at %.1f, %.1f", where, *pixel)
    return pixel


def _pick(listed: FrameStore, points: NDArray[np.int64]) -> FrameStore:
    if len(points) == listed.shape[0]:
        return listed
    return PickedFrames(listed, points)


def _describe_steps(
    points: NDArray[np.int64], count: int, view: DetectorView, listed: FrameStore
) -> str:
    """Name what was done to the frames, empty for what a reader does to each file anyway."""
    chosen = "" if len(points) == count else hashlib.sha256(points.tobytes()).hexdigest()
    usual = centring.choose_view(listed.shape, view.side, None, "")
    return " ".join(part for part in (chosen, "" if view == usual else view.describe()) if part)
