"""The one entry of training, and the names that lead to it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho_torch import payload as payloads
from ptycho_torch import run_folder
from ptycho_torch.cli import flags
from ptycho_torch.config_params import (
    DataConfig,
    ModelConfig,
    PyTorchExecutionConfig,
    RunConfig,
    RunSection,
    TrainingConfig,
)
from ptycho_torch.data import scan_file
from ptycho_torch.errors import ConfigError, InputError, OutputError
from ptycho_torch.inference import main as infer
from ptycho_torch.reconstruct import predict
from ptycho_torch.train import main
from ptycho_torch.workflows import components, training
from tests.builders import bundles


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scan of 24 points."""
    return bundles.write_scan(tmp_path_factory.mktemp("scan"))


def settings(folder: Path | None, **sections: Any) -> RunConfig:
    usual: dict[str, Any] = {
        "run": RunSection(output_dir=None if folder is None else str(folder)),
        "data": DataConfig(n_groups=8),
        "model": ModelConfig(n_filters_scale=1),
        "training": TrainingConfig(epochs=1, batch_size=4),
        "execution": PyTorchExecutionConfig(accelerator="cpu", enable_progress_bar=False),
    }
    return RunConfig(**{**usual, **sections})


def test_three_things_are_enough(scan: Path, tmp_path: Path) -> None:
    """Settings and scans in memory train what the program trains, to the last bit."""
    data = scan_file.read(scan, DataConfig())
    other = bundles.write_scan(tmp_path, "other.npz", seed=8)

    trained = training.train(
        settings(tmp_path / "own"), data, scan_file.read(other, DataConfig())
    )
    bundles.train(scan, tmp_path / "program", "--test_data_file", str(other))

    own, program = (bundles.weights(tmp_path / name) for name in ("own", "program"))
    assert all(np.array_equal(own[name], program[name]) for name in program)
    assert trained.bundle_path == tmp_path / "own" / run_folder.BUNDLE
    assert trained.run_dir == tmp_path / "own"
    assert np.array_equal(
        trained.model.network.state_dict()["encoder.stage0.conv1.weight"].numpy(),
        own["encoder.stage0.conv1.weight"],
    )
    assert components.load_inference_bundle_torch(tmp_path / "own")[1].configs.data.N == 32


def test_judging_holds_no_more_groups_than_a_training_step(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is judged after training would else raise the peak of its memory."""
    sizes = []
    forward = predict.forward

    def watch(*arguments: Any) -> Iterator[Any]:
        for batch, result in forward(*arguments):
            sizes.append(len(batch.amplitude))
            yield batch, result

    monkeypatch.setattr(predict, "forward", watch)
    chosen = settings(tmp_path / "own", training=TrainingConfig(epochs=1, batch_size=3))

    training.train(chosen, scan_file.read(scan, DataConfig()))

    assert max(sizes) == 3


def test_origins_are_told_from_values(scan: Path, tmp_path: Path) -> None:
    """Values that were chosen say so; what the scan knows and nobody chose is its own."""
    data = scan_file.read(scan, DataConfig())
    training.train(settings(tmp_path), dataclasses.replace(data, nphotons=3e4))

    content = json.loads((tmp_path / run_folder.CONFIG).read_text())
    origins, values = content["provenance"], content["values"]
    assert origins["data.n_groups"] == origins["execution.accelerator"] == "flag"
    assert origins["data.N"] == origins["data.nphotons"] == "data"
    assert origins["training.learning_rate"] == origins["data.neighbor_count"] == "default"
    assert values["data"]["nphotons"] == 3e4
    assert values["data"]["N"] == 32


def test_a_chosen_dose_beats_the_scan(scan: Path, tmp_path: Path) -> None:
    """A photon count in the settings is stronger than the one that the scan states."""
    data = dataclasses.replace(scan_file.read(scan, DataConfig()), nphotons=3e4)
    trained = training.train(
        settings(tmp_path, data=DataConfig(n_groups=8, nphotons=7e4)), data
    )

    assert trained.prepared.contract.nphotons == 7e4


def test_settings_at_odds_are_refused(scan: Path, tmp_path: Path) -> None:
    """Another side, the other program and no folder are errors, and nothing is written."""
    data, folder = scan_file.read(scan, DataConfig()), tmp_path / "out"

    with pytest.raises(ConfigError) as side:
        training.train(settings(folder, data=DataConfig(N=64)), data)
    run = RunSection(mode="inference", output_dir=str(folder))
    with pytest.raises(ConfigError) as mode:
        training.train(settings(folder, run=run), data)
    with pytest.raises(OutputError):
        training.train(settings(None), data)

    assert side.value.where == "data.N"
    assert mode.value.where == "run.mode"
    assert not folder.exists()


@pytest.mark.parametrize(
    ("section", "name", "value"), [("data", "N", 64), ("run", "mode", "inference")]
)
def test_the_program_refuses_them_too(
    section: str,
    name: str,
    value: object,
    scan: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A side or a mode in the configuration file is held to the data and the program."""
    code = bundles.train(scan, tmp_path / "out", **{section: {name: value}})

    assert code == 2
    assert f"error: {section}.{name}: expected" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_payload_holds_settings_once(scan: Path, tmp_path: Path) -> None:
    """There is one record; the names of the sections are views of it."""
    payload = bundles.settle(scan, tmp_path)
    config = payload.run_config

    for kind in (payloads.TrainingPayload, payloads.InferencePayload):
        assert [field.name for field in dataclasses.fields(kind)] == ["run_config"]
    assert payload.pt_data_config is config.data
    assert payload.pt_model_config is config.model
    assert payload.pt_training_config is config.training
    assert payload.pt_inference_config is config.inference
    assert payload.execution_config is config.execution
    assert payload.overrides_applied["training.batch_size"] == {"value": 4, "origin": "flag"}


def test_a_contradicting_copy_is_refused(scan: Path, tmp_path: Path) -> None:
    """Settings beside a payload are not silently overruled by it."""
    payload = bundles.settle(scan, tmp_path / "out")
    data = scan_file.read(scan, payload.pt_data_config)
    other = settings(tmp_path / "out", training=TrainingConfig(epochs=9))
    execution = PyTorchExecutionConfig(num_workers=3)

    for name in ("run_cdi_example_torch", "train_cdi_model_torch", "_train_with_lightning"):
        face = getattr(components, name)
        with pytest.raises(ConfigError) as caught:
            face(data, None, other, training_payload=payload)
        assert caught.value.where == "training.epochs"
        with pytest.raises(ConfigError) as caught:
            face(data, None, RunConfig(), execution_config=execution, training_payload=payload)
        assert caught.value.where == "execution.num_workers"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("mode", ["train", "inference"])
def test_flags_are_read_once(
    mode: str, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each program turns its flags into settings a single time, the deprecated ones too."""
    (tmp_path / "model").mkdir()
    bundles.fresh(scan, tmp_path / "model")
    reads, warned = [], []
    real = flags.read
    monkeypatch.setattr(flags, "read", lambda *about: reads.append(about) or real(*about))
    monkeypatch.setattr("warnings.warn", lambda text, *_, **__: warned.append(str(text)))
    bundles.leave_undrawn(monkeypatch)
    places = ["--output_dir", str(tmp_path / "out"), "--device", "cpu", "--quiet"]
    if mode == "train":
        config = bundles.write_config(tmp_path)
        words = ["--train_data_file", str(scan), "--config", str(config), "--max_epochs", "1"]
        assert main([*words, *places, "--n_images", "4"]) == 0
    else:
        words = ["--model_path", str(tmp_path / "model"), "--test_data", str(scan)]
        assert infer([*words, *places]) == 0

    assert len(reads) == 1
    assert sum("--device is deprecated" in text for text in warned) == 1


def test_stitching_takes_the_settings(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After training, a scan is reconstructed as the inference program would, bit for bit."""
    bundles.leave_undrawn(monkeypatch)
    own = {
        "inference.batch_size": 3,
        "patch_weighting": "hann",
        "inference.n_images": 9,
    }
    payload = bundles.settle(scan, tmp_path / "train", **own)
    data = scan_file.read(scan, payload.pt_data_config)
    amplitude, phase, _ = components.run_cdi_example_torch(
        data, None, payload.run_config, do_stitching=True, training_payload=payload
    )
    words = "--inference-batch-size 3 --patch-weighting hann --n_images 9"
    places = ["--model_path", str(tmp_path / "train"), "--test_data", str(scan)]
    fixed = ["--output_dir", str(tmp_path / "infer"), "--accelerator", "cpu", "--quiet"]
    assert infer([*places, *fixed, *words.split()]) == 0

    canvas = np.load(tmp_path / "infer" / "reconstruction.npz")["object"]
    assert np.array_equal(amplitude, np.abs(canvas))
    assert np.array_equal(phase, np.angle(canvas))


def test_stitching_is_refused_beforehand(scan: Path, tmp_path: Path) -> None:
    """Devices that could not stitch are refused before hours of training, not after."""
    payload = bundles.settle(scan, tmp_path / "out", devices=2, strategy="ddp")
    data = scan_file.read(scan, payload.pt_data_config)

    with pytest.raises(InputError) as caught:
        components.run_cdi_example_torch(
            data, None, payload.run_config, do_stitching=True, training_payload=payload
        )

    assert caught.value.where == "--devices"
    assert not (tmp_path / "out").exists()


def test_every_face_ends_at_the_entry(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names of the field log and the program train through `training.train` alone."""
    called: list[RunConfig] = []

    def stop(config: RunConfig, *_scans: Any, **_named: Any) -> Any:
        called.append(config)
        raise InputError("here", expected="the entry", found="it")

    monkeypatch.setattr(training, "train", stop)
    payload = bundles.settle(scan, tmp_path / "out")
    data = scan_file.read(scan, payload.pt_data_config)
    for name in ("run_cdi_example_torch", "train_cdi_model_torch", "_train_with_lightning"):
        with pytest.raises(InputError):
            getattr(components, name)(data, None, RunConfig(), training_payload=payload)
        assert called.pop() is payload.run_config

    assert bundles.train(scan, tmp_path / "out") == 2
    assert len(called) == 1
