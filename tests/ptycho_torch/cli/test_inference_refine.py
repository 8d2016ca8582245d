"""Sweeps after the network, through the inference program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import bundles
from tests.ptycho_torch.cli.inferring import Inputs, infer, small_inputs


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Write a small bundle and its scans once."""
    return small_inputs(tmp_path_factory.mktemp("refinement"))


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures have their own tests."""
    bundles.leave_undrawn(monkeypatch)


def stored(output: Path) -> dict[str, Any]:
    """Arrays of the reconstruction."""
    with np.load(output / "reconstruction.npz") as store:
        return {name: store[name] for name in store.files}


def test_refinement_is_recorded_with_before_and_after(inputs: Inputs, tmp_path: Path) -> None:
    """Sweeps change the object, explain the frames better, and leave no state behind."""
    usual, output = tmp_path / "usual", tmp_path / "refined"
    words = ("--refine", "3", "--refine_probe", "--refine_positions")
    assert infer(inputs, usual) == 0
    assert infer(inputs, output, *words) == 0

    record = json.loads((output / "run.json").read_text())["refinement"]
    assert (record["sweeps"], len(record["residual"]), record["resumed_at"]) == (3, 3, 0)
    before, after = (record[name]["object"]["fit_residual"] for name in ("before", "after"))
    assert after < before
    metrics = json.loads((output / "metrics.json").read_text())
    assert metrics["complex_error"] == record["after"]["metrics"]["complex_error"]
    assert not np.array_equal(stored(output)["object"], stored(usual)["object"])
    assert not np.array_equal(stored(output)["positions"], stored(usual)["positions"])
    assert {path.name for path in output.iterdir()} == {path.name for path in usual.iterdir()}


@pytest.mark.parametrize("flag", ["--refine_probe", "--refine-positions"])
def test_what_no_sweep_would_refine_is_refused(
    inputs: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    """Probe and positions are refined by sweeps, or not at all."""
    assert infer(inputs, tmp_path, flag) == 2

    assert "--refine: expected a number of sweeps" in capsys.readouterr().err
