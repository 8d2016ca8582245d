"""The geometry of patches under one name: shift, merge, extract, canvas and stitch."""

from ptycho_torch.physics.canvas import canvas_geometry, stitch
from ptycho_torch.physics.overlap import extract_group, merge_group
from ptycho_torch.physics.shift import translate

__all__ = ["canvas_geometry", "extract_group", "merge_group", "stitch", "translate"]
