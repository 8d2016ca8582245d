"""A reconstruction brought onto its reference: ramp, sub-pixel shift and complex scale removed.

Far-field ptychography leaves three things open that no metric may punish: a small
translation of the whole object, a linear phase ramp (with a constant phase), and one
complex factor. Both images are sampled on the same pixels here.

    rec, truth  (Y, X) complex128    region  (Y, X) bool, the pixels that are judged
    shift_xy    content of rec moves towards +x, +y by this much [px]
    ramp_xy     phase of rec · conj(truth) grows by this much [rad / px]

Source: design of the model, section 14.2, steps 2 and 3. One ramp fit more than written
there comes first, because a ramp flattens the correlation peak that gives the shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

# Steps of 0.02 px, finer than what tells two reconstructions apart.
_UPSAMPLING = 50
_PASSES = 2
_TAPER_PX = 8.0
_SPECTRAL_FLOOR = 0.01  # of the mean cross-power: keeps empty frequencies from voting
# No larger shift is believed. Scan positions are known to a few pixels, while the correlation
# of a poor reconstruction has maxima of chance anywhere, one of which would pass for its place.
_SEARCH_PX = 8
_SEARCH_SHARE = 0.25  # of the box, where that is less


class Plane(NamedTuple):
    """A phase plane: slopes [rad / px] along x and y; its constant goes into the scale."""

    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alignment:
    """A reconstruction after registration, and what was taken away.

    Attributes:
        image: (Y, X) complex128, c · rec after shift and ramp removal.
        shift_xy: Applied shift [px].
        ramp_xy: Removed ramp [rad / px].
        scale: The complex factor c.
    """

    image: NDArray[np.complex128]
    shift_xy: tuple[float, float]
    ramp_xy: tuple[float, float]
    scale: complex


def align(
    rec: NDArray[np.complex128], truth: NDArray[np.complex128], region: NDArray[np.bool_]
) -> Alignment:
    """Register a reconstruction with its reference inside a region.

    The image is interpolated once, from the original, however many passes are made.
    """
    plane = fit_plane(rec * truth.conj(), region)
    shift_x = shift_y = 0.0
    image = remove_plane(rec, plane)
    # The second pass sees images without the ramp and the shift that bent the first estimate.
    for _ in range(_PASSES):
        step_x, step_y = estimate_shift(image, truth, region)
        shift_x, shift_y = shift_x + step_x, shift_y + step_y
        image = shift_image(remove_plane(rec, plane), (shift_x, shift_y))
        rest = fit_plane(image * truth.conj(), region)
        plane = Plane(plane.x + rest.x, plane.y + rest.y)
        image = shift_image(remove_plane(rec, plane), (shift_x, shift_y))
    scale = fit_scale(image, truth, region)
    return Alignment(
        image=scale * image,
        shift_xy=(shift_x, shift_y),
        ramp_xy=(plane.x, plane.y),
        scale=scale,
    )


def fit_scale(
    rec: NDArray[np.complex128], truth: NDArray[np.complex128], region: NDArray[np.bool_]
) -> complex:
    """Fit the complex factor that brings ``rec`` closest to ``truth``; 0 for an empty image."""
    energy = float(np.sum(np.abs(rec[region]) ** 2))
    if energy == 0.0:
        return 0j
    return complex(np.sum(rec[region].conj() * truth[region]) / energy)


def shift_image(
    image: NDArray[np.complex128], shift_xy: tuple[float, float]
) -> NDArray[np.complex128]:
    """Move the content of an image towards +x, +y by a fractional shift (cubic spline)."""
    if shift_xy == (0.0, 0.0):
        return image
    rows_columns = (shift_xy[1], shift_xy[0])
    moved: NDArray[np.complex128] = ndimage.shift(image, rows_columns, order=3, mode="nearest")
    return moved


def remove_plane(image: NDArray[np.complex128], plane: Plane) -> NDArray[np.complex128]:
    """Multiply by the phasor that cancels a phase plane."""
    y, x = np.ogrid[: image.shape[0], : image.shape[1]]
    phasor: NDArray[np.complex128] = image * np.exp(-1j * (plane.x * x + plane.y * y))
    return phasor


def fit_plane(product: NDArray[np.complex128], region: NDArray[np.bool_]) -> Plane:
    """Fit a plane to the phase of ``rec · conj(truth)`` without unwrapping.

    The start is the peak of the zero-padded transform of the unit phasors; one weighted
    least-squares step on the wrapped residual follows, with the product's modulus as weight.
    """
    phasors = np.where(region, product, 0)
    modulus = np.abs(phasors)
    np.divide(phasors, modulus, out=phasors, where=modulus > 0)
    start = _steepest(phasors)
    flat = remove_plane(phasors, start)
    # The mean phase to 0 first, so that what is left stays away from the cut at ±π.
    flat *= np.exp(-1j * np.angle(flat.sum()))
    step = _weighted_plane(np.angle(flat), modulus)
    return Plane(start.x + step.x, start.y + step.y)


def estimate_shift(
    rec: NDArray[np.complex128], truth: NDArray[np.complex128], region: NDArray[np.bool_]
) -> tuple[float, float]:
    """Find the shift (x, y) [px] that brings ``rec`` onto ``truth``.

    Phase correlation of the two images, mean removed and faded out towards the border of
    the region, refined by a matrix transform to 0.02 px. Shifts beyond 8 px, or a quarter of
    the region's box, are not considered.
    """
    box = ndimage.find_objects(region.astype(np.int8))[0]
    taper = _taper(region[box])
    moving, fixed = _centre(rec[box], taper), _centre(truth[box], taper)
    cross = fft.fft2(fixed) * fft.fft2(moving).conj()
    power = np.abs(cross)
    floor = _SPECTRAL_FLOOR * float(power.mean())
    if floor == 0.0:
        return 0.0, 0.0
    # Phase correlation: each frequency has one vote, and those without power have none.
    cross /= power + floor
    coarse_y, coarse_x = _coarse_peak(np.abs(fft.ifft2(cross)))
    return _fine_peak(cross, coarse_x, coarse_y)


def _steepest(phasors: NDArray[np.complex128]) -> Plane:
    """Slopes at the highest peak of the transform, padded to twice the size.

    In single precision, because only the place of the peak is used and the padded map is
    the largest that a reconstruction ever needs.
    """
    shape = [fft.next_fast_len(2 * size) for size in phasors.shape]
    spectrum = np.abs(fft.fft2(phasors.astype(np.complex64), s=shape))
    row, column = np.unravel_index(int(np.argmax(spectrum)), spectrum.shape)
    return Plane(
        2 * np.pi * float(fft.fftfreq(shape[1])[column]),
        2 * np.pi * float(fft.fftfreq(shape[0])[row]),
    )


def _weighted_plane(phase: NDArray[np.float64], weight: NDArray[np.float64]) -> Plane:
    """Slopes of the weighted least-squares plane through a phase map; 0 where undetermined.

    From the moments about the centre of weight, where the constant parts from the slopes: a
    table of all pixels would take more memory than the maps.
    """
    down, across = weight.sum(axis=1), weight.sum(axis=0)
    total = float(down.sum())
    if total == 0.0:
        return Plane(0.0, 0.0)
    y = np.arange(down.size) - np.average(np.arange(down.size), weights=down)
    x = np.arange(across.size) - np.average(np.arange(across.size), weights=across)
    lifted = weight * phase
    mixed = y @ weight @ x
    moments = np.array(
        [[across @ x**2, mixed, 0.0], [mixed, down @ y**2, 0.0], [0.0, 0.0, total]]
    )
    lifts = np.array([lifted.sum(axis=0) @ x, lifted.sum(axis=1) @ y, lifted.sum()])
    solution, *_ = np.linalg.lstsq(moments, lifts, rcond=None)
    return Plane(float(solution[0]), float(solution[1]))


def _taper(region: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Raised cosine of the distance to the border, 1 deeper than the taper length."""
    # Padded: the edge of the array is an edge of the region as well.
    depth = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    taper: NDArray[np.float64] = np.sin(np.pi / 2 * np.minimum(depth / _TAPER_PX, 1.0)) ** 2
    return taper


def _centre(
    image: NDArray[np.complex128], taper: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Subtract the weighted mean and fade out."""
    mean = np.sum(image * taper) / np.sum(taper)
    centred: NDArray[np.complex128] = (image - mean) * taper
    return centred


def _coarse_peak(correlation: NDArray[np.float64]) -> tuple[int, int]:
    """Whole-pixel shift (y, x) of the highest correlation within the search range."""
    # The upper half of a transform's indices stands for negative shifts.
    shifts = [np.rint(fft.fftfreq(size, 1 / size)).astype(int) for size in correlation.shape]
    near = [
        np.abs(s) <= max(1, min(_SEARCH_PX, int(_SEARCH_SHARE * size)))
        for s, size in zip(shifts, correlation.shape, strict=True)
    ]
    allowed = np.where(near[0][:, None] & near[1][None, :], correlation, -1.0)
    row, column = np.unravel_index(int(np.argmax(allowed)), allowed.shape)
    return int(shifts[0][row]), int(shifts[1][column])


def _fine_peak(
    cross: NDArray[np.complex128], coarse_x: int, coarse_y: int
) -> tuple[float, float]:
    """Refine a whole-pixel shift (x, y) on a grid of 1 / upsampling px around it."""
    steps = np.arange(-_UPSAMPLING, _UPSAMPLING + 1) / _UPSAMPLING
    kernels = [
        np.exp(2j * np.pi * np.outer(coarse + steps, fft.fftfreq(size)))
        for coarse, size in zip((coarse_y, coarse_x), cross.shape, strict=True)
    ]
    # Guizar-Sicairos, Thurman and Fienup, Optics Letters 33 (2008): two small matrices around
    # the peak in place of a padded transform of the whole.
    fine = np.abs(kernels[0] @ cross @ kernels[1].T)
    row, column = np.unravel_index(int(np.argmax(fine)), fine.shape)
    return float(coarse_x + steps[column]), float(coarse_y + steps[row])
