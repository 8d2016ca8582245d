"""Functions in, compiled graphs out, for any number of groups or images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Compiled = Any  # what tf.function makes; TensorFlow ships no types


def compile_graph(
    function: Callable[..., Any],
    signature: Sequence[tf.TensorSpec] | None = None,
    *,
    with_xla: bool = False,
) -> Compiled:
    """Compile a function of tensors, and switch off one optimisation of TensorFlow.

    The remapper joins convolution, bias and rectifier to one operation. Where gradients are
    taken it breaks off with an error on stderr, and the graph stays as it was.

    Args:
        function: Made of TensorFlow's operations alone.
        signature: Shapes and kinds of the arguments; None takes those of the first call.
        with_xla: Let XLA compile the graph; the same numbers, other speed.
    """
    tf.config.optimizer.set_experimental_options({"remapping": False})
    return tf.function(
        function,
        input_signature=None if signature is None else list(signature),
        autograph=False,
        jit_compile=with_xla,
    )
