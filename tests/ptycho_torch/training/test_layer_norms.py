"""The norms of a trained network are those of the weights in its bundle."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from ptycho_torch import run_folder
from tests.builders import bundles


@pytest.mark.slow
def test_norms_are_those_of_the_bundle(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A norm and sum for each weight, gradients that are not zero, the rate that was set."""
    bundles.leave_undrawn(monkeypatch)
    assert bundles.train(scan, tmp_path, "--log-patch-stats", "--learning_rate", "0.002") == 0

    content = json.loads((tmp_path / run_folder.LAYER_NORMS).read_text())

    weights = bundles.weights(tmp_path)
    assert set(content["weights"]) == set(weights)
    for name, values in weights.items():
        wide = values.astype(np.float64)
        assert content["weights"][name]["norm"] == pytest.approx(np.linalg.norm(wide), rel=1e-6)
        assert content["weights"][name]["sum"] == pytest.approx(wide.sum(), rel=1e-5, abs=1e-5)
    gradients = content["gradients"].values()
    assert all(map(math.isfinite, gradients))
    assert sum(value > 0 for value in gradients) > len(weights) / 2
    settings = content["optimiser"]
    assert (settings["lr"], settings["weight_decay"]) == (0.002, 0.0)
    assert all(0 < beta < 1 for beta in settings["betas"])


def test_perturbed_training_differs_by_rounding(
    scan: Path, usual: Path, tmp_path: Path
) -> None:
    """The first epoch of a perturbed run is that of the other but for its last digits."""
    assert bundles.train(scan, tmp_path, "--perturb", "1") == 0

    losses = [float(bundles.history(one)[0]["train_loss"]) for one in (usual, tmp_path)]

    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
