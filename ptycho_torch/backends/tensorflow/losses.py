"""Predicted intensity and measured amplitude in, the misfit out.

The losses of `ptycho_torch.physics.losses` in TensorFlow: notation, arguments and units are
described there.

Source:
    Design of the model, section 8.2.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from ptycho_torch.backends.tensorflow.axes import Amplitude, Intensity, Scalar, ValidMask


class LossTerms(NamedTuple):
    """A misfit and, for photon counts, its deviance without gradient."""

    loss: Scalar
    deviance: Scalar | None


def poisson(
    intensity: Intensity,
    amplitude: Amplitude,
    intensity_scale: float,
    valid_mask: ValidMask,
    eps: float,
) -> LossTerms:
    """Negative log likelihood of real-valued photon counts [nats per pixel], as D + h."""
    counts = tf.square(intensity_scale * amplitude)
    rate = intensity_scale**2 * intensity + eps
    safe = tf.where(counts > 0, counts, tf.ones_like(counts))
    distance = rate - counts - counts * tf.math.log(rate / safe)
    wide = tf.cast(tf.stop_gradient(counts), tf.float64)
    floor = wide - tf.math.xlogy(wide, wide) + tf.math.lgamma(wide + 1)

    mean_distance = _valid_mean(distance, valid_mask)
    mean_floor = tf.cast(_valid_mean(floor, valid_mask), mean_distance.dtype)
    return LossTerms(mean_distance + mean_floor, 2 * tf.stop_gradient(mean_distance))


def mae(
    intensity: Intensity,
    amplitude: Amplitude,
    intensity_scale: float,
    valid_mask: ValidMask,
    eps: float,
) -> LossTerms:
    """Mean absolute misfit of the amplitude in √photons; there is no deviance."""
    misfit = tf.abs(tf.sqrt(intensity + eps) - amplitude)
    return LossTerms(intensity_scale * _valid_mean(misfit, valid_mask), None)


def _valid_mean(values: Intensity, valid_mask: ValidMask) -> Scalar:
    """Mean over all leading axes and the valid pixels."""
    valid = tf.where(valid_mask, values, tf.zeros_like(values))
    frames = tf.size(values) // tf.size(valid_mask)
    count = tf.reduce_sum(tf.cast(valid_mask, tf.int32)) * frames
    return tf.reduce_sum(valid) / tf.cast(count, values.dtype)
