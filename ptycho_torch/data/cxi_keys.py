"""Where things lie in a CXI file, for reader and writer."""

from __future__ import annotations

ENTRY = "entry_1"
DETECTOR = f"{ENTRY}/instrument_1/detector_1"
SOURCE = f"{ENTRY}/instrument_1/source_1"
FRAMES = (f"{ENTRY}/data_1/data", f"{DETECTOR}/data")
TRANSLATIONS = (
    f"{ENTRY}/sample_1/geometry_1/translation",
    f"{ENTRY}/data_1/translation",
    f"{DETECTOR}/translation",
)
# The source of a NeXus file may be the storage ring, so that of the beam comes first.
ENERGIES = (
    f"{ENTRY}/instrument_1/beam_1/energy",
    f"{ENTRY}/instrument_1/beam_1/incident_beam_energy",
    f"{ENTRY}/instrument_1/beam_1/incident_energy",
    f"{ENTRY}/beam_1/energy",
    f"{SOURCE}/energy",
)
WAVELENGTHS = (
    f"{ENTRY}/instrument_1/beam_1/incident_wavelength",
    f"{ENTRY}/beam_1/incident_wavelength",
    f"{SOURCE}/wavelength",
)
# The normal of the sample, or two directions in its plane, as cdtools keeps them.
SAMPLE_PLANES = tuple(
    f"{ENTRY}/sample_1/geometry_1/{name}" for name in ("surface_normal", "orientation")
)
BASIS = f"{DETECTOR}/basis_vectors"
ORIENTATION = f"{DETECTOR}/geometry_1/orientation"
MASK = f"{DETECTOR}/mask"
ILLUMINATION = f"{SOURCE}/illumination"
SCAN_INDEX = f"{ENTRY}/data_1/scan_index"
# What ptychodus adds to the standard, see its CXI plugin.
PTYCHODUS = f"{ENTRY}/ptychodus"
INDEXES = f"{PTYCHODUS}/probe_position_indexes"
PHOTONS = f"{PTYCHODUS}/probe_photon_count"
OBJECT_CENTRES = tuple(f"{PTYCHODUS}/object_center_{axis}_m" for axis in "xy")
OBJECT_PIXELS = tuple(f"{PTYCHODUS}/object_pixel_{side}_m" for side in ("width", "height"))
PROBE_PIXELS = tuple(f"{PTYCHODUS}/probe_pixel_{side}_m" for side in ("width", "height"))
PROBE_IMAGE = f"{ENTRY}/image_1/data"
OBJECT = f"{ENTRY}/image_2/data"
OBJECT_MASK = f"{ENTRY}/image_2/mask"
