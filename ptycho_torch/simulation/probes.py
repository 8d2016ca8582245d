"""Probes on an N × N grid, centre at N / 2, and their incoherent modes.

ρ = r / R  radius in units of the probe radius R = probe_diameter · N / 2
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ptycho_torch.simulation.recipe import SimulationRecipe

Field = NDArray[np.complex128]
Axis = NDArray[np.float64]

_DEFOCUS = 1.6
_ASTIGMATISM = 0.5
_COMA = 0.4
_FRESNEL_NUMBER = 4.0
# Where 2·J₁(πx) / πx is first 0: the 1.22 of Rayleigh's criterion.
_FIRST_DARK_RING = 1.2197
_BRIGHT_FIELD = 1 / 6  # radius of the aperture on the detector, as a share of N


def make(recipe: SimulationRecipe) -> Field:
    """Make the modes of a recipe.

    Modes are orthogonal, the energy of each is half of the one before, and the energies
    add up to 1.

    Args:
        recipe: What to make.

    Returns:
        (P, N, N) field.
    """
    side = recipe.n
    # An even grid has no pixel in its middle; N // 2 is the centre everywhere in this package.
    axis = np.arange(side, dtype=np.float64) - side // 2
    x, y = axis[None, :], axis[:, None]
    radius = recipe.probe_diameter * side / 2
    main = _KINDS[recipe.probe](x, y, radius)
    modes = _orthonormalise(main, x / radius, y / radius, recipe.modes)
    energies = 0.5 ** np.arange(recipe.modes)
    shares = np.sqrt(energies / energies.sum())
    return np.asarray(modes * shares[:, None, None], dtype=np.complex128)


def aberrated_disk(x: Axis, y: Axis, radius: float) -> Field:
    """A soft disc with defocus, astigmatism and coma: no symmetry is left.

    Source:
        Design of the model, section 11.3.
    """
    u, v = x / radius, y / radius
    phase = _DEFOCUS * (u**2 + v**2) + _ASTIGMATISM * u * v + _COMA * u**3
    return np.asarray(disk(x, y, radius) * np.exp(1j * phase))


def disk(x: Axis, y: Axis, radius: float) -> Field:
    """A disc of even phase whose edge falls over about two pixels."""
    return np.asarray(1 / (1 + np.exp(np.hypot(x, y) - radius)), dtype=np.complex128)


def fresnel(x: Axis, y: Axis, radius: float) -> Field:
    """The disc, carried on through free space by a quarter of its Rayleigh range."""
    frequency = fft.fftfreq(x.size)
    squared = frequency[None, :] ** 2 + frequency[:, None] ** 2
    carried = np.exp(-1j * np.pi * squared * radius**2 / _FRESNEL_NUMBER)
    # The centre goes to the corner for the transform, and back behind it.
    start = fft.ifftshift(disk(x, y, radius))
    return np.asarray(fft.fftshift(fft.ifft2(fft.fft2(start) * carried)))


def gaussian(x: Axis, y: Axis, radius: float) -> Field:
    """A Gaussian whose amplitude is one half at the probe radius."""
    return np.asarray(0.5 ** ((x**2 + y**2) / radius**2), dtype=np.complex128)


def airy(x: Axis, y: Axis, radius: float) -> Field:
    """The focus of a round lens; the first dark ring lies at the probe radius."""
    side = x.size
    aperture = _FIRST_DARK_RING * side / (2 * radius)
    lens = fft.ifftshift(disk(x, y, aperture))
    return np.asarray(fft.fftshift(fft.ifft2(lens)))


def defocused_disk(x: Axis, y: Axis, radius: float) -> Field:
    """A round lens out of focus, as in electron ptychography: a disc of light on the detector.

    The geometric edge of the probe, where a ray through the edge of the aperture arrives,
    lies at the probe radius.
    """
    side = x.size
    aperture = _BRIGHT_FIELD * side
    # A quadratic phase of a rad at the edge of the aperture moves that ray by a·N/(π·aperture).
    curvature = np.pi * radius * aperture / side
    turn = np.exp(-1j * curvature * (x**2 + y**2) / aperture**2)
    lens = fft.ifftshift(disk(x, y, aperture) * turn)
    return np.asarray(fft.fftshift(fft.ifft2(lens)))


def _orthonormalise(main: Field, u: Axis, v: Axis, count: int) -> Field:
    """Multiply the main mode by monomials and make the products orthonormal."""
    powers = [(i - j, j) for i in range(count) for j in range(i + 1)][:count]
    products = np.stack([main * u**i * v**j for i, j in powers])
    flat = products.reshape(count, -1).T
    basis, triangle = np.linalg.qr(flat)
    # The factorisation leaves a sign open; the main mode must keep its phase.
    diagonal = np.diagonal(triangle)
    unit = basis * (diagonal / np.abs(diagonal))
    return np.asarray(unit.T.reshape(products.shape))


_KINDS: Mapping[str, Callable[[Axis, Axis, float], Field]] = MappingProxyType(
    {
        "aberrated": aberrated_disk,
        "disk": disk,
        "fresnel": fresnel,
        "gaussian": gaussian,
        "airy": airy,
        "defocused": defocused_disk,
    }
)
