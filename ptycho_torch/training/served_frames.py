"""What was fitted → which frames of their files the loaders of both parts serve."""

from __future__ import annotations

import json
from pathlib import Path

from torch.utils.data import DataLoader

from ptycho_torch import files
from ptycho_torch.data import frame_record
from ptycho_torch.data.dataset import Batch, GroupDataset
from ptycho_torch.training.prepare import Part, Prepared


def write(path: Path, prepared: Prepared) -> None:
    """Write frames, energies and offsets of all groups of training and validation as JSON.

    Raises:
        OutputError: The file cannot be written.
    """
    scale = prepared.contract.input_scale
    content: dict[str, object] = {
        "schema": 1,
        "train": _record(prepared.train_loader, prepared.train, scale),
    }
    if prepared.validation is not None and prepared.validation_loader is not None:
        content["validation"] = _record(prepared.validation_loader, prepared.validation, scale)
    files.write_text(path, json.dumps(content, sort_keys=True) + "\n")


def _record(loader: DataLoader[Batch], part: Part, input_scale: float) -> dict[str, object]:
    served = loader.dataset
    if not isinstance(served, GroupDataset):
        raise TypeError(f"expected groups, found {type(served).__name__}")
    return frame_record.record_dataset(served, part.source_index, input_scale)
