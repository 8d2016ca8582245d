"""Which detector pixels count: masks of every kind to one plane, true at valid pixels.

One plane serves all frames, so a pixel that is bad in one frame is bad in all.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import frames
from ptycho_torch.data.frame_store import FrameStore
from ptycho_torch.errors import InputError

# Bits of a CXI mask that say something of a pixel that is no defect: signal above background.
CXI_NO_DEFECT = 0x1000 | 0x10000
_PLANE, _STACK = 2, 3
_LEAST_VALID = 0.5
_GAPS = (int(np.iinfo(np.int32).max), int(np.iinfo(np.uint32).max))
_FEWEST_BITS, _FEWEST_FULL, _NEAR = 6, 8, 32

_log = logging.getLogger(__name__)


def from_bits(stored: NDArray[Any], harmless: int, where: str) -> NDArray[np.bool_]:
    """Read a bit field of defects; true where the pixel is valid.

    Args:
        stored: Integers or booleans, a plane or one plane for each frame.
        harmless: Bits that are no defect.
        where: File and key.

    Raises:
        InputError: Not whole numbers.
    """
    if stored.dtype.kind == "f" and bool((stored == np.rint(stored)).all()):
        stored = stored.astype(np.int64)
    if stored.dtype.kind not in "biu":
        raise InputError(where, expected="bits of defects", found=f"{stored.dtype}")
    valid: NDArray[np.bool_] = (stored.astype(np.int64) & ~harmless) == 0
    return _list_planes(valid)


def from_flags(stored: NDArray[Any], where: str) -> NDArray[np.bool_]:
    """Read a mask that is 1 at valid pixels; true there.

    Args:
        stored: Booleans, or numbers 0 and 1, a plane or one plane for each frame.
        where: File and key.

    Raises:
        InputError: Other numbers, or none.
    """
    if stored.dtype.kind not in "biuf":
        raise InputError(where, expected="0 or 1", found=f"{stored.dtype} {stored.shape}")
    if not np.isin(stored, (0, 1)).all():
        raise InputError(
            where,
            expected="0 or 1",
            found=f"numbers up to {stored.max()}, a bit field?",
            remedy="store 1 at good pixels and 0 at bad ones",
        )
    return _list_planes(stored.astype(np.bool_))


def join(
    first: NDArray[np.bool_] | None,
    first_where: str,
    second: NDArray[np.bool_] | None,
    second_where: str,
) -> tuple[NDArray[np.bool_] | None, str]:
    """Join two masks: a pixel is valid where neither calls it bad; planes hold for all frames.

    Raises:
        InputError: They are of detectors of different sizes, or of different numbers of frames.
    """
    if first is None or second is None:
        return (second, second_where) if first is None else (first, first_where)
    where = f"{first_where} and {second_where}"
    is_plane = min(first.ndim, second.ndim) == _PLANE
    if first.shape[-2:] != second.shape[-2:] or not (is_plane or first.shape == second.shape):
        raise InputError(
            where, expected="masks of one shape", found=f"{first.shape} and {second.shape}"
        )
    return first & second, where


def _list_planes(valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave out axes of one, and list the planes of a raster."""
    planes = valid[..., 0] if valid.ndim > _PLANE and valid.shape[-1] == 1 else valid
    leading = [size for size in planes.shape[:-2] if size > 1]
    if planes.ndim <= _PLANE:
        return planes
    return planes.reshape(*([-1] if leading else []), *planes.shape[-2:])


def to_plane(
    stored: NDArray[np.bool_] | None, shape: tuple[int, ...], where: str
) -> NDArray[np.bool_]:
    """Bring a mask of valid pixels to one plane; without one every pixel is valid.

    Args:
        stored: True at valid pixels, a plane or one plane for each frame.
        shape: Frames, rows and columns of the frames.
        where: File and key.

    Raises:
        InputError: Another shape, or most pixels masked: the mask is inverted.
    """
    if stored is None:
        return np.ones(shape[-2:], np.bool_)
    if stored.shape not in (shape, shape[-2:]):
        raise InputError(
            where,
            expected=f"bool {shape[-2:]}",
            found=f"{stored.dtype} {stored.shape}",
            remedy="give the mask the sides of the frames, a plane or one for each frame",
        )
    plane = stored
    if plane.ndim == _STACK:
        plane = np.logical_and.reduce(plane)
    check_share(plane, where)
    return plane


def check_share(plane: NDArray[np.bool_], where: str) -> None:
    """Refuse a mask that leaves less than half of the pixels.

    Raises:
        InputError: The mask is inverted, or not one of this detector.
    """
    share = float(plane.mean())
    if share < _LEAST_VALID:
        raise InputError(
            where,
            expected="a mask that leaves most pixels valid",
            found=f"{share:.1%} valid",
            remedy="the mask looks inverted: valid_mask is 1 at good pixels, bad_pixels at bad",
        )


def find_gaps(
    stored: FrameStore,
    where: str,
    limit: float = np.inf,
    marks: tuple[float, ...] = (),
    *,
    is_root: bool = False,
) -> NDArray[np.bool_]:
    """Find pixels that hold a mark instead of a count; false there.

    The largest number of an integer marks a gap or a saturated pixel, as do 2³¹−1 and 2³²−1 in
    any kind and all between in integers. NaN does where a pixel never holds a count, and so
    does a number below zero that is the same in every frame.
    A counter of fewer bits stops at 2ⁿ−1: where many numbers are just that and hardly any a
    little less, they are saturated.

    Args:
        stored: Intensities, scan axis first.
        where: File and key.
        limit: Smallest number that is no count by the word of the file.
        marks: Numbers that are none by the word of the file.
        is_root: Roots of counts are stored, and roots of such marks among them.

    Raises:
        InputError: Most pixels hold a mark.
    """
    valid = np.ones(stored.shape[-2:], np.bool_)
    never_counted = valid.copy()
    first = stored[:1]
    # Roots are looked through only where the first frame shows a gap: a pass less.
    if is_root and not (marks or limit < np.inf or _holds_gap(first)):
        return valid
    highest = 0.0
    for block in frames.blocks(stored):
        is_mark = _find_marks(block, is_root=is_root) | np.isin(block, marks)
        is_mark |= (np.square(block, dtype=np.float64) if is_root else block) >= limit
        valid &= ~is_mark.any(axis=0)
        never_counted &= _find_negative(block, first).all(axis=0)
        highest = max(highest, float(np.max(block, where=~is_mark, initial=0)))
    valid &= ~never_counted
    if stored.dtype.kind in "iu" and not is_root and _is_counter_full(stored, highest):
        for block in frames.blocks(stored):
            valid &= ~(block == highest).any(axis=0)
    if not valid.all():
        _log.warning(
            "%s: %d pixels hold the mark of a gap or of saturation and are left out",
            where,
            int((~valid).sum()),
        )
        check_share(valid, where)
    return valid


def _is_counter_full(stored: FrameStore, highest: float) -> bool:
    """Tell whether the largest number is where a counter stops, not one that was counted."""
    bits = int(highest + 1).bit_length() - 1
    if highest + 1 != 1 << bits or bits < _FEWEST_BITS:
        return False
    full = near = 0
    for block in frames.blocks(stored):
        full += int((block == highest).sum())
        near += int(((block < highest) & (block >= highest * (1 - 1 / _NEAR))).sum())
    return full >= _FEWEST_FULL and full > near


def _find_marks(block: NDArray[Any], *, is_root: bool) -> NDArray[np.bool_]:
    """Find numbers that are no counts in any file."""
    if block.dtype.kind in "iu" and not is_root:
        marks: NDArray[np.bool_] = block >= min(_GAPS[0], np.iinfo(block.dtype).max)
        return marks
    # Other numbers of this size may be intensities in arbitrary units.
    equal: NDArray[np.bool_] = np.zeros(block.shape, np.bool_)
    if block.dtype.kind != "f":
        return equal
    with np.errstate(over="ignore"):  # half precision holds no such number, but infinity
        for gap in _GAPS:
            equal |= block == block.dtype.type(np.sqrt(gap) if is_root else gap)
    return equal


def _holds_gap(first: NDArray[Any]) -> bool:
    return bool((_find_marks(first, is_root=True) | _find_negative(first, first)).any())


def _find_negative(block: NDArray[Any], first: NDArray[Any]) -> NDArray[np.bool_]:
    """Find by what a gap is marked in every frame: NaN, or one and the same negative number."""
    if block.dtype.kind not in "if":
        return np.zeros(block.shape, np.bool_)
    negative: NDArray[np.bool_] = (block < 0) & (block == first)
    return negative | np.isnan(block) if block.dtype.kind == "f" else negative
