"""Complete the settings of a run, before any data are loaded or a model is built.

Flags beat the configuration file, which beats the data file, which beats defaults; at
inference whatever shapes the model comes from the bundle (CONFIG-001).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptycho_torch import backends, config_checks, config_params, device, settings
from ptycho_torch.bundle import read as bundle_read
from ptycho_torch.config_params import DataConfig, PyTorchExecutionConfig, RunConfig
from ptycho_torch.data import scan_file
from ptycho_torch.errors import ConfigError, MissingInputError
from ptycho_torch.payload import InferencePayload, TrainingPayload

if TYPE_CHECKING:
    from ptycho_torch.data.scan import ScanData

_ALIASES = {
    "train": {
        "max_epochs": "training.epochs",
        "n_images": "data.n_groups",
        "K": "data.neighbor_count",
    },
    "inference": {
        "n_images": "inference.n_images",
        "n_groups": "inference.n_images",
        "batch_size": "inference.batch_size",
        "test_data_file": "inference.test_data_file",
        "K": "data.neighbor_count",
    },
}

# What a reader may be told anew for the scan at hand; the rest of these sections is structure.
_FREE_AT_INFERENCE = frozenset(
    {
        "data.neighbor_count",
        "data.max_neighbor_distance",
        "data.oversample",
        "data.input_kind",
        "data.companion_file",
        "data.translation_kind",
        "data.swap_xy",
        "data.flip_x",
        "data.flip_y",
        "data.scan",
        "data.center",
        "data.drop",
        "data.mmap_threshold_mb",
    }
)
_OWN_SECTIONS = ("run", "inference", "execution")


class SettingsBuilder:
    """Values under construction: each has an origin, and a stronger one replaces it."""

    def __init__(self) -> None:
        """Start from nothing; absent fields take their defaults."""
        self.values: dict[str, dict[str, Any]] = {name: {} for name in config_params.SECTIONS}
        self.origins: dict[str, str] = {}

    def put(self, key: str, value: Any, origin: str) -> None:
        """Set one ``section.field``; None marks a default that was completed."""
        section, name = key.split(".", 1)
        self.values[section][name] = value
        self.origins[key] = origin

    def build(self, where: str = "settings") -> RunConfig:
        """Check the values and freeze them."""
        return RunConfig.from_dict(self.values, self.origins, where=where)


def resolve_key(name: str, mode: str) -> str:
    """Find the ``section.field`` meant by an override.

    Args:
        name: Field name, alias, or ``section.field``.
        mode: ``train`` or ``inference``.

    Raises:
        ConfigError: No field has that name.
    """
    keys = config_params.field_keys()
    if name in keys:
        return name
    if name in _ALIASES[mode]:
        return _ALIASES[mode][name]
    for key in keys:
        if key.split(".", 1)[1] == name:
            return key
    raise settings.unknown_key("overrides", name, (key.split(".", 1)[1] for key in keys))


def read_config_file(path: Path) -> dict[str, Any]:
    """Read a partial configuration, ``{section: {field: value}}``.

    Raises:
        MissingInputError: There is no such file.
        ConfigError: It is not JSON, or holds an unknown key or a value not allowed.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingInputError(str(path), expected="a file", found="none") from error
    except (OSError, ValueError, RecursionError) as error:
        text = " ".join(str(error).split())
        raise ConfigError(str(path), expected="a JSON file", found=text) from error
    if not isinstance(content, dict):
        raise ConfigError(str(path), expected="an object of sections", found=repr(content)[:40])
    RunConfig.from_dict(content, where=str(path))
    return content


def create_training_payload(
    train_data_file: str | Path,
    output_dir: str | Path,
    overrides: Mapping[str, Any] | None = None,
    execution_config: PyTorchExecutionConfig | None = None,
    *,
    config_file: str | Path | None = None,
) -> TrainingPayload:
    """Complete the settings of a training run.

    Args:
        train_data_file: Training scan; its headers give N and the photon count.
        output_dir: Folder for the results; not created here.
        overrides: Explicit values by field name, alias or ``section.field``.
        execution_config: Device settings; those not at their default are explicit.
        config_file: Partial configuration, weaker than the overrides.

    Returns:
        The payload every later step reads.

    Raises:
        MissingInputError: A named file is not there.
        ConfigError: An unknown key or a value that is not allowed.
    """
    builder = SettingsBuilder()
    explicit = _collect_explicit(overrides, execution_config, "train")
    explicit["training.train_data_file"] = str(train_data_file)
    _put_file(builder, config_file)
    _put_explicit(builder, explicit, output_dir, "train")
    _put_header(builder, _require_file(train_data_file))
    config = _complete(builder.build())
    config_checks.check_training(config)
    for name in (config.training.test_data_file, config.data.companion_file):
        if name is not None:
            _require_file(name)
    return TrainingPayload(run_config=config)


def complete_training(config: RunConfig, scan: ScanData) -> RunConfig:
    """Complete the settings of a training whose scan is in memory.

    Settings that are complete, those of a payload, come back as they are.

    Args:
        config: Settings; what is not at its default counts as asked for.
        scan: Training scan; it gives N and, when nobody asks for another, the photon count.

    Raises:
        ConfigError: A setting contradicts the scan, or the backend cannot use it.
        InputError: The backend is not installed.
    """
    config_checks.check_mode(config.run.mode, "train")
    config_checks.check_side(config.data.N, scan.side, scan.name)
    data, usual = config.data, RunConfig.from_dict({}).values()
    origins = {
        f"{section}.{name}": "default" if value == usual[section][name] else "flag"
        for section, fields in config.values().items()
        for name, value in fields.items()
    }
    origins.update(config.provenance)
    if data.N is None:
        data = dataclasses.replace(data, N=scan.side)
        origins["data.N"] = "data"
    if origins["data.nphotons"] == "default" and scan.nphotons is not None:
        data = dataclasses.replace(data, nphotons=scan.nphotons)
        origins["data.nphotons"] = "data"
    complete = _complete(dataclasses.replace(config, data=data, provenance=origins))
    config_checks.check_training(complete)
    return complete


def create_inference_payload(
    model_path: str | Path,
    test_data_file: str | Path,
    output_dir: str | Path,
    overrides: Mapping[str, Any] | None = None,
    execution_config: PyTorchExecutionConfig | None = None,
    *,
    config_file: str | Path | None = None,
) -> InferencePayload:
    """Complete the settings of an inference run.

    Args:
        model_path: Training output folder, or the bundle itself.
        test_data_file: Scan to reconstruct.
        output_dir: Folder for the results; not created here.
        overrides: Explicit values by field name, alias or ``section.field``; a grid size
            is an assertion about the bundle.
        execution_config: Device settings; those not at their default are explicit.
        config_file: Partial configuration, weaker than the overrides.

    Returns:
        The payload every later step reads.

    Raises:
        MissingInputError: A named file is not there.
        ConfigError: The folder holds no bundle, an unknown key, a value that is not
            allowed, or one that contradicts the bundle.
        BundleError: The bundle is damaged.
    """
    info = bundle_read.inspect(_require_file(model_path))
    builder = SettingsBuilder()
    for section in ("data", "model", "training"):
        for name, value in info.configs.to_dict()[section].items():
            builder.put(f"{section}.{name}", value, "bundle")
    for name in ("companion_file", "scan"):  # of the training file, not of this one
        builder.put(f"data.{name}", None, "default")
    explicit = _collect_explicit(overrides, execution_config, "inference")
    explicit["inference.model_path"] = str(model_path)
    explicit["inference.test_data_file"] = str(test_data_file)
    _put_file(builder, config_file)
    _put_explicit(builder, explicit, output_dir, "inference")
    _refuse_contradictions(builder, info.configs.to_dict())
    _require_file(test_data_file)
    config = _complete(builder.build())
    config_checks.check_inference(config)
    if config.data.companion_file is not None:
        _require_file(config.data.companion_file)
    return InferencePayload(run_config=config)


def read_again(trained: DataConfig, data: str | Path, companion: str | None) -> DataConfig:
    """Return the settings by which a training file is read a second time.

    Args:
        trained: Settings of the bundle, which keeps names of files without their folders.
        data: The training file.
        companion: Its second file; None for the one of that name beside the training file.
    """
    if companion is None and trained.companion_file is not None:
        companion = str(Path(data).parent / trained.companion_file)
    return dataclasses.replace(trained, companion_file=companion)


def _put_header(builder: SettingsBuilder, path: Path) -> None:
    """Take from the data file what it knows and nothing stronger has said."""
    stated = builder.build()
    if stated.data.companion_file is not None:
        _require_file(stated.data.companion_file)
    header = scan_file.peek(path, stated.data)
    config_checks.check_side(stated.data.N, header.N, str(path))
    builder.put("data.N", header.N, "data")
    if header.nphotons is not None and "data.nphotons" not in builder.origins:
        builder.put("data.nphotons", header.nphotons, "data")


def _require_file(path: str | Path) -> Path:
    file = Path(path)
    if not file.exists():
        raise MissingInputError(str(file), expected="a file", found="none")
    return file


def _collect_explicit(
    overrides: Mapping[str, Any] | None, execution: PyTorchExecutionConfig | None, mode: str
) -> dict[str, Any]:
    explicit: dict[str, Any] = {}
    if execution is not None:
        usual = PyTorchExecutionConfig()
        explicit.update(
            (f"execution.{item.name}", getattr(execution, item.name))
            for item in dataclasses.fields(execution)
            if getattr(execution, item.name) != getattr(usual, item.name)
        )
    explicit.update(
        (resolve_key(name, mode), value) for name, value in (overrides or {}).items()
    )
    return explicit


def _put_file(builder: SettingsBuilder, config_file: str | Path | None) -> None:
    if config_file is None:
        return
    for section, values in read_config_file(Path(config_file)).items():
        for name, value in values.items():
            builder.put(f"{section}.{name}", value, "file")


def _put_explicit(
    builder: SettingsBuilder, explicit: Mapping[str, Any], output_dir: str | Path, mode: str
) -> None:
    for key, value in explicit.items():
        builder.put(key, value, "flag")
    builder.put("run.output_dir", str(output_dir), "flag")
    config_checks.check_mode(builder.values["run"].get("mode", mode), mode)
    builder.put("run.mode", mode, "default")


def _complete(config: RunConfig) -> RunConfig:
    """Fill in the defaults that depend on other fields and on the machine."""
    data = dataclasses.replace(config.data, neighbor_count=config.data.neighbours)
    model = dataclasses.replace(config.model, object_big=config.model.overlaps(data.C))
    execution = backends.complete(config.execution, _explicit_execution(config))
    execution = dataclasses.replace(
        execution, accelerator=device.resolve_accelerator(execution.accelerator)
    )
    config_checks.check_memory(execution)
    return dataclasses.replace(config, data=data, model=model, execution=execution)


def _explicit_execution(config: RunConfig) -> set[str]:
    """Name the device settings that somebody has chosen; ``auto`` leaves the choice."""
    usual = PyTorchExecutionConfig()
    return {
        item.name
        for item in dataclasses.fields(usual)
        if getattr(config.execution, item.name) != getattr(usual, item.name)
        or (
            config.provenance.get(f"execution.{item.name}", "default") != "default"
            and getattr(usual, item.name) != "auto"
        )
    }


def _refuse_contradictions(
    builder: SettingsBuilder, bundled: Mapping[str, Mapping[str, Any]]
) -> None:
    for key, origin in builder.origins.items():
        section, name = key.split(".", 1)
        if section in _OWN_SECTIONS or key in _FREE_AT_INFERENCE or origin == "bundle":
            continue
        stored = bundled[section][name]
        wanted = builder.values[section][name]
        if wanted != stored:
            raise ConfigError(
                f"{section}.{name}",
                expected=f"{stored!r}, which the bundle was trained with",
                found=repr(wanted),
                remedy="what shapes the model cannot be changed at inference",
            )
