"""Electron scans by dose: what is measured, not measured twice, and shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import bench_electrons
from benchmarks.scan_kinds import electron
from proofs.docs import quality
from ptycho_torch.simulation.recipe import SimulationRecipe


def run(dose: float, sweeps: int, error: float) -> dict[str, Any]:
    """One record of a reconstruction."""
    scores = {"phase_r": 1 - error, "complex_error": error / 10, "cpu_s": 3.0}
    return {"dose": dose, "sweeps": sweeps, **scores, "error_beside_constant": error}


def test_the_smallest_error_of_each_dose_is_bold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many sweeps fit noise: the best of a dose is marked, not the last."""
    record = [run(1e3, 1, 1.0), run(1e3, 2, 0.9), run(1e3, 40, 1.4), run(1e5, 5, 0.99)]
    path = tmp_path / "electrons.json"
    path.write_text(json.dumps(record))
    monkeypatch.setattr(quality, "ELECTRONS", path)

    text = quality.electrons()

    assert "| 1000 | 1 | 0.000 | 0.1000 | 1.00 | 3.0 |" in text
    assert "| 1000 | **2** | **0.100** | **0.0900** | **0.90** | **3.0** |" in text
    assert "| 1000 | 40 |" in text
    assert "| 100000 | **5** |" in text


def test_sweeps_are_judged_beside_the_flat_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first sweep of a high dose is far better than the flat object; then a call rests."""

    def small(dose: float) -> SimulationRecipe:
        return electron(100 * dose, points=64)

    monkeypatch.setattr(bench_electrons.scan_kinds, "electron", small)
    monkeypatch.setattr(bench_electrons, "FOLDER", tmp_path / "runs")
    monkeypatch.setattr(bench_electrons, "RECORD", tmp_path / "record.json")
    monkeypatch.setattr(bench_electrons, "SWEEPS", (1, 3))
    monkeypatch.setattr("sys.argv", ["bench", "--doses", "1e5"])

    assert bench_electrons.main() == 0
    record = json.loads((tmp_path / "record.json").read_text())
    monkeypatch.setattr(bench_electrons.simulate, "write", None)
    assert bench_electrons.main() == 0

    assert [(one["dose"], one["sweeps"]) for one in record] == [(1e5, 1), (1e5, 3)]
    assert record[1]["error_beside_constant"] < record[0]["error_beside_constant"] < 0.8
    assert json.loads((tmp_path / "record.json").read_text()) == record
