"""What only a GPU shows: half precision, compiled kernels, several devices."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ptycho_torch.data.dataset import Batch
from ptycho_torch.train import main
from tests.builders import bundles

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
SIZE = ("--max_epochs", "1", "--n_images", "8", "--batch_size", "4", "--quiet")


def train(scan: Path, folder: Path, *flags: str) -> dict[str, str]:
    """Train on the GPU as a program does and return the row of the only epoch."""
    config = bundles.write_config(folder.parent)
    words = [
        "--train_data_file",
        str(scan),
        "--output_dir",
        str(folder),
        "--config",
        str(config),
    ]
    assert main([*words, "--accelerator", "gpu", *SIZE, *flags]) == 0
    return bundles.history(folder)[0]


@pytest.mark.parametrize(
    ("precision", "tolerance"), [("64-true", 1e-4), ("bf16-mixed", 0.02), ("16-mixed", 0.02)]
)
def test_precisions_agree(
    scan: Path, tmp_path: Path, usual: Path, precision: str, tolerance: float
) -> None:
    """Every precision starts at the loss that the CPU finds."""
    row = train(scan, tmp_path / "out", "--precision", precision)

    expected = float(bundles.history(usual)[0]["train_loss"])
    assert float(row["train_loss"]) == pytest.approx(expected, rel=tolerance)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_gpus_train_as_one(scan: Path, tmp_path: Path) -> None:
    """Two GPUs with half the batch give the losses and the step count of one."""
    double = ("--precision", "64-true")
    one = train(scan, tmp_path / "one", *double)
    two = train(scan, tmp_path / "two", *double, "--devices", "2", "--batch_size", "2")

    assert one["step"] == two["step"]
    assert float(two["train_loss"]) == pytest.approx(float(one["train_loss"]), rel=1e-9)


def test_pinned_batches_arrive(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``pin_memory`` batches leave pinned memory, and the losses stay the same."""
    seen = []
    real = Batch.__new__

    def spy(kind: type[Batch], *parts: torch.Tensor, **named: torch.Tensor) -> Batch:
        made = real(kind, *parts, **named)
        seen.append(made.amplitude.is_pinned())
        return made

    plain = train(scan, tmp_path / "plain", "--precision", "64-true")
    monkeypatch.setattr(Batch, "__new__", spy)
    config = {"execution": {"pin_memory": True}}
    (tmp_path / "pinned").mkdir()
    partial = bundles.write_config(tmp_path / "pinned", **config)
    words = ("--config", str(partial), "--precision", "64-true")
    pinned = train(scan, tmp_path / "out", *words)

    assert any(seen)
    assert float(pinned["train_loss"]) == pytest.approx(float(plain["train_loss"]), rel=1e-9)
