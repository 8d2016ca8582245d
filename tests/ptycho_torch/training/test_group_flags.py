"""More groups than points, and other groups in every epoch, through the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptycho_torch.parity import main as parity
from tests.builders import bundles


def run(scan: Path, folder: Path, *flags: str) -> list[dict[str, str]]:
    assert bundles.train(scan, folder, *flags) == 0
    return bundles.history(folder)


def test_oversampling_takes_more_groups(scan: Path, tmp_path: Path) -> None:
    """Thirty groups of 24 points make eight steps of at most four."""
    flags = ("--n_images", "30", "--val_split", "0", "--oversample")

    assert run(scan, tmp_path, *flags)[0]["step"] == "8"


def test_regroup_changes_later_epochs(scan: Path, tmp_path: Path) -> None:
    """The first epoch trains on the usual groups; from the second on they are others."""
    usual, fresh = (
        run(scan, tmp_path / name, "--max_epochs", "2", *flags)
        for name, flags in (("usual", ()), ("fresh", ("--regroup",)))
    )

    losses = [[float(row["train_loss"]) for row in rows] for rows in (usual, fresh)]
    assert losses[0][0] == pytest.approx(losses[1][0], rel=1e-4)
    assert losses[0][1] != pytest.approx(losses[1][1], rel=1e-4)


def test_regrouped_patches_are_found_again(scan: Path, tmp_path: Path) -> None:
    """The parity probe names the points of the groups that the last epoch drew."""
    flags = ("--max_epochs", "3", "--regroup", "--log-patch-stats", "--val_split", "0")
    run(scan, tmp_path, *flags)
    places = ("--model_path", str(tmp_path), "--data", str(scan))

    assert parity([*places, "--output", str(tmp_path / "parity.json")]) == 0


def test_no_distance_beside_regroup(
    scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A farthest neighbour would drop other numbers of groups each epoch: exit code 2."""
    limit = {"max_neighbor_distance": 9.0}

    assert bundles.train(scan, tmp_path / "out", "--regroup", data=limit) == 2
    assert "max_neighbor_distance" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
