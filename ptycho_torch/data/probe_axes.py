"""Probes of every program to (P, H, W): modes first, one variant.

Programs keep modes first or last, with axes of one for what they do not use, and some a
second set of axes for variants of the probe that are mixed anew for each point (OPR).
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.errors import InputError

_PLANE, _MODES, _VARIANTS = 2, 3, 4
_PAIR = 2

_log = logging.getLogger(__name__)


def order_modes(
    stored: NDArray[Any],
    where: str,
    weights: NDArray[Any] | None = None,
    *,
    has_variants: bool = False,
) -> NDArray[Any]:
    """Bring a probe to (P, H, W), or leave what cannot be one as it is.

    Args:
        stored: (H, W), (P, H, W), (V, P, H, W), the same with rows and columns first, and
            axes of one anywhere.
        where: File and key.
        weights: (M, V) share of each variant at each point; its mean over the points is used.
        has_variants: The first of four axes are variants, with weights or without; else a
            second axis of one means that there are none.

    Returns:
        The modes of the first variant, or of the mean mixture.

    Raises:
        InputError: Weights that are not those of the variants, or planes of real numbers that
            look like the parts of complex ones.
    """
    _refuse_parts(stored, where)
    planes = _put_planes_last(_drop_ones(stored))
    weights = _list_weights(weights, planes, where)
    if (
        planes.ndim == _VARIANTS
        and planes.shape[1] == 1
        and not has_variants
        and weights is None
    ):
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


def _refuse_parts(stored: NDArray[Any], where: str) -> None:
    """Refuse two planes of real numbers: parts of complex ones, not modes."""
    is_pair = stored.ndim > _PLANE and _PAIR in (stored.shape[-1], stored.shape[0])
    if stored.dtype.kind in "fiu" and is_pair:
        raise InputError(
            where,
            expected="complex numbers",
            found=f"{stored.dtype} {stored.shape}, which look like real and imaginary parts",
            remedy="store the probe as complex numbers",
        )


def _list_weights(
    weights: NDArray[Any] | None, planes: NDArray[Any], where: str
) -> NDArray[Any] | None:
    """Return weights as (M, V), or None where there is but one variant."""
    if weights is None or planes.ndim != _VARIANTS or len(planes) == 1:
        return None
    count = len(planes)
    fits = [weights.ndim == _PLANE and size == count for size in weights.shape]
    if not any(fits):
        raise InputError(
            f"{where}, opr_weights",
            expected=f"(points, {count}), the share of each variant at each point",
            found=f"{weights.shape}",
            remedy="leave the weights out, and the first variant is used",
        )
    return weights if fits[1] else weights.T


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
    if weights is not None:
        _log.warning(
            "%s: %d variants of the probe; their mean mixture is used", where, variants
        )
        mean = weights.mean(axis=0)
        mixed: NDArray[Any] = np.tensordot(mean, planes, axes=1).astype(planes.dtype)
        return mixed
    _log.warning("%s: %d variants of the probe; only the first is used", where, variants)
    first: NDArray[Any] = planes[0]
    return first
