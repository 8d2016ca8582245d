"""Every setting is used by what computes, or refused: nobody sets what nothing reads.

Each backend trains with every schedule and both losses and reconstructs once, while the
records of the settings note who reads them; see `tests.builders.setting_reads`.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from ptycho_torch import backends, config_params, config_run, oracle, settings
from ptycho_torch.cli import flags
from ptycho_torch.config_factory import create_training_payload
from ptycho_torch.config_params import ModelConfig
from ptycho_torch.data import scan_file, scan_write
from ptycho_torch.data.shards import shard
from ptycho_torch.errors import ConfigError
from ptycho_torch.inference import main as infer
from ptycho_torch.ranks import Rank
from ptycho_torch.reconstruct import predict
from ptycho_torch.settings import TRAIN, Flag, setting
from ptycho_torch.simulation import simulate
from ptycho_torch.simulation.recipe import SimulationRecipe
from ptycho_torch.training import prepare
from tests.builders import backends as builders
from tests.builders import bundles, scans
from tests.builders.setting_reads import SettingReads

# What a backend refuses, each with a value that it would have to ignore.
REFUSED: dict[str, dict[str, Any]] = {
    backends.TORCH: {"data.N": 64},
    backends.TENSORFLOW: {
        "data.N": 64,
        "training.resume": "auto",
        "execution.devices": 2,
        "execution.num_nodes": 2,
        "execution.strategy": "ddp",
        "execution.compile": "inductor",
        "execution.pin_memory": True,
        "execution.precision": "bf16-mixed",
        "execution.logger_backend": "csv",
        "execution.enable_checkpointing": True,
        "execution.checkpoint_save_top_k": 3,
        "execution.checkpoint_every_n_steps": 5,
    },
}
# What the forward pass of the oracle cannot know of.
NOT_THE_ORACLES = {
    "model.n_filters_scale": "the weights it is given have this width",
    "model.head_gain": "the weights it is given were drawn with it",
    "model.max_padded_factor": "a bound on the positions of a scan, before any forward pass",
}
# Settings that only some runs reach: every schedule and both losses are trained with.
RUNS = (
    ("--scheduler", "WarmupCosine", "--log-patch-stats"),
    ("--scheduler", "Exponential", "--torch-loss-mode", "mae"),
    ("--scheduler", "ReduceLROnPlateau"),
)
GEOMETRY = scan_write.Geometry(pixel_size_m=1e-8, energy_ev=8000.0, distance_m=2.0)
REFINED = ("--refine", "1", "--refine-probe", "--refine-positions")


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    """Changes that end with the test."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def run_backend(name: str, folder: Path, patch: pytest.MonkeyPatch) -> SettingReads:
    """Train and infer with a backend and return who read what."""
    scan, backend = bundles.write_scan(folder), ("--backend", name)
    bundles.leave_undrawn(patch)
    reads = SettingReads(config_params.SECTIONS)
    reads.watch(patch)
    for index, words in enumerate(RUNS):
        assert bundles.train(scan, folder / str(index), *words, *backend) == 0
    # What only other formats leave open is read where a scan comes in one of them.
    foreign = folder / "scan.cxi"
    scan_write.write_cxi(foreign, scan_file.read(scan, config_params.DataConfig()), GEOMETRY)
    places = ["--test_data", str(foreign), "--output_dir", str(folder / "object")]
    model_flags = [
        "--model_path",
        str(folder / "0"),
        *places,
        "--accelerator",
        "cpu",
        "--quiet",
    ]
    assert infer([*model_flags, *REFINED, *backend]) == 0
    return reads


@pytest.mark.parametrize(
    "name",
    [
        backends.TORCH,
        pytest.param(
            backends.TENSORFLOW,
            marks=pytest.mark.skipif(
                not builders.HAS_TENSORFLOW, reason=builders.NO_TENSORFLOW
            ),
        ),
    ],
)
def test_every_setting_is_used(name: str, tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    """What no computing function of a backend reads is in the list of what it refuses."""
    reads = run_backend(name, tmp_path, patch)

    assert set(reads.unread()) <= set(REFUSED[name])


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name, keys in REFUSED.items() for key in keys]
)
def test_the_rest_is_refused(
    name: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that a backend would have to ignore is an error that names the setting."""
    real = importlib.util.find_spec

    def look(wanted: str, package: str | None = None) -> ModuleSpec | None:
        return (
            ModuleSpec(wanted, None) if wanted == backends.TENSORFLOW else real(wanted, package)
        )

    monkeypatch.setattr(importlib.util, "find_spec", look)
    scan = bundles.write_scan(tmp_path)
    section, field = key.split(".")
    flag = settings.get_declaration(
        config_params.SECTIONS[section].__dataclass_fields__[field]  # type: ignore[attr-defined]
    ).flag

    create_training_payload(scan, tmp_path, {"backend": name, "accelerator": "cpu"})
    with pytest.raises(ConfigError) as caught:
        create_training_payload(
            scan, tmp_path, {"backend": name, "accelerator": "cpu", key: REFUSED[name][key]}
        )

    assert caught.value.where == (key if flag is None else flag.option)


def test_the_oracle_reads_its_settings(patch: pytest.MonkeyPatch) -> None:
    """The judge reads every setting of the model that a forward pass can depend on."""
    case = builders.case(2, 2)
    reads = SettingReads({"model": ModelConfig})
    reads.watch(patch)
    oracle.forward(case.state, case.X, case.rel, case.probe, case.config)

    assert set(reads.unread()) == set(NOT_THE_ORACLES)


def test_the_oracle_refuses_other_networks() -> None:
    """It knows one architecture, and says so instead of reading weights of another."""
    case = builders.case(2, 1)
    other = dataclasses.replace(case.config, architecture="cnn-lite")

    with pytest.raises(ConfigError) as caught:
        oracle.forward(case.state, case.X, case.rel, case.probe, other)

    assert caught.value.where == "model.architecture"


def test_every_setting_of_a_simulation_is_used(patch: pytest.MonkeyPatch) -> None:
    """A recipe has no field that the simulated scan does not depend on."""
    reads = SettingReads({"recipe": SimulationRecipe})
    reads.watch(patch)
    simulate.simulate(scans.tiny_recipe(scan="jitter", object="dead-leaves"))

    assert reads.unread() == []


def test_a_dead_setting_is_found(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    """A flag that is declared, explained and written down, and that nothing uses, is red."""

    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class Planted(config_run.TrainingConfig):
        """A training with one more setting."""

        amsgrad: bool = setting(
            False,
            "Keep the largest second moment.",
            flag=Flag(name="amsgrad", modes=TRAIN, on=True),
        )

        def __post_init__(self) -> None:
            settings.validate(self)

    sections = MappingProxyType({**config_params.SECTIONS, "training": Planted})
    patch.setattr(config_params, "SECTIONS", sections)
    reads = SettingReads(sections)
    reads.watch(patch)
    scan = bundles.write_scan(tmp_path)
    words = ("--amsgrad", "--scheduler", "Exponential")

    assert bundles.train(scan, tmp_path / "out", *words) == 0

    assert "amsgrad" in flags.list_bindings("train")
    assert '"amsgrad": true' in (tmp_path / "out" / "config.json").read_text()
    assert "training.amsgrad" in reads.unread()
    assert "training.gamma" not in reads.unread()


USES = {
    "logged": ("_log.info('%g', config.weight_decay)", False),
    "warned of": ("warnings.warn(f'decay {config.weight_decay}')", False),
    "thrown away": ("config.weight_decay", False),
    "called nothing": ("_ = config.weight_decay", False),
    "put into an error": ("raise KeyError(config.weight_decay)", False),
    "multiplied": ("return 2 * config.weight_decay", True),
    "handed on": ("return dict(weight=config.weight_decay)", True),
    "looked up": ("return getattr(config, 'weight_decay')", True),
}


@pytest.mark.parametrize("module", ["training.optimizer", "training.describe", "settings"])
@pytest.mark.parametrize("use", USES)
def test_only_computing_counts(
    use: str, module: str, tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    """Talking about a value is no use of it, nor is reading it where nothing is computed."""
    statement, is_use = USES[use]
    path = tmp_path / "planted.py"
    head = "import logging, warnings\n_log = logging.getLogger()\n\n"
    path.write_text(f"{head}def step(config):\n    {statement}\n")
    space: dict[str, Any] = {"__name__": f"ptycho_torch.{module}"}
    exec(compile(path.read_text(), str(path), "exec"), space)  # noqa: S102 - written above
    config = config_run.TrainingConfig()
    reads = SettingReads({"training": config_run.TrainingConfig})
    reads.watch(patch)
    patch.setattr("warnings.warn", lambda _: None)

    try:
        space["step"](config)
    except KeyError:
        assert statement.startswith("raise")

    is_read = bool(reads.readers("training.weight_decay"))
    assert is_read == (is_use and module == "training.optimizer")


@pytest.mark.parametrize("is_asked", [True, False])
def test_pinning_reaches_every_loader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_asked: bool
) -> None:
    """Batches of training, of its shares and of inference are gathered as asked."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    scan = bundles.write_scan(tmp_path)
    options = {"accelerator": "gpu", "pin_memory": is_asked}
    config = bundles.settle(scan, tmp_path, **options).run_config
    made = prepare.prepare(config, scan_file.read(scan, config.data))
    assert made.validation_loader is not None
    share = shard(made.train_loader, 4, len(made.train.groups), Rank(number=1, count=2))
    engine = predict.Engine.from_config(config.execution, 4)

    loaders = (made.train_loader, made.validation_loader, share)
    assert [loader.pin_memory for loader in loaders] == [is_asked] * 3
    assert engine.pin_memory == is_asked


def test_pinning_for_a_cpu_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both programs refuse memory that is pinned for nobody, in one line."""
    scan = bundles.write_scan(tmp_path)
    (tmp_path / "model").mkdir()
    bundles.fresh(scan, tmp_path / "model")
    partial = bundles.write_config(tmp_path / "model", execution={"pin_memory": True})
    places = ["--model_path", str(tmp_path / "model"), "--test_data", str(scan)]
    output_flags = ["--output_dir", str(tmp_path / "out"), "--accelerator", "cpu"]
    capsys.readouterr()

    codes = [
        bundles.train(scan, tmp_path / "out", execution={"pin_memory": True}),
        infer([*places, *output_flags, "--config", str(partial)]),
    ]

    said = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert codes == [2, 2]
    assert [line.split(":")[1] for line in said] == [" execution.pin_memory"] * 2
    assert not (tmp_path / "out").exists()


def test_sharing_with_nobody_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A strategy for several devices is not dropped where there is one."""
    scan = bundles.write_scan(tmp_path)

    assert bundles.train(scan, tmp_path / "out", "--strategy", "ddp") == 2

    assert "error: --strategy: expected auto for one device" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_tensorflow_keeps_what_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unasked, it has no logger and no checkpoints, and the settings say so."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: ModuleSpec(name, None))
    scan = bundles.write_scan(tmp_path)
    execution = create_training_payload(
        scan, tmp_path, {"backend": "tensorflow"}
    ).execution_config

    assert execution.accelerator == "cpu"
    assert execution.logger_backend is None
    assert execution.enable_checkpointing is False


def test_watching_ends_with_the_patch() -> None:
    """Records of later tests are what they were."""
    before = config_run.TrainingConfig.__getattribute__
    with pytest.MonkeyPatch.context() as patch:
        SettingReads({"training": config_run.TrainingConfig}).watch(patch)
        assert config_run.TrainingConfig.__getattribute__ is not before

    assert config_run.TrainingConfig.__getattribute__ is before
