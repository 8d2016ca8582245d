"""The choice of the network, by the program."""

from __future__ import annotations

from pathlib import Path

from tests.builders import bundles


def test_architecture_chooses_the_network(scan: Path, tmp_path: Path, usual: Path) -> None:
    """The light network has no stage at full size."""
    folder = tmp_path / "lite"
    assert bundles.train(scan, folder, "--architecture", "cnn-lite") == 0

    stages = [
        {name.split(".")[1] for name in bundles.weights(path) if name.startswith("encoder")}
        for path in (folder, usual)
    ]
    assert stages == [{"stage0"}, {"stage0", "stage1"}]
