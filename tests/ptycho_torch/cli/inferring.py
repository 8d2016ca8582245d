"""A small bundle with its scans, and the inference program run on them in this process."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ptycho_torch.cli import inference
from ptycho_torch.data import scan_file
from ptycho_torch.reconstruct import predict
from tests.builders import scans
from tests.ptycho_torch.reconstruct import trained


class Inputs(NamedTuple):
    """A bundle folder, a scan with a reference and the same scan without."""

    model: Path
    scan: Path
    blind: Path


def small_inputs(folder: Path) -> Inputs:
    """Write an untrained bundle of groups of four, and the scan that it was made for."""
    path = scans.write_simulated(folder / "scan.npz")
    config = trained.settings(2)
    scan = scan_file.read(path, config.data)
    plan = predict.plan(scan, config.data, None, 42)
    (folder / "model").mkdir()
    model = trained.model_for(scan, config, plan.padded_size)
    trained.write_bundle(folder / "model" / "wts.h5.zip", scan, config, model)
    with np.load(path) as store:
        content = {name: store[name] for name in store.files if name != "objectGuess"}
    np.savez(folder / "blind.npz", **content)
    return Inputs(folder / "model", path, folder / "blind.npz")


def infer(inputs: Inputs, output: Path, *more: str, scan: Path | None = None) -> int:
    """Run the program in this process."""
    flags = ["--model_path", str(inputs.model), "--test_data", str(scan or inputs.scan)]
    return inference.main([*flags, "--output_dir", str(output), "--accelerator", "cpu", *more])
