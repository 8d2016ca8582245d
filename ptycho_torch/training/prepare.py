"""Scans and settings to everything a fit needs: parts, groups, scales, loaders, model."""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from ptycho_torch.config_params import RunConfig
from ptycho_torch.data import grouping, scaling, split
from ptycho_torch.data.dataset import Batch, FreshGroupDataset, GroupDataset, loader
from ptycho_torch.data.scaling import ScalingContract
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError
from ptycho_torch.pinn import PtychoPINN
from ptycho_torch.rng import Stream, generator
from ptycho_torch.training import perturbation

# Branches of the grouping stream; the training part draws from the stream itself.
_VALIDATION, _EPOCHS = (1,), 2

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One part of the data, grouped.

    Attributes:
        scan: Its scan points.
        source_index: (M,) where these points are in their file.
        groups: (G, C) indices into ``scan``; those of the first epoch where every epoch
            has its own.
        offsets: (G, C, 2) offsets from the group's centre [px].
        padded_size: Side of the canvas that holds every group of every epoch [px].
        max_rel: Farthest offset on either axis, of every epoch [px].
    """

    scan: ScanData
    source_index: NDArray[np.int64]
    groups: NDArray[np.int64]
    offsets: NDArray[np.float64]
    padded_size: int
    max_rel: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """What a fit works on.

    Attributes:
        train: Part that is fitted.
        validation: Part that is held out, if any.
        contract: Scales, fitted on the training part.
        model: Network and forward model, freshly initialised.
        served: Frames of the training part through the groups of every epoch.
        train_loader: Its shuffled batches.
        validation_loader: Batches of the held-out part in order, if any.
        datasets: Role, name, digest and frame count of each file.
    """

    train: Part
    validation: Part | None
    contract: ScalingContract
    model: PtychoPINN
    served: GroupDataset
    train_loader: DataLoader[Batch]
    validation_loader: DataLoader[Batch] | None
    datasets: list[dict[str, str | int]]

    @property
    def max_rel(self) -> float:
        """Farthest offset of both parts [px]."""
        return max(part.max_rel for part in (self.train, self.validation) if part is not None)


def prepare(
    config: RunConfig, train_data: ScanData, test_data: ScanData | None = None
) -> Prepared:
    """Split, scale and group the data and build the model; nothing is written.

    Args:
        config: Complete settings.
        train_data: Training scan.
        test_data: Validation scan; without it a share of the training scan is held out.

    Raises:
        InputError: The scans do not fit together, or are too small for their groups.
    """
    data, seed = config.data, config.run.seed
    train_part, held_out = _parts(config, train_data, test_data)
    contract = scaling.fit(train_part[0], data.nphotons)
    train = _group(config, *train_part, is_fresh=data.regroup)
    validation = None if held_out is None else _group(config, *held_out, branch=_VALIDATION)
    padded = max(part.padded_size for part in (train, validation) if part is not None)
    model = PtychoPINN(
        config.model,
        N=train_data.side,
        gridsize=data.gridsize,
        probe=scaling.normalise_probe(train_data.probe, contract),
        padded_size=padded,
        seed=seed,
    )
    perturbation.move_weights(model.network, seed, config.run.perturb)
    served = _serve_training(config, train, contract)
    return Prepared(
        train=train,
        validation=validation,
        contract=contract,
        model=model,
        served=served,
        train_loader=_load(config, served, shuffle_seed=seed),
        validation_loader=(
            None if validation is None else _load(config, _serve(validation, contract))
        ),
        datasets=[
            {
                "role": role,
                "name": scan.name,
                "sha256": scan.sha256,
                "n_frames": scan.point_count,
            }
            for role, scan in (("train", train_data), ("test", test_data))
            if scan is not None
        ],
    )


_Piece = tuple[ScanData, NDArray[np.int64]]


def _parts(
    config: RunConfig, train_data: ScanData, test_data: ScanData | None
) -> tuple[_Piece, _Piece | None]:
    everything = np.arange(train_data.point_count, dtype=np.int64)
    if test_data is not None:
        if test_data.side != train_data.side:
            raise InputError(
                f"{test_data.name}: frames",
                expected=f"{train_data.side} px as in {train_data.name}",
                found=f"{test_data.side} px",
            )
        own = np.arange(test_data.point_count, dtype=np.int64)
        return (train_data, everything), (test_data, own)
    train_rows, held = split.split_positions(
        train_data.positions,
        config.data.val_split,
        generator(config.run.seed, Stream.SPLIT),
        config.data.C,
    )
    if not len(held):
        return (train_data, everything), None
    return (train_data.take(train_rows), train_rows), (train_data.take(held), held)


def _group(
    config: RunConfig,
    scan: ScanData,
    source: NDArray[np.int64],
    *,
    branch: tuple[int, ...] = (),
    is_fresh: bool = False,
) -> Part:
    data = config.data
    wanted = data.n_groups
    if wanted > scan.point_count and not data.oversample:
        wanted = scan.point_count
        _log.info(
            "%s: %d groups asked for, the %d points of this part allow one each; "
            "--oversample allows more",
            scan.name,
            data.n_groups,
            wanted,
        )
    groups = _draw(config, scan.positions, wanted, branch)
    max_factor = config.model.max_padded_factor
    geometry = grouping.locate(scan.positions, groups, scan.side, max_factor=max_factor)
    padded, farthest = geometry.padded_size, geometry.max_rel
    if is_fresh:
        # The canvas must not depend on how many epochs there are: a run may be continued.
        farthest = grouping.farthest_offset(scan.positions, data.C, data.neighbours)
        padded = grouping.canvas_side(scan.side, farthest, max_factor)
    return Part(
        scan=scan,
        source_index=source,
        groups=groups,
        offsets=geometry.offsets,
        padded_size=padded,
        max_rel=farthest,
    )


def _draw(
    config: RunConfig, positions: NDArray[np.float64], count: int, branch: tuple[int, ...]
) -> NDArray[np.int64]:
    """Draw groups from a branch of the grouping stream."""
    data = config.data
    return grouping.make_groups(
        positions,
        data.C,
        data.neighbours,
        count,
        generator(config.run.seed, Stream.GROUPING, *branch),
        max_neighbor_distance=data.max_neighbor_distance,
        oversample=data.oversample,
    )


def draw_epoch(
    config: RunConfig, positions: NDArray[np.float64], count: int, epoch: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw the training groups of an epoch; those of the first are those of any run.

    Args:
        config: Complete settings.
        positions: (M, 2) patch centres of the training part, x then y [px].
        count: Number of groups G.
        epoch: Counted from 0; the groups depend on it and on the seed alone.

    Returns:
        (G, C) scan indices and (G, C, 2) offsets from the group's centre [px].
    """
    branch = (_EPOCHS, epoch) if epoch else ()
    groups = _draw(config, positions, count, branch)
    return groups, grouping.locate(positions, groups, 0).offsets


def _serve(part: Part, contract: ScalingContract) -> GroupDataset:
    scan = part.scan
    return GroupDataset(scan.amplitude, part.groups, part.offsets, contract.input_scale)


def _serve_training(config: RunConfig, part: Part, contract: ScalingContract) -> GroupDataset:
    """Serve the same groups in every epoch, or draw them anew where that is asked for."""
    if not config.data.regroup:
        return _serve(part, contract)
    scan = part.scan
    draw = functools.partial(draw_epoch, config, scan.positions, len(part.groups))
    return FreshGroupDataset(scan.amplitude, draw, contract.input_scale)


def _load(
    config: RunConfig, dataset: GroupDataset, shuffle_seed: int | None = None
) -> DataLoader[Batch]:
    return loader(
        dataset,
        config.training.batch_size,
        shuffle_seed=shuffle_seed,
        num_workers=config.execution.num_workers,
        pin_memory=config.execution.pin_memory,
    )
