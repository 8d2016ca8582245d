"""TensorFlow's translation eagerly, in graphs and under XLA; naive ones are caught."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.builders import backends
from tests.tf_helper import translation_laws
from tests.tf_helper.translation_laws import LAWS, Translate

backends.require_tensorflow()

import tensorflow as tf  # noqa: E402 - only where the extra is installed

from ptycho_torch.backends.tensorflow import shift  # noqa: E402


def _compiled(function: Any, *, with_xla: bool) -> Translate:
    """Compile for an unknown number of images; one graph for each image size."""
    graphs: dict[tuple[int, ...], Any] = {}

    def run(images: NDArray[Any], offsets: NDArray[Any]) -> NDArray[Any]:
        size = images.shape[1:]
        if size not in graphs:
            specs = [
                tf.TensorSpec((None, *size, 1), tf.float64),
                tf.TensorSpec((None, 2), tf.float64),
            ]
            graphs[size] = tf.function(
                function, input_signature=specs, autograph=False, jit_compile=with_xla
            )
        moved: NDArray[Any] = graphs[size](images[..., None], offsets).numpy()[..., 0]
        return moved

    return run


def _eager(function: Any) -> Translate:
    return lambda images, offsets: function(images[..., None], offsets).numpy()[..., 0]


def _modes(function: Any) -> dict[str, Translate]:
    return {
        "eager": _eager(function),
        "graph": _compiled(function, with_xla=False),
        "xla": _compiled(function, with_xla=True),
    }


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_translation_keeps_every_law(law: Any, mode: str) -> None:
    """Signs, borders, pairing and batch sizes hold in all three ways to run TensorFlow."""
    law(_modes(shift.translate)[mode])


def test_gradient_is_the_opposite_shift() -> None:
    """The gradient of ⟨T_d a, b⟩ by a is T_−d b, in a graph and under XLA alike."""
    rng = np.random.default_rng(4)
    images, other = rng.standard_normal((2, 3, 6, 9, 2))
    offsets = rng.uniform(-4, 4, (3, 2))

    def slope(content: Any, weights: Any, at: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(content)
            product = tf.reduce_sum(weights * shift.translate(content, at))
        return tape.gradient(product, content)

    wanted = shift.translate(other, -offsets).numpy()
    for with_xla in (False, True):
        run = tf.function(slope, autograph=False, jit_compile=with_xla)
        gradient = run(tf.constant(images), tf.constant(other), tf.constant(offsets)).numpy()
        assert np.allclose(gradient, wanted, atol=1e-12)


def test_groups_move_patch_by_patch() -> None:
    """Patches of a group are folded group after group, as are their offsets."""
    rng = np.random.default_rng(5)
    patches, offsets = rng.standard_normal((2, 3, 6, 6)), rng.uniform(-1.9, 1.9, (2, 3, 2))

    placed = shift.place(tf.constant(patches), tf.constant(offsets), 10).numpy()

    padded = np.pad(patches, ((0, 0), (0, 0), (2, 2), (2, 2)))
    wanted = [
        sum(
            translation_laws.oracle.translate(image[None], at[None])[0]
            for image, at in zip(group, where, strict=True)
        )
        for group, where in zip(padded, offsets, strict=True)
    ]
    assert np.allclose(placed, wanted, atol=1e-12)


def test_far_offsets_are_refused() -> None:
    """A patch that would leave the group canvas is an error and not a silent loss."""
    patches = tf.zeros((1, 2, 6, 6), tf.float64)

    with pytest.raises(tf.errors.InvalidArgumentError, match="group canvas"):
        shift.place(patches, tf.constant([[[2.5, 0.0], [0.0, 0.0]]], tf.float64), 10)
    with pytest.raises(ValueError, match="even"):
        shift.place(patches, tf.zeros((1, 2, 2), tf.float64), 9)


# ------------------------------------------------------------------ implementations to catch
def _repeating(images: Any, offsets: Any) -> Any:
    """Stretch the offsets to the images, as the field's helper did."""
    stack = tf.convert_to_tensor(images)
    shifts = tf.convert_to_tensor(offsets)
    factor = tf.maximum(tf.shape(stack)[0] // tf.maximum(tf.shape(shifts)[0], 1), 1)
    return shift._move_both_ways(stack, tf.repeat(shifts, factor, axis=0)[: tf.shape(stack)[0]])


def _unpaired(images: Any, offsets: Any) -> Any:
    """Trust the caller; XLA then clamps what it gathers."""
    return shift._move_both_ways(tf.convert_to_tensor(images), tf.convert_to_tensor(offsets))


def _wrong_sign(images: Any, offsets: Any) -> Any:
    return shift.translate(images, -tf.convert_to_tensor(offsets))


def _blanked_border(images: Any, offsets: Any) -> Any:
    """Lose the last row and column, as a fallback by bilinear sampling did."""
    moved = shift.translate(images, offsets)
    return tf.pad(moved[:, :-1, :-1], ((0, 0), (0, 1), (0, 1), (0, 0)))


def _swapped_axes(images: Any, offsets: Any) -> Any:
    return shift.translate(images, tf.reverse(tf.convert_to_tensor(offsets), axis=[1]))


def _never_empty(images: Any, offsets: Any) -> Any:
    """Serve at least one image, which the last evaluation batch need not have."""
    moved = shift.translate(images, offsets)
    return tf.gather(moved, tf.range(tf.maximum(tf.shape(moved)[0], 1)))


NAIVE = {
    "golden_shifts": (_wrong_sign, _swapped_axes),
    "borders_survive": (_blanked_border, _wrong_sign),
    "pairs_only": (_repeating,),
    "any_batch": (_never_empty, _wrong_sign),
}


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize(
    ("law", "naive"),
    [(law, naive) for law in LAWS for naive in NAIVE[law.__name__]],
    ids=lambda each: each.__name__.strip("_"),
)
def test_naive_translations_are_caught(law: Any, naive: Any, mode: str) -> None:
    """Each historical failure breaks the law that stands for it."""
    with pytest.raises((AssertionError, pytest.fail.Exception, tf.errors.OpError)):
        law(_modes(naive)[mode])


def test_xla_would_guess_without_the_pairing() -> None:
    """Unpaired lengths pass through XLA unseen, which is why translation pairs them itself."""
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        translation_laws.pairs_only(_compiled(_unpaired, with_xla=True))
