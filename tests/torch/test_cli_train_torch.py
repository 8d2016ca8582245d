"""Training and inference through their programs leave honest patch statistics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho_torch import inference, run_folder, simulate, train
from tests.builders import bundles

SCALES = {"input", "intensity", "probe"}


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten simulated frames of 64 px."""
    path = tmp_path_factory.mktemp("scan") / "ten.npz"
    assert (
        simulate.main(
            ["--output", str(path), "--n", "64", "--n_points", "10", "--seed", "12345"]
        )
        == 0
    )
    return path


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the object's pictures to their own tests; those of the patches are drawn."""
    bundles.leave_undrawn(monkeypatch)


def trained(scan: Path, folder: Path, epochs: int) -> Path:
    config = bundles.write_config(scan.parent)
    code = train.main(
        [
            *("--train_data_file", str(scan), "--output_dir", str(folder)),
            *("--config", str(config), "--n_images", "8"),
            *("--max_epochs", str(epochs), "--batch_size", "16"),
            *("--gridsize", "2", "--accelerator", "cpu", "--quiet"),
            *("--log-patch-stats", "--patch-stats-limit", "2"),
        ]
    )
    assert code == 0
    return folder


def phase(entries: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["phase"] == name]


class TestPatchStatsCLI:
    """The field log's guard."""

    def test_patch_stats_dump(self, scan: Path, tmp_path: Path) -> None:
        """Both programs record predictions that vary inside each patch."""
        folder = trained(scan, tmp_path / "run", 1)
        out = folder / "inference"
        code = inference.main(
            [
                *("--model_path", str(folder), "--test_data", str(scan)),
                *("--output_dir", str(out), "--n_images", "8", "--accelerator", "cpu"),
                *("--log-patch-stats", "--patch-stats-limit", "2", "--quiet"),
            ]
        )

        recorded = phase(bundles.stats(folder), "train")
        reconstructed = phase(json.loads((out / run_folder.STATS).read_text()), "inference")
        assert code == 0
        assert recorded
        assert reconstructed
        for entry in (*recorded, *reconstructed):
            assert entry["var_zero_mean"] > 1e-6
            assert abs(entry["global_mean"]) > 1e-9
            assert entry["n_nonfinite"] == 0
            assert set(entry["scale"]) == SCALES
        assert recorded[0]["scale"] == reconstructed[0]["scale"]
        assert (folder / run_folder.GRID).read_bytes().startswith(b"\x89PNG")

    def test_two_epochs_differ(self, scan: Path, tmp_path: Path) -> None:
        """The second epoch's batch is recorded too, and the network has moved."""
        recorded = phase(bundles.stats(trained(scan, tmp_path, 2)), "train")

        assert [entry["epoch"] for entry in recorded] == [0, 1]
        assert recorded[0]["global_mean"] != recorded[1]["global_mean"]

    def test_the_same_groups_agree(self, scan: Path, tmp_path: Path) -> None:
        """Patches that training stored are those that a fresh process predicts."""
        from ptycho_torch import parity

        folder = trained(scan, tmp_path, 1)
        target = tmp_path / "parity.json"
        code = parity.main(
            ["--model_path", str(folder), "--data", str(scan), "--output", str(target)]
        )

        report = json.loads(target.read_text())
        assert code == 0
        assert report["groups"] == 8
        assert report["relative_l2"] <= 1e-6

    def test_batches_of_the_probe_are_real(self, scan: Path, tmp_path: Path) -> None:
        """The stored groups have four different frames at their positions in the file."""
        folder = trained(scan, tmp_path, 1)
        with np.load(folder / run_folder.PARITY_PROBE) as probe, np.load(scan) as data:
            groups, positions = probe["groups"], probe["positions"]
            x, y = data["xcoords"][groups], data["ycoords"][groups]

        assert all(len(set(group)) == 4 for group in groups.tolist())
        assert np.array_equal(positions, np.stack([x, y], axis=-1))
