"""What an inference run says of its reconstruction, with a reference and without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import bundles
from tests.ptycho_torch.cli.inferring import Inputs, infer, small_inputs

NAMES = ("mae", "mse", "pearson", "ssim")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Write a small bundle and its scans once."""
    return small_inputs(tmp_path_factory.mktemp("metrics"))


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing; the pictures have their own tests."""
    bundles.leave_undrawn(monkeypatch)


def test_metrics_follow_the_reference(inputs: Inputs, tmp_path: Path) -> None:
    """Likeness appears with a reference, not without, and asking in vain ends with 2."""
    assert infer(inputs, tmp_path / "auto", scan=inputs.blind) == 0
    assert infer(inputs, tmp_path / "on", "--metrics") == 0
    assert infer(inputs, tmp_path / "off", "--no-metrics") == 0
    assert infer(inputs, tmp_path / "vain", "--metrics", scan=inputs.blind) == 2

    blind, seen = (
        json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("auto", "on")
    )
    assert "protocol" not in blind
    assert blind["references"] == {"in_file": 0, "judged": 0}
    assert seen["protocol"] == "m1"
    assert seen["references"] == {"in_file": 1, "judged": 1}
    assert set(seen["against_constant"]["lost"]) <= {
        *(f"{part}.{name}" for part in ("amplitude", "phase") for name in NAMES),
        "complex_error",
    }
    assert not (tmp_path / "off" / "metrics.json").exists()
    assert not (tmp_path / "vain").exists()


def test_the_frames_judge_without_a_reference(inputs: Inputs, tmp_path: Path) -> None:
    """Misfit and null models need no truth: they are the same without one."""
    assert infer(inputs, tmp_path / "blind", scan=inputs.blind) == 0
    assert infer(inputs, tmp_path / "seen") == 0

    blind, seen = (
        json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("blind", "seen")
    )
    assert blind["data"] == seen["data"]
    assert blind["object"] == seen["object"]
    assert blind["data"]["data_residual"] == bundles.record(tmp_path / "blind")["data_residual"]
    for kind in ("network", "object"):
        assert 0 < blind["data"][kind]["fit_residual"] <= 1
    assert blind["data"]["object"]["frame_count"] == 24
