"""The zero frequency of the frames: where it is measured to be, and how it comes to N / 2.

c_k  circular mean of the mean pattern along an axis of n pixels: the angle of
Σ I(k) exp(2πi k / n), times n / 2π; flat light shares leave it where it is, and a
pattern whose zero frequency is in the corner is not taken for a centred one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import frame_views
from ptycho_torch.data.frame_store import FrameStore
from ptycho_torch.data.frame_views import RolledFrames
from ptycho_torch.errors import InputError

CHECK, KEEP, AUTO = "check", "keep", "auto"
_WORDS = (CHECK, KEEP, AUTO)
_FEWEST_PIXELS = 2.0
_SHARE_OF_SIDE = 64
_CONCENTRATED = 0.15  # below, the pattern is too flat to have a centre
_CORNER_PIXELS = 2


@dataclass(frozen=True, slots=True)
class Centre:
    """Where the zero frequency is [px], column x and row y, and how sure that is.

    Attributes:
        x: Column.
        y: Row.
        concentration: 1 for all light in one pixel, 0 for evenly spread light.
    """

    x: float
    y: float
    concentration: float

    @property
    def is_certain(self) -> bool:
        """Whether the light is concentrated enough to tell."""
        return self.concentration > _CONCENTRATED

    def describe(self) -> str:
        """Say it in words."""
        return f"x {self.x:.1f}, y {self.y:.1f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorView:
    """Which part of the detector is read, and how far it is rolled.

    Attributes:
        side: Side N of what is read [px].
        corner: First row and column.
        roll: Rows and columns by which content moves down and right, around the edge.
    """

    side: int
    corner: tuple[int, int]
    roll: tuple[int, int]

    def crop_frames(self, stored: FrameStore) -> FrameStore:
        """Return the frames in this view; themselves, when it is all of them unmoved."""
        seen = stored
        if stored.shape[-2:] != (self.side, self.side):
            seen = frame_views.CroppedFrames(seen, self.side, self.corner)
        return RolledFrames(seen, self.roll) if any(self.roll) else seen

    def crop_plane(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Return planes (…, H, W) in this view."""
        cut = frame_views.cut(plane, self.side, self.corner)
        return np.roll(cut, self.roll, axis=(-2, -1)) if any(self.roll) else cut

    def find_unwrapped(self) -> NDArray[np.bool_]:
        """Return (N, N), false where another frequency has been rolled in around an edge.

        A half roll is the exchange of quadrants of a discrete transform: nothing is wrong
        there.
        """
        plane = np.ones((self.side, self.side), np.bool_)
        for axis, shift in enumerate(self.roll):
            if abs(abs(shift) - self.side // 2) <= _CORNER_PIXELS or not shift:
                continue
            edge = slice(0, shift) if shift > 0 else slice(shift, None)
            plane[(edge, slice(None)) if axis == 0 else (slice(None), edge)] = False
        return plane

    def describe(self) -> str:
        """Name this view, for the key of a cache."""
        return f"{self.corner} {self.roll}"


def parse_center(text: str, where: str = "--center") -> tuple[float, float] | None:
    """Return the pixel X,Y that a setting names, None for its words.

    Raises:
        InputError: It is neither.
    """
    if text in _WORDS:
        return None
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError as error:
        expected = f"{', '.join(_WORDS)} or X,Y in pixels"
        raise InputError(where, expected=expected, found=repr(text)) from error
    if not (math.isfinite(x) and math.isfinite(y)):
        raise InputError(where, expected="finite pixels", found=repr(text))
    return x, y


def measure_centre(pattern: NDArray[np.float64]) -> Centre:
    """Measure the centre of a mean pattern (H, W) by its circular mean."""
    total = float(pattern.sum())
    if not total > 0:
        return Centre(math.nan, math.nan, 0.0)
    places, sizes = [], []
    for axis in (1, 0):
        profile = pattern.sum(axis=1 - axis)
        count = len(profile)
        moment = complex((profile * np.exp(2j * np.pi * np.arange(count) / count)).sum())
        places.append(
            math.atan2(moment.imag, moment.real) % (2 * math.pi) * count / 2 / math.pi
        )
        sizes.append(abs(moment) / total)
    return Centre(places[0], places[1], min(sizes))


def choose_view(
    shape: tuple[int, ...], side: int, centre: tuple[float, float] | None, where: str
) -> DetectorView:
    """Choose what is read of a detector so that the zero frequency comes to N / 2.

    Args:
        shape: Frames, rows and columns as stored.
        side: Side N of what is read.
        centre: Pixel x, y of the zero frequency; None for the middle of the detector.
        where: File and key, for the message.

    Raises:
        InputError: The square about the centre leaves the detector, or the centre does.
    """
    sizes = shape[-2:]
    middle = (sizes[0] // 2, sizes[1] // 2)
    pixel = middle if centre is None else (round(centre[1]), round(centre[0]))
    if not all(0 <= place <= size for place, size in zip(pixel, sizes, strict=True)):
        raise InputError(
            "--center", expected=f"a pixel of {sizes[1]} × {sizes[0]}", found=f"{centre}"
        )
    corner, roll = [], []
    for place, size in zip(pixel, sizes, strict=True):
        shift = (side // 2 - place) % size if size == side else 0
        roll.append(shift - size if shift > size // 2 else shift)
        first = 0 if size == side else place - side // 2
        if not 0 <= first <= size - side:
            raise InputError(
                where,
                expected=f"{side} pixels about the zero frequency",
                found=f"a detector of {sizes[1]} × {sizes[0]} pixels with it at {centre}",
                remedy="use a smaller probe, or --center keep",
            )
        corner.append(first)
    return DetectorView(side=side, corner=(corner[0], corner[1]), roll=(roll[0], roll[1]))


def predict_centre(probe: NDArray[Any]) -> Centre:
    """Predict the centre of the mean pattern from the probe (P, N, N): of its far field.

    An object scatters evenly to all sides in the mean, so light that comes in at an angle
    leaves at that angle.
    """
    waves = np.fft.fft2(np.fft.ifftshift(probe.astype(np.complex128), axes=(-2, -1)))
    pattern = np.square(np.abs(np.fft.fftshift(waves, axes=(-2, -1)))).sum(axis=0)
    return measure_centre(pattern)


def check_centre(pattern: NDArray[np.float64], probe: NDArray[Any], where: str) -> Centre:
    """Measure the centre of what is read, and refuse one that is off by over two pixels.

    Args:
        pattern: (N, N) mean intensity.
        probe: (P, N, N) whose own far field may be off the middle; that is no error.
        where: File and key.

    Raises:
        InputError: The zero frequency is not at N / 2.
    """
    side = pattern.shape[-1]
    centre, expected = measure_centre(pattern), predict_centre(probe)
    allowed = max(_FEWEST_PIXELS, side / _SHARE_OF_SIDE)
    middle = Centre(side // 2, side // 2, 1.0)
    references = [middle, expected] if expected.is_certain else [middle]
    off = min(max(abs(centre.x - other.x), abs(centre.y - other.y)) for other in references)
    if centre.is_certain and off > allowed:
        raise InputError(
            where,
            expected=f"the zero frequency at pixel {side // 2}, {side // 2}",
            found=f"the mean pattern about {centre.describe()}",
            remedy="say --center auto to move it there, or --center keep when it is right",
        )
    return centre
