"""Reconstruction files: plain arrays, CXI layout, pictures, and safe reading back."""

from __future__ import annotations

import io
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from matplotlib.image import imread
from PIL import Image

from ptycho_torch.config_params import RunConfig
from ptycho_torch.errors import InputError, MissingInputError
from ptycho_torch.reconstruct import contrast, outputs, pictures
from tests.ptycho_torch.reconstruct.images import blob, waves

SHAPE = (46, 71)


def made(pixel_size_m: float | None = 4e-8) -> outputs.Reconstruction:
    """A small reconstruction that is neither square nor fully covered."""
    mask = blob(SHAPE, margin=2)
    return outputs.Reconstruction(
        object_canvas=np.where(mask, waves(SHAPE), 0).astype(np.complex64),
        weight=mask.astype(np.float32),
        mask=mask,
        origin_xy=np.array([-12.0, 31.0]),
        positions=np.array([[10.5, 50.0], [20.0, 61.25], [33.0, 55.0]]),
        pixel_size_m=pixel_size_m,
        config_json='{"schema": 1}',
        bundle_sha256="ab" * 32,
    )


def test_arrays_come_back(tmp_path: Path) -> None:
    """Every array of the NPZ has the stated kind and holds what was put in."""
    outputs.write(tmp_path, made())

    with np.load(tmp_path / outputs.NPZ, allow_pickle=False) as store:
        arrays = {name: store[name] for name in store.files}
    kinds = {name: array.dtype.name for name, array in arrays.items() if array.ndim}
    assert kinds == {
        "object": "complex64",
        "amplitude": "float32",
        "phase": "float32",
        "weight": "float32",
        "mask": "bool",
        "origin_xy": "float64",
        "positions": "float64",
    }
    np.testing.assert_array_equal(arrays["object"], made().object_canvas)
    np.testing.assert_allclose(
        arrays["amplitude"] * np.exp(1j * arrays["phase"]), arrays["object"], atol=1e-6
    )
    assert arrays["origin_xy"].tolist() == [-12.0, 31.0]
    assert float(arrays["pixel_size_m"]) == 4e-8
    assert str(arrays["config_json"]) == '{"schema": 1}'


def test_unknown_pixel_size_is_nan() -> None:
    """Without a pixel size the NPZ says NaN and the HDF5 has no metres."""
    with np.load(io.BytesIO(outputs.npz_bytes(made(None)))) as store:
        assert np.isnan(store["pixel_size_m"])
    with h5py.File(io.BytesIO(outputs.hdf5_bytes(made(None)))) as store:
        assert "sample_1" not in store["entry_1"]


def test_hdf5_follows_the_layout() -> None:
    """Masked pixels are non-zero, and translations are metres of sample motion."""
    with h5py.File(io.BytesIO(outputs.hdf5_bytes(made()))) as store:
        image = store["entry_1/image_1"]
        np.testing.assert_array_equal(image["data"][()], made().object_canvas)
        np.testing.assert_array_equal(image["mask"][()] == 0, made().mask)
        np.testing.assert_array_equal(image["weight"][()], made().weight)
        assert image["data"].dtype == np.complex64
        assert (image.attrs["origin_x_px"], image.attrs["origin_y_px"]) == (-12.0, 31.0)
        translation = store["entry_1/sample_1/geometry_1/translation"][()]
        np.testing.assert_allclose(translation[:, :2], -made().positions * 4e-8)
        np.testing.assert_array_equal(translation[:, 2], 0)
        process = store["entry_1/process_1"]
        assert process["bundle_sha256"][()].decode() == "ab" * 32
        assert "cxi_version" in store


def test_equal_reconstructions_are_equal_bytes(tmp_path: Path) -> None:
    """Writing twice, in two folders, gives the same four files."""
    for name in ("first", "second"):
        outputs.write(tmp_path / name, made())

    names = (outputs.NPZ, outputs.HDF5, outputs.AMPLITUDE_PNG, outputs.PHASE_PNG)
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (
            tmp_path / "second" / name
        ).read_bytes(), name


def test_pictures_hold_no_version() -> None:
    """A picture says where its maps lie: neither a date nor the drawing library's version."""
    content = pictures.amplitude(_view(made()))

    with Image.open(io.BytesIO(content)) as image:
        assert list(image.text) == ["panels"]  # type: ignore[attr-defined]
    assert b"tIME" not in content


def test_maps_lie_where_pictures_say() -> None:
    """In the middle of each cell of the box is the grey of its value, row by row."""
    values = 1 + np.arange(30 * 47).reshape(30, 47) / 1500
    view = pictures.View(
        object_canvas=values.astype(np.complex64),
        mask=np.ones(values.shape, np.bool_),
        origin_xy=(3.0, 9.0),
    )

    with Image.open(io.BytesIO(pictures.amplitude(view))) as image:
        (place,) = json.loads(image.text["panels"])  # type: ignore[attr-defined]
        greys = np.asarray(image.convert("L")).astype(float)

    left, top, right, bottom = place["box"]
    x = (left + (np.arange(47) + 0.5) * (right - left) / 47).astype(int)
    y = (top + (np.arange(30) + 0.5) * (bottom - top) / 30).astype(int)
    free = slice(0, 22)  # the scale bar lies on the last rows
    sampled = greys[np.ix_(y, x)][free]
    assert (place["rows"], place["columns"]) == ([0, 30], [0, 47])
    assert np.corrcoef(sampled.ravel(), values[free].ravel())[0, 1] > 0.999


def test_pictures_show_structure_and_gaps() -> None:
    """The picture has many grey levels, and uncovered pixels have the empty colour."""
    for draw in (pictures.amplitude, pictures.phase):
        image = imread(io.BytesIO(draw(_view(made()))))[..., :3]

        levels = np.unique((image * 255).round().astype(int).reshape(-1, 3), axis=0)
        assert len(levels) > 50
        empty = np.array([0xE9, 0xE6, 0xDF]) / 255
        share = (np.abs(image - empty).max(axis=-1) < 1 / 255).mean()
        assert 0.02 < share < 0.5


def test_picture_of_nothing_is_drawn() -> None:
    """A canvas without a covered pixel still gives pictures."""
    empty = pictures.View(
        object_canvas=np.zeros(SHAPE, np.complex64),
        mask=np.zeros(SHAPE, bool),
        origin_xy=(0.0, 0.0),
    )

    assert pictures.amplitude(empty).startswith(b"\x89PNG")
    assert pictures.phase(empty).startswith(b"\x89PNG")


def test_phase_detail_has_no_ramp() -> None:
    """The detail panel shows the structure under a ramp that wraps several times."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    phase = 0.3 * np.sign(np.sin(x * 0.9) * np.cos(y * 0.7))
    tilted = np.exp(1j * (phase + 0.5 * x - 0.3 * y + 2)).astype(np.complex64)
    mask = blob(SHAPE, margin=2)

    flat = contrast.levelled_phase(tilted, mask)

    assert np.corrcoef(flat[mask], phase[mask])[0, 1] > 0.99


def test_settings_lose_their_folders() -> None:
    """Stored settings name data files without folders and no output folder."""
    config = RunConfig.from_dict(
        {
            "run": {"mode": "inference", "output_dir": "/a/out"},
            "inference": {"model_path": "/a/model", "test_data_file": "/a/scan.npz"},
        }
    )

    text = outputs.portable_config(config)

    assert "/a" not in text
    assert json.loads(text)["values"]["inference"]["test_data_file"] == "scan.npz"


def test_stored_object_is_read_back(tmp_path: Path) -> None:
    """What evaluation reads is what was written."""
    outputs.write(tmp_path, made())

    stored = outputs.read_npz(tmp_path / outputs.NPZ)

    np.testing.assert_array_equal(stored.object_canvas, made().object_canvas)
    np.testing.assert_array_equal(stored.mask, made().mask)
    assert stored.origin_xy.tolist() == [-12.0, 31.0]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"object": None}, "object"),
        ({"object": np.zeros((0, 4), complex)}, "object"),
        ({"weight": np.ones((3, 4), np.float32)}, "weight"),
        ({"mask": np.ones(SHAPE, np.float32)}, "mask"),
        ({"origin_xy": np.zeros(3)}, "origin_xy"),
        ({"weight": np.full(SHAPE, np.nan, np.float32)}, "weight"),
        ({"object": np.ones(SHAPE)}, "object"),
    ],
)
def test_odd_reconstruction_is_refused(
    tmp_path: Path, changes: dict[str, np.ndarray | None], where: str
) -> None:
    """A missing array, another shape or kind, or a NaN is an error that names the array."""
    content = {
        "object": made().object_canvas,
        "weight": made().weight,
        "mask": made().mask,
        "origin_xy": made().origin_xy,
    }
    path = tmp_path / "odd.npz"
    arrays = {name: array for name, array in (content | changes).items() if array is not None}
    np.savez(path, **arrays)

    with pytest.raises(InputError) as caught:
        outputs.read_npz(path)

    assert caught.value.where == f"{path}: {where}"


def test_other_files_are_refused(tmp_path: Path) -> None:
    """No file, a text file, a truncated file and a pickle are all one-line errors."""
    text, short, pickled = (tmp_path / name for name in ("text", "short", "pickle"))
    text.write_text("hello")
    short.write_bytes(outputs.npz_bytes(made())[:900])
    with pickled.open("wb") as stream:
        np.savez(stream, object=np.array([{}], dtype=object))

    with pytest.raises(MissingInputError):
        outputs.read_npz(tmp_path / "none")
    for path in (text, short, pickled):
        with pytest.raises(InputError):
            outputs.read_npz(path)


def _view(reconstruction: outputs.Reconstruction) -> pictures.View:
    """The view of a reconstruction."""
    return pictures.View(
        object_canvas=reconstruction.object_canvas,
        mask=reconstruction.mask,
        origin_xy=(-12.0, 31.0),
        pixel_size_m=reconstruction.pixel_size_m,
    )
