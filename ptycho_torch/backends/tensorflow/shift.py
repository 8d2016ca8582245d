"""Images and offsets in, shifted images out: translation, written once for this backend.

Notation: an offset is (dx, dy) in pixels. ``translate`` moves content towards +d: dx > 0
to the right (columns), dy > 0 downwards (rows). With k = ⌊d⌋ and f = d − k each axis
blends two taps, out(i) = (1 − f)·in(i − k) + f·in(i − k − 1), and reads zero outside the
image. T(−d) is the exact adjoint of T(d), and serves as its gradient.

Image sizes, pads and canvases are static; only the number of images may be unknown. The
same operations run eagerly, in a graph and compiled by XLA.

Source:
    Design of the model, sections 5.1, 5.4 and 15.2.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from jaxtyping import Shaped

from ptycho_torch.backends.tensorflow.axes import (
    Canvases,
    Images,
    Offsets,
    PatchStack,
    Shifts,
)

_IMAGE_RANK = 4
_COLUMNS, _ROWS = 2, 1


def translate(images: Any, offsets: Any) -> Images:
    """Move the content of each image by its own offset; what leaves is lost.

    Args:
        images: (n, H, W, c) real or complex, tensor or array; n may be 0 or unknown.
        offsets: (n, 2), one (dx, dy) per image [px]; nothing is repeated to fit.

    Returns:
        Shifted images, zero where nothing was moved to.

    Raises:
        ValueError: Images and offsets do not pair one to one. In a graph of unknown batch
            size TensorFlow raises its InvalidArgumentError when the graph runs.
    """
    stack, shifts = tf.convert_to_tensor(images), tf.convert_to_tensor(offsets)
    _check_pairs(stack.shape, shifts.shape)
    shifts = _pair_offsets(shifts, tf.shape(stack)[0])
    farthest = max(stack.shape[_ROWS], stack.shape[_COLUMNS])
    return _move_both_ways(stack, tf.clip_by_value(shifts, -farthest, farthest))


def place(patches: PatchStack, offsets: Offsets, size: int) -> Canvases:
    """Add the patches of each group onto a square canvas, each moved by +offset.

    Args:
        patches: Real or complex; at offset zero a patch is centred on the canvas.
        offsets: (dx, dy) per patch, at most half the margin of the canvas [px].
        size: Side S of the canvas [px]; exceeds the patch by an even number.

    Returns:
        The sum over each group.

    Raises:
        ValueError: The canvas is too small, or differs by an odd number.
    """
    margin = _margin(size, patches.shape[-1])
    around = ((0, 0), (0, 0), (margin, margin), (margin, margin))
    moved = _translate_groups(tf.pad(patches, around), _check_margin(offsets, margin))
    return tf.reduce_sum(moved, axis=1)


def extract(canvas: Canvases, offsets: Offsets, size: int) -> Shaped[tf.Tensor, "B C h w"]:
    """Cut from each canvas the centred patches, after moving it by −offset.

    Args:
        canvas: Real or complex square canvases.
        offsets: (dx, dy) per patch, at most half the margin of the canvas [px].
        size: Side of a patch [px].

    Returns:
        One patch per offset.

    Raises:
        ValueError: The canvas is too small, or differs by an odd number.
    """
    side, channels = canvas.shape[-1], offsets.shape[1]
    margin = _margin(side, size)
    shape = (tf.shape(canvas)[0], channels, side, side)
    copies = tf.broadcast_to(canvas[:, None], shape)
    moved = _translate_groups(copies, -_check_margin(offsets, margin))
    crop = slice(margin, margin + size)
    return moved[:, :, crop, crop]


def _translate_groups(stack: PatchStack, offsets: Offsets) -> PatchStack:
    """Fold the patterns of all groups into one batch, group after group, and move them."""
    channels, height, width = stack.shape[1:]
    count = tf.shape(stack)[0]
    images = tf.reshape(stack, (count * channels, height, width, 1))
    moved = translate(images, tf.reshape(offsets, (count * channels, 2)))
    return tf.reshape(moved, (count, channels, height, width))


def _move_both_ways(images: Images, offsets: Shifts) -> Images:
    """Move images; the gradient moves back."""

    def move(content: Any) -> tuple[Any, Any]:
        return _move(content, offsets), lambda upstream: _move(upstream, -offsets)

    return tf.custom_gradient(move)(images)


def _move(images: Images, offsets: Shifts) -> Images:
    """Blend along x, then along y."""
    across = _blend(images, offsets[:, 0], _COLUMNS)
    return _blend(across, offsets[:, 1], _ROWS)


def _blend(images: Images, distances: Shaped[tf.Tensor, " n"], axis: int) -> Images:
    """Gather, with one pixel before it, where the whole part points; blend neighbours."""
    size = images.shape[axis]
    whole = tf.floor(distances)
    share = tf.cast(distances - whole, images.dtype)[:, None, None, None]
    # One zero pixel on each side stands for everything outside.
    around = [[int(place == axis)] * 2 for place in range(_IMAGE_RANK)]
    sources = tf.range(-1, size)[None] - tf.cast(whole, tf.int32)[:, None]
    index = tf.clip_by_value(sources, -1, size) + 1
    window = tf.gather(tf.pad(images, around), index, axis=axis, batch_dims=1)
    before, own = (
        tf.gather(window, tf.range(first, first + size), axis=axis) for first in (0, 1)
    )
    return own + share * (before - own)


def _pair_offsets(offsets: Shifts, count: Any) -> Shifts:
    """Refuse another number of offsets than images where only the running graph knows both.

    XLA drops assertions and clamps what is gathered, so it would move images by offsets of
    their neighbours; a reshape it can only refuse.
    """
    same = tf.debugging.assert_equal(
        tf.shape(offsets)[0], count, message="translate needs one offset for each image"
    )
    with tf.control_dependencies([] if same is None else [same]):
        return tf.reshape(offsets, (count, 2))


def _check_pairs(images: Any, offsets: Any) -> None:
    """Refuse shapes that do not pair, as far as they are known."""
    is_pair = images.rank == _IMAGE_RANK and offsets.rank == 2 and offsets[1] == 2  # noqa: PLR2004
    if is_pair and None not in (images[0], offsets[0]):
        is_pair = images[0] == offsets[0]
    if not is_pair or None in (images[_ROWS], images[_COLUMNS]):
        raise ValueError(
            "translate needs images (B, H, W, C) and offsets (B, 2), "
            f"got {images} and {offsets}"
        )


def _check_margin(offsets: Offsets, margin: int) -> Offsets:
    """Check that patches moved by the offsets stay on the canvas; XLA leaves this out."""
    farthest = tf.reduce_max(tf.abs(offsets))
    reach = tf.cast(margin, offsets.dtype)
    checked = tf.debugging.assert_less_equal(
        farthest, reach, message="an offset leaves the group canvas; enlarge it"
    )
    with tf.control_dependencies([] if checked is None else [checked]):
        return tf.identity(offsets)


def _margin(size: int, side: int) -> int:
    """Return the pixels around a centred patch."""
    margin, odd = divmod(size - side, 2)
    if odd or margin < 0:
        raise ValueError(
            f"a canvas of side {size} cannot hold centred patches of side {side}; "
            "expected an even, non-negative difference"
        )
    return margin
