"""An entry of a NeXus file: what lies below it, and the object pixel of its geometry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py

from ptycho_torch.data import hdf5_links, units
from ptycho_torch.data.pieces import Pieces
from ptycho_torch.errors import InputError

_PIXEL_RATIO = 0.01
_ENERGY_KEYS = (
    "instrument/beam/incident_energy",
    "instrument/beam/energy",
    "instrument/monochromator/energy",
    "sample/beam/incident_energy",
    "snapshot/energy",
)
_WAVELENGTH_KEYS = ("instrument/beam/incident_wavelength", "sample/beam/incident_wavelength")


@dataclass(frozen=True, slots=True)
class NexusEntry:
    """An open file and the entry that holds the scan."""

    root: h5py.File
    path: Path
    entry: str

    def find(self, *keys: str) -> str | None:
        """Return the first of the keys below the entry that leads to a dataset."""
        whole = (f"{self.entry}/{key}" for key in keys)
        return next(
            (
                key
                for key in whole
                if hdf5_links.check_links(self.root, self.path, key)
                and isinstance(self.root[key], h5py.Dataset)
            ),
            None,
        )

    def list_groups(self, home: str) -> list[str]:
        """Return the groups below a group, without opening links that lead nowhere."""
        group = self.root.get(f"{self.entry}/{home}" if home else self.entry)
        if not isinstance(group, h5py.Group):
            return []
        prefix = f"{home}/" if home else ""
        return [f"{prefix}{name}" for name in group if isinstance(group.get(name), h5py.Group)]


def object_pixel(file: NexusEntry, key: str, side: int, parts: Pieces) -> float:
    """Return the object pixel [m] of the geometry; else of the second file's probe.

    Args:
        file: The open entry.
        key: Where the frames lie.
        side: Side N of the frames [px].
        parts: Pieces, whose probe may state its pixel.

    Raises:
        InputError: A part of the geometry is missing or makes no sense.
    """
    root, path = file.root, file.path
    home = key.rpartition("/")[0].removeprefix(f"{file.entry}/")
    distance = file.find(f"{home}/distance", f"{home}/detector_distance")
    size = file.find(f"{home}/x_pixel_size", f"{home}/y_pixel_size")
    wavelength = _wavelength(file)
    missing = [
        name
        for name, value in (
            ("a wavelength or an energy", wavelength),
            ("the distance of the detector", distance),
            ("its x_pixel_size", size),
        )
        if value is None
    ]
    if wavelength is None or distance is None or size is None:
        if parts.probe_pixel_m is not None:
            return parts.probe_pixel_m
        raise units.missing_geometry(f"{path}: {file.entry}", missing)
    far, pixel = (units.read_length(root, path, name) for name in (distance, size))
    other_key = file.find(f"{home}/y_pixel_size")
    other = pixel if other_key is None else units.read_length(root, path, other_key)
    if abs(other / pixel - 1) > _PIXEL_RATIO:
        raise InputError(
            f"{path}: {other_key}",
            expected="square detector pixels",
            found=f"{pixel:.4g} m and {other:.4g} m",
        )
    said = f"λ {wavelength:.4g} m, z {far:.4g} m, N {side}, pixel {pixel:.4g} m"
    return units.check_pixel(wavelength * far / (side * pixel), f"{path}: {home}", said)


def _wavelength(file: NexusEntry) -> float | None:
    key = file.find(*_WAVELENGTH_KEYS)
    if key is not None:
        return units.read_length(file.root, file.path, key)
    key = file.find(*_ENERGY_KEYS)
    if key is None:
        return None
    return units.PLANCK_TIMES_LIGHT / units.read_energy(file.root, file.path, key)
