"""Frames and probe to the scaling contract: the three numbers every later step shares.

α  input scale [1/amplitude]      X = αA, mean ΣX² = (N/2)²
s  intensity scale [√photons]     mean Σ(sX)² = nphotons; likelihood only
q  probe scale                    ΣΣ|q·P_guess|² = (N/2)²

With the orthonormal transform, an object of unit amplitude then reproduces the mean
measured energy, so |O| ≈ 1 is the natural output.

Source: design of the model, section 6.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import frames
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import BundleError, InputError

VERSION = "scale-1"
GAUGE = "unit_object_mean_energy"
_TOLERANCE = 1e-9
_REMEDY = "train again"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingContract:
    """Scales fitted once on the training part and applied ever after.

    Attributes:
        version: Name of this contract.
        N: Side of a frame [px].
        n_frames: Frames the fit saw, each once.
        split: Part of the data the fit saw.
        dataset_sha256: Digest of the source file.
        mean_energy: Mean over frames of ΣA².
        input_scale: α.
        nphotons: Mean photons per frame.
        intensity_scale: s.
        probe_energy: ΣΣ|P_guess|².
        probe_scale: q.
        amplitude_gauge: What fixes the amplitude of the object.
    """

    version: str = VERSION
    N: int
    n_frames: int
    split: str
    dataset_sha256: str
    mean_energy: float
    input_scale: float
    nphotons: float
    intensity_scale: float
    probe_energy: float
    probe_scale: float
    amplitude_gauge: str = GAUGE

    @property
    def in_force(self) -> dict[str, float]:
        """The scales in force, as records of patches name them."""
        return {
            "input": self.input_scale,
            "intensity": self.intensity_scale,
            "probe": self.probe_scale,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "scaling") -> ScalingContract:
        """Rebuild a stored contract and check it.

        Raises:
            BundleError: A field is missing, unknown or of the wrong type, or the scales
                contradict each other.
        """
        kinds = {"N": int, "n_frames": int}
        texts = {"version", "split", "dataset_sha256", "amplitude_gauge"}
        names = {field.name for field in dataclasses.fields(cls)}
        if set(values) != names:
            odd = ", ".join(sorted(set(values) ^ names))
            raise BundleError(
                where, expected="the fields of the contract", found=odd, remedy=_REMEDY
            )
        for name, value in values.items():
            kind = str if name in texts else kinds.get(name, float)
            if type(value) is not kind and not (kind is float and type(value) is int):
                raise BundleError(f"{where}: {name}", expected=kind.__name__, found=repr(value))
        contract = cls(**dict(values))
        check(contract, where)
        return contract


def fit(scan: ScanData, nphotons: float, split: str = "train") -> ScalingContract:
    """Fit the scales on the frames of one part of the data.

    Args:
        scan: Training part; every frame counts once.
        nphotons: Mean photons per frame.
        split: Name of the part.

    Raises:
        InputError: The frames or the probe hold no energy.
    """
    total = 0.0
    for block in frames.blocks(scan.amplitude):
        # Valid pixels alone, in double: a hot pixel would set the scale of everything after
        # it.
        total += float(np.square(block[:, scan.valid_mask], dtype=np.float64).sum())
    probe_energy = float(np.square(np.abs(scan.probe.astype(np.complex128))).sum())
    # Asked so that a NaN is refused as well.
    if not total > 0 or not probe_energy > 0:
        actual = f"{total:g} in the frames, {probe_energy:g} in the probe"
        raise InputError(scan.name, expected="frames and a probe with energy", found=actual)
    # (N / 2)² is the energy of a frame whose mean X² is 1/4; with the unitary transform the
    # probe carries the same, and |O| = 1 explains the mean frame.
    half = scan.side / 2
    mean_energy = total / scan.point_count
    return ScalingContract(
        N=scan.side,
        n_frames=scan.point_count,
        split=split,
        dataset_sha256=scan.sha256,
        mean_energy=mean_energy,
        input_scale=half / math.sqrt(mean_energy),
        nphotons=float(nphotons),
        intensity_scale=math.sqrt(nphotons) / half,
        probe_energy=probe_energy,
        probe_scale=half / math.sqrt(probe_energy),
    )


def check(contract: ScalingContract, where: str) -> None:
    """Recompute the scales from their formulas.

    Raises:
        BundleError: Another version or gauge, a value that is not positive, or a scale
            that differs from its formula by more than one part in 10⁹.
    """
    for name, expected in (("version", VERSION), ("amplitude_gauge", GAUGE)):
        actual = {"version": contract.version, "amplitude_gauge": contract.amplitude_gauge}[
            name
        ]
        if actual != expected:
            raise BundleError(
                f"{where}: {name}", expected=expected, found=actual, remedy=_REMEDY
            )
    sources = {
        "N": contract.N,
        "n_frames": contract.n_frames,
        "mean_energy": contract.mean_energy,
        "nphotons": contract.nphotons,
        "probe_energy": contract.probe_energy,
    }
    for name, value in sources.items():
        if not (math.isfinite(value) and value > 0):
            raise BundleError(
                f"{where}: {name}", expected="a positive number", found=f"{value:g}"
            )
    half = contract.N / 2
    scales = {
        "input_scale": (contract.input_scale, half / math.sqrt(contract.mean_energy)),
        "intensity_scale": (contract.intensity_scale, math.sqrt(contract.nphotons) / half),
        "probe_scale": (contract.probe_scale, half / math.sqrt(contract.probe_energy)),
    }
    for name, (stored, formula) in scales.items():
        # Stored and derived both: a bundle with one of them edited is found without its data.
        if not math.isclose(stored, formula, rel_tol=_TOLERANCE):
            raise BundleError(
                f"{where}: {name}", expected=f"{formula!r}", found=f"{stored!r}", remedy=_REMEDY
            )


def normalise_probe(
    probe_guess: NDArray[np.complexfloating[Any, Any]], contract: ScalingContract
) -> NDArray[np.complex64]:
    """Scale the probe into the gauge; the only place where a probe is normalised."""
    scaled = contract.probe_scale * probe_guess.astype(np.complex128)
    return scaled.astype(np.complex64)
