"""Images and offsets in, shifted images out: the one owner of the signs of positions.

Notation: an offset is (dx, dy) in pixels. ``translate`` moves content towards +d: dx > 0
to the right (columns), dy > 0 downwards (rows). With k = ⌊d⌋ and f = d − k each axis
blends two taps, out(i) = (1 − f)·in(i − k) + f·in(i − k − 1), and reads zero outside the
image. This equals bilinear sampling, is the same on every device, and T(−d) is the exact
adjoint of T(d), so that ``place`` and ``extract`` are adjoint to each other.

All images of a batch are shifted at once: a window one pixel larger than the result is
copied from where the integer part points, then blended along x and along y.

Source:
    Design of the model, sections 5.1 and 5.4.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int, Shaped
from torch.nn import functional

from ptycho_torch.axes import Offsets

Images = Shaped[torch.Tensor, "B H W"]
PatchStack = Shaped[torch.Tensor, "B C h w"]

_PAIR = 2
_IMAGE_RANK = 3


class _Reach(NamedTuple):
    """How a shift is bounded: every offset d obeys |d − base| ≤ reach [px]."""

    base: int
    reach: int
    height: int
    width: int


def translate(
    images: Images, offsets: Float[torch.Tensor, "n xy"]
) -> Shaped[torch.Tensor, "B H W"]:
    """Move the content of each image by its own offset; what leaves is lost.

    Args:
        images: Real or complex images; an empty batch is allowed.
        offsets: One (dx, dy) per image [px].

    Returns:
        Shifted images, zero where nothing was moved to.

    Raises:
        ValueError: Images and offsets do not pair one to one.
    """
    if images.ndim != _IMAGE_RANK or offsets.shape != (len(images), _PAIR):
        raise ValueError(
            "translate needs images (B, H, W) and offsets (B, 2), "
            f"got {tuple(images.shape)} and {tuple(offsets.shape)}"
        )
    height, width = images.shape[1:]
    if len(images) == 0:
        return torch.zeros_like(images)
    side = max(height, width)
    reach = min(side, math.ceil(_farthest(offsets)))
    bound = _Reach(0, reach, height, width)
    # What moves by its own size is gone, however far it goes on; the bound keeps the buffer
    # small.
    return _run(_Place, images[:, None], offsets[:, None].clamp(-side, side), bound)


def place(patches: PatchStack, offsets: Offsets, size: int) -> Shaped[torch.Tensor, "B S S"]:
    """Add the patches of each group onto a square canvas, each moved by +offset.

    Args:
        patches: Real or complex; at offset zero a patch is centred on the canvas.
        offsets: (dx, dy) per patch, at most half the margin of the canvas [px].
        size: Side S of the canvas [px]; exceeds the patch by an even number.

    Returns:
        The sum over each group.

    Raises:
        ValueError: A patch would leave the canvas.
    """
    height, width = patches.shape[2:]
    margin = _margin(size, height, width, offsets)
    return _run(_Place, patches, offsets, _Reach(margin, margin, size, size))


def extract(
    canvas: Images, offsets: Offsets, size: int
) -> Shaped[torch.Tensor, "B C size size"]:
    """Cut from each canvas the centred patches, after moving it by −offset.

    Args:
        canvas: Real or complex square canvases.
        offsets: (dx, dy) per patch, at most half the margin of the canvas [px].
        size: Side of a patch [px].

    Returns:
        One patch per offset.

    Raises:
        ValueError: A patch would leave the canvas.
    """
    margin = _margin(canvas.shape[-1], size, size, offsets)
    return _run(_Extract, canvas, offsets, _Reach(margin, margin, size, size))


# Each is the other's derivative, written out: autograd would go back through the indexing of
# the windows and add up in any order on a GPU, where this gathers.
class _Place(torch.autograd.Function):
    """Sum over a group of its shifted patches; the adjoint of ``_Extract``."""

    @staticmethod
    def forward(
        ctx: Any,
        patches: torch.Tensor,
        offsets: torch.Tensor,
        bound: _Reach,
    ) -> torch.Tensor:
        """Shift each patch by offset + base and add them up per group."""
        batch, channels, height, width = patches.shape
        ctx.save_for_backward(offsets)
        ctx.back = bound._replace(height=height, width=width)
        index = torch.arange(batch * channels, device=patches.device)
        stack = patches.reshape(batch * channels, height, width)
        moved = _shift(stack, index, offsets.reshape(-1, 2), bound)
        grouped = moved.reshape(batch, channels, *moved.shape[1:])
        # A group of one has nothing to add, and its sum would be one more copy of the batch.
        return grouped[:, 0] if channels == 1 else grouped.sum(dim=1)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """Cut the gradient of each patch out of that of the canvas."""
        (offsets,) = ctx.saved_tensors
        back = _run(_Extract, grads[0], offsets, ctx.back)
        return back, None, None


class _Extract(torch.autograd.Function):
    """Shifted patches of a canvas per offset; the adjoint of ``_Place``."""

    @staticmethod
    def forward(
        ctx: Any,
        canvas: torch.Tensor,
        offsets: torch.Tensor,
        bound: _Reach,
    ) -> torch.Tensor:
        """Shift the canvas by −(offset + base), once per offset, and crop."""
        batch, channels = offsets.shape[:2]
        ctx.save_for_backward(offsets)
        ctx.back = bound._replace(height=canvas.shape[1], width=canvas.shape[2])
        index = torch.arange(batch, device=canvas.device).repeat_interleave(channels)
        # Base and offset turn their signs together, or the crop would leave the centre.
        backwards = bound._replace(base=-bound.base)
        moved = _shift(canvas, index, -offsets.reshape(-1, 2), backwards)
        return moved.reshape(batch, channels, *moved.shape[1:])

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """Place the gradients of the patches onto that of the canvas."""
        (offsets,) = ctx.saved_tensors
        back = _run(_Place, grads[0], offsets, ctx.back)
        return back, None, None


def _run(function: type[torch.autograd.Function], *arguments: object) -> torch.Tensor:
    """Apply an operator; the one place where its missing types are filled in."""
    result: torch.Tensor = function.apply(*arguments)  # type: ignore[no-untyped-call]
    return result


def _shift(
    images: torch.Tensor, index: Int[torch.Tensor, " n"], offsets: torch.Tensor, bound: _Reach
) -> torch.Tensor:
    """Return images[index[j]] moved by offsets[j] + base, cut to the bound's size."""
    real = images if not images.is_complex() else images.real
    # Complex numbers as pairs of reals: one code for both, and a view, not a copy.
    parts = images[..., None] if not images.is_complex() else torch.view_as_real(images)
    whole = torch.floor(offsets)
    # Floor and not truncation, or offsets of −0.5 and 0.5 would blend the same two taps.
    blend = (offsets - whole).to(real.dtype)
    shift = whole.long() + bound.base
    windows = _windows(parts, index, shift, bound)

    step = parts.shape[-1]
    blend_x, blend_y = blend[:, 0, None, None], blend[:, 1, None, None]
    across = torch.lerp(windows[:, :, step:], windows[:, :, :-step], blend_x)
    moved = torch.lerp(across[:, 1:], across[:, :-1], blend_y)
    moved = moved.view(len(index), bound.height, bound.width, step)
    return torch.view_as_complex(moved) if images.is_complex() else moved[..., 0]


def _windows(
    parts: torch.Tensor, index: torch.Tensor, shift: torch.Tensor, bound: _Reach
) -> Float[torch.Tensor, "n rows cells"]:
    """Copy, for each shift, the window of the result with one row and column before it."""
    height, width, step = parts.shape[1:]
    low, high = bound.base - bound.reach, bound.base + bound.reach
    # One more than the farthest shift: the second tap of the blend lies before the first.
    before = high + 1
    below, right = (
        max(0, wanted - low - size)
        for wanted, size in ((bound.height, height), (bound.width, width))
    )
    # Padded once for the farthest shift, so that every window lies inside and no index is
    # clamped; contiguous, because the strides below say so.
    buffer = functional.pad(parts, (0, 0, before, right, before, below)).contiguous()
    count, rows, columns, _ = buffer.shape
    pitch = columns * step
    # All windows there could be, as a view; only those that are asked for are copied.
    places = buffer.as_strided(
        (
            count,
            rows - bound.height,
            columns - bound.width,
            bound.height + 1,
            (bound.width + 1) * step,
        ),
        (rows * pitch, pitch, step, pitch, 1),
    )
    return places[index, high - shift[:, 1], high - shift[:, 0]]


def _margin(size: int, height: int, width: int, offsets: torch.Tensor) -> int:
    """Check that square patches moved by the offsets stay on the canvas."""
    margin, odd = divmod(size - height, 2)
    if odd or margin < 0 or height != width:
        raise ValueError(
            f"a canvas of side {size} cannot hold centred patches of {height} × {width}; "
            "expected square patches and an even, non-negative difference"
        )
    if offsets.numel() and not _farthest(offsets) <= margin:
        raise ValueError(
            f"a canvas of side {size} holds offsets up to {margin} px for patches of side "
            f"{height}, got {_farthest(offsets)} px; enlarge the canvas"
        )
    return margin


def _farthest(offsets: torch.Tensor) -> float:
    """Largest absolute offset along either axis [px]."""
    return float(offsets.detach().abs().amax())
