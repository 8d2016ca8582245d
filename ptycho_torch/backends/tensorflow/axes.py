"""Axis letters used in every shape of this backend, and the tensor aliases built from them.

B  groups in a batch            C  patterns in a group
P  incoherent probe modes       H, W  rows, columns
S  side of a group canvas       n  images that are moved

As in the PyTorch backend groups are (B, C, H, W); inside the network maps are channels-last,
(B, h, w, c), which is the only order that TensorFlow convolves on a CPU.
"""

from __future__ import annotations

import tensorflow as tf
from jaxtyping import Bool, Complex, Float, Shaped

Images = Shaped[tf.Tensor, "n H W c"]
Shifts = Float[tf.Tensor, "n 2"]
PatchStack = Shaped[tf.Tensor, "B C h w"]
Canvases = Shaped[tf.Tensor, "B S S"]
Amplitude = Float[tf.Tensor, "B C H W"]
Offsets = Float[tf.Tensor, "B C 2"]
ObjectPatches = Complex[tf.Tensor, "B C H W"]
Probe = Complex[tf.Tensor, "P H W"]
ExitWave = Complex[tf.Tensor, "B C P H W"]
FarField = Complex[tf.Tensor, "B C P H W"]
Intensity = Float[tf.Tensor, "B C H W"]
PatchWeight = Float[tf.Tensor, "H W"]
ValidMask = Bool[tf.Tensor, "H W"]
Maps = Float[tf.Tensor, "B h w c"]
NewMaps = Float[tf.Tensor, "B h_new w_new c_new"]
Scalar = Float[tf.Tensor, ""]
