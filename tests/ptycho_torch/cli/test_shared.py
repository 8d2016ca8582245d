"""What the programs share: device settings from flags, and checks of paths."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from ptycho_torch.cli import shared
from ptycho_torch.cli.train import make_parser
from ptycho_torch.errors import ConfigError, InputError


class TestExecutionConfig:
    """Device settings from parsed arguments."""

    def test_unknown_mode(self) -> None:
        """A mode besides the two is a programming error."""
        with pytest.raises(ValueError, match="training or inference"):
            shared.build_execution_config_from_args(argparse.Namespace(), "serving")

    def test_plain_namespace(self) -> None:
        """Any namespace with the names of the flags will do; None means not given."""
        args = argparse.Namespace(accelerator="cpu", num_workers=2, quiet=True, precision=None)
        config = shared.build_execution_config_from_args(args, "training")

        assert config.accelerator == "cpu"
        assert config.num_workers == 2
        assert config.enable_progress_bar is False
        assert config.precision == "32-true"

    def test_deprecated_device_warns(self) -> None:
        """The old flag still works, and says what to use."""
        args = make_parser().parse_args(
            ["--train_data_file", "x", "--output_dir", "y", "--device", "cuda"]
        )
        with pytest.warns(DeprecationWarning, match="--accelerator gpu"):
            config = shared.build_execution_config_from_args(args, "training")

        assert config.accelerator == "gpu"

    def test_accelerator_beats_device(self) -> None:
        """When both are given the old one is ignored, with a warning."""
        with pytest.warns(DeprecationWarning, match="ignored"):
            assert shared.resolve_accelerator("cpu", "cuda") == "cpu"

    def test_nothing_given_warns_nothing(self) -> None:
        """Explicit accelerators resolve to themselves in silence."""
        assert shared.resolve_accelerator("gpu") == "gpu"
        with pytest.raises(ConfigError):
            shared.resolve_accelerator("auto", "tpu")


def test_paths_are_validated(tmp_path: Path) -> None:
    """Missing files are FileNotFoundError; the folder is not made."""
    scan = tmp_path / "scan.npz"
    scan.touch()
    with pytest.raises(FileNotFoundError):
        shared.validate_paths(tmp_path / "nowhere.npz", None, None)
    with pytest.raises(FileNotFoundError):
        shared.validate_paths(scan, tmp_path / "nowhere.npz", None)
    with pytest.raises(InputError):
        shared.validate_paths(scan, None, scan)
    shared.validate_paths(scan, scan, tmp_path / "new" / "folder")
    assert not (tmp_path / "new").exists()
