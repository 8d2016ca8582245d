"""A fit: repeatable, resumable, honest about its best epoch and about failure."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ptycho_torch import run_folder
from ptycho_torch.bundle import read
from ptycho_torch.data import scan_file
from ptycho_torch.errors import DivergedError
from ptycho_torch.pinn import PtychoPINN
from ptycho_torch.training import fit
from tests.builders import bundles, scans

RECORDED = ("--log-patch-stats", "--patch-stats-limit", "2")


def artefacts(folder: Path) -> dict[str, bytes]:
    names = (run_folder.BUNDLE, run_folder.HISTORY, run_folder.STATS, run_folder.GRID)
    return {name: (folder / name).read_bytes() for name in names}


def same_weights(first: Path, second: Path) -> bool:
    one, two = bundles.weights(first), bundles.weights(second)
    return all(np.array_equal(one[name], two[name]) for name in one)


def test_reruns_are_identical(scan: Path, tmp_path: Path) -> None:
    """Bundle, table, statistics and picture of two runs are the same bytes."""
    for name in ("first", "second"):
        torch.manual_seed(len(name))
        np.random.seed(len(name))  # noqa: NPY002 - the global state must not matter
        assert bundles.train(scan, tmp_path / name, "--max_epochs", "2", *RECORDED) == 0

    assert artefacts(tmp_path / "first") == artefacts(tmp_path / "second")


def test_global_generators_stay(scan: Path, tmp_path: Path) -> None:
    """A run draws nothing from the process's own random numbers."""
    torch.manual_seed(3)
    before = torch.get_rng_state().clone()
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the global state is the subject

    assert bundles.train(scan, tmp_path) == 0

    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002 - as above


SCHEDULES = (
    "ReduceLROnPlateau",
    *(pytest.param(name, marks=pytest.mark.long) for name in ("Default", "Exponential")),
)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_resume_equals_straight(scan: Path, tmp_path: Path, schedule: str) -> None:
    """Two epochs, a break and two more give bit for bit what four do."""
    flags = ("--scheduler", schedule)
    # A patience of none and a fresh monitor make the plateau step within the four epochs.
    plan = {"training": {"plateau_patience": 0, "plateau_min_lr": 1e-6, "gamma": 0.5}}
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    assert bundles.train(scan, straight, "--max_epochs", "4", *flags, **plan) == 0
    assert bundles.train(scan, broken, "--max_epochs", "2", *flags, **plan) == 0

    more = ("--max_epochs", "4", "--resume", "auto")
    assert bundles.train(scan, broken, *more, *flags, **plan) == 0

    assert (broken / run_folder.HISTORY).read_text() == (
        straight / run_folder.HISTORY
    ).read_text()
    assert same_weights(straight, broken)
    first, second = bundles.manifest(straight), bundles.manifest(broken)
    assert first["training"] == second["training"]
    rates = {row["lr"] for row in bundles.history(straight)}
    assert (len(rates) > 1) == (schedule != "Default")


def test_resume_keeps_an_earlier_best(scan: Path, tmp_path: Path) -> None:
    """The best epoch of before the break is stored when no later one beats it."""
    flags = ("--checkpoint-mode", "max", "--checkpoint-monitor", "train_loss")
    assert bundles.train(scan, tmp_path, "--max_epochs", "2", *flags) == 0
    first = bundles.weights(tmp_path)
    assert bundles.manifest(tmp_path)["training"]["best_epoch"] == 0

    code = bundles.train(scan, tmp_path, "--max_epochs", "3", "--resume", "auto", *flags)

    assert code == 0
    assert bundles.manifest(tmp_path)["training"]["best_epoch"] == 0
    assert np.array_equal(
        bundles.weights(tmp_path)["amp.centre.bias"], first["amp.centre.bias"]
    )


def test_resume_refuses_other_settings(
    scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another rate, seed or scan is another run; the folder is left as it was."""
    assert bundles.train(scan, tmp_path / "out") == 0
    other = bundles.write_scan(tmp_path, "other.npz", seed=9)
    shutil.copy(other, tmp_path / "same_name.npz")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    checkpoint = str(tmp_path / "out" / "checkpoints" / "last.ckpt")
    resume = ("--resume", checkpoint, "--max_epochs", "2")

    assert bundles.train(scan, tmp_path / "out", *resume, "--learning-rate", "1e-4") == 2
    assert bundles.train(scan, tmp_path / "out", *resume, "--seed", "1") == 2
    assert bundles.train(scan, tmp_path / "out", *resume, "--precision", "64-true") == 2
    assert bundles.train(other, tmp_path / "out", *resume) == 2
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    assert after == before
    errors = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert len(errors) == 4


@pytest.mark.parametrize("kind", ["missing", "text", "pickle", "foreign", "auto"])
def test_resume_refuses_what_is_none(scan: Path, tmp_path: Path, kind: str) -> None:
    """A checkpoint that is missing, damaged or someone else's is bad input."""
    path = tmp_path / "odd.ckpt"
    if kind == "text":
        path.write_text("no checkpoint")
    if kind == "pickle":
        torch.save({"ptycho_torch": bundles.main}, path)
    if kind == "foreign":
        torch.save({"state_dict": {}}, path)

    source = "auto" if kind == "auto" else str(path)
    assert bundles.train(scan, tmp_path / "out", "--resume", source) == 2
    assert not (tmp_path / "out").exists()


def test_the_best_epoch_is_stored(scan: Path, tmp_path: Path) -> None:
    """With checkpoints off, the bundle holds the best epoch, not the last one.

    The bundle of a run that stops at that epoch must hold the same weights.
    """
    flags = ("--checkpoint-mode", "max", "--checkpoint-monitor", "train_loss")
    long, short = tmp_path / "long", tmp_path / "short"
    assert (
        bundles.train(scan, long, "--max_epochs", "2", "--disable-checkpointing", *flags) == 0
    )
    assert bundles.manifest(long)["training"]["best_epoch"] == 0
    assert bundles.train(scan, short, "--max_epochs", "1", *flags) == 0

    assert same_weights(long, short)


def test_validation_decides_with_its_own_loss(scan: Path, usual: Path) -> None:
    """The table's validation loss is the model's loss on the held-out groups.

    Recomputed from the bundle with the formula of the likelihood, over all groups at once.
    """
    from scipy.special import gammaln

    from ptycho_torch.training import prepare

    config = bundles.settle(scan, usual).run_config
    prepared = prepare.prepare(config, scan_file.read(scan, config.data))
    model = read.read(usual).model
    assert prepared.validation_loader is not None
    sums, count = 0.0, 0
    for batch in prepared.validation_loader:
        with torch.inference_mode():
            intensity = model(batch.amplitude, batch.offsets).intensity.double().numpy()
        scale = prepared.contract.intensity_scale
        counts = (scale * batch.amplitude.double().numpy()) ** 2
        rate = scale**2 * intensity + 1e-8
        sums += float((rate - counts * np.log(rate) + gammaln(counts + 1)).sum())
        count += counts.size

    assert float(bundles.history(usual)[0]["val_loss"]) == pytest.approx(sums / count, rel=1e-4)


def poisoned(after: int) -> Callable[..., Any]:
    """Make a forward pass whose intensity is no number from some call on."""
    calls = 0
    real = PtychoPINN.forward

    def forward(self: PtychoPINN, *tensors: torch.Tensor) -> Any:
        nonlocal calls
        calls += 1
        result = real(self, *tensors)
        if calls <= after:
            return result
        return result._replace(intensity=result.intensity * float("nan"))

    return forward


def test_divergence_leaves_its_records(
    scan: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A loss that is no number stops the run at once; statistics and record are there."""
    monkeypatch.setattr(PtychoPINN, "forward", poisoned(after=1))

    code = bundles.train(scan, tmp_path, *RECORDED)

    record = bundles.record(tmp_path)
    assert code == 1
    assert record["status"] == "failed"
    assert record["exit_code"] == 1
    assert "epoch 0, batch 1" in record["error"]
    assert "non-finite intensity" in record["error"]
    assert len(bundles.stats(tmp_path)) == 2
    assert (tmp_path / run_folder.CONFIG).exists()
    assert not (tmp_path / run_folder.BUNDLE).exists()
    assert "Traceback" not in capsys.readouterr().err


def test_a_huge_rate_diverges(scan: Path, tmp_path: Path) -> None:
    """An absurd learning rate really ends in an error, not in a bundle of nothing."""
    config = bundles.settle(scan, tmp_path, learning_rate=1e30, epochs=3).run_config

    with pytest.raises(DivergedError) as caught:
        fit.run(config, scan_file.read(scan, config.data))

    assert caught.value.where.startswith("epoch ")


def test_old_evidence_is_removed(scan: Path, tmp_path: Path) -> None:
    """A failed run leaves no bundle of the run before, and nothing else is touched."""
    assert bundles.train(scan, tmp_path, *RECORDED) == 0
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PtychoPINN, "forward", poisoned(after=0))
        assert bundles.train(scan, tmp_path) == 1

    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"config.json", "run.json", "notes.txt", "analysis", "lightning_logs"}
    assert not any((tmp_path / "analysis").iterdir())


def test_out_of_memory_is_one_line(
    scan: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A machine without memory is a failed run with a record."""

    def exhaust(*_tensors: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(PtychoPINN, "forward", exhaust)

    assert bundles.train(scan, tmp_path) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "error: out of memory"
    assert bundles.record(tmp_path)["error"] == "out of memory"


def test_an_interrupt_ends_with_130(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted run says so and keeps its statistics."""
    import signal

    usual_handler = signal.getsignal(signal.SIGINT)
    real = PtychoPINN.forward
    calls = 0

    def stop(self: PtychoPINN, *tensors: torch.Tensor) -> Any:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise KeyboardInterrupt
        return real(self, *tensors)

    monkeypatch.setattr(PtychoPINN, "forward", stop)

    assert bundles.train(scan, tmp_path, *RECORDED) == 130
    assert bundles.record(tmp_path)["exit_code"] == 130
    assert len(bundles.stats(tmp_path)) == 1
    assert signal.getsignal(signal.SIGINT) is usual_handler


def test_masked_pixels_do_not_count(tmp_path: Path) -> None:
    """What a bad pixel reads changes neither weights nor losses."""
    mask = np.ones((32, 32), np.bool_)
    mask[3, 5:9] = False
    frames = scans.arrays()["diff3d"]
    spoilt = frames.copy()
    spoilt[:, ~mask] = 50.0
    flags = ("--val_split", "0")
    for name, values in (("clean", frames), ("spoilt", spoilt)):
        path = scans.write_arrays(tmp_path / f"{name}.npz", diff3d=values, valid_mask=mask)
        assert bundles.train(path, tmp_path / name, *flags) == 0

    assert same_weights(tmp_path / "clean", tmp_path / "spoilt")
    assert bundles.history(tmp_path / "clean") == bundles.history(tmp_path / "spoilt")


def test_run_record_is_complete(scan: Path, usual: Path) -> None:
    """The record of a good run has every key and points at what was read and written."""
    import hashlib

    record = bundles.record(usual)

    assert set(record) == {
        *("schema", "argv", "status", "exit_code", "error", "started", "finished"),
        *("seconds", "versions", "git_commit", "git_dirty", "datasets", "config_sha256"),
        *("bundle_sha256", "seed", "warnings", "execution", "backend"),
    }
    assert record["status"] == "ok"
    assert record["seed"] == 42
    assert record["execution"] == {
        "accelerator": "cpu",
        "world_size": 1,
        "strategy": "single",
        "precision": "32-true",
        "compile": "off",
    }
    content = (usual / run_folder.BUNDLE).read_bytes()
    assert record["bundle_sha256"] == hashlib.sha256(content).hexdigest()
    scan_digest = hashlib.sha256(scan.read_bytes()).hexdigest()
    assert record["datasets"] == [{"role": "train", "name": scan.name, "sha256": scan_digest}]
    config = json.loads((usual / run_folder.CONFIG).read_text())
    assert record["config_sha256"] == config["sha256"]
