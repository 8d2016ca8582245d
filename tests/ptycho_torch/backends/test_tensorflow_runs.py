"""Training and inference with TensorFlow beside PyTorch: same files, same numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ptycho_torch.bundle import read
from ptycho_torch.inference import main as infer
from ptycho_torch.parity import main as parity
from ptycho_torch.physics import canvas
from ptycho_torch.workflows import components
from tests.builders import backends, bundles

backends.require_tensorflow()

import tensorflow as tf  # noqa: E402 - only where the extra is installed

from ptycho_torch.backends.tensorflow import adam  # noqa: E402
from ptycho_torch.backends.tensorflow.canvas import TensorFlowCanvas  # noqa: E402

BACKENDS = ("torch", "tensorflow")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train four epochs in double precision and infer from each bundle, with both backends."""
    folder = tmp_path_factory.mktemp("runs")
    scan = bundles.write_scan(folder)
    for name in BACKENDS:
        flags = ("--max_epochs", "4", "--precision", "64-true", "--log-patch-stats")
        flags += ("--regroup", "--gradient-clip-val", "0.5", "--accumulate-grad-batches", "2")
        assert bundles.train(scan, folder / name, *flags, "--backend", name) == 0
        places = ("--test_data", str(scan), "--output_dir", str(folder / f"{name}-inference"))
        model_flags = ("--model_path", str(folder / "torch"), *places, "--accelerator", "cpu")
        assert infer([*model_flags, "--backend", name, "--log-patch-stats", "--quiet"]) == 0
    return folder


def _history(folder: Path) -> NDArray[np.float64]:
    return np.array(
        [[float(value or "nan") for value in row.values()] for row in bundles.history(folder)]
    )


def test_double_precision_curves_coincide(runs: Path) -> None:
    """From the same weights and batches, every column of every epoch is the same number."""
    torch_rows, tensorflow_rows = (_history(runs / name) for name in BACKENDS)

    assert np.allclose(torch_rows, tensorflow_rows, rtol=1e-9, equal_nan=True)
    assert torch_rows[0, 3] != torch_rows[-1, 3]


def test_bundles_differ_in_their_backend_alone(runs: Path) -> None:
    """Settings, scales and geometry agree; weights to rounding; the maker is named."""
    mine, theirs = (read.read(runs / name) for name in BACKENDS)

    assert mine.info.configs == theirs.info.configs
    assert mine.info.scaling == theirs.info.scaling
    assert "backend" not in mine.info.provenance
    assert theirs.info.provenance["backend"] == "tensorflow"
    assert theirs.info.provenance["libraries"]["tensorflow"] == tf.__version__
    for name, value in mine.model.network.state_dict().items():
        other = theirs.model.network.state_dict()[name]
        assert np.allclose(value.numpy(), other.numpy(), rtol=1e-4, atol=1e-5), name


def test_inference_leaves_the_same_files(runs: Path) -> None:
    """The same bundle gives the same object, residual and statistics under both names."""
    torch_folder, tensorflow_folder = (runs / f"{name}-inference" for name in BACKENDS)
    names = [
        sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
        for folder in (torch_folder, tensorflow_folder)
    ]
    assert names[0] == names[1]

    objects = [
        np.load(folder / "reconstruction.npz")["object"]
        for folder in (torch_folder, tensorflow_folder)
    ]
    assert np.linalg.norm(objects[0] - objects[1]) <= 2e-5 * np.linalg.norm(objects[0])
    records = [
        json.loads((folder / "run.json").read_text())
        for folder in (torch_folder, tensorflow_folder)
    ]
    assert [record["backend"] for record in records] == list(BACKENDS)
    assert records[0]["data_residual"] == pytest.approx(records[1]["data_residual"], rel=1e-5)
    stats: list[list[dict[str, Any]]] = [
        json.loads((folder / "analysis/torch_patch_stats.json").read_text())
        for folder in (torch_folder, tensorflow_folder)
    ]
    for mine, theirs in zip(*stats, strict=True):
        assert (mine["backend"], theirs["backend"]) == BACKENDS
        assert mine.keys() == theirs.keys()
        assert mine["var_zero_mean"] == pytest.approx(theirs["var_zero_mean"], rel=1e-4)


def test_the_statistics_name_what_computed(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the choice is lost on its way, the records say PyTorch, whatever was asked for."""
    monkeypatch.setattr(components, "with_backend", lambda model, _: model)
    places = ("--test_data", str(runs / "scan.npz"), "--output_dir", str(tmp_path))
    flags = ("--model_path", str(runs / "torch"), *places, "--accelerator", "cpu")

    assert infer([*flags, "--backend", "tensorflow", "--log-patch-stats", "--quiet"]) == 0

    stats = json.loads((tmp_path / "analysis/torch_patch_stats.json").read_text())
    assert {record["backend"] for record in stats} == {"torch"}


def test_own_patches_are_found_again(runs: Path, tmp_path: Path) -> None:
    """What TensorFlow predicted while training, it predicts from the bundle alone."""
    places = ("--model_path", str(runs / "tensorflow"), "--data", str(runs / "scan.npz"))
    output = tmp_path / "parity.json"

    assert parity([*places, "--output", str(output), "--backend", "tensorflow"]) == 0

    assert json.loads(output.read_text())["relative_l2"] <= 1e-6


def test_reruns_are_identical(tmp_path: Path) -> None:
    """The same command twice gives the same table and the same weights, bit for bit."""
    scan = bundles.write_scan(tmp_path)
    flags = ("--max_epochs", "2", "--backend", "tensorflow")

    for name in ("first", "second"):
        assert bundles.train(scan, tmp_path / name, *flags) == 0

    tables = [(tmp_path / name / "history.csv").read_bytes() for name in ("first", "second")]
    assert tables[0] == tables[1]
    states = [
        read.read(tmp_path / name).model.network.state_dict() for name in ("first", "second")
    ]
    assert all(np.array_equal(states[0][key], states[1][key]) for key in states[0])


@pytest.mark.parametrize(
    ("flags", "where"),
    [
        (("--resume", "auto"), "--resume"),
        (("--precision", "bf16-mixed"), "--precision"),
        (("--compile",), "--compile"),
    ],
    ids=["resume", "precision", "compile"],
)
def test_what_only_torch_does_is_refused(
    flags: tuple[str, ...],
    where: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A flag that would be ignored is bad input, and nothing is written."""
    scan = bundles.write_scan(tmp_path)

    code = bundles.train(scan, tmp_path / "out", *flags, "--backend", "tensorflow")

    assert code == 2
    assert f"error: {where}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_diverging_run_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A loss that is no number stops the run at once and names the first bad tensor."""
    scan = bundles.write_scan(tmp_path)
    flags = ("--learning-rate", "1e30", "--backend", "tensorflow")

    assert bundles.train(scan, tmp_path / "out", *flags, "--max_epochs", "3") == 1

    assert "expected a finite loss, got a non-finite" in capsys.readouterr().err
    assert json.loads((tmp_path / "out/run.json").read_text())["status"] == "failed"


def test_stitching_agrees() -> None:
    """Patches placed by TensorFlow make the object that NumPy's slices make."""
    rng = np.random.default_rng(11)
    patches = rng.normal(size=(7, 8, 8)) + 1j * rng.normal(size=(7, 8, 8))
    positions = rng.uniform((10, 20), (31, 25), (7, 2))
    weight = rng.uniform(0.1, 1, (8, 8))
    geometry = canvas.canvas_geometry(positions, 8)
    targets = []
    for kind in (canvas.Canvas, TensorFlowCanvas):
        target = kind(geometry, weight)
        for part in (slice(0, 4), slice(4, 4), slice(4, None)):
            target.place(patches[part], positions[part])
        targets.append(target)

    assert np.allclose(targets[0].numerator, targets[1].numerator, atol=1e-12)
    assert np.allclose(targets[0].denominator, targets[1].denominator, atol=1e-12)
    assert targets[0].numerator.any()


def test_long_gradients_are_shortened() -> None:
    """Clipping scales all gradients together, and leaves short ones."""
    slopes = {"a": tf.constant([3.0, 0.0]), "b": tf.constant([[4.0]])}

    short, norm = adam.clip_gradients(slopes, 1.0)
    same, _ = adam.clip_gradients(slopes, 10.0)

    assert float(norm) == pytest.approx(5.0)
    assert short["a"].numpy()[0] == pytest.approx(0.6, rel=1e-5)
    assert short["b"].numpy()[0, 0] == pytest.approx(0.8, rel=1e-5)
    assert same["a"].numpy()[0] == pytest.approx(3.0)
