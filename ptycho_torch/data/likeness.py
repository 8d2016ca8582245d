"""Whether frames look like light of their probe: the kind of their numbers, and its place.

E_k  misfit of |FFT P| to the root of the mean of X^(2k), up to one factor, over valid pixels;
k = 1 for amplitudes X, 1/2 if they are counts, 2 if they are roots of amplitudes.

An object only blurs the mean pattern of its probe. Over 25 kinds of simulated scans, low doses
and the measured star, E₁ is 0.02 … 0.58, E_½ at least 1.5 E₁, and E₂ at least 0.51 E₁. Where
roots fit better, squares fit far better, or nothing fits, there is a warning.
"""

from __future__ import annotations

import itertools
import logging

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import centring, null_models
from ptycho_torch.data.frame_store import Amplitudes
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError

_FRAMES = 64
_ROOT_RATIO, _SQUARE_RATIO, _UNLIKE = 0.95, 0.4, 0.8
# Over 38 kinds of simulated scans the ratio is at least 1.10 where the centre is right, and
# at most 0.91 where it is a pixel away, below 0.85 in all but six.
_NEAR_PIXELS, _OFFSET_RATIO = 2, 0.85
_SHARE_OF_SIDE = 4
_JUDGED_FRAMES = 32
_WORSE = 1.02  # at few photons both explain nothing, and are equal but for chance

_log = logging.getLogger(__name__)


def report_unlike(
    amplitude: Amplitudes,
    modes: NDArray[np.complex64],
    valid: NDArray[np.bool_],
    where: str,
    *,
    is_placed: bool = False,
) -> None:
    """Warn when the frames fit their probe better as another kind of number, or not at all.

    Args:
        amplitude: (M, N, N) as understood.
        modes: (P, N, N).
        valid: (N, N).
        where: File and key of the frames.
        is_placed: Their zero frequency is said to be at N / 2: also warn when they fit better
            with it a pixel or two away.
    """
    step = max(1, amplitude.shape[0] // _FRAMES)
    frames = np.asarray(amplitude[np.arange(0, amplitude.shape[0], step)], np.float64)
    far_field = null_models.far_field_amplitude(modes)
    _report_kind(frames[:, valid], far_field[valid], where)
    if is_placed:
        _report_offset(np.sqrt(np.square(frames).mean(axis=0)), far_field, valid, where)


def _report_kind(
    frames: NDArray[np.float64], far_field: NDArray[np.float64], where: str
) -> None:
    """Warn of another kind of number; frames (K, V) and far field (V,) at valid pixels."""
    own, root, square = (
        _misfit(far_field, np.sqrt(np.power(frames, 2 * power).mean(axis=0)))
        for power in (1.0, 0.5, 2.0)
    )
    remedy = "look at --input-kind, and whether the probe is that of this scan"
    if root < _ROOT_RATIO * own or square < _SQUARE_RATIO * own:
        other = "roots" if root < square else "squares"
        _log.warning(
            "%s: the %s of what is read fit the probe better, misfit %.2f instead of %.2f; %s",
            where,
            other,
            min(root, square),
            own,
            remedy,
        )
    elif own > _UNLIKE:
        _log.warning(
            "%s: the frames are unlike the far field of the probe, misfit %.2f; %s",
            where,
            own,
            remedy,
        )


def _report_offset(
    pattern: NDArray[np.float64],
    far_field: NDArray[np.float64],
    valid: NDArray[np.bool_],
    where: str,
) -> None:
    """Warn when the mean pattern (N, N) fits the far field better a pixel or two away.

    Within two pixels the centre of the light says nothing, but one pixel is a wrong scan: as
    frames are that were mirrored, whose zero frequency goes from N / 2 to N / 2 − 1.
    """
    moves = range(-_NEAR_PIXELS, _NEAR_PIXELS + 1)
    misfits = {}
    for move in itertools.product(moves, moves):
        seen = np.roll(valid, move, axis=(0, 1))
        misfits[move] = _misfit(far_field[seen], np.roll(pattern, move, axis=(0, 1))[seen])
    best, own = min(misfits, key=lambda move: misfits[move]), misfits[0, 0]
    if misfits[best] < _OFFSET_RATIO * own:
        row, column = (len(pattern) // 2 - moved for moved in best)
        _log.warning(
            "%s: the frames fit the probe better with their zero frequency at pixel %d, %d, "
            "misfit %.2f instead of %.2f; say --center %d,%d, or see if they were mirrored",
            where,
            column,
            row,
            misfits[best],
            own,
            column,
            row,
        )


def check_probe_place(modes: NDArray[np.complex64], where: str) -> None:
    """Refuse a probe whose middle is nearer to the corners than to N / 2.

    Raises:
        InputError: It was stored as a transform leaves it.
    """
    side = modes.shape[-1]
    light = np.square(np.abs(modes), dtype=np.float64).sum(axis=0)
    centre = centring.measure_centre(light)
    off = max(abs(centre.x - side // 2), abs(centre.y - side // 2))
    if centre.is_certain and off > side / _SHARE_OF_SIDE:
        raise InputError(
            where,
            expected=f"a probe about pixel {side // 2}, {side // 2}",
            found=f"one about {centre.describe()}",
            remedy="it was stored as a transform leaves it; exchange its quadrants (fftshift)",
        )


def report_contradiction(scan: ScanData, where: str) -> None:
    """Warn when a file's own object explains its frames worse than none at all.

    Args:
        scan: As understood.
        where: File and key of the object.
    """
    canvas = scan.object_canvas
    if canvas is None:
        return
    own, none = (explain_frames(scan, plane) for plane in (canvas, np.ones_like(canvas)))
    if own > _WORSE * none:
        _log.warning(
            "%s: the object explains the frames worse than none, %.3f against %.3f; it may be "
            "mirrored, transposed, conjugate or elsewhere, or the positions or frames are: see "
            "--swap-xy, --flip-x, --flip-y",
            where,
            own,
            none,
        )


def explain_frames(scan: ScanData, canvas: NDArray[np.complex64]) -> float:
    """Return |a √Î − A| / |A| of some frames predicted from an object and the file's probe.

    The factor a is fitted, because a probe may be stored in any units. A point whose patch
    leaves the object is not judged; NaN when there is none else.
    """
    half = scan.side // 2
    limits = np.array(canvas.shape[::-1]) - half - 1
    inside = ((scan.positions >= half) & (scan.positions <= limits)).all(axis=1)
    points = np.flatnonzero(inside)
    points = points[:: max(1, len(points) // _JUDGED_FRAMES)]
    if not len(points):
        return float("nan")
    predicted = np.stack([_predict(canvas, scan.probe, scan.positions[i]) for i in points])
    measured = np.asarray(scan.amplitude[points], np.float64)
    predicted, measured = predicted[:, scan.valid_mask], measured[:, scan.valid_mask]
    factor = (predicted * measured).sum() / max(np.square(predicted).sum(), 1e-300)
    return float(np.linalg.norm(factor * predicted - measured) / np.linalg.norm(measured))


def _predict(
    canvas: NDArray[np.complex64], probe: NDArray[np.complex64], place: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Predict one frame: the patch blended between pixels, times the probe, transformed."""
    side = probe.shape[-1]
    left, top = np.floor(place).astype(int) - side // 2
    u, v = place % 1
    crop = canvas[top : top + side + 1, left : left + side + 1].astype(np.complex128)
    rows = (1 - v) * crop[:-1] + v * crop[1:]
    patch = (1 - u) * rows[:, :-1] + u * rows[:, 1:]
    waves = np.fft.fft2(np.fft.ifftshift(patch * probe, axes=(-2, -1)), norm="ortho")
    intensity = np.square(np.abs(np.fft.fftshift(waves, axes=(-2, -1)))).sum(axis=0)
    amplitude: NDArray[np.float64] = np.sqrt(intensity)
    return amplitude


def _misfit(model: NDArray[np.float64], measured: NDArray[np.float64]) -> float:
    norms = float(np.square(model).sum() * np.square(measured).sum())
    if not norms > 0:
        return 1.0
    shared = float((model * measured).sum()) ** 2 / norms
    return float(np.sqrt(max(0.0, 1 - shared)))
