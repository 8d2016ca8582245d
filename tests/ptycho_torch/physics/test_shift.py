"""Shifts: golden vectors, adjoints, equivariance, and shapes that must not pair up."""

from __future__ import annotations

import pytest
import torch

from ptycho_torch.physics import shift
from tests.laws.adjoint import assert_adjoint, gradient_map
from tests.laws.gradient import assert_gradient

GOLDEN = [
    ((2, 1), {(5, 6): 1.0}),
    ((0.25, 0.5), {(4, 4): 0.375, (4, 5): 0.125, (5, 4): 0.375, (5, 5): 0.125}),
    ((-3.75, 0), {(4, 0): 0.75, (4, 1): 0.25}),
    ((-4.5, 0), {(4, 0): 0.5}),
    ((0, -0.25), {(3, 4): 0.25, (4, 4): 0.75}),
]


def _complex(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.complex128, generator=generator)


def _offsets(*shape: int, spread: float, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(*shape, 2, dtype=torch.float64, generator=generator) * 2 - 1) * spread


@pytest.mark.parametrize(("offset", "expected"), GOLDEN)
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex128])
def test_impulse_lands_where_it_must(
    offset: tuple[float, float], expected: dict[tuple[int, int], float], dtype: torch.dtype
) -> None:
    """An impulse moves towards +d and splits between neighbours like bilinear sampling."""
    image = torch.zeros(1, 9, 9, dtype=dtype)
    image[0, 4, 4] = 1

    moved = shift.translate(image, torch.tensor([offset], dtype=torch.float32))[0]

    wanted = torch.zeros(9, 9, dtype=dtype)
    for place, value in expected.items():
        wanted[place] = value
    assert torch.equal(moved, wanted)


def test_there_and_back_blurs() -> None:
    """Half a pixel forth and back spreads an impulse as 1/4, 1/2, 1/4."""
    image = torch.zeros(1, 9, 9)
    image[0, 4, 4] = 1

    there = shift.translate(image, torch.tensor([[0.5, 0.0]]))
    back = shift.translate(there, torch.tensor([[-0.5, 0.0]]))

    assert back[0, 4, 3:6].tolist() == [0.25, 0.5, 0.25]
    assert float(back.sum()) == 1.0


def test_each_image_gets_its_own_offset() -> None:
    """Images of a batch move independently, rows and columns unequal."""
    images = _complex(4, 6, 11)
    offsets = torch.tensor([[1, 0], [0, -2], [-3, 1], [0, 0]], dtype=torch.float64)

    moved = shift.translate(images, offsets)

    assert torch.equal(moved[0, :, 1:], images[0, :, :-1])
    assert torch.equal(moved[1, :-2], images[1, 2:])
    assert torch.equal(moved[2, 1:, :-3], images[2, :-1, 3:])
    assert torch.equal(moved[3], images[3])
    assert not moved[0, :, 0].any()
    assert not moved[1, -2:].any()


def test_batch_does_not_matter() -> None:
    """An image moves alike alone and in company of farther shifts."""
    images, offsets = _complex(5, 7, 9), _offsets(5, spread=4)

    together = shift.translate(images, offsets)
    alone = [shift.translate(images[i : i + 1], offsets[i : i + 1]) for i in range(5)]

    assert torch.equal(together, torch.cat(alone))


@pytest.mark.parametrize("offset", [(11.0, 0), (0, -6.0), (300.5, -1e6)])
def test_far_shift_leaves_nothing(offset: tuple[float, float]) -> None:
    """Content that leaves the image is gone, however far it goes."""
    moved = shift.translate(_complex(1, 6, 11), torch.tensor([offset]))

    assert moved.shape == (1, 6, 11)
    assert not moved.any()


def test_empty_batch_stays_empty() -> None:
    """No image in, no image out, with the right shape."""
    moved = shift.translate(torch.zeros(0, 6, 11), torch.zeros(0, 2))

    assert moved.shape == (0, 6, 11)


@pytest.mark.parametrize("shape", [(4, 2), (128, 2), (3, 3)])
def test_unequal_lengths_are_refused(shape: tuple[int, ...]) -> None:
    """Offsets must pair one to one with images; nothing is repeated or guessed."""
    with pytest.raises(ValueError, match="translate needs") as caught:
        shift.translate(torch.zeros(3, 6, 11), torch.zeros(shape))

    assert "(3, 6, 11)" in str(caught.value)
    assert str(tuple(shape)) in str(caught.value)


def test_opposite_shift_is_the_adjoint() -> None:
    """⟨T(d)a, b⟩ = ⟨a, T(−d)b⟩ for fractional shifts that reach over the edge."""
    offsets = _offsets(3, spread=6)

    assert_adjoint(
        lambda a: shift.translate(a, offsets),
        lambda b: shift.translate(b, -offsets),
        _complex(3, 6, 9),
        _complex(3, 6, 9, seed=2),
    )


def test_extract_is_the_adjoint_of_place() -> None:
    """Cutting patches out is the exact adjoint of adding them up."""
    offsets = _offsets(2, 3, spread=3)
    patches, canvas = _complex(2, 3, 8, 8), _complex(2, 14, 14, seed=2)

    def place(u: torch.Tensor) -> torch.Tensor:
        return shift.place(u, offsets, 14)

    def extract(v: torch.Tensor) -> torch.Tensor:
        return shift.extract(v, offsets, 8)

    assert_adjoint(place, extract, patches, canvas)
    assert_adjoint(place, gradient_map(place, patches), patches, canvas)
    assert_adjoint(extract, gradient_map(extract, canvas), canvas, patches)


def test_gradient_matches_differences() -> None:
    """The gradient through place, extract and translate is that of finite differences."""
    offsets = _offsets(2, 3, spread=3)
    probe = _complex(2, 3, 8, 8, seed=5)

    def energy(patches: torch.Tensor) -> torch.Tensor:
        there = shift.extract(shift.place(patches, offsets, 14), offsets, 8)
        moved = shift.translate(there.reshape(6, 8, 8), offsets.reshape(6, 2))
        return (moved.reshape(2, 3, 8, 8) * probe).abs().square().sum()

    assert_gradient(energy, _complex(2, 3, 8, 8))


def test_whole_pixels_commute_with_shifts() -> None:
    """Moving the input by whole pixels moves the result by as much."""
    images, offsets = torch.zeros(2, 12, 17, dtype=torch.complex128), _offsets(2, spread=2)
    images[:, 5:8, 6:10] = _complex(2, 3, 4)

    early = shift.translate(torch.roll(images, (1, -2), (1, 2)), offsets)
    late = torch.roll(shift.translate(images, offsets), (1, -2), (1, 2))

    assert torch.equal(early, late)


@pytest.mark.parametrize(
    ("size", "spread"), [(14, 3.001), (13, 1.0), (6, 0.5), (14, float("nan"))]
)
def test_canvas_too_small_is_refused(size: int, spread: float) -> None:
    """A patch that would leave its canvas, or an odd margin, is an error."""
    with pytest.raises(ValueError, match="canvas of side"):
        shift.place(_complex(1, 1, 8, 8), torch.full((1, 1, 2), spread), size)
