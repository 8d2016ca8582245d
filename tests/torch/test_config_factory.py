"""The factory completes a configuration before any data are loaded (CONFIG-001)."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from ptycho_torch.config_factory import create_inference_payload, create_training_payload
from ptycho_torch.config_params import (
    SECTIONS,
    PyTorchExecutionConfig,
    RunConfig,
    digest,
    field_keys,
)
from ptycho_torch.errors import BundleError, ConfigError, InputError
from tests.builders import bundles

CPU = {"accelerator": "cpu"}


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scan that states 1e5 photons."""
    return bundles.write_scan(tmp_path_factory.mktemp("scan"))


@pytest.fixture(scope="module")
def bundle(scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with other settings than the defaults."""
    folder = tmp_path_factory.mktemp("bundle")
    bundles.fresh(scan, folder, neighbor_count=7, amp_activation="softplus")
    return folder


def config_file(folder: Path, **sections: dict[str, Any]) -> Path:
    path = folder / "partial.json"
    path.write_text(json.dumps(sections))
    return path


class TestTrainingPayload:
    """What training is told."""

    def test_derived_fields_are_complete(self, scan: Path, tmp_path: Path) -> None:
        """N comes from the data; K and the overlap follow the grid size."""
        payload = create_training_payload(scan, tmp_path / "out", {**CPU, "gridsize": 3})

        assert payload.pt_data_config.N == 32
        assert payload.pt_data_config.C == 9
        assert payload.pt_data_config.neighbor_count == 11
        assert payload.pt_model_config.object_big is True
        assert not (tmp_path / "out").exists()

    def test_sections_are_the_same_objects(self, scan: Path, tmp_path: Path) -> None:
        """The payload's parts are those of its record, patch statistics included."""
        overrides = {**CPU, "log_patch_stats": True, "patch_stats_limit": 3}
        payload = create_training_payload(scan, tmp_path, overrides)

        assert payload.pt_inference_config is payload.run_config.inference
        assert payload.pt_training_config is payload.run_config.training
        assert payload.pt_inference_config.log_patch_stats is True
        assert payload.pt_inference_config.patch_stats_limit == 3

    def test_precedence(self, scan: Path, tmp_path: Path) -> None:
        """Flag beats file, file beats data, data beat the default."""
        partial = config_file(
            tmp_path, data={"nphotons": 3e5}, training={"epochs": 7, "batch_size": 3}
        )
        plain = create_training_payload(scan, tmp_path, CPU)
        filed = create_training_payload(scan, tmp_path, CPU, config_file=partial)
        flagged = create_training_payload(
            scan, tmp_path, {**CPU, "max_epochs": 9, "nphotons": 2e5}, config_file=partial
        )

        origin = "data.nphotons"
        assert plain.run_config.provenance[origin] == "data"
        assert filed.run_config.provenance[origin] == "file"
        assert flagged.run_config.provenance[origin] == "flag"
        assert filed.pt_data_config.nphotons == 3e5
        assert flagged.pt_data_config.nphotons == 2e5
        assert flagged.pt_training_config.epochs == 9
        assert flagged.pt_training_config.batch_size == 3

    def test_aliases(self, scan: Path, tmp_path: Path) -> None:
        """The names of earlier days still reach their fields."""
        overrides = {**CPU, "max_epochs": 4, "n_images": 5, "K": 9}
        payload = create_training_payload(scan, tmp_path, overrides)

        assert payload.pt_training_config.epochs == 4
        assert payload.pt_data_config.n_groups == 5
        assert payload.pt_data_config.neighbor_count == 9
        assert overrides == {**CPU, "max_epochs": 4, "n_images": 5, "K": 9}

    def test_applied_overrides_say_why(self, scan: Path, tmp_path: Path) -> None:
        """Only fields off their default are listed, each with value and origin."""
        payload = create_training_payload(scan, tmp_path, {**CPU, "seed": 3})

        assert payload.overrides_applied["run.seed"] == {"value": 3, "origin": "flag"}
        assert payload.overrides_applied["data.N"] == {"value": 32, "origin": "data"}
        assert "training.learning_rate" not in payload.overrides_applied

    def test_execution_settings_are_explicit(self, scan: Path, tmp_path: Path) -> None:
        """A given device record is taken over and marked."""
        execution = PyTorchExecutionConfig(accelerator="cpu", num_workers=2)
        payload = create_training_payload(scan, tmp_path, None, execution)

        assert payload.execution_config == execution
        assert payload.run_config.provenance["execution.num_workers"] == "flag"
        assert payload.run_config.provenance["execution.precision"] == "default"

    def test_the_file_may_choose_the_device(self, scan: Path, tmp_path: Path) -> None:
        """A device of the configuration file needs no flag and no warning."""
        partial = config_file(tmp_path, execution={"accelerator": "cpu"})
        payload = create_training_payload(scan, tmp_path, config_file=partial)

        assert payload.execution_config.accelerator == "cpu"

    def test_falling_back_to_the_cpu_warns(self, scan: Path, tmp_path: Path) -> None:
        """Without a CUDA device, auto says that it takes the CPU."""
        torch = pytest.importorskip("torch")
        if torch.cuda.is_available():
            pytest.skip("this machine has a CUDA device")
        with pytest.warns(UserWarning, match="POLICY-001"):
            payload = create_training_payload(scan, tmp_path)

        assert payload.execution_config.accelerator == "cpu"

    def test_missing_files_are_named(self, scan: Path, tmp_path: Path) -> None:
        """Each file that is not there is found missing before anything is read."""
        nowhere = str(tmp_path / "nowhere.npz")
        with pytest.raises(FileNotFoundError):
            create_training_payload(nowhere, tmp_path, CPU)
        for name in ("training.test_data_file", "companion_file"):
            with pytest.raises(FileNotFoundError):
                create_training_payload(scan, tmp_path, {**CPU, name: nowhere})
        with pytest.raises(FileNotFoundError):
            create_training_payload(scan, tmp_path, CPU, config_file=nowhere)

    @pytest.mark.parametrize(
        "text", ["", "[]", "{", '{"data": 3}', '{"data": {"N": 31}}', '{"nonsense": {}}']
    )
    def test_bad_configuration_files(self, scan: Path, tmp_path: Path, text: str) -> None:
        """A file that is no partial configuration is refused as such."""
        path = tmp_path / "bad.json"
        path.write_text(text)

        with pytest.raises(ConfigError) as caught:
            create_training_payload(scan, tmp_path, CPU, config_file=path)

        assert caught.value.where.startswith(str(path))

    @pytest.mark.parametrize(
        "override",
        [
            {"epochs": 0},
            {"epochs": 1.5},
            {"epochs": True},
            {"gridsize": "2"},
            {"val_split": 0.6},
            {"nphotons": float("nan")},
            {"learning_rate": 0},
            {"amp_activation": "relu"},
            {"neighbor_count": 2},
            {"patch_stats_limit": -1},
            {"scheduler": "MultiStage"},
            {"logger_backend": "mlflow"},
            {"accelerator": "tpu"},
        ],
    )
    def test_values_out_of_bounds(
        self, scan: Path, tmp_path: Path, override: dict[str, Any]
    ) -> None:
        """Type, bounds and choices are checked in the factory."""
        with pytest.raises(ConfigError):
            create_training_payload(scan, tmp_path, {**CPU, **override})

    def test_unknown_names_get_advice(self, scan: Path, tmp_path: Path) -> None:
        """A misspelt field is answered with the nearest one."""
        with pytest.raises(ConfigError) as caught:
            create_training_payload(scan, tmp_path, {"neighbour_count": 7})

        assert caught.value.remedy == "did you mean neighbor_count?"


class TestInferencePayload:
    """What inference is told; the bundle owns the structure."""

    def test_structure_comes_from_the_bundle(
        self, scan: Path, bundle: Path, tmp_path: Path
    ) -> None:
        """Grid, neighbours and head are those of training, and say so."""
        payload = create_inference_payload(bundle, scan, tmp_path, CPU)

        assert payload.pt_data_config.neighbor_count == 7
        assert payload.run_config.model.amp_activation == "softplus"
        assert payload.run_config.provenance["model.amp_activation"] == "bundle"
        assert payload.run_config.run.mode == "inference"
        assert payload.pt_inference_config.log_patch_stats is False

    def test_batch_size_is_the_own_one(self, scan: Path, bundle: Path, tmp_path: Path) -> None:
        """The plain names mean inference here, not training."""
        overrides = {**CPU, "batch_size": 5, "n_images": 3}
        payload = create_inference_payload(bundle, scan, tmp_path, overrides)

        assert payload.pt_inference_config.batch_size == 5
        assert payload.pt_inference_config.n_images == 3
        assert payload.run_config.training.batch_size == 4

    def test_the_same_gridsize_is_accepted(
        self, scan: Path, bundle: Path, tmp_path: Path
    ) -> None:
        """An assertion that holds changes nothing."""
        payload = create_inference_payload(bundle, scan, tmp_path, {**CPU, "gridsize": 2})

        assert payload.pt_data_config.gridsize == 2

    @pytest.mark.parametrize(
        "override",
        [{"gridsize": 1}, {"amp_max": 3.0}, {"nphotons": 1.0}, {"n_filters_scale": 2}],
    )
    def test_contradictions_are_refused(
        self, scan: Path, bundle: Path, tmp_path: Path, override: dict[str, Any]
    ) -> None:
        """What shapes the model cannot be overridden, by flag or by file."""
        with pytest.raises(ConfigError):
            create_inference_payload(bundle, scan, tmp_path, {**CPU, **override})
        (name, value), *_ = override.items()
        section = next(key.split(".")[0] for key in field_keys() if key.endswith(f".{name}"))
        partial = config_file(tmp_path, **{section: {name: value}})
        with pytest.raises(ConfigError):
            create_inference_payload(bundle, scan, tmp_path, CPU, config_file=partial)

    def test_a_folder_without_bundle(self, scan: Path, tmp_path: Path) -> None:
        """A folder that holds no bundle is a ValueError, a missing path a missing file."""
        with pytest.raises(ValueError, match=r"wts\.h5\.zip"):
            create_inference_payload(tmp_path, scan, tmp_path / "out", CPU)
        with pytest.raises(FileNotFoundError):
            create_inference_payload(tmp_path / "nowhere", scan, tmp_path / "out", CPU)

    def test_a_damaged_bundle(self, scan: Path, bundle: Path, tmp_path: Path) -> None:
        """The bundle is verified before a configuration is built on it."""
        path = tmp_path / "wts.h5.zip"
        path.write_bytes((bundle / "wts.h5.zip").read_bytes()[:-7])

        with pytest.raises(BundleError):
            create_inference_payload(path, scan, tmp_path / "out", CPU)

    def test_a_missing_scan(self, bundle: Path, tmp_path: Path) -> None:
        """The scan is looked for before it is needed."""
        with pytest.raises(FileNotFoundError):
            create_inference_payload(bundle, tmp_path / "nowhere.npz", tmp_path / "out", CPU)


class TestRunConfig:
    """The record of all settings."""

    def test_round_trip(self, scan: Path, tmp_path: Path) -> None:
        """Values written as JSON and read back are the same settings."""
        config = create_training_payload(scan, tmp_path, {**CPU, "seed": 9}).run_config
        stored = json.loads(json.dumps(config.to_dict()))

        again = RunConfig.from_dict(stored["values"], stored["provenance"])

        assert again == config

    def test_digest_covers_the_content(self) -> None:
        """The digest is that of everything but itself."""
        content = RunConfig().to_dict()
        stated = content.pop("sha256")

        assert digest(content) == stated
        assert RunConfig.from_dict({"run": {"seed": 1}}).to_dict()["sha256"] != stated

    def test_settings_cannot_be_changed(self) -> None:
        """Every record is frozen."""
        for owner in SECTIONS.values():
            name = dataclasses.fields(owner)[0].name
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(owner(), name, None)

    def test_direct_construction_is_checked(self) -> None:
        """A record cannot be made with a value that a flag could not give."""
        data = SECTIONS["data"]
        with pytest.raises(InputError):
            data(gridsize=0)
