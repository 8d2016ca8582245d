"""A scan is laid out as asked: what training was asked for decides nothing at inference."""

from __future__ import annotations

import dataclasses

import pytest

from ptycho_torch.reconstruct import pipeline
from tests.builders import scans
from tests.ptycho_torch.reconstruct import trained

POINTS, TRAINED_ON = 24, 7


@pytest.mark.parametrize(("wanted", "count"), [(None, POINTS), (5, 5)])
def test_every_point_is_predicted_unless_fewer_are_asked_for(
    wanted: int | None, count: int
) -> None:
    """Without a number there is one group per point, however few groups training drew."""
    scan = scans.simulated_scan()
    config = trained.settings(2)
    config = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, n_groups=TRAINED_ON),
        execution=dataclasses.replace(config.execution, accelerator="cpu"),
        inference=dataclasses.replace(config.inference, n_images=wanted),
    )

    setup = pipeline.prepare(trained.model_for(scan, config, 2 * scan.side), scan, config)

    assert len(scan.positions) == POINTS
    assert len(setup.plan.groups) == count
