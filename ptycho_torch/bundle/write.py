"""A trained model to ``wts.h5.zip``: the same model and records give the same bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ptycho_torch import files
from ptycho_torch.bundle import archive, tensors
from ptycho_torch.bundle.manifest import Manifest
from ptycho_torch.pinn import PtychoPINN


def write(path: Path, manifest: Manifest, model: PtychoPINN, history: str) -> str:
    """Write a bundle atomically.

    Args:
        path: Target file.
        manifest: Settings, scales, geometry and records.
        model: Its network's weights, probe and patch weight are stored.
        history: Text of the epoch table.

    Returns:
        Digest of the file.

    Raises:
        OutputError: The file cannot be written.
    """
    content = encode(manifest, model, history)
    files.write_bytes(path, content)
    return hashlib.sha256(content).hexdigest()


def encode(manifest: Manifest, model: PtychoPINN, history: str) -> bytes:
    """Lay out a bundle in memory."""
    weights = {
        # Single precision, whatever computed it: a bundle has one format, and its digest one
        # meaning.
        name: value.detach().cpu().float().numpy()
        for name, value in model.network.state_dict().items()
    }
    probe = model.probe.detach().cpu().numpy()
    members = {
        archive.MODEL: tensors.encode(weights),
        archive.PROBE: tensors.encode(
            {
                "probe_real": probe.real,
                "probe_imag": probe.imag,
                "weight": model.blend_weight.detach().cpu().numpy(),
            }
        ),
        archive.HISTORY: history.encode(),
    }
    return archive.pack({archive.MANIFEST: manifest.encode(members), **members})
