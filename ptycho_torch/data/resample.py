"""Frames of one size to frames of another, with everything that depends on their size.

N  side of a frame [px]   p  detector pixel   dx = λ z / (N p)  object pixel
A cut or a rim of the detector keeps p and the window N dx, so that dx, places and object
follow as 1 / N; a bin of K × K pixels keeps dx and makes p larger, so that the window
shrinks and the probe must fit into it.

Counts are added in a bin, not amplitudes. A bin of even side has its middle between two
pixels, half a pixel off the zero frequency: the probe gets the tilt that moves its own far
field there, exact but for the spread of a bin.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ptycho_torch.data import frame_views, frames
from ptycho_torch.data.frame_store import Amplitudes
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError

Field = NDArray[np.complexfloating[Any, Any]]
_NOTABLE_BLUR, _LARGEST_BLUR = 0.02, 0.1
_LEAST_VALID = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class ResizedFrames:
    """Amplitudes that are resized as they are read.

    Attributes:
        source: Amplitudes as they were.
        side: New side [px].
        resize: Turns a block (m, N, N) into one of that side.
    """

    source: Amplitudes
    side: int
    resize: Callable[[NDArray[np.float32]], NDArray[np.float32]]

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes."""
        return self.source.shape[0], self.side, self.side

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32."""
        return self.source.dtype

    def __getitem__(self, key: slice | NDArray[np.int64], /) -> NDArray[np.float32]:
        """Read a range of frames, or those at indices of any shape."""
        taken = self.source[key]
        return self.resize(taken)


def cut_detector(scan: ScanData, side: int) -> ScanData:
    """Leave out the rim of the detector: a coarser object pixel, the same window.

    Args:
        scan: Any side N.
        side: New side, at most N [px].

    Raises:
        InputError: The new side is larger.
    """
    if not 0 < side <= scan.side:
        raise InputError("--crop", expected=f"a side up to {scan.side}", found=str(side))
    corner = frame_views.middle((scan.side, scan.side), side)
    cut = ResizedFrames(
        scan.amplitude, side, lambda block: frame_views.cut(block, side, corner)
    )
    valid = frame_views.cut(scan.valid_mask, side, corner)
    resized = _follow_window(scan, cut, valid, side)
    if scan.nphotons is None:
        return resized
    # What falls beside the cut is no longer seen.
    share = _sum_counts(resized.amplitude) / _sum_counts(scan.amplitude)
    return dataclasses.replace(resized, nphotons=scan.nphotons * share)


def pad_detector(scan: ScanData, side: int) -> ScanData:
    """Put a rim around the detector, where nothing was measured: a finer object pixel.

    Args:
        scan: Any side N.
        side: New side, at least N [px].

    Raises:
        InputError: The new side is smaller, or most of it would be rim.
    """
    largest = int(scan.side * (1 / _LEAST_VALID) ** 0.5)
    if not scan.side <= side <= largest:
        raise InputError(
            "--pad",
            expected=f"a side from {scan.side} to {largest}, half of it measured",
            found=str(side),
        )
    top = side // 2 - scan.side // 2
    around = (top, side - scan.side - top)

    def pad(block: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.pad(block, ((0, 0), around, around))

    return _follow_window(
        scan,
        ResizedFrames(scan.amplitude, side, pad),
        np.pad(scan.valid_mask, (around, around)),
        side,
    )


def bin_detector(scan: ScanData, size: int) -> ScanData:
    """Add the counts of blocks of pixels: the same object pixel, a smaller window.

    A side that blocks do not fill loses its rim first. A block with a bad pixel is bad.

    Args:
        scan: Any side N.
        size: Side K of a block [px].

    Raises:
        InputError: The probe does not fit into the window that is left.
    """
    side = scan.side // size
    if size < 1 or not side:
        raise InputError("--bin", expected=f"a block of 1 to {scan.side}", found=str(size))
    whole = cut_detector(scan, side * size) if side * size != scan.side else scan
    probe = _bin_probe(whole.probe, size)
    blur = measure_blur(whole.probe, size)
    if blur > _NOTABLE_BLUR:
        _log.warning(
            "%s: blocks of %d blur the speckles by %.1f %%", scan.name, size, 100 * blur
        )
    if blur > _LARGEST_BLUR:
        raise InputError(
            "--bin",
            expected=f"a probe well inside {side} px, the window that blocks of {size} leave",
            found=f"an error of {blur:.0%} for the probe alone",
            remedy="bin less, or --crop instead",
        )

    def add(block: NDArray[np.float32]) -> NDArray[np.float32]:
        counts = _add_blocks(np.square(block, dtype=np.float64), size)
        added: NDArray[np.float32] = np.sqrt(counts).astype(np.float32)
        return added

    return dataclasses.replace(
        whole,
        amplitude=ResizedFrames(whole.amplitude, side, add),
        probe=probe.astype(np.complex64),
        valid_mask=np.asarray(_split_blocks(whole.valid_mask, size).all(axis=(-3, -1))),
    )


def measure_blur(probe: Field, size: int) -> float:
    """Return the relative error of the binned model for the probe without an object.

    Args:
        probe: (P, N, N) whose side is a multiple of the block's.
        size: Side K of a block [px].
    """
    exact = np.sqrt(_add_blocks(_spread(probe), size))
    model = np.sqrt(_spread(_bin_probe(probe, size)))
    return float(np.linalg.norm(model - exact) / np.linalg.norm(exact))


def _follow_window(
    scan: ScanData, amplitude: Amplitudes, valid: NDArray[np.bool_], side: int
) -> ScanData:
    """Let pixel, places, probe and object follow a detector of another extent."""
    ratio = side / scan.side
    canvas, mask = scan.object_canvas, scan.object_mask
    return dataclasses.replace(
        scan,
        amplitude=amplitude,
        positions=scan.positions * ratio,
        probe=_resize_waves(scan.probe, side).astype(np.complex64),
        object_canvas=None if canvas is None else _resample_canvas(canvas, scan.side, side),
        object_mask=None if mask is None else _resample_mask(mask, scan.side, side),
        valid_mask=valid,
        pixel_size_m=None if scan.pixel_size_m is None else scan.pixel_size_m / ratio,
    )


def _resize_waves(probe: Field, side: int) -> Field:
    """Cut or pad the far field of a probe (P, N, N), its middle at N // 2 in both planes."""
    far_field = _transform_centred(fft.fft2, probe)
    old = probe.shape[-1]
    if side <= old:
        resized = frame_views.cut(far_field, side, frame_views.middle((old, old), side))
    else:
        top = side // 2 - old // 2
        around = (top, side - old - top)
        resized = np.pad(far_field, ((0, 0), around, around))
    return _transform_centred(fft.ifft2, resized)


def _transform_centred(transform: Callable[..., Any], waves: Field) -> Field:
    axes = (-2, -1)
    moved = fft.ifftshift(waves.astype(np.complex128), axes=axes)
    return np.asarray(fft.fftshift(transform(moved, norm="ortho"), axes=axes))


def _resample_canvas(
    canvas: NDArray[np.complex64], old: int, new: int
) -> NDArray[np.complex64]:
    """Sample an object anew: pixel j of the result lies at pixel j · old / new."""
    resampled: Field = canvas.astype(np.complex128)
    for axis in (0, 1):
        resampled = _resample_axis(resampled, old, new, axis)
    return resampled.astype(np.complex64)


def _resample_axis(plane: Field, old: int, new: int, axis: int) -> Field:
    """Cut or pad the spectrum along an axis that is mirrored at its ends."""
    count = plane.shape[axis]
    length = -(-count * new // old)
    step = old // np.gcd(old, new)
    # The period holds a whole number of samples of both kinds.
    period = -(-2 * count // step) * step
    spare = period - 2 * count
    mirrored = np.concatenate([plane, np.flip(plane, axis)], axis=axis)
    around = [(0, spare) if number == axis else (0, 0) for number in (0, 1)]
    mirrored = np.pad(mirrored, around, mode="edge")
    samples = period * new // old
    spectrum = fft.fftshift(fft.fft(mirrored, axis=axis), axes=axis)
    start = period // 2 - samples // 2
    if samples <= period:
        chosen = [slice(None)] * 2
        chosen[axis] = slice(start, start + samples)
        spectrum = spectrum[tuple(chosen)]
    else:
        rims = [
            (-start, samples - period + start) if number == axis else (0, 0)
            for number in (0, 1)
        ]
        spectrum = np.pad(spectrum, rims)
    resampled = fft.ifft(fft.ifftshift(spectrum, axes=axis), axis=axis) * (samples / period)
    first = [slice(None)] * 2
    first[axis] = slice(0, length)
    return np.asarray(resampled[tuple(first)])


def _resample_mask(mask: NDArray[np.bool_], old: int, new: int) -> NDArray[np.bool_]:
    """Sample a mask anew; a pixel is known where both of its neighbours were."""
    resampled = mask
    for axis in (0, 1):
        count = resampled.shape[axis]
        place = np.arange(-(-count * new // old)) * old / new
        low, high = (
            np.take(resampled, np.clip(rounded(place).astype(int), 0, count - 1), axis=axis)
            for rounded in (np.floor, np.ceil)
        )
        resampled = low & high
    return resampled


def _bin_probe(probe: Field, size: int) -> Field:
    """Cut a probe to the window that is left, and tilt it to the middles of the blocks."""
    old = probe.shape[-1]
    side = old // size
    cut = frame_views.cut(probe, side, frame_views.middle((old, old), side))
    # The block of the zero frequency has its middle so many pixels behind it.
    offset = size * (side // 2) + (size - 1) / 2 - old // 2
    places = np.arange(side) - side // 2
    tilt = np.exp(-2j * np.pi * offset * places / old)
    return np.asarray(cut * tilt[:, None] * tilt)


def _spread(probe: Field) -> NDArray[np.float64]:
    """Return the counts (N, N) that a probe alone leaves on the detector."""
    waves = _transform_centred(fft.fft2, probe)
    counts: NDArray[np.float64] = (np.square(waves.real) + np.square(waves.imag)).sum(axis=0)
    return counts


def _split_blocks(planes: NDArray[Any], size: int) -> NDArray[Any]:
    side = planes.shape[-1] // size
    return planes.reshape(*planes.shape[:-2], side, size, side, size)


def _add_blocks(planes: NDArray[Any], size: int) -> NDArray[Any]:
    added: NDArray[Any] = _split_blocks(planes, size).sum(axis=(-3, -1))
    return added


def _sum_counts(amplitude: Amplitudes) -> float:
    return sum(
        float(np.square(block, dtype=np.float64).sum()) for block in frames.blocks(amplitude)
    )
