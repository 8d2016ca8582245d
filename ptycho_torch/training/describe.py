"""Settings, data and epochs of a run to the manifest of its bundle."""

from __future__ import annotations

from ptycho_torch import __version__, provenance
from ptycho_torch.bundle.manifest import Configs, Geometry, Manifest
from ptycho_torch.config_params import RunConfig
from ptycho_torch.training.epochs import Progress
from ptycho_torch.training.prepare import Prepared


def manifest(config: RunConfig, prepared: Prepared, progress: Progress) -> Manifest:
    """Say what a bundle holds: settings, scales, geometry, how it was trained, and by what.

    Args:
        config: Complete settings of the run.
        prepared: Data, groups, scales and model.
        progress: Epoch table and the best epoch.

    Returns:
        The manifest; it holds no time and no folder.
    """
    scan, model = prepared.train.scan, prepared.model
    commit, is_dirty = provenance.git_state()
    low, high = scan.positions.min(axis=0), scan.positions.max(axis=0)
    configs = Configs.from_run(config)
    return Manifest(
        package_version=__version__,
        configs=configs,
        field_provenance={
            key: origin
            for key, origin in sorted(config.provenance.items())
            if key.split(".", 1)[0] in configs.to_dict()
        },
        scaling=prepared.contract,
        geometry=Geometry(
            N=model.N,
            gridsize=model.gridsize,
            C=model.C,
            padded_size=model.padded_size,
            max_rel=prepared.max_rel,
            pixel_size_m=scan.pixel_size_m,
            positions_bbox=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        ),
        training={
            "best_epoch": progress.best_epoch,
            "monitor": progress.monitor,
            "best_value": progress.best_value,
            "epochs_run": len(progress.rows),
            "n_parameters": model.parameter_count,
        },
        provenance={
            "git_commit": commit,
            "git_dirty": is_dirty,
            "datasets": prepared.datasets,
            "libraries": provenance.libraries(),
            "python": provenance.python_version(),
            "platform": provenance.system(),
            "seed": config.run.seed,
        },
    )
