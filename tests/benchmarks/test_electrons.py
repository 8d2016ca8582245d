"""Electron scans by dose: what is measured, kept and shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import bench_electrons
from proofs.docs import quality


def run(dose: float, sweeps: int, error: float) -> dict[str, Any]:
    """One record of a reconstruction."""
    scores = {"phase_r": 1 - error, "complex_error": error / 10, "cpu_s": 3.0}
    ratios = {"error_beside_constant": error, "residual_beside_constant": 0.9}
    return {"dose": dose, "sweeps": sweeps, **scores, **ratios}


def test_the_smallest_error_of_each_dose_is_bold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many sweeps fit noise: the best of a dose is marked, not the last."""
    record = [run(1e3, 0, 1.0), run(1e3, 2, 0.9), run(1e3, 40, 1.4), run(1e5, 0, 0.99)]
    path = tmp_path / "electrons.json"
    path.write_text(json.dumps(record))
    monkeypatch.setattr(quality, "ELECTRONS", path)

    text = quality.electrons()

    assert "| 1000 | network alone | 0.000 | 1.00 | 0.900 | 3 |" in text
    assert "| 1000 | **2 sweeps** | **0.100** | **0.90** |" in text
    assert "| 1000 | 40 sweeps |" in text
    assert "| 100000 | **network alone** |" in text


def test_what_is_done_is_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second call refines nothing, and the record lists doses and sweeps in order."""
    measured: list[int] = []
    monkeypatch.setattr(bench_electrons, "FOLDER", tmp_path / "runs")
    monkeypatch.setattr(bench_electrons, "RECORD", tmp_path / "record.json")
    monkeypatch.setattr(bench_electrons, "DOSES", (1e5, 1e3))
    monkeypatch.setattr(bench_electrons, "_train", lambda *_: None)

    def reconstruct(_home: Path, _unseen: Path, sweeps: int) -> dict[str, Any]:
        measured.append(sweeps)
        return {"phase_r": 0.5}

    def write(home: Path, _dose: float, seed: int) -> Path:
        home.mkdir(parents=True, exist_ok=True)
        return home / f"{seed}"

    monkeypatch.setattr(bench_electrons, "_reconstruct", reconstruct)
    monkeypatch.setattr(bench_electrons, "_write_scan", write)
    monkeypatch.setattr("sys.argv", ["bench", "--doses", "1e3", "1e5", "--sweeps", "5", "0"])
    assert bench_electrons.main() == 0
    assert bench_electrons.main() == 0

    record = json.loads((tmp_path / "record.json").read_text())
    assert measured == [5, 0, 5, 0]
    assert [(one["dose"], one["sweeps"]) for one in record] == [
        (1e5, 0),
        (1e5, 5),
        (1e3, 0),
        (1e3, 5),
    ]
