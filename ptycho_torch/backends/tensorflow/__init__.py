"""The model in TensorFlow: network, physics, losses, training, inference and stitching."""

from __future__ import annotations

from ptycho_torch.backends.tensorflow.shift import translate

__all__ = ["translate"]
