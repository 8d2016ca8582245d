"""Fields at the detector in, intensities out; modes add as intensities, never as fields."""

from __future__ import annotations

from ptycho_torch.axes import FarField, Intensity


def intensity(far_field: FarField) -> Intensity:
    """Add the intensities of the incoherent modes.

    Args:
        far_field: Field of each mode.

    Returns:
        Σ_p |F_p|², the squared unit of the field.
    """
    # By parts and not abs().square(): a root that is squared again costs time and digits.
    return (far_field.real.square() + far_field.imag.square()).sum(dim=2)
