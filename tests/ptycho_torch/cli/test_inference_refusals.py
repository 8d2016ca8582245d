"""What the inference program refuses: one line, the documented code, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import scans
from tests.ptycho_torch.cli.inferring import Inputs, infer, small_inputs


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Write a small bundle and its scans once."""
    return small_inputs(tmp_path_factory.mktemp("refusals"))


def test_several_devices_are_refused(
    inputs: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Inference runs on one device; asking for two ends with 2 and one line."""
    assert infer(inputs, tmp_path / "o", "--devices", "2") == 2

    assert "error: --devices: expected 1, got 2" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_scan_of_another_side_is_refused(
    inputs: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Frames of another side than the bundle's end with 2 before anything is written."""
    other = scans.write_simulated(tmp_path / "n64.npz", scans.tiny_recipe(n=64))

    assert infer(inputs, tmp_path / "o", scan=other) == 2

    assert "side 64" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_damaged_bundle_ends_with_4(inputs: Inputs, tmp_path: Path) -> None:
    """One changed byte in the weights is found before a tensor is built."""
    content = bytearray((inputs.model / "wts.h5.zip").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "wts.h5.zip").write_bytes(bytes(content))
    damaged = inputs._replace(model=tmp_path)

    assert infer(damaged, tmp_path / "o") == 4

    assert not (tmp_path / "o").exists()
