"""Each flag of the training program reaches what it names."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho_torch import run_folder
from tests.builders import bundles, scans

LONG = pytest.mark.long


def run(scan: Path, folder: Path, *flags: str, **sections: dict[str, Any]) -> Path:
    assert bundles.train(scan, folder, *flags, **sections) == 0
    return folder


def test_max_epochs_sets_the_rows(scan: Path, tmp_path: Path) -> None:
    """Three epochs leave three rows."""
    rows = bundles.history(run(scan, tmp_path, "--max-epochs", "3"))

    assert [row["epoch"] for row in rows] == ["0", "1", "2"]


def test_batch_size_sets_the_steps(scan: Path, tmp_path: Path, usual: Path) -> None:
    """Eight groups make two batches of four and three of at most three."""
    rows = bundles.history(run(scan, tmp_path, "--batch_size", "3"))

    assert bundles.history(usual)[0]["step"] == "2"
    assert rows[0]["step"] == "3"


@pytest.mark.parametrize("name", ["--n_images", "--n-groups"])
def test_n_images_counts_groups(scan: Path, tmp_path: Path, name: str) -> None:
    """Five groups in batches of two make three steps, under both names of the flag."""
    folder = run(scan, tmp_path, name, "5", "--batch_size", "2", "--val_split", "0")

    assert bundles.history(folder)[0]["step"] == "3"


def test_too_many_groups_are_capped(
    scan: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A scan of 24 points gives 24 groups, and says so."""
    with caplog.at_level(logging.INFO):
        folder = run(scan, tmp_path, "--n_images", "99", "--val_split", "0")

    assert bundles.history(folder)[0]["step"] == "6"
    assert "99 groups asked for, the 24 points" in caplog.text


def test_gridsize_sets_the_group(scan: Path, tmp_path: Path) -> None:
    """A grid of one has one pattern per group and one input channel."""
    folder = run(scan, tmp_path, "--gridsize", "1")

    assert bundles.manifest(folder)["geometry"]["C"] == 1
    assert bundles.weights(folder)["encoder.stage0.conv1.weight"].shape[1] == 1


def test_neighbor_count_spreads_groups(scan: Path, tmp_path: Path, usual: Path) -> None:
    """Groups drawn among more neighbours reach farther."""
    folder = run(scan, tmp_path, "--neighbor-count", "20")

    wide, near = (bundles.manifest(each)["geometry"]["max_rel"] for each in (folder, usual))
    assert wide > near


def test_nphotons_sets_the_scale(scan: Path, tmp_path: Path) -> None:
    """The golden intensity scale of 1e9 photons, at N = 32."""
    folder = run(scan, tmp_path, "--nphotons", "1e9")

    scale = bundles.manifest(folder)["scaling"]["intensity_scale"]
    assert scale == pytest.approx(math.sqrt(1e9) / 16, rel=1e-12)


def test_seed_changes_the_weights(scan: Path, tmp_path: Path, usual: Path) -> None:
    """Another seed starts from other weights."""
    other = bundles.weights(run(scan, tmp_path, "--seed", "43"))

    name = "encoder.stage0.conv1.weight"
    assert not np.allclose(other[name], bundles.weights(usual)[name], atol=1e-2)


def test_val_split_zero_holds_out_nothing(scan: Path, tmp_path: Path, usual: Path) -> None:
    """Without a split there is no validation column, and training monitors itself."""
    folder = run(scan, tmp_path, "--val-split", "0")

    assert bundles.history(usual)[0]["val_loss"]
    assert bundles.history(folder)[0]["val_loss"] == ""
    assert bundles.manifest(folder)["training"]["monitor"] == "train_loss"
    assert bundles.manifest(folder)["scaling"]["n_frames"] == 24


def test_test_file_becomes_validation(scan: Path, tmp_path: Path) -> None:
    """A second scan takes the place of the split; its digest is recorded."""
    other = bundles.write_scan(tmp_path, "other.npz", seed=8)
    folder = run(scan, tmp_path / "out", "--test_data_file", str(other))

    about = bundles.manifest(folder)
    assert about["scaling"]["n_frames"] == 24
    assert [entry["name"] for entry in about["provenance"]["datasets"]] == [
        "scan.npz",
        "other.npz",
    ]
    assert bundles.history(folder)[0]["val_loss"]


def test_input_kind_takes_the_root(tmp_path: Path) -> None:
    """Frames called intensities carry the fourth root of the energy, not its square."""
    scan = scans.write_arrays(tmp_path / "plain.npz")
    energy = np.float64((scans.arrays()["diff3d"].astype(np.float64)).sum(axis=(1, 2)).mean())
    flags = ("--input_kind", "intensity", "--val_split", "0")
    folder = run(scan, tmp_path / "out", *flags)

    assert bundles.manifest(folder)["scaling"]["mean_energy"] == pytest.approx(energy, rel=1e-6)


def test_companion_file_gives_the_probe(tmp_path: Path) -> None:
    """A scan without a probe is completed by the second file."""
    scan = scans.write_arrays(tmp_path / "bare.npz", probeGuess=None)
    other = scans.write_arrays(tmp_path / "whole.npz")

    assert bundles.train(scan, tmp_path / "alone") == 2
    run(scan, tmp_path / "out", "--companion_file", str(other))


def test_object_big_joins_the_group(scan: Path, tmp_path: Path, usual: Path) -> None:
    """Without the overlap constraint each pattern passes alone."""
    name = "encoder.stage0.conv1.weight"
    alone = bundles.weights(run(scan, tmp_path / "alone", "--no-object_big"))
    joined = bundles.weights(run(scan, tmp_path / "joined", "--object-big"))

    assert alone[name].shape[1] == 1
    assert joined[name].shape[1] == bundles.weights(usual)[name].shape[1] == 4


def test_probe_big_builds_the_border(scan: Path, tmp_path: Path) -> None:
    """The border has its own convolutions, or none."""
    plain = bundles.weights(run(scan, tmp_path / "plain", "--no-probe-big"))
    bordered = bundles.weights(run(scan, tmp_path / "border", "--probe_big"))

    assert not any("outer" in name for name in plain)
    assert any("outer" in name for name in bordered)


def test_amp_activation_chooses_the_head(scan: Path, tmp_path: Path) -> None:
    """The sigmoid head starts at one half, the bounded one at one."""
    folder = run(scan, tmp_path, "--amp_activation", "sigmoid", "--log-patch-stats")

    assert bundles.stats(folder)[0]["global_mean"] == pytest.approx(0.5, abs=0.02)


def test_loss_mode_changes_the_loss(scan: Path, tmp_path: Path, usual: Path) -> None:
    """Only photon counts have a deviance."""
    folder = run(scan, tmp_path, "--torch-loss-mode", "mae")

    assert bundles.history(folder)[0]["train_deviance"] == ""
    assert float(bundles.history(usual)[0]["train_deviance"]) > 0


def test_learning_rate_is_used(scan: Path, tmp_path: Path, usual: Path) -> None:
    """The rate of the table is the one asked for, and moves the weights less when small."""
    folder = run(scan, tmp_path, "--learning-rate", "1e-7", "--val_split", "0.1")

    assert bundles.history(folder)[0]["lr"] == "1e-07"
    name = "encoder.stage0.conv1.bias"
    assert np.abs(bundles.weights(folder)[name]).max() < 1e-6
    assert np.abs(bundles.weights(usual)[name]).max() > 1e-5


def test_clipping_limits_the_step(scan: Path, tmp_path: Path) -> None:
    """With plain moments a vanishing gradient norm leaves the weights where they were."""
    tight = ("--gradient-clip-val", "1e-12")
    folder = run(scan, tmp_path, *tight)

    assert np.abs(bundles.weights(folder)["encoder.stage0.conv1.bias"]).max() < 1e-4
    assert float(bundles.history(folder)[0]["grad_norm"]) > 1e-3


def test_accumulation_joins_batches(scan: Path, tmp_path: Path) -> None:
    """Two batches of four with accumulation step once, as one batch of eight does."""
    joined = run(scan, tmp_path / "joined", "--accumulate-grad-batches", "2")
    whole = run(scan, tmp_path / "whole", "--batch_size", "8")

    assert [bundles.history(each)[0]["step"] for each in (joined, whole)] == ["1", "1"]
    first, second = bundles.weights(joined), bundles.weights(whole)
    name = "amp.centre.weight"
    assert np.allclose(first[name], second[name], atol=1e-4)


def test_early_stopping_stops(scan: Path, tmp_path: Path) -> None:
    """Five epochs without a better loss are cut short after the first to wait."""
    flags = ("--max_epochs", "6", "--early-stop-patience", "1", "--learning-rate", "0.5")
    folder = run(
        scan, tmp_path, *flags, "--gradient-clip-val", "1e-9", "--checkpoint-mode", "max"
    )

    assert len(bundles.history(folder)) < 6


def test_checkpoints_are_written(scan: Path, tmp_path: Path, usual: Path) -> None:
    """The best and the last one by default, none when switched off."""
    folder = run(scan, tmp_path, "--disable-checkpointing")

    assert not (folder / run_folder.CHECKPOINTS).exists()
    names = {path.name for path in (usual / run_folder.CHECKPOINTS).iterdir()}
    assert names == {"last.ckpt", "best-epoch=0.ckpt"}


@pytest.mark.parametrize(
    ("limit", "count"),
    [("2", 3), pytest.param("0", 1, marks=LONG), pytest.param("-1", 4, marks=LONG)],
)
def test_save_top_k_counts_files(scan: Path, tmp_path: Path, limit: str, count: int) -> None:
    """The last checkpoint comes on top of the best ones; -1 keeps every epoch."""
    flags = ("--max_epochs", "3", "--checkpoint-save-top-k", limit, "--enable-checkpointing")
    folder = run(scan, tmp_path, *flags)

    assert len(list((folder / run_folder.CHECKPOINTS).iterdir())) == count


def test_monitor_and_mode_choose_the_best(scan: Path, tmp_path: Path) -> None:
    """The stored epoch is the extreme of the monitored column, whichever way is asked."""
    flags = ("--max_epochs", "3", "--checkpoint-monitor", "train_deviance")
    for mode, choose in (("min", min), ("max", max)):
        folder = run(scan, tmp_path / mode, *flags, "--checkpoint-mode", mode)
        column = [float(row["train_deviance"]) for row in bundles.history(folder)]

        about = bundles.manifest(folder)["training"]
        assert about["monitor"] == "train_deviance"
        assert about["best_epoch"] == column.index(choose(column))
        assert about["best_value"] == choose(column)


def test_precision_reaches_the_network(scan: Path, tmp_path: Path, usual: Path) -> None:
    """Half precision changes the weights a little; double too, and less."""
    name = "amp.centre.weight"
    plain = bundles.weights(usual)[name]
    half = bundles.weights(run(scan, tmp_path / "half", "--precision", "bf16-mixed"))[name]
    double = bundles.weights(run(scan, tmp_path / "double", "--precision", "64-true"))[name]

    assert not np.array_equal(half, plain)
    assert not np.array_equal(double, plain)
    assert np.abs(double - plain).max() < np.abs(half - plain).max()


def test_deterministic_reaches_torch(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The switch arrives at torch during the fit and is taken back afterwards."""
    import torch

    from ptycho_torch.training.module import PtychoPINN_Lightning

    seen = []
    real = PtychoPINN_Lightning.training_step

    def spy(self: Any, *batch: Any) -> Any:
        seen.append(torch.are_deterministic_algorithms_enabled())
        return real(self, *batch)

    monkeypatch.setattr(PtychoPINN_Lightning, "training_step", spy)
    run(scan, tmp_path / "on", "--deterministic")
    run(scan, tmp_path / "off", "--no-deterministic")

    assert seen == [True, True, False, False]
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(("name", "is_there"), [("none", False), ("csv", True)])
def test_logger_is_chosen(scan: Path, tmp_path: Path, name: str, *, is_there: bool) -> None:
    """The csv logger leaves its folder, none leaves nothing."""
    folder = run(scan, tmp_path, "--logger", name)

    assert (folder / "lightning_logs").exists() == is_there


def test_patch_stats_limit_counts(scan: Path, tmp_path: Path, usual: Path) -> None:
    """Three batches of each phase are recorded, over the epochs; none without the switch."""
    flags = ("--log-patch-stats", "--patch-stats-limit", "3", "--max_epochs", "2")
    entries = bundles.stats(run(scan, tmp_path, *flags, "--batch_size", "4"))

    train = [entry for entry in entries if entry["phase"] == "train"]
    assert [(entry["epoch"], entry["batch_idx"]) for entry in train] == [(0, 0), (0, 1), (1, 0)]
    assert len({entry["global_mean"] for entry in train}) == 3
    assert not (usual / "analysis").exists()


def test_patch_stats_limit_zero_warns(scan: Path, tmp_path: Path) -> None:
    """A limit of none leaves an empty list, no picture, and a warning in the record."""
    folder = run(scan, tmp_path, "--log-patch-stats", "--patch-stats-limit", "0")

    assert bundles.stats(folder) == []
    assert not (folder / run_folder.GRID).exists()
    assert any("PATCH_STATS" in text for text in bundles.record(folder)["warnings"])


def test_quiet_silences_the_summary(
    scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The summary goes to stdout, and not when quiet; log lines stay."""
    run(scan, tmp_path / "quiet")
    quiet = capsys.readouterr()
    config = bundles.write_config(tmp_path)
    words = f"--train_data_file {scan} --output_dir {tmp_path / 'loud'} --config {config}"
    bundles.main(
        [*words.split(), "--accelerator", "cpu", "--max_epochs", "1", "--n_images", "4"]
    )
    loud = capsys.readouterr()

    assert quiet.out == ""
    assert "INFO" in quiet.err
    assert loud.out.startswith("trained 1 epochs, best 0:")
    assert "epoch 1/1" in loud.err


def test_several_cpus_are_refused(scan: Path, tmp_path: Path) -> None:
    """A CPU run has one device; the folder is not even made."""
    assert bundles.train(scan, tmp_path / "out", "--devices", "2") == 2
    assert not (tmp_path / "out").exists()


def test_a_missing_gpu_is_refused(scan: Path, tmp_path: Path) -> None:
    """Asking for more devices than there are is bad input."""
    flags = ("--accelerator", "gpu", "--devices", "64")

    assert bundles.train(scan, tmp_path / "out", *flags) == 2


@LONG
def test_the_loader_processes_change_nothing(scan: Path, tmp_path: Path, usual: Path) -> None:
    """The same bundle with a loader process as without, but for the recorded settings."""
    folder = run(scan, tmp_path, "--num-workers", "1")

    assert (folder / run_folder.HISTORY).read_bytes() == (
        usual / run_folder.HISTORY
    ).read_bytes()
    assert (
        json.loads((folder / run_folder.CONFIG).read_text())["values"]["execution"][
            "num_workers"
        ]
        == 1
    )
