"""Runs laid side by side: known curves, known objects, and what cannot be compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ptycho_torch.config_params import RunConfig
from ptycho_torch.errors import InputError
from ptycho_torch.reconstruct import agreement, outputs
from tests.builders import fields

HEAD = "epoch,step,lr,train_loss,val_loss\n"


def _history(folder: Path, *rows: tuple[float, str]) -> Path:
    folder.mkdir()
    lines = [f"{n},{n},0.001,{train},{val}\n" for n, (train, val) in enumerate(rows)]
    (folder / "history.csv").write_text(HEAD + "".join(lines))
    return folder


def _reconstruction(
    folder: Path, image: NDArray[np.complex128], *, origin: tuple[float, float] = (3.0, -4.0)
) -> Path:
    folder.mkdir()
    mask = np.ones(image.shape, np.bool_)
    mask[:2] = False
    made = outputs.Reconstruction(
        object_canvas=image.astype(np.complex64),
        weight=np.ones(image.shape, np.float32),
        mask=mask,
        origin_xy=np.array(origin),
        positions=np.zeros((3, 2)),
        pixel_size_m=None,
        config_json=outputs.portable_config(RunConfig()),
        bundle_sha256="0" * 64,
    )
    (folder / "reconstruction.npz").write_bytes(outputs.npz_bytes(made))
    return folder


def test_largest_difference_of_a_curve_is_found(tmp_path: Path) -> None:
    """Each loss is told by its worst epoch, relative to the first run."""
    first = _history(tmp_path / "a", (4.0, "8.0"), (2.0, "5.0"))
    second = _history(tmp_path / "b", (4.1, "8.0"), (1.8, "5.5"))

    report = agreement.curves(first, second)

    assert report["epochs"] == 2
    assert report["train_loss"] == pytest.approx(0.1)
    assert report["val_loss"] == pytest.approx(0.1)


def test_a_run_without_validation_has_no_such_curve(tmp_path: Path) -> None:
    """What was not measured is null, not zero."""
    folders = [_history(tmp_path / name, (4.0, ""), (2.0, "")) for name in "ab"]

    assert agreement.curves(*folders) == {"epochs": 2, "train_loss": 0.0, "val_loss": None}


@pytest.mark.parametrize(
    "text", [HEAD, HEAD + "0,0,0,1,1\n", "a,b\n1,2\n", HEAD + "0,0,0,x,1\n"]
)
def test_unequal_tables_are_refused(text: str, tmp_path: Path) -> None:
    """Other lengths, other columns and words are bad input."""
    first = _history(tmp_path / "a", (4.0, "8.0"), (2.0, "5.0"))
    second = _history(tmp_path / "b")
    (second / "history.csv").write_text(text)

    with pytest.raises(InputError):
        agreement.curves(first, second)


def test_a_complex_factor_is_no_difference(tmp_path: Path) -> None:
    """Objects are known up to scale and global phase, which are removed."""
    image = fields.l_shape(40, 56)
    first = _reconstruction(tmp_path / "a", image)
    second = _reconstruction(tmp_path / "b", image * 1.7 * np.exp(2.1j))

    report = agreement.objects(first, second)

    assert report["pixels"] == 38 * 56
    assert report["relative_l2"] == pytest.approx(0.0, abs=1e-6)
    assert report["amplitude"]["mae"] == pytest.approx(0.0, abs=1e-6)
    assert report["phase"]["ssim"] == pytest.approx(1.0, abs=1e-6)


def test_another_object_is_a_difference(tmp_path: Path) -> None:
    """A phase that is turned by 0.1 rad on half the rows is off by half of that on each."""
    image = fields.l_shape(42, 56)
    turned = image * np.exp(1j * np.where(np.arange(42) < 22, 0.05, -0.05))[:, None]
    first = _reconstruction(tmp_path / "a", image / np.abs(image))
    second = _reconstruction(tmp_path / "b", turned / np.abs(image))

    report = agreement.objects(first, second)

    assert report["phase"]["mae"] == pytest.approx(0.05, abs=1e-4)
    assert report["relative_l2"] == pytest.approx(0.05, abs=1e-3)


def test_another_place_is_refused(tmp_path: Path) -> None:
    """Canvases that lie elsewhere have no pixel in common."""
    image = fields.l_shape(40, 56)
    first = _reconstruction(tmp_path / "a", image)
    second = _reconstruction(tmp_path / "b", image, origin=(3.0, 4.0))

    with pytest.raises(InputError, match="canvas"):
        agreement.objects(first, second)
