"""Weights and normalised amplitudes in, complex object patches out, as pure functions.

The layers are those of the PyTorch networks ``cnn`` and ``cnn-lite`` and have their names;
how many there are, and whether pixels are folded into channels first, is read from the
weights. Kernels are (rows, columns, inputs, outputs).

Source:
    Design of the model, sections 7.1 and 7.2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ptycho_torch.backends.tensorflow.axes import Amplitude, Maps, NewMaps, ObjectPatches
from ptycho_torch.config_params import ModelConfig

Weights = Mapping[str, tf.Variable]

_LAYERS_PER_STAGE = 4  # two convolutions, a kernel and a bias each


class Decoded(NamedTuple):
    """What the network makes of amplitudes, before the heads.

    Attributes:
        features: (B, c, h, w) maps of the encoder, 8 × 8 for powers of 2; without overlap B
            counts patterns.
        amp_logits: (B, C, N, N).
        phase_logits: (B, C, N, N).
    """

    features: tf.Tensor
    amp_logits: Amplitude
    phase_logits: Amplitude


def decode(weights: Weights, amplitude: Amplitude, config: ModelConfig) -> Decoded:
    """Encode amplitudes and decode them into logits.

    Args:
        weights: Parameters by name.
        amplitude: X, measured amplitudes [normalised].
        config: Slopes, borders and overlap of the model.
    """
    channels, side = amplitude.shape[1:3]
    width = channels if config.overlaps(channels) else 1
    wanted = tf.shape(amplitude)[0]
    # In a graph, a convolution of an empty batch keeps the channels of its input: a group
    # of zeros stands in for it and is cut off again.
    spare = tf.cast(tf.equal(wanted, 0), tf.int32)
    filled = tf.pad(amplitude, ((0, spare), (0, 0), (0, 0), (0, 0)))
    count = wanted + spare
    folded = tf.reshape(filled, (count * (channels // width), width, side, side))
    fold = math.isqrt(weights["encoder.stage0.conv1.weight"].shape[2] // width)
    rim = -side % (fold << _stage_count(weights, "encoder")) // 2
    around = ((0, 0), (0, 0), (rim, rim), (rim, rim))
    maps = _fold(tf.transpose(tf.pad(folded, around), (0, 2, 3, 1)), fold)
    for index in range(_stage_count(weights, "encoder")):
        maps = _stage(weights, f"encoder.stage{index}", maps, config.hidden_slope)
        maps = tf.nn.max_pool2d(maps, 2, 2, "VALID")
    logits = (
        tf.reshape(
            tf.transpose(
                _tower(weights, name, maps, config)[:, rim : rim + side, rim : rim + side],
                (0, 3, 1, 2),
            ),
            (count, channels, side, side),
        )[:wanted]
        for name in ("amp", "phase")
    )
    features = tf.transpose(maps, (0, 3, 1, 2))[: wanted * (channels // width)]
    return Decoded(features, *logits)


def heads(decoded: Decoded, config: ModelConfig) -> ObjectPatches:
    """Turn logits into complex patches: phase π·tanh(z), amplitude by the head named.

    Args:
        decoded: Logits of both towers.
        config: Name and bound of the amplitude head.
    """
    amplitudes = _amplitude(decoded.amp_logits, config)
    if not config.probe_big:
        amplitudes = amplitudes * (1 - border(amplitudes.shape[-1], amplitudes.dtype))
    phase = math.pi * tf.tanh(decoded.phase_logits)
    return tf.complex(amplitudes * tf.cos(phase), amplitudes * tf.sin(phase))


def border(side: int, dtype: tf.DType) -> tf.Tensor:
    """Return (N, N) ones outside the central half of a frame and zeros inside."""
    ring: NDArray[np.float64] = np.ones((side, side))
    ring[side // 4 : -(side // 4), side // 4 : -(side // 4)] = 0
    return tf.constant(ring, dtype)


def _amplitude(logits: Amplitude, config: ModelConfig) -> Amplitude:
    """Apply the head of ``ptycho_torch.network.heads`` that the settings name."""
    kind = config.amp_activation
    if kind == "bounded":
        return config.amp_max * tf.sigmoid(logits - math.log(config.amp_max - 1))
    if kind == "softplus":
        return tf.math.softplus(logits + math.log(math.e - 1))
    bounded = tf.sigmoid(logits)
    return bounded if kind == "sigmoid" else logits * bounded


def _tower(weights: Weights, name: str, maps: Maps, config: ModelConfig) -> NewMaps:
    """Double the maps up to half the frame, then fill the centre and the border."""
    for index in reversed(range(_stage_count(weights, name))):
        maps = _double(_stage(weights, f"{name}.stage{index}", maps, config.hidden_slope))
    inner, last = maps[..., : -config.c_outer], maps[..., -config.c_outer :]
    half = maps.shape[2]
    around = (half // 2, half // 2)
    centre = _convolve(weights, f"{name}.centre", inner)
    logits = tf.pad(centre, ((0, 0), around, around, (0, 0)))
    if not config.probe_big:
        return logits
    outer = _double(_stage(weights, f"{name}.outer", last, config.hidden_slope))
    filled = _convolve(weights, f"{name}.outer.conv3", outer)
    return logits + border(2 * half, logits.dtype)[..., None] * filled


def _stage(weights: Weights, name: str, maps: Maps, slope: float) -> NewMaps:
    """Apply conv1 and conv2, each with its leaky rectifier."""
    for layer in ("conv1", "conv2"):
        maps = _rectify(_convolve(weights, f"{name}.{layer}", maps), slope)
    return maps


def _rectify(maps: Maps, slope: float) -> NewMaps:
    """Shrink what is negative; TensorFlow's own rectifier rounds the slope to 32 bits."""
    return tf.where(maps > 0, maps, slope * maps)


def _convolve(weights: Weights, name: str, maps: Maps) -> NewMaps:
    """Convolve with a 3 × 3 kernel; pixels outside the maps are zero."""
    kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return tf.nn.bias_add(tf.nn.conv2d(maps, kernel, 1, "SAME"), bias)


def _double(maps: Maps) -> NewMaps:
    """Repeat every pixel in a 2 × 2 block."""
    count, (height, width, channels) = tf.shape(maps)[0], maps.shape[1:]
    blocks = tf.broadcast_to(maps[:, :, None, :, None], (count, height, 2, width, 2, channels))
    return tf.reshape(blocks, (count, 2 * height, 2 * width, channels))


def _fold(maps: Maps, side: int) -> NewMaps:
    """Turn blocks of pixels into channels; those of one map stay together."""
    if side == 1:
        return maps
    count, (height, width, channels) = tf.shape(maps)[0], maps.shape[1:]
    small = (height // side, width // side)
    blocks = tf.reshape(maps, (count, small[0], side, small[1], side, channels))
    ordered = tf.transpose(blocks, (0, 1, 3, 5, 2, 4))
    return tf.reshape(ordered, (count, *small, channels * side**2))


def _stage_count(weights: Weights, name: str) -> int:
    return sum(key.startswith(f"{name}.stage") for key in weights) // _LAYERS_PER_STAGE
