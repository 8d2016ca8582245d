"""Bundles: what goes in comes out."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import torch

from ptycho_torch.bundle import manifest, read
from ptycho_torch.data import scan_file
from ptycho_torch.errors import ConfigError, MissingInputError
from ptycho_torch.training import prepare
from tests.builders import bundles


def test_model_and_records_survive(scan: Path, whole: Path) -> None:
    """The rebuilt model predicts what the written one does; two modes stay two."""
    config = bundles.settle(scan, whole.parent).run_config
    original = prepare.prepare(config, scan_file.read(scan, config.data))
    model, info = read.read(whole)
    batch = next(iter(original.train_loader))

    with torch.inference_mode():
        first = original.model(batch.amplitude, batch.offsets)
        second = model(batch.amplitude, batch.offsets)

    assert torch.equal(first.patches, second.patches)
    assert torch.equal(first.intensity, second.intensity)
    assert info.scaling == original.contract
    assert info.probe.shape == (2, 32, 32)
    assert not model.training


def test_the_same_run_gives_the_same_bytes(scan: Path, whole: Path, tmp_path: Path) -> None:
    """A bundle holds neither time nor folder."""
    again = bundles.fresh(scan, tmp_path)

    assert again.read_bytes() == whole.read_bytes()
    assert (
        b"/"
        not in json.loads(bundles.members_of(again)["bundle.json"])["configs"]["training"][
            "train_data_file"
        ].encode()
    )


def test_members_are_plain_and_in_order(whole: Path) -> None:
    """Four stored members with the oldest date a zip can hold."""
    with zipfile.ZipFile(whole) as opened:
        entries = opened.infolist()

    assert [entry.filename for entry in entries] == [
        "bundle.json",
        "model.safetensors",
        "probe.safetensors",
        "history.csv",
    ]
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_inspection_needs_no_model(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle can be looked at without building its network."""
    monkeypatch.setattr(read, "PtychoPINN", None)

    info = read.inspect(whole.parent)

    assert info.geometry.C == 4
    assert info.configs.data.gridsize == 2


def test_wrong_places_are_input_errors(tmp_path: Path) -> None:
    """A folder without a bundle and a missing path are the caller's mistake."""
    with pytest.raises(ConfigError):
        read.inspect(tmp_path)
    with pytest.raises(MissingInputError):
        read.inspect(tmp_path / "nowhere")


def test_paths_are_reduced_to_names(scan: Path, tmp_path: Path) -> None:
    """No folder of the machine travels in a bundle."""
    payload = bundles.settle(scan, tmp_path, debug_dump=str(tmp_path / "dump"))

    configs = manifest.Configs.from_run(payload.run_config)

    assert configs.training.train_data_file == scan.name
    assert configs.inference.debug_dump == "dump"
