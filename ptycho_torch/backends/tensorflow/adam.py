"""Gradients in, new weights out: Adam with the settings that the PyTorch training has.

Notation: slope g, its decaying means m and v, step t; the weights move by
−rate·m̂ / (√v̂ + ε) with m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).

Source:
    Kingma and Ba, Adam: a method for stochastic optimization, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import torch

from ptycho_torch.backends.tensorflow import graphs

Slopes = dict[str, tf.Tensor]


class Adam:
    """Moves the variables of a model.

    Args:
        variables: Weights by name; they are changed in place.
        settings: The optimiser that PyTorch would use. Its rate, means and floor are read,
            so that they are decided in one place; it makes no step itself.
    """

    def __init__(
        self, variables: Mapping[str, tf.Variable], settings: torch.optim.Adam
    ) -> None:
        self._variables = variables
        self._settings = settings
        self._means = {
            name: tf.Variable(tf.zeros_like(value)) for name, value in variables.items()
        }
        self._squares = {
            name: tf.Variable(tf.zeros_like(value)) for name, value in variables.items()
        }
        self._move = graphs.compile_graph(self._update)
        self.count = 0

    @property
    def rate(self) -> float:
        """The learning rate in force."""
        return float(self._settings.param_groups[0]["lr"])

    def step(self, slopes: Slopes, factor: float = 1.0) -> None:
        """Move every variable once.

        Args:
            slopes: Gradient of the loss by name.
            factor: Rate of this step relative to the one in force.
        """
        group = self._settings.param_groups[0]
        first, second = group["betas"]
        self.count += 1
        kind = next(iter(slopes.values())).dtype
        scale = tf.constant(factor * self.rate / (1 - first**self.count), kind)
        root = tf.constant((1 - second**self.count) ** 0.5, kind)
        self._move(slopes, scale, root)

    def _update(self, slopes: Slopes, scale: Any, root: Any) -> None:
        """Update means and variables in place."""
        group = self._settings.param_groups[0]
        first, second = group["betas"]
        for name, slope in slopes.items():
            variable, mean, square = (
                source[name] for source in (self._variables, self._means, self._squares)
            )
            full = slope + group["weight_decay"] * variable
            mean.assign_add((1 - first) * (full - mean))
            square.assign(second * square + (1 - second) * full * full)
            variable.assign_sub(scale * mean / (tf.sqrt(square) / root + group["eps"]))


def clip_gradients(slopes: Slopes, limit: float | None) -> tuple[Slopes, tf.Tensor]:
    """Shorten gradients that are jointly too long.

    Args:
        slopes: Gradients by name.
        limit: Largest joint norm; None leaves them.

    Returns:
        The gradients, and their joint norm before.
    """
    norm = tf.linalg.global_norm(list(slopes.values()))
    if limit is None:
        return slopes, norm
    factor = tf.minimum(limit / (norm + 1e-6), 1.0)
    return {name: factor * slope for name, slope in slopes.items()}, norm
