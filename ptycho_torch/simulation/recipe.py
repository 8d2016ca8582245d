"""What to simulate: the settings of one scan, each with its meaning and bounds.

Source: design of the model, sections 2.4 and 16.
"""

from __future__ import annotations

from dataclasses import dataclass

from ptycho_torch import settings
from ptycho_torch.config_params import SIDES
from ptycho_torch.errors import ConfigError
from ptycho_torch.settings import Flag, setting

SCANS = ("raster", "jitter", "spiral", "random")
OBJECTS = ("dead-leaves", "siemens", "lines", "grf", "lshape")
PROBES = ("aberrated", "disk", "fresnel", "gaussian", "airy", "defocused")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationRecipe:
    """A simulated scan, complete: the same recipe gives the same file."""

    n: int = setting(
        64, "Side of a frame.", unit="px", low=SIDES[0], high=SIDES[-1], multiple_of=SIDES.step
    )
    n_points: int = setting(400, "Number of scan points.", low=1, high=1_000_000)
    scan: str = setting("jitter", "Path of the scan.", choices=SCANS)
    pitch: float = setting(5.0, "Distance of neighbouring points.", unit="px", above=0)
    jitter: float = setting(1.0, "Largest displacement along each axis.", unit="px", low=0)
    integer_positions: bool = setting(
        False, "Round positions to whole pixels.", flag=Flag(name="integer_positions", on=True)
    )
    object: str = setting("dead-leaves", "Kind of object.", choices=OBJECTS)
    amp_range: tuple[float, ...] = setting((0.5, 1.0), "Smallest and largest amplitude, A,B.")
    phase_range: float = setting(2.0, "Spread of the phase.", unit="rad", low=0, high=6.28)
    probe: str = setting("aberrated", "Kind of probe.", choices=PROBES)
    probe_diameter: float = setting(0.5, "Probe size as a fraction of n.", above=0, high=1)
    modes: int = setting(1, "Incoherent probe modes.", low=1, high=16)
    nphotons: float = setting(1e5, "Mean photons per frame.", above=0)
    noise: bool = setting(
        True, "Leave the photon noise away.", flag=Flag(name="no_noise", on=False)
    )
    seed: int = setting(42, "Root of all random streams.", low=0)

    def __post_init__(self) -> None:
        """Refuse values outside their declaration.

        Raises:
            ConfigError: A value is out of bounds, or the amplitude range is no range.
        """
        settings.validate(self)
        low_high = self.amp_range
        if len(low_high) != 2 or not 0 <= low_high[0] <= low_high[1] or low_high[1] <= 0:  # noqa: PLR2004
            raise ConfigError(
                "amp_range",
                expected="two numbers, 0 ≤ low ≤ high",
                found=",".join(f"{value:g}" for value in low_high),
            )
