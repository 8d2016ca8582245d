"""Lengths and energies as a file states them, in SI; and whether their sum is plausible."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import h5py
import numpy as np

from ptycho_torch.data import hdf5
from ptycho_torch.errors import InputError

PLANCK_TIMES_LIGHT = 1.98644586e-25
JOULE_PER_EV = 1.602176634e-19
LENGTHS = {
    "m": 1.0,
    "mm": 1e-3,
    "um": 1e-6,
    "µm": 1e-6,
    "μm": 1e-6,
    "micron": 1e-6,
    "nm": 1e-9,
    "pm": 1e-12,
    "a": 1e-10,
    "å": 1e-10,
    "angstrom": 1e-10,
}
ENERGIES = {"j": 1.0, "ev": JOULE_PER_EV, "kev": 1e3 * JOULE_PER_EV, "mev": 1e6 * JOULE_PER_EV}
_UNIT_NAMES = ("units", "unit", "Units", "Unit")
_STEADY = 1e-3  # of its mean; an energy is read back a little differently each time
_LARGEST_ENERGY_J = 1e-10
# From the picometres of electron microscopes to the micrometres of visible light.
_PIXELS_M = (5e-13, 1e-5)
_DETECTOR_PIXELS_M = (1e-7, 1e-2)
_PREFIXES = {"": "m", "milli": "mm", "micro": "um", "nano": "nm", "pico": "pm"}
_UNIT_WORDS = {
    f"{prefix}{word}": unit
    for prefix, unit in _PREFIXES.items()
    for word in ("metre", "meter", "metres", "meters")
} | {"microns": "micron", "angstroms": "angstrom"}

_log = logging.getLogger(__name__)


def read_length(root: h5py.File, path: Path, key: str) -> float:
    """Read a positive length [m]; an attribute ``units`` is honoured.

    Raises:
        InputError: Absent, no positive number, or in an unknown unit.
    """
    return _read_constant(root, path, key) * length_factor(root, path, key)


def length_factor(root: h5py.File, path: Path, key: str) -> float:
    """Return what one unit of a dataset is in metres.

    Raises:
        InputError: The unit is unknown.
    """
    return _factor(root, path, key, LENGTHS, "a unit of length")


def read_energy(root: h5py.File, path: Path, key: str) -> float:
    """Read a photon energy [J]; without a unit, a number too large for joules is in eV.

    Raises:
        InputError: Absent, no positive number, or in an unknown unit.
    """
    value = _read_constant(root, path, key)
    if unit_of(root, key):
        return value * _factor(root, path, key, ENERGIES, "a unit of energy")
    if value > _LARGEST_ENERGY_J:
        _log.warning("%s: %s is %g, taken as eV; CXI asks for joules", path.name, key, value)
        return value * JOULE_PER_EV
    return value


def _read_constant(root: h5py.File, path: Path, key: str) -> float:
    """Read one positive number; one for each point will do, when they are the same."""
    where = f"{path}: {key}"
    values = hdf5.array(root, path, key)
    if values.size > 1 and values.dtype.kind in "iuf":
        mean = float(np.mean(values))
        if not np.ptp(values) <= _STEADY * abs(mean):
            raise InputError(
                where,
                expected="one number, or the same for every point",
                found=f"{np.min(values):g} to {np.max(values):g}",
                remedy="write scans of one energy and geometry, each to a file of its own",
            )
        values = np.array(mean)
    return hdf5.positive(values, where)


def missing_geometry(where: str, missing: list[str]) -> InputError:
    """Return the error of a file from which no object pixel can be computed."""
    return InputError(
        where,
        expected="what an object pixel is computed from",
        found=f"a file without {', '.join(missing)}",
        remedy="write it into the file, or give a second file whose probe states its pixel, "
        "a product of ptychodus or a .ptyr of PtyPy",
    )


def wavelength_of_ev(energy_ev: float) -> float:
    """Return the wavelength of a photon [m]."""
    return PLANCK_TIMES_LIGHT / (energy_ev * JOULE_PER_EV)


def check_pixel(pixel_m: float, where: str, found: str) -> float:
    """Return an object pixel that can be one.

    Args:
        pixel_m: Object pixel as computed [m].
        where: File and key, for the message.
        found: The numbers it was computed from, in words.

    Raises:
        InputError: No experiment has such a pixel: a unit is not what it is taken for.
    """
    if not (math.isfinite(pixel_m) and _PIXELS_M[0] <= pixel_m <= _PIXELS_M[1]):
        raise InputError(
            where,
            expected=f"an object pixel between {_PIXELS_M[0]:g} and {_PIXELS_M[1]:g} m",
            found=f"{pixel_m:.3g} m from {found}",
            remedy="state lengths in m and the energy in J or eV, or name their `units`",
        )
    return pixel_m


def check_detector_pixel(pixel_m: float, where: str, found: str) -> None:
    """Refuse a geometry that asks for a detector pixel that no detector has.

    Raises:
        InputError: A unit is not what it is taken for.
    """
    if not (
        math.isfinite(pixel_m) and _DETECTOR_PIXELS_M[0] <= pixel_m <= _DETECTOR_PIXELS_M[1]
    ):
        low, high = _DETECTOR_PIXELS_M
        raise InputError(
            where,
            expected=f"a detector pixel between {low:g} and {high:g} m",
            found=f"{pixel_m:.3g} m from {found}",
            remedy="give the pixel and the distance in m, the energy in eV",
        )


def unit_of(root: h5py.File, key: str) -> str:
    """Return the unit that a dataset names in lower case, empty without one."""
    attributes = root[key].attrs
    stated = next((attributes[name] for name in _UNIT_NAMES if name in attributes), "")
    # Some programs write every attribute as an array of one.
    text = stated.item() if isinstance(stated, np.ndarray) and stated.size == 1 else stated
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    plain = plain.strip().lower()
    return _UNIT_WORDS.get(plain, plain)


def _factor(
    root: h5py.File, path: Path, key: str, known: dict[str, float], expected: str
) -> float:
    unit = unit_of(root, key)
    if not unit:
        return 1.0
    if unit not in known:
        listed = ", ".join(known)
        raise InputError(
            f"{path}: {key}.units", expected=f"{expected}: {listed}", found=repr(unit)
        )
    return known[unit]
