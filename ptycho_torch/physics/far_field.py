"""Exit waves in, fields at the detector out.

Notation: the transform is unitary, so the total power of each pattern is kept; the patch
is not shifted before it, and zero spatial frequency ends at (H // 2, W // 2).
"""

from __future__ import annotations

import torch

from ptycho_torch.axes import ExitWave, FarField


def propagate(exit_wave: ExitWave) -> FarField:
    """Propagate an exit wave to the detector plane.

    Args:
        exit_wave: Field behind the object.

    Returns:
        Field at the detector, in the same units, zero frequency centred.

    Source:
        Goodman, Introduction to Fourier Optics, Fraunhofer diffraction.
    """
    # An ifftshift before it would only turn phases at the detector, which no intensity sees.
    # Unitary, so that probe and detector share one unit, √photons.
    field: torch.Tensor = torch.fft.fft2(exit_wave, norm="ortho")
    centred: torch.Tensor = torch.fft.fftshift(field, dim=(-2, -1))
    return centred
