"""Two processes train as one with the double batch does, and leave the same files.

The comparison is made in double precision, where rounding leaves ten digits; in single
precision Adam's first steps turn the last digit of a gradient into the fourth of a loss.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho_torch import run_folder
from tests.builders import bundles
from tests.ptycho_torch.training.conftest import one_thread

# 30 points leave 11 groups to train on and 2 to validate with: joint batches of 4, 4 and 3,
# so that one share of the last is larger by one.
RECIPE = {"n_points": 30, "seed": 7}
FLAGS = ("--n_images", "11", "--log-patch-stats", "--patch-stats-limit", "4")
TWO = ("--strategy", "ddp", "--devices", "2")
DOUBLE = ("--precision", "64-true")


@pytest.fixture(scope="session")
def joint_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan whose groups do not divide evenly."""
    return bundles.write_scan(tmp_path_factory.mktemp("joint"), **RECIPE)


@pytest.fixture(scope="session")
def pair(joint_scan: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders of one process with batches of four and of two with batches of two."""
    folder = tmp_path_factory.mktemp("pair")
    with one_thread():
        assert bundles.train(joint_scan, folder / "one", *FLAGS, *DOUBLE) == 0
    flags = (*FLAGS, *DOUBLE, *TWO, "--batch_size", "2")
    assert bundles.train(joint_scan, folder / "two", *flags) == 0
    return folder / "one", folder / "two"


def numbers(value: Any) -> Any:
    """Let numbers of nested records be compared with a tolerance."""
    if isinstance(value, dict):
        return {name: numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [numbers(each) for each in value]
    return pytest.approx(value, rel=1e-8, abs=1e-11) if isinstance(value, float) else value


@pytest.mark.long
def test_two_train_as_one(pair: tuple[Path, Path]) -> None:
    """Losses, deviances, gradient norms and weights agree, uneven last batch included."""
    one, two = (bundles.history(folder) for folder in pair)

    assert one[0]["step"] == two[0]["step"] == "3"
    for name, value in one[0].items():
        assert float(two[0][name]) == pytest.approx(float(value), rel=1e-9), name
    weights = [bundles.weights(folder) for folder in pair]
    for name, tensor in weights[0].items():
        np.testing.assert_allclose(weights[1][name], tensor, rtol=1e-5, atol=1e-8)


@pytest.mark.long
def test_two_leave_the_files_of_one(pair: tuple[Path, Path]) -> None:
    """Folder, bundle, statistics in joint batches and parity probe: one set, the same."""
    names = [sorted(str(path.relative_to(f)) for path in f.rglob("*")) for f in pair]
    assert names[0] == names[1]
    records = [bundles.stats(folder) for folder in pair]
    assert [entry["batch_size"] for entry in records[1]] == [4, 4, 3, *_later_sizes(records[0])]
    assert numbers(records[0]) == records[1]
    first, second = (bundles.manifest(folder) for folder in pair)
    assert [*first] == [*second]
    assert first["geometry"] == second["geometry"]
    assert first["scaling"] == second["scaling"]
    assert not any("_orig_mod" in name for name in bundles.weights(pair[1]))
    probes = [np.load(folder / run_folder.PARITY_PROBE) for folder in pair]
    assert np.array_equal(probes[0]["groups"], probes[1]["groups"])


def _later_sizes(records: list[dict[str, Any]]) -> list[int]:
    return [entry["batch_size"] for entry in records if entry["phase"] != "train"]


@pytest.mark.long
def test_the_record_says_how_many(pair: tuple[Path, Path]) -> None:
    """run.json is that of the first process, with what the run was computed on."""
    record = bundles.record(pair[1])

    assert record["status"] == "ok"
    assert record["execution"] == {
        "accelerator": "cpu",
        "world_size": 2,
        "strategy": "ddp",
        "precision": "64-true",
        "compile": "off",
    }
    assert record["bundle_sha256"]
    assert [entry["role"] for entry in record["datasets"]] == ["train"]


@pytest.mark.long
def test_single_precision_is_close(joint_scan: Path, tmp_path: Path) -> None:
    """In single precision the first epoch's loss agrees to 1e-4, accumulated too."""
    flags = (*FLAGS, "--accumulate-grad-batches", "2")
    with one_thread():
        assert bundles.train(joint_scan, tmp_path / "one", *flags) == 0
    assert bundles.train(joint_scan, tmp_path / "two", *flags, *TWO, "--batch_size", "2") == 0

    one, two = (bundles.history(tmp_path / name)[0] for name in ("one", "two"))
    assert one["step"] == two["step"]
    assert float(two["train_loss"]) == pytest.approx(float(one["train_loss"]), rel=1e-4)
    assert float(two["val_loss"]) == pytest.approx(float(one["val_loss"]), rel=1e-3)


@pytest.mark.long
def test_two_draw_the_same_groups(joint_scan: Path, tmp_path: Path) -> None:
    """Where every epoch has its own groups, two processes train on those of one."""
    flags = ("--n_images", "11", "--max_epochs", "2", "--regroup", *DOUBLE)
    with one_thread():
        assert bundles.train(joint_scan, tmp_path / "one", *flags) == 0
    assert bundles.train(joint_scan, tmp_path / "two", *flags, *TWO, "--batch_size", "2") == 0

    for one, two in zip(*(bundles.history(tmp_path / f) for f in ("one", "two")), strict=True):
        for name, value in one.items():
            assert float(two[name]) == pytest.approx(float(value), rel=1e-7), name


@pytest.mark.long
def test_empty_shares_take_part(joint_scan: Path, tmp_path: Path) -> None:
    """Three processes with one group each of seven: the last step has two empty shares."""
    few = ("--n_images", "7", "--val_split", "0", *DOUBLE, *FLAGS[2:])
    with one_thread():
        assert bundles.train(joint_scan, tmp_path / "one", *few, "--batch_size", "3") == 0
    three = ("--strategy", "ddp", "--devices", "3", "--batch_size", "1")
    assert bundles.train(joint_scan, tmp_path / "three", *few, *three) == 0

    one, three_ = (bundles.history(tmp_path / name)[0] for name in ("one", "three"))
    assert one["step"] == three_["step"] == "3"
    assert float(three_["train_loss"]) == pytest.approx(float(one["train_loss"]), rel=1e-9)
    assert numbers(bundles.stats(tmp_path / "one")) == bundles.stats(tmp_path / "three")


@pytest.mark.long
def test_divergence_is_one_line(
    joint_scan: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A loss that is no number in one share ends all, with the records and one reason."""
    flags = (*FLAGS, *TWO, "--batch_size", "1", "--learning-rate", "1e30", "--max_epochs", "3")
    code = bundles.train(joint_scan, tmp_path, *flags)

    said = [line for line in capfd.readouterr().err.splitlines() if not line.startswith("INFO")]
    assert code == 1
    assert len(said) == 1
    assert re.match(r"error: epoch \d+, batch \d+: expected a finite loss", said[0])
    record = bundles.record(tmp_path)
    assert record["status"] == "failed"
    assert f"error: {record['error']}" == said[0]
    assert (tmp_path / run_folder.STATS).exists()


@pytest.mark.long
def test_bad_data_is_one_line(
    joint_scan: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What every process finds wrong is said once, with code 2, and nothing is written."""
    flags = (*TWO, "--gridsize", "6")
    code = bundles.train(joint_scan, tmp_path / "out", *flags)

    said = [line for line in capfd.readouterr().err.splitlines() if not line.startswith("INFO")]
    assert code == 2
    assert len(said) == 1
    assert said[0].startswith("error: ")
    assert not (tmp_path / "out").exists()


def wait_for_changes(path: Path, count: int) -> None:
    """Wait until a file has been replaced some times."""
    limit, seen = time.monotonic() + 240, set[int]()
    while len(seen) < count:
        assert time.monotonic() < limit
        if path.exists():
            seen.add(path.stat().st_mtime_ns)
        time.sleep(0.005)


@pytest.mark.long
@pytest.mark.parametrize("devices", [1, 2])
def test_a_killed_run_resumes(joint_scan: Path, tmp_path: Path, devices: int) -> None:
    """Killed within an epoch, resumed: the final loss is that of a run left alone."""
    size = ("--batch_size", str(4 // devices), "--n_images", "11", "--quiet")
    team = (*size, *(TWO if devices == 2 else ()), "--max_epochs", "4")
    flags = (*team, "--checkpoint-every-n-steps", "1")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    process = bundles.start(joint_scan, whole, *team)
    process.communicate(timeout=240)
    assert process.returncode == 0
    process = bundles.start(joint_scan, broken, *flags)
    # Of the third epoch; the fourth and eighth are those at the end of an epoch.
    wait_for_changes(broken / run_folder.CHECKPOINTS / run_folder.LAST, 8)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert not (broken / run_folder.BUNDLE).exists()

    process = bundles.start(joint_scan, broken, *flags, "--resume", "auto")
    _, said = process.communicate(timeout=240)

    assert process.returncode == 0, said
    left, right = (bundles.history(folder) for folder in (whole, broken))
    assert len(left) == len(right) == 4
    for name in ("train_loss", "val_loss"):
        assert float(right[-1][name]) == pytest.approx(float(left[-1][name]), rel=1e-4)


@pytest.mark.long
def test_an_interrupt_is_recorded(joint_scan: Path, tmp_path: Path) -> None:
    """Ctrl-C ends both processes with 130, one line and a record that says so."""
    folder = tmp_path / "out"
    flags = ("--batch_size", "1", "--n_images", "11", "--max_epochs", "500", "--quiet")
    process = bundles.start(joint_scan, folder, *flags, *TWO)
    wait_for_changes(folder / run_folder.CHECKPOINTS / run_folder.LAST, 2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)

    lines = [line for line in said.decode().splitlines() if not line.startswith("INFO")]
    assert process.returncode == 130
    assert [line for line in lines if "POLICY" not in line] == ["error: interrupted"]
    assert bundles.record(folder)["exit_code"] == 130
    assert json.loads((folder / run_folder.CONFIG).read_text())
