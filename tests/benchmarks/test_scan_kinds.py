"""Kinds of scans, the runs on them, and the tables that are made of their records."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import bench_refine, bench_scans, scan_kinds
from proofs.docs import quality
from ptycho_torch.cli import train
from ptycho_torch.simulation import simulate
from tests.builders import scans


def test_electrons_see_a_weak_phase_through_a_disc() -> None:
    """Unit amplitude, 0.3 rad, the dose that was asked for, light in the bright field alone."""
    made = simulate.simulate(scan_kinds.electron(1e4, points=16))

    counts = np.square(made.amplitude.astype(np.float64))
    phase = np.angle(made.object_canvas)
    rows, columns = np.indices(counts.shape[1:]) - made.recipe.n // 2
    outside = np.hypot(rows, columns) > 1.3 * made.recipe.n / 6
    assert made.recipe.nphotons == 1e4
    assert counts.sum(axis=(1, 2)).mean() == pytest.approx(1e4, rel=0.02)
    np.testing.assert_allclose(np.abs(made.object_canvas), 1, atol=1e-6)
    assert 0.2 < np.ptp(phase) <= 0.3
    assert counts[:, outside].sum() < 0.03 * counts.sum()


def test_every_kind_has_files_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files a kind, other seeds; what is there is not simulated again."""
    small = {
        name: dataclasses.replace(recipe, n=32, n_points=9)
        for name, recipe in scan_kinds.RECIPES.items()
    }
    monkeypatch.setattr(scan_kinds, "RECIPES", small)
    pairs = {name: scan_kinds.files_of(name, tmp_path, None) for name in scan_kinds.NAMES}

    assert pairs.pop(scan_kinds.STAR) is None
    paths = [path for pair in pairs.values() if pair for path in (pair.train, pair.unseen)]
    assert len({path.read_bytes() for path in paths}) == len(paths) == 2 * len(small)
    before = [path.stat().st_mtime_ns for path in paths]
    for name in pairs:
        scan_kinds.files_of(name, tmp_path, None)
    assert [path.stat().st_mtime_ns for path in paths] == before


def test_the_corner_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The scan with its zero frequency in the corner is refused for just that."""
    pair = scan_kinds.files_of(scan_kinds.CORNER, tmp_path, None)
    assert pair is not None

    code = train.main(
        ["--train_data_file", str(pair.train), "--output_dir", str(tmp_path / "out"), "--quiet"]
    )

    assert code == 2
    assert "--center" in capsys.readouterr().err


def test_settings_are_known_to_the_program() -> None:
    """What the bench adds to a training is taken by the training program."""
    for options in bench_scans.SETTINGS.values():
        places = ("--output_dir", "out", "--train_data_file", "scan")
        train.make_parser().parse_args([*places, *options])


def run(settings: str, seed: int, **more: Any) -> dict[str, Any]:
    """One record of a run."""
    scores = {
        "phase_r": 0.1 * seed,
        "error_beside_constant": 0.9,
        "residual_beside_constant": 0.8,
    }
    return {"scan": "star", "seed": seed, "settings": settings, "exit": 0, **scores, **more}


def test_a_death_counts_and_gives_no_r(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ended in an error is counted beside those that have a phase r."""
    corner = {"scan": "corner", "seed": 1, "settings": "after", "exit": 2}
    refined = {"sweeps": 5, "phase_r": 0.96, "error_beside_constant": 0.33}
    dead = {"scan": "star", "seed": 3, "settings": "before", "exit": 1}
    record = [run("before", 1), dead, run("after", 2, refined=refined), run("after", 4), corner]
    path = tmp_path / "scans.json"
    path.write_text(json.dumps(record))
    monkeypatch.setattr(quality, "SCANS", path)

    text = quality.scans()

    assert "| star | before | 2 | 1 | 0.10 | 0.100 | 0.90 … 0.90 | 0.80 … 0.80 | – |" in text
    assert "| star | after | 2 | 0 | 0.20, 0.40 | 0.300 |" in text
    assert "| 0.960, 0.33 (5 sweeps) |" in text
    assert "is refused with exit code 2" in text


def test_sweeps_come_to_the_truth() -> None:
    """From a flat object the error falls with each of the first sweeps, and time only grows."""
    scan = scans.simulated_scan(scans.tiny_recipe(n_points=36, nphotons=1e7))

    looks = list(bench_refine.sweep(scan, None, sweeps=6))
    errors = [bench_refine.judge(scan, look)["complex_error"] for look in looks]

    assert [look.sweeps for look in looks] == list(range(7))
    assert all(late < early for early, late in itertools.pairwise(errors))
    assert errors[-1] < 0.5 * errors[0]
    spent = [look.cpu_seconds for look in looks]
    assert spent == sorted(spent)


def test_the_first_look_that_holds_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sweeps and seconds are those of the first look; a goal that is not reached says so."""

    def curve(*points: tuple[int, float, float]) -> list[dict[str, float]]:
        return [
            {"sweeps": sweeps, "cpu_s": sweeps / 10, "phase_r": r, "complex_error": error}
            for sweeps, r, error in points
        ]

    record = {
        "star": {
            "network_cpu_s": 5.0,
            "training_cpu_s": 38.0,
            "curves": {
                "pty-chi LSQML, from flat": curve((1, 0.9, 0.2), (8, 0.99, 0.05)),
                "--refine, from flat": curve((0, 0.0, 1.0), (3, 0.986, 0.06)),
                "--refine, from the network": curve((2, 0.99, 0.04), (3, 0.991, 0.03)),
            },
        }
    }
    path = tmp_path / "refine.json"
    path.write_text(json.dumps(record))
    monkeypatch.setattr(quality, "REFINE", path)

    text = quality.refine()

    assert "LSQML, from flat | 8 sweeps | 0.80 | 8 sweeps | 0.80 | 0.990 | 0.0500 |" in text
    assert "from flat | 3 sweeps | 0.30 | never | – | 0.986 | 0.0600 |" in text
    assert "from the network | 2 sweeps | 0.20 | 2 sweeps | 0.20 | 0.991 | 0.0300 |" in text
