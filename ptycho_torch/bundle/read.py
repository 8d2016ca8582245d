"""``wts.h5.zip`` to a model: everything is checked before anything is built.

Nothing in a bundle is executed; a bundle with a foreign member is not trusted.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ptycho_torch import run_folder
from ptycho_torch.bundle import archive, manifest, tensors
from ptycho_torch.bundle.manifest import Manifest
from ptycho_torch.errors import BundleError, ConfigError, MissingInputError
from ptycho_torch.pinn import PtychoPINN

_WEIGHT_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BundleInfo(Manifest):
    """What a bundle says, once it was found whole.

    Attributes:
        history: Text of the epoch table.
        sha256: Digest of the file.
        probe: (P, N, N) complex64, normalised modes.
        weight: (N, N) float32, un-floored patch weight.
    """

    history: str
    sha256: str
    probe: NDArray[np.complex64]
    weight: NDArray[np.float32]


class Bundle(NamedTuple):
    """A model in evaluation mode, and what its bundle says."""

    model: PtychoPINN
    info: BundleInfo


def locate(path: Path) -> Path:
    """Find the bundle in a training output folder, or take the file itself.

    Raises:
        MissingInputError: The path does not exist.
        ConfigError: The folder holds no bundle.
    """
    if path.is_dir():
        inside = path / run_folder.BUNDLE
        if not inside.is_file():
            raise ConfigError(str(path), expected=f"a folder with {inside.name}", found="none")
        return inside
    if not path.is_file():
        raise MissingInputError(str(path), expected="a bundle", found="no file")
    return path


def inspect(path: Path) -> BundleInfo:
    """Verify a bundle and say what is in it, without building its model.

    Args:
        path: Training output folder, or the bundle itself.

    Raises:
        MissingInputError: The path does not exist.
        ConfigError: The folder holds no bundle.
        BundleError: The bundle is damaged or not trusted.
    """
    return _inspect(locate(path))[0]


def read(path: Path) -> Bundle:
    """Verify a bundle and rebuild its model from the stored settings alone.

    Args:
        path: Training output folder, or the bundle itself.

    Returns:
        The model, in evaluation mode on the CPU, and the bundle's records.

    Raises:
        MissingInputError: The path does not exist.
        ConfigError: The folder holds no bundle.
        BundleError: The bundle is damaged or not trusted, or its weights do not fit.
    """
    bundle_file = locate(path)
    info, weights = _inspect(bundle_file)
    model = PtychoPINN(
        info.configs.model,
        N=info.geometry.N,
        gridsize=info.geometry.gridsize,
        probe=info.probe,
        padded_size=info.geometry.padded_size,
        seed=0,
    )
    where = f"{bundle_file}: {archive.PROBE}: weight"
    # Computed anew and compared: the weight of another probe would bias every stitched pixel.
    if not np.allclose(model.blend_weight.numpy(), info.weight, atol=_WEIGHT_TOLERANCE):
        raise BundleError(where, expected="the weight of the stored probe", found="another")
    state = model.network.state_dict()
    expected = {name: tuple(value.shape) for name, value in state.items()}
    arrays = tensors.decode(weights, expected, f"{bundle_file}: {archive.MODEL}")
    model.network.load_state_dict(
        {name: torch.from_numpy(value) for name, value in arrays.items()}
    )
    model.eval()
    return Bundle(model, info)


def _inspect(path: Path) -> tuple[BundleInfo, bytes]:
    """Verify a bundle; return its records and the bytes of its weights."""
    content = path.read_bytes()
    members = archive.unpack(path, content)
    where = f"{path}: {archive.MANIFEST}"
    values = manifest.parse(members.pop(archive.MANIFEST), where)
    manifest.check_members(values, members, str(path))
    about = Manifest.decode(values, where)
    tensors.shapes(members[archive.MODEL], f"{path}: {archive.MODEL}")
    probe, weight = _decode_probe(members[archive.PROBE], about, f"{path}: {archive.PROBE}")
    info = BundleInfo(
        **{name: getattr(about, name) for name in Manifest.__dataclass_fields__},
        history=_text(members[archive.HISTORY], f"{path}: {archive.HISTORY}"),
        sha256=hashlib.sha256(content).hexdigest(),
        probe=probe,
        weight=weight,
    )
    return info, members[archive.MODEL]


def _decode_probe(
    content: bytes, about: Manifest, where: str
) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
    side = about.geometry.N
    modes = tensors.shapes(content, where).get("probe_real", ())[:1]
    cube = (*modes, side, side)
    expected = {"probe_real": cube, "probe_imag": cube, "weight": (side, side)}
    arrays = tensors.decode(content, expected, where)
    probe = (arrays["probe_real"] + 1j * arrays["probe_imag"]).astype(np.complex64)
    energy = float(np.square(np.abs(probe.astype(np.complex128))).sum())
    # The energy that scaling gives to every probe; another one would rescale all intensities.
    gauge = (side / 2) ** 2
    if not np.isclose(energy, gauge, rtol=_WEIGHT_TOLERANCE):
        raise BundleError(where, expected=f"a probe of energy {gauge:g}", found=f"{energy:g}")
    return probe, arrays["weight"]


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise BundleError(where, expected="text", found=str(error)) from error
