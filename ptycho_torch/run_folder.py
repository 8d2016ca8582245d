"""The folder of a run: old evidence leaves it before new evidence is written."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from ptycho_torch import files
from ptycho_torch.config_params import RunConfig
from ptycho_torch.errors import OutputError

CHECKPOINTS = "checkpoints"
LAST = "last.ckpt"
BUNDLE = "wts.h5.zip"
HISTORY = "history.csv"
CONFIG = "config.json"
RUN = "run.json"
METRICS = "metrics.json"
STATS = "analysis/torch_patch_stats.json"
GRID = "analysis/torch_patch_grid.png"
LEVELS = "analysis/torch_patch_levels.png"
PROGRESS = "analysis/torch_patch_progress.png"
PARITY_PROBE = "analysis/parity_probe.npz"
LAYER_NORMS = "analysis/layer_norms.json"
LOW_RESOLUTION = "analysis/low_resolution.json"
FRAMES = "analysis/frames.json"

TRAIN_ARTEFACTS = (
    CONFIG,
    RUN,
    BUNDLE,
    HISTORY,
    METRICS,
    CHECKPOINTS,
    "lightning_logs",
    STATS,
    GRID,
    LEVELS,
    PROGRESS,
    PARITY_PROBE,
    LAYER_NORMS,
    FRAMES,
)
INFERENCE_ARTEFACTS = (
    CONFIG,
    RUN,
    "reconstruction.npz",
    "reconstruction.h5",
    "reconstructed_amplitude.png",
    "reconstructed_phase.png",
    METRICS,
    "coverage.png",
    "comparison_amplitude.png",
    "comparison_phase.png",
    "frc.png",
    STATS,
    GRID,
    LEVELS,
    LOW_RESOLUTION,
    FRAMES,
)


def start_run(config: RunConfig) -> None:
    """Remove what an earlier run left under the same names and write ``config.json``.

    Checkpoints stay when the run resumes from one.

    Raises:
        OutputError: The folder cannot be changed.
    """
    folder = folder_of(config)
    is_training = config.run.mode == "train"
    names = TRAIN_ARTEFACTS if is_training else INFERENCE_ARTEFACTS
    keep = (CHECKPOINTS,) if is_training and config.training.resume is not None else ()
    clear(folder, [name for name in names if name not in keep])
    files.write_json(folder / CONFIG, config.to_dict())


def clear(folder: Path, names: Sequence[str]) -> None:
    """Remove the named files and folders, when they are there.

    Raises:
        OutputError: One of them cannot be removed.
    """
    for name in names:
        path = folder / name
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except NotADirectoryError:
            continue
        except OSError as error:
            raise OutputError(
                str(path), expected="a removable file", found=error.strerror or str(error)
            ) from error


def folder_of(config: RunConfig) -> Path:
    """Return the output folder of a run.

    Raises:
        OutputError: The configuration names none.
    """
    if config.run.output_dir is None:
        raise OutputError("run.output_dir", expected="a folder", found="none")
    return Path(config.run.output_dir)
