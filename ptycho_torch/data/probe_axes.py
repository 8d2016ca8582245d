"""Probes of every program to (P, H, W): modes first, one variant.

Programs keep modes first or last, with axes of one for what they do not use, and some a
second set of axes for variants of the probe that are mixed anew for each point (OPR).
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PLANE, _MODES, _VARIANTS = 2, 3, 4

_log = logging.getLogger(__name__)


def order_modes(
    stored: NDArray[Any], where: str, weights: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Bring a probe to (P, H, W), or leave what cannot be one as it is.

    Args:
        stored: (H, W), (P, H, W), (V, P, H, W), the same with rows and columns first, and
            axes of one anywhere.
        where: File and key.
        weights: (M, V) share of each variant at each point; its mean over the points is used.

    Returns:
        The modes of the first variant, or of the mean mixture.
    """
    planes = _put_planes_last(_drop_ones(stored))
    if planes.ndim == _VARIANTS and planes.shape[1] == 1 and not _weighs(weights, planes):
        # Variants mean nothing without their weights: these are modes beside an unused axis.
        planes = planes[:, 0]
    if planes.ndim == _VARIANTS and planes.shape[0] > 1:
        return _mix_variants(planes, weights, where)
    return planes[0] if planes.ndim == _VARIANTS else planes


def _drop_ones(stored: NDArray[Any]) -> NDArray[Any]:
    """Leave out axes of one that cannot stand for anything."""
    planes = stored
    while planes.ndim > _PLANE and planes.shape[-1] == 1 and not _is_square(planes.shape):
        planes = planes[..., 0]
    while planes.ndim > _MODES and planes.shape[0] == 1 and _is_square(planes.shape[1:]):
        planes = planes[0]
    for axis in reversed(range(planes.ndim)):
        if planes.ndim > _VARIANTS and planes.shape[axis] == 1:
            planes = np.squeeze(planes, axis)
    return planes


def _put_planes_last(planes: NDArray[Any]) -> NDArray[Any]:
    """Put rows and columns last, where a file has them first: (H, W, P, V), as MATLAB does."""
    is_first = (
        planes.ndim >= _MODES
        and not _is_square(planes.shape)
        and planes.shape[0] == planes.shape[1]
    )
    if not is_first:
        return planes
    moved = np.moveaxis(planes, (0, 1), (-2, -1))
    return np.swapaxes(moved, 0, 1) if moved.ndim == _VARIANTS else moved


def _weighs(weights: NDArray[Any] | None, planes: NDArray[Any]) -> bool:
    return weights is not None and weights.ndim == _PLANE and weights.shape[1] == len(planes)


def probe_side(shape: tuple[int, ...]) -> int:
    """Return the side of the planes of a stored probe."""
    if len(shape) >= _PLANE and (shape[-1] == shape[-2] or shape[0] != shape[1]):
        return int(shape[-1])
    return int(shape[0]) if shape else 1


def _is_square(shape: tuple[int, ...]) -> bool:
    return len(shape) >= _PLANE and shape[-1] == shape[-2] and shape[-1] > 1


def _mix_variants(
    planes: NDArray[Any], weights: NDArray[Any] | None, where: str
) -> NDArray[Any]:
    variants = len(planes)
    if weights is not None and _weighs(weights, planes):
        _log.warning(
            "%s: %d variants of the probe; their mean mixture is used", where, variants
        )
        mean = weights.mean(axis=0)
        mixed: NDArray[Any] = np.tensordot(mean, planes, axes=1).astype(planes.dtype)
        return mixed
    _log.warning("%s: %d variants of the probe; only the first is used", where, variants)
    first: NDArray[Any] = planes[0]
    return first
