"""What a reconstruction leaves in its folder: arrays, pictures, and the dump for debugging."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import files
from ptycho_torch.bundle.read import BundleInfo
from ptycho_torch.config_params import RunConfig
from ptycho_torch.data.scan import ScanData
from ptycho_torch.reconstruct import comparison, coverage, debug_dump, outputs, predict


def write_dump(
    folder: Path,
    scan: ScanData,
    plan: predict.Plan,
    record: debug_dump.PatchRecord,
    prediction: predict.Prediction,
) -> None:
    """Write the debug dump."""
    geometry = debug_dump.Geometry(
        patch_size=scan.side,
        canvas_size=(plan.canvas.height, plan.canvas.width),
        origin_xy=(plan.canvas.origin_x, plan.canvas.origin_y),
        padded_size=plan.padded_size,
        positions=scan.positions,
        groups=plan.groups,
        offsets=plan.offsets,
    )
    stitched = prediction.stitched
    debug_dump.write(folder, geometry, record, stitched.object, stitched.mask)


def write_files(
    folder: Path,
    scan: ScanData,
    config: RunConfig,
    info: BundleInfo,
    prediction: predict.Prediction,
) -> None:
    """Write the reconstruction files."""
    stitched = prediction.stitched
    outputs.write(
        folder,
        outputs.Reconstruction(
            object_canvas=stitched.object,
            weight=stitched.weight,
            mask=stitched.mask,
            origin_xy=np.array(stitched.origin_xy, np.float64),
            positions=scan.positions,
            pixel_size_m=scan.pixel_size_m,
            config_json=outputs.portable_config(config),
            bundle_sha256=info.sha256,
        ),
    )


def write_served(path: Path, prediction: predict.Prediction) -> None:
    """Write which frames the model was given, and where their patches were placed, as JSON."""
    content = {"schema": 1, "inference": prediction.served}
    files.write_text(path, json.dumps(content, sort_keys=True) + "\n")


def draw_coverage(
    folder: Path,
    scan: ScanData,
    plan: predict.Plan,
    weight: NDArray[np.float64],
    prediction: predict.Prediction,
) -> None:
    """Draw how many patches of a weight (N, N) have a say in each pixel."""
    covered = coverage.footprint(weight)
    counts = coverage.count(scan.positions, plan.groups, plan.canvas, covered)
    mask = prediction.stitched.mask
    outputs.draw(
        folder,
        {comparison.COVERAGE_PNG: lambda: comparison.coverage(counts, mask, scan.pixel_size_m)},
    )
