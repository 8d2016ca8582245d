"""Axis letters used in every shape, and the tensor aliases built from them.

B  groups in a batch            C  patterns in a group
G  groups of a scan             M  scan points
P  incoherent probe modes       H, W  detector rows, columns
Y, X  canvas rows, columns      S  side of a group canvas

Arrays are indexed row (y) before column (x); a coordinate pair is (x, y). The
centre of a patch and of a spectrum is pixel (H // 2, W // 2); transforms are
unitary; lengths are object pixels; phases are radians on (-π, π].
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Complex, Float

Amplitude = Float[torch.Tensor, "B C H W"]
Offsets = Float[torch.Tensor, "B C 2"]
ObjectPatches = Complex[torch.Tensor, "B C H W"]
GroupCanvas = Complex[torch.Tensor, "B S S"]
Probe = Complex[torch.Tensor, "P H W"]
ExitWave = Complex[torch.Tensor, "B C P H W"]
FarField = Complex[torch.Tensor, "B C P H W"]
Intensity = Float[torch.Tensor, "B C H W"]
PatchWeight = Float[torch.Tensor, "H W"]
ValidMask = Bool[torch.Tensor, "H W"]
