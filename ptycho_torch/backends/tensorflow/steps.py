"""One batch in, its loss and the gradients of all weights out, as compiled graphs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ptycho_torch.backends.tensorflow import graphs, losses
from ptycho_torch.backends.tensorflow.adam import Slopes
from ptycho_torch.backends.tensorflow.axes import Amplitude, ObjectPatches, Offsets, Scalar
from ptycho_torch.backends.tensorflow.losses import LossTerms
from ptycho_torch.backends.tensorflow.model import ForwardResult, TensorFlowModel
from ptycho_torch.config_params import TrainingConfig


class Stepped(NamedTuple):
    """What a batch gives.

    Attributes:
        terms: Loss and deviance.
        patches: O, as predicted.
        slopes: Gradient of the loss by name; empty where nothing is trained.
        amp_mean: Mean amplitude of the patches.
        amp_std: Their spatial standard deviation, mean over patches.
    """

    terms: LossTerms
    patches: ObjectPatches
    slopes: Slopes
    amp_mean: Scalar
    amp_std: Scalar


class Steps:
    """The training and the validation step of a model.

    Args:
        model: Model to train.
        training: Loss and its floors.
        intensity_scale: s of the scaling contract.
        masks: Valid detector pixels of the training and of the validation scan.

    Attributes:
        train: Compiled step with gradients; takes amplitudes and offsets.
        evaluate: Compiled step without.
    """

    def __init__(
        self,
        model: TensorFlowModel,
        training: TrainingConfig,
        intensity_scale: float,
        masks: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    ) -> None:
        self._model, self._training, self._scale = model, training, intensity_scale
        self._own, self._held_out = (tf.constant(mask) for mask in masks)
        self.train = graphs.compile_graph(self._train_step, model.signature())
        self.evaluate = graphs.compile_graph(self._evaluate_step, model.signature())

    def _train_step(self, X: Amplitude, rel: Offsets) -> Stepped:
        with tf.GradientTape() as tape:
            result = self._model.forward(X, rel)
            terms = self._loss(result, X, self._own)
        slopes = tape.gradient(terms.loss, dict(self._model.variables))
        return _summarise_step(result, terms, slopes)

    def _evaluate_step(self, X: Amplitude, rel: Offsets) -> Stepped:
        result = self._model.forward(X, rel)
        return _summarise_step(result, self._loss(result, X, self._held_out), {})

    def _loss(self, result: ForwardResult, X: Amplitude, mask: Any) -> LossTerms:
        training = self._training
        if training.torch_loss_mode == "mae":
            return losses.mae(result.intensity, X, self._scale, mask, training.sqrt_eps)
        return losses.poisson(result.intensity, X, self._scale, mask, training.poisson_eps)

    def first_odd(self, X: Amplitude, rel: Offsets) -> str:
        """Name the first tensor of the pipeline that is not finite."""
        return next(
            (name for name, values in self._list_tensors(X, rel) if not _is_finite(values)),
            "loss",
        )

    def _list_tensors(self, X: Amplitude, rel: Offsets) -> Iterator[tuple[str, Any]]:
        yield "amplitude", X
        yield "offsets", rel
        yield "probe", self._model.probe
        for name, variable in self._model.variables.items():
            yield f"weight {name}", variable
        yield from self._model.stages(X, rel).items()


def _summarise_step(result: ForwardResult, terms: LossTerms, slopes: Slopes) -> Stepped:
    """Add the numbers of the epoch table."""
    amplitude = tf.abs(result.patches)
    spread = tf.math.reduce_std(amplitude, axis=(-2, -1))
    return Stepped(
        terms, result.patches, slopes, tf.reduce_mean(amplitude), tf.reduce_mean(spread)
    )


def _is_finite(values: Any) -> bool:
    return bool(np.isfinite(values.numpy()).all())
