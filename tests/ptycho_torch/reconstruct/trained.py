"""Bundles of small models whose patches vary, without a training run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ptycho_torch.bundle import read as bundle_read
from ptycho_torch.bundle import write as bundle_write
from ptycho_torch.bundle.manifest import Configs, Geometry, Manifest
from ptycho_torch.bundle.read import Bundle
from ptycho_torch.config_params import DataConfig, ModelConfig, RunConfig
from ptycho_torch.data import scaling
from ptycho_torch.data.scan import ScanData
from ptycho_torch.pinn import PtychoPINN
from ptycho_torch.reconstruct import predict


def settings(gridsize: int, neighbours: int | None = None, **model: object) -> RunConfig:
    """Settings of a small model."""
    C = gridsize**2
    config = ModelConfig(**{"n_filters_scale": 1, "object_big": C > 1, **model})  # type: ignore[arg-type]
    count = max(6, C + 2) if neighbours is None else neighbours
    return RunConfig(
        data=DataConfig(N=32, gridsize=gridsize, neighbor_count=count), model=config
    )


def model_for(scan: ScanData, config: RunConfig, padded_size: int) -> PtychoPINN:
    """Make a model on a scan's probe whose last layers are strong enough to show structure."""
    contract = scaling.fit(scan, 1e5)
    model = PtychoPINN(
        config.model,
        N=scan.side,
        gridsize=config.data.gridsize,
        probe=scaling.normalise_probe(scan.probe, contract),
        padded_size=padded_size,
        seed=3,
    )
    with torch.no_grad():
        for name, parameter in model.network.named_parameters():
            if name.endswith("weight") and ("centre" in name or "conv3" in name):
                parameter.mul_(40.0)
    return model


def write_bundle(path: Path, scan: ScanData, config: RunConfig, model: PtychoPINN) -> Bundle:
    """Write a model as a bundle and read it back as inference does."""
    contract = scaling.fit(scan, 1e5)
    low, high = scan.positions.min(axis=0), scan.positions.max(axis=0)
    manifest = Manifest(
        package_version="0",
        configs=Configs.from_run(config),
        field_provenance=config.provenance,
        scaling=contract,
        geometry=Geometry(
            N=scan.side,
            gridsize=config.data.gridsize,
            C=config.data.C,
            padded_size=model.padded_size,
            max_rel=float(model.padded_size - scan.side) / 2,
            pixel_size_m=None,
            positions_bbox=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        ),
        training={"best_epoch": 0},
        provenance={"seed": 3},
    )
    bundle_write.write(path, manifest, model, "epoch\n0\n")
    return bundle_read.read(path)


def parity_groups(scan: ScanData, config: RunConfig, count: int) -> predict.Plan:
    """Plan a few groups of a scan."""
    return predict.plan(scan, config.data, count, 5)


def with_modes(scan: ScanData, count: int) -> np.ndarray:
    """Stack a scan's probe with weaker, shifted copies of itself as further modes."""
    first = scan.probe[0]
    modes = [first, *(0.5 * np.roll(first, (3 * k, 5 * k), (0, 1)) for k in range(1, count))]
    return np.stack(modes).astype(np.complex64)
