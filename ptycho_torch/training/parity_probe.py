"""Patches of a few training groups, kept so that another process can be held to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ptycho_torch import files
from ptycho_torch.pinn import PtychoPINN
from ptycho_torch.training.prepare import Prepared

GROUPS = 8


def write(path: Path, model: PtychoPINN, prepared: Prepared) -> None:
    """Store O and extract(merge(O)) of the first groups that the training loader serves.

    Args:
        path: Target file.
        model: In-memory model with the weights of the bundle.
        prepared: What was fitted; groups are stored as indices of the source file.

    Raises:
        OutputError: The file cannot be written.
    """
    indices, patches, consistent, count = [], [], [], 0
    with torch.inference_mode():
        for batch in prepared.train_loader:
            result = model(batch.amplitude.to(model.probe.real.dtype), batch.offsets)
            indices.append(batch.group_index.numpy())
            patches.append(result.patches.numpy())
            consistent.append(result.consistent.numpy())
            count += len(batch.group_index)
            if count >= GROUPS:
                break
    chosen = np.concatenate(indices)[:GROUPS]
    part, groups = prepared.train, prepared.served.members(chosen)
    arrays: dict[str, Any] = {
        "dataset_sha256": np.array(part.scan.sha256),
        "groups": part.source_index[groups],
        "positions": part.scan.positions[groups],
        "patches": np.concatenate(patches)[:GROUPS].astype(np.complex64),
        "consistent": np.concatenate(consistent)[:GROUPS].astype(np.complex64),
    }
    with files.open_replacement(path) as stream:
        np.savez(stream, allow_pickle=False, **arrays)
