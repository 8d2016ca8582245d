"""The workflow functions called from Python, without a program around them."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from ptycho_torch import config_factory, run_folder
from ptycho_torch.config_params import RunConfig
from ptycho_torch.data import scan_file
from ptycho_torch.errors import ConfigError
from ptycho_torch.model import PtychoPINN, PtychoPINN_Lightning
from ptycho_torch.training.module import PtychoPINN_Lightning as Module
from ptycho_torch.workflows import components
from tests.builders import bundles


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scan of 24 points."""
    return bundles.write_scan(tmp_path_factory.mktemp("scan"))


def test_stitching_covers_the_scan(scan: Path, tmp_path: Path) -> None:
    """With stitching, amplitude and phase of the canvas come back, else nothing."""
    payload = bundles.settle(scan, tmp_path)
    data = scan_file.read(scan, payload.pt_data_config)
    amplitude, phase, results = components.run_cdi_example_torch(
        data, None, payload.run_config, do_stitching=True, training_payload=payload
    )

    assert amplitude is not None
    assert phase is not None
    low, high = data.positions.min(axis=0), data.positions.max(axis=0)
    left, top = np.floor(low) - 17
    right, bottom = np.ceil(high) + 17
    assert amplitude.shape == phase.shape == (bottom - top, right - left)
    assert amplitude.max() > 0.5
    assert results["run_dir"] == tmp_path
    assert results["bundle_path"] == tmp_path / run_folder.BUNDLE
    assert results["scaling"].N == 32
    assert [row["epoch"] for row in results["history"]] == [0]


def test_the_factory_fills_a_missing_payload(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only without a payload is the factory called, once, with the given settings."""
    config = bundles.settle(scan, tmp_path, seed=5).run_config
    data = scan_file.read(scan, config.data)
    calls = []
    real = config_factory.create_training_payload

    def spy(*places: object, **named: object) -> object:
        calls.append(named)
        return real(*places, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(config_factory, "create_training_payload", spy)
    amplitude, phase, results = components.run_cdi_example_torch(data, None, config)

    assert len(calls) == 1
    assert amplitude is None
    assert phase is None
    assert results["best_epoch"] == 0
    assert bundles.manifest(tmp_path)["provenance"]["seed"] == 5


def test_settings_without_paths_are_refused(scan: Path) -> None:
    """A workflow cannot guess where its results go."""
    data = scan_file.read(scan, RunConfig().data)

    with pytest.raises(ConfigError):
        components.train_cdi_model_torch(data, None, RunConfig())


def test_loading_says_the_scale(
    scan: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The golden scale of N = 32 at 1e5 photons, logged once."""
    bundles.fresh(scan, tmp_path, nphotons=1e5)
    with caplog.at_level(logging.INFO):
        model, info = components.load_inference_bundle_torch(tmp_path)

    lines = [text for text in caplog.messages if "intensity_scale" in text]
    assert lines == ["Loaded intensity_scale from bundle: 19.764235"]
    assert isinstance(model, PtychoPINN)
    assert info.configs.data.N == 32


def test_the_face_gives_the_training_module() -> None:
    """The public name is the class of the training package; other names are refused."""
    import ptycho_torch.model

    assert PtychoPINN_Lightning is Module
    with pytest.raises(AttributeError):
        _ = ptycho_torch.model.nonsense  # type: ignore[attr-defined]
