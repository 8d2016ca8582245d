"""The choice of a backend: said in settings, refused where it is absent, never forced."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from ptycho_torch import backends
from ptycho_torch.inference import main as infer
from tests.builders import bundles

INSTALL = "pip install 'ptycho-torch[tf]'"
# Everything that may be imported without choosing TensorFlow.
ENTRY_POINTS = (
    "ptycho_torch.train, ptycho_torch.inference, ptycho_torch.compare_backends, "
    "ptycho_torch.backends, ptycho_torch.workflows.components, "
    "ptycho_torch.workflows.training, ptycho_torch.reconstruct.pipeline"
)


@pytest.fixture
def no_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let TensorFlow be absent, wherever these tests run."""
    find_spec = importlib.util.find_spec

    def look(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == backends.TENSORFLOW else find_spec(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", look)


@pytest.mark.usefixtures("no_tensorflow")
def test_training_names_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the extra, training ends as bad input with the command that cures it."""
    scan = bundles.write_scan(tmp_path)

    code = bundles.train(scan, tmp_path / "out", "--backend", "tensorflow")

    assert code == 2
    assert INSTALL in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_tensorflow")
def test_inference_names_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the extra, inference ends in the same way and writes nothing."""
    scan = bundles.write_scan(tmp_path)
    (tmp_path / "model").mkdir()
    bundles.fresh(scan, tmp_path / "model")
    places = ("--model_path", str(tmp_path / "model"), "--test_data", str(scan))

    code = infer([*places, "--output_dir", str(tmp_path / "out"), "--backend", "tensorflow"])

    assert code == 2
    assert INSTALL in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_importing_never_loads_tensorflow() -> None:
    """No entry point of the package imports TensorFlow before it is chosen."""
    code = f"import sys; import {ENTRY_POINTS}; sys.exit('tensorflow' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], timeout=120, check=False)

    assert done.returncode == 0


def test_the_choice_is_recorded(tmp_path: Path) -> None:
    """``run.json`` and each entry of the statistics say that PyTorch computed."""
    scan = bundles.write_scan(tmp_path)

    assert bundles.train(scan, tmp_path / "out", "--log-patch-stats") == 0

    assert '"backend": "torch"' in (tmp_path / "out/run.json").read_text()
    stats = (tmp_path / "out/analysis/torch_patch_stats.json").read_text()
    assert stats.count('"backend": "torch"') == stats.count('"phase"')
