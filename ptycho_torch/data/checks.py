"""What a scan must fulfil before anything is computed from it, each check on its own."""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ptycho_torch.data.frames import FrameCensus
from ptycho_torch.errors import InputError

MAX_PADDED_FACTOR = 4
PHOTON_FACTOR = 4.0
_PROBE_AXES = 3
_NAMED = 5
_LEAST_SHARE = 8
_MANY_POINTS = 9
_PLANE_AXES = 2
_PIXEL_RATIO = 0.01
_ASTRAY_EXTENTS = 10

_log = logging.getLogger(__name__)


def coordinates(
    x: NDArray[Any], y: NDArray[Any], where_x: str, where_y: str
) -> NDArray[np.float64]:
    """Join the two coordinate lists into (M, 2), x then y.

    Raises:
        InputError: A list is not one-dimensional, real, finite, or the lengths differ.
    """
    for values, where in ((x, where_x), (y, where_y)):
        if values.ndim != 1:
            raise InputError(where, expected="one axis", found=f"shape {values.shape}")
        if values.dtype.kind not in "fiu":
            raise InputError(where, expected="real numbers", found=str(values.dtype))
        lost = np.flatnonzero(~np.isfinite(values))
        if len(lost):
            raise InputError(
                where,
                expected="finite positions",
                found=f"NaN or infinity at {name_points(lost)}",
                remedy="leave these points out with --drop",
            )
    if len(x) != len(y):
        raise InputError(where_y, expected=f"{len(x)} positions, as for x", found=f"{len(y)}")
    return np.stack([x, y], axis=1).astype(np.float64)


def list_places(values: NDArray[Any], scan_shape: tuple[int, ...], where: str) -> NDArray[Any]:
    """Bring coordinates of points to one axis, those of a raster in the order of its frames.

    Args:
        values: One number for each point, with axes of one, or on the axes of a raster.
        scan_shape: Leading axes of the frames.
        where: File and key.

    Raises:
        InputError: They are on the axes of another raster, as one that is transposed.
    """
    axes, scan = ([size for size in shape if size > 1] for shape in (values.shape, scan_shape))
    if len(axes) > 1 and len(scan) > 1 and axes != scan:
        raise InputError(
            where,
            expected=f"places on the axes of the frames, {scan_shape}",
            found=f"{values.shape}",
            remedy="transpose the places, or list them and the frames one by one",
        )
    is_list = len(axes) <= 1 or values.size == math.prod(scan_shape)
    return values.ravel() if is_list else values


def name_points(numbers: NDArray[np.int64]) -> str:
    """Name some points by their numbers, the first few of many."""
    text = ", ".join(str(number) for number in numbers[:_NAMED])
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return f"point{'s' if len(numbers) > 1 else ''} {text}{more}"


def enough_points(positions: NDArray[np.float64], gridsize: int, where: str) -> None:
    """Demand at least one group of different points; warn about repeated points.

    Raises:
        InputError: Fewer points than a group has patterns.
    """
    if len(positions) < max(1, gridsize**2):
        raise InputError(
            where,
            expected=f"at least {gridsize**2} positions for gridsize {gridsize}",
            found=f"{len(positions)}",
            remedy="use a smaller --gridsize",
        )
    repeated = len(positions) - len(np.unique(positions, axis=0))
    if repeated:
        _log.warning("%s: %d positions repeat an earlier one", where, repeated)


def compact(positions: NDArray[np.float64], gridsize: int, side: int, where: str) -> None:
    """Refuse scans whose neighbours lie farther apart than patches can bridge.

    A group holds its seed and C - 1 others, so the padded canvas is at least N plus the
    distance to the farthest of the C - 1 nearest; half of the points must fit. Without groups
    the patches of half of the points must touch a neighbour.

    Raises:
        InputError: Most groups would need a canvas over 4 N, or patches stand alone.
    """
    count = max(gridsize**2, 2)
    if len(positions) < count:
        return
    distance, _ = cKDTree(positions).query(positions, k=[count], p=np.inf)
    typical = float(np.median(distance))
    reach = (MAX_PADDED_FACTOR - 1 if gridsize > 1 else 1) * side
    if typical > reach:
        raise InputError(
            where,
            expected=f"neighbours within {reach} px",
            found=f"{typical:.6g} px to the {count - 1}th neighbour",
            remedy="positions spread wider than patches; check units",
        )


def astray(positions: NDArray[np.float64], side: int, where: str) -> None:
    """Refuse single points that lie far from all others; one of them makes a canvas huge.

    Raises:
        InputError: A few points are many patches away, as a fill value or a lost encoder is.
    """
    lost = find_astray(positions, side)
    if len(lost):
        place = ", ".join(f"{value:.6g}" for value in positions[lost[0]])
        raise InputError(
            where,
            expected="positions near others",
            found=f"{name_points(lost)} far from all, the first at x, y {place} px",
            remedy="leave these points out with --drop",
        )


def find_astray(positions: NDArray[np.float64], side: int) -> NDArray[np.int64]:
    """Return the points beyond the reach of all others, where those are within reach."""
    if len(positions) < _MANY_POINTS:
        return np.empty(0, np.int64)
    away = np.abs(positions - np.median(positions, axis=0)).max(axis=1)
    distance, _ = cKDTree(positions).query(positions, k=[2], p=np.inf)
    nearest = distance[:, 0]
    usual = float(np.median(nearest))
    if usual > side:
        return np.empty(0, np.int64)
    # Two lost encoders may read the same: near each other, and far from the scan.
    is_far = away > _ASTRAY_EXTENTS * max(float(np.quantile(away, 0.9)), side)
    is_alone = nearest > MAX_PADDED_FACTOR * side
    return np.flatnonzero(is_far | is_alone)


def extent(positions: NDArray[np.float64], side: int, where: str) -> None:
    """Refuse scans that stand still: their positions are not in pixels.

    Raises:
        InputError: All positions lie within a pixel, or many within an eighth of a patch.
    """
    different = len(np.unique(positions, axis=0))
    if different < 2:  # noqa: PLR2004 - one place has no extent
        return
    largest = float(np.ptp(positions, axis=0).max())
    least = side / _LEAST_SHARE if different >= _MANY_POINTS else 1.0
    if largest < max(1.0, least):
        raise InputError(
            where,
            expected=f"positions in object pixels, over {max(1.0, least):g} px in extent",
            found=f"{largest:.3g} px",
            remedy="they look like metres or micrometres; divide them by the object pixel",
        )


def probe(stored: NDArray[Any], side: int, where: str) -> NDArray[np.complex64]:
    """Bring the probe to (P, N, N) complex64.

    Raises:
        InputError: Wrong shape, side or kind, not finite, or no energy.
    """
    if stored.dtype.kind not in "fciu":
        raise InputError(where, expected="complex numbers", found=str(stored.dtype))
    if stored.dtype.kind != "c":
        _log.warning("%s: the probe has no phase, its numbers are real", where)
    modes = stored
    if (
        stored.ndim == _PROBE_AXES
        and stored.shape[2] == 1
        and stored.shape[0] == stored.shape[1]
    ):
        modes = stored[..., 0]
    if modes.ndim == _PLANE_AXES:
        modes = modes[None]
    if modes.ndim != _PROBE_AXES or modes.shape[1:] != (side, side) or not len(modes):
        raise InputError(
            where,
            expected=f"({side}, {side}) or (modes, {side}, {side})",
            found=f"{stored.shape}",
            remedy="give the probe on the grid of the frames: cut its far field, not itself",
        )
    if not np.isfinite(modes).all():
        raise InputError(where, expected="finite values", found="NaN or infinity")
    narrow = modes.astype(np.complex64)
    if not np.square(np.abs(narrow.astype(np.complex128))).sum() > 0:
        raise InputError(where, expected="a probe with energy", found="zeros only")
    return narrow


def probe_count(modes: NDArray[np.complex64], point_count: int, where: str) -> None:
    """Refuse a probe for each point, which is not as many modes.

    Raises:
        InputError: There are as many planes as points.
    """
    if len(modes) == point_count >= _MANY_POINTS:
        raise InputError(
            where,
            expected="the modes of one probe",
            found=f"{point_count} planes, as many as points",
            remedy="store one probe, or variants with their weights, as ptychodus does",
        )


def probe_pixel(stated: float | None, pixel_size_m: float | None, where: str) -> None:
    """Refuse a probe whose own pixel is not that of the scan.

    Raises:
        InputError: They differ by over a hundredth; the probe is of another detector or crop.
    """
    if stated is None or pixel_size_m is None:
        return
    if abs(stated / pixel_size_m - 1) > _PIXEL_RATIO:
        raise InputError(
            where,
            expected=f"a probe with the scan's object pixel, {pixel_size_m:.4g} m",
            found=f"one of {stated:.4g} m",
            remedy="give a probe of this geometry and this side of the frames",
        )


def reference(
    stored: NDArray[Any] | None, positions: NDArray[np.float64], side: int, where: str
) -> NDArray[np.complex64] | None:
    """Check the reference object; warn about points whose patch leaves it.

    Raises:
        InputError: Not a plane of finite numbers.
    """
    if stored is None:
        return None
    if stored.ndim > _PLANE_AXES:  # axes of one, as layers and modes that are not used
        stored = stored.reshape([size for size in stored.shape if size > 1] or stored.shape)
    if stored.ndim != _PLANE_AXES or not stored.size or stored.dtype.kind not in "fciu":
        actual = f"{stored.dtype} {stored.shape}"
        raise InputError(where, expected="a plane of complex numbers", found=actual)
    if not np.isfinite(stored).all():
        raise InputError(where, expected="finite values", found="NaN or infinity")
    limits = np.array(stored.shape[::-1]) - side / 2
    outside = ((positions < side / 2) | (positions > limits)).any(axis=1)
    if outside.any():
        _log.warning(
            "%s: the patches of %d points leave the object; no metrics there",
            where,
            int(outside.sum()),
        )
    return stored.astype(np.complex64)


def plane_mask(
    stored: NDArray[Any] | None, shape: tuple[int, ...], where: str
) -> NDArray[np.bool_] | None:
    """Check a yes-or-no plane.

    Raises:
        InputError: Wrong shape or kind.
    """
    if stored is None:
        return None
    if stored.shape != shape or stored.dtype.kind not in "biu":
        raise InputError(
            where, expected=f"bool {shape}", found=f"{stored.dtype} {stored.shape}"
        )
    return stored.astype(np.bool_)


def experiment_ids(
    stored: NDArray[Any] | None, point_count: int, where: str
) -> NDArray[np.int64]:
    """Check the experiment ids, zeros when the file has none.

    Raises:
        InputError: Wrong length or kind.
    """
    if stored is None:
        return np.zeros(point_count, np.int64)
    if stored.shape != (point_count,) or stored.dtype.kind not in "biuf":
        actual = f"{stored.dtype} {stored.shape}"
        raise InputError(where, expected=f"{point_count} integers", found=actual)
    whole = np.rint(stored) if stored.dtype.kind == "f" else stored
    if not np.array_equal(whole, stored):
        raise InputError(where, expected="whole numbers", found="fractions or NaN")
    return stored.astype(np.int64)


def energy(census: FrameCensus, where: str) -> None:
    """Demand some light in the scan and no blinding frame; warn about dark frames.

    Raises:
        InputError: All frames are zero, or some a hundred times brighter than is usual.
    """
    if not census.energy > 0:
        raise InputError(where, expected="frames with energy", found="zeros only")
    if len(census.glaring_frames):
        usual = float(np.median(census.energies))
        ratio = max(census.energies) / usual if usual else float("inf")
        raise InputError(
            where,
            expected="frames of comparable energy",
            found=f"{ratio:.3g} times the usual at {name_points(census.glaring_frames)}",
            remedy="leave these frames out with --drop",
        )
    if len(census.dark):
        _log.warning(
            "%s: %d frames are all zero: %s; --drop leaves them out",
            where,
            len(census.dark),
            name_points(census.dark),
        )


def photons(census: FrameCensus, nphotons: float, where: str) -> None:
    """Warn when the frames look like counts and disagree with the stated dose."""
    measured = census.energy / census.frame_count
    ratio = measured / nphotons
    if census.counts_like and not 1 / PHOTON_FACTOR <= ratio <= PHOTON_FACTOR:
        _log.warning(
            "%s: frames look like counts with %.6g photons per frame, but nphotons is %.6g",
            where,
            measured,
            nphotons,
        )
