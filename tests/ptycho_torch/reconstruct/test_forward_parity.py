"""The training forward and bundle → inference give the same patches, however batched."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from ptycho_torch.data import scaling
from ptycho_torch.data.dataset import GroupDataset, loader
from ptycho_torch.data.scan import ScanData
from ptycho_torch.reconstruct import parity, predict
from tests.builders import scans
from tests.ptycho_torch.reconstruct import trained

HEADS = ("bounded", "softplus", "sigmoid", "swish")
GROUPS = 4
TRAINING_CANVAS = 12  # px wider than these groups need, as another scan would make it


@pytest.fixture(scope="module")
def scan() -> ScanData:
    """A simulated scan of 24 points."""
    return scans.simulated_scan()


def worst(actual: list[torch.Tensor], expected: list[torch.Tensor]) -> float:
    """Largest relative L2 over groups."""
    a, b = (torch.cat(parts).detach().numpy() for parts in (actual, expected))
    return float(parity.relative_l2(a, b).max())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("gridsize", "modes"),
    [
        (1, 2),
        (2, 1),
        *(
            pytest.param(*one, marks=pytest.mark.long)
            for one in ((1, 1), (2, 2), (3, 1), (3, 2))
        ),
    ],
)
def test_both_roads_give_the_same_patches(
    tmp_path: Path, scan: ScanData, gridsize: int, modes: int
) -> None:
    """For every head, overlap, border and batch size, patches agree to 1e-6 per group."""
    scan = dataclasses.replace(scan, probe=trained.with_modes(scan, modes))
    alpha = scaling.fit(scan, 1e5).input_scale
    for head, overlap, border in itertools.product(HEADS, (True, False), (True, False)):
        config = trained.settings(
            gridsize, amp_activation=head, object_big=overlap, probe_big=border
        )
        plan = trained.parity_groups(scan, config, GROUPS)
        model = trained.model_for(scan, config, plan.padded_size + TRAINING_CANVAS).train()
        batches = loader(GroupDataset(scan.amplitude, plan.groups, plan.offsets, alpha), 2)
        expected = [model(batch.amplitude, batch.offsets) for batch in batches]

        bundle = trained.write_bundle(tmp_path / "wts.h5.zip", scan, config, model)
        for size in (1, 3, GROUPS):
            engine = predict.Engine(batch_size=size)
            results = [
                result for _, result in predict.forward(bundle.model, scan, plan, alpha, engine)
            ]
            for stage in ("patches", "consistent", "intensity"):
                distance = worst(
                    [getattr(result, stage) for result in results],
                    [getattr(result, stage) for result in expected],
                )
                assert distance <= 1e-6, (head, overlap, border, size, stage)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("gridsize", "overlap"), [(1, False), (2, True), (2, False)])
def test_light_network_keeps_parity(
    tmp_path: Path, scan: ScanData, gridsize: int, *, overlap: bool
) -> None:
    """The light network survives its bundle, and patches agree to 1e-6 however batched."""
    alpha = scaling.fit(scan, 1e5).input_scale
    config = trained.settings(gridsize, architecture="cnn-lite", object_big=overlap)
    plan = trained.parity_groups(scan, config, GROUPS)
    model = trained.model_for(scan, config, plan.padded_size).train()
    batches = loader(GroupDataset(scan.amplitude, plan.groups, plan.offsets, alpha), 2)
    expected = [model(batch.amplitude, batch.offsets) for batch in batches]

    bundle = trained.write_bundle(tmp_path / "wts.h5.zip", scan, config, model)

    for size in (1, 3, GROUPS):
        engine = predict.Engine(batch_size=size)
        results = [
            result for _, result in predict.forward(bundle.model, scan, plan, alpha, engine)
        ]
        for stage in ("patches", "consistent", "intensity"):
            distance = worst(
                [getattr(result, stage) for result in results],
                [getattr(result, stage) for result in expected],
            )
            assert distance <= 1e-6, (size, stage)


def test_overlap_changes_the_patches(scan: ScanData) -> None:
    """The compared stages are not trivially equal: merging moves the patches."""
    config = trained.settings(2)
    plan = trained.parity_groups(scan, config, GROUPS)
    model = trained.model_for(scan, config, plan.padded_size)

    patches, consistent = parity.recompute(
        model, scan, plan.groups, 1.0, predict.Engine(batch_size=3)
    )

    assert parity.relative_l2(consistent, patches).min() > 1e-3
    assert np.abs(patches).std() > 1e-2
