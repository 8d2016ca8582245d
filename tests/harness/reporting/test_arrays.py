"""Array statistics of a diff, judged by NumPy, which the harness itself never imports."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.cli import main
from harness.judgement.guards.readers import npy
from harness.reporting import arrays
from tests.builders import hubs

DTYPES = ("?", "i1", "<i2", ">i4", "u8", "<f2", ">f2", "f4", ">f8", "c8", ">c16")


def drawn(dtype: str, shape: tuple[int, ...], seed: int) -> NDArray[Any]:
    """Draw numbers that any of the types can hold."""
    values = np.random.default_rng(seed).normal(20.0, 6.0, shape)
    if "c" in dtype:
        values = values + 1j * values[::-1]
    return values.astype(dtype)


def npy_of(values: NDArray[Any]) -> bytes:
    """Store an array as NumPy does."""
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_statistics_are_those_of_numpy(dtype: str, order: Any) -> None:
    """Mean, deviation, range and distance agree, whatever the type and the byte order."""
    old, new = (
        np.asarray(drawn(dtype, (3, 5, 2), seed), order=order).astype(dtype, order=order)
        for seed in (1, 2)
    )
    first, second = npy.read_npy(npy_of(old)), npy.read_npy(npy_of(new))

    summary = arrays.statistics(first)
    largest, relative = arrays.distance(first, second)

    wide = np.complex128 if "c" in dtype else np.float64
    size = np.abs(old.astype(wide)) if "c" in dtype else old.astype(wide)
    apart = new.astype(wide) - old.astype(wide)
    assert summary.shape == (3, 5, 2)
    wanted = (size.min(), size.max(), size.mean(), size.std())
    assert (summary.low, summary.high, summary.mean, summary.sd) == pytest.approx(
        wanted, rel=1e-12
    )
    assert largest == pytest.approx(np.abs(apart).max(), rel=1e-12)
    norms = np.linalg.norm(apart), np.linalg.norm(old.astype(wide))
    assert relative == pytest.approx(norms[0] / norms[1], rel=1e-12)


def test_what_is_not_finite_is_counted() -> None:
    """NaN and ±inf are counted and left out of every number."""
    old = np.array([[1.0, np.nan, 3.0], [np.inf, 5.0, 7.0]])
    new = np.array([[2.0, 2.0, np.nan], [4.0, 5.0, 9.0]])
    first, second = npy.read_npy(npy_of(old)), npy.read_npy(npy_of(new))

    summary = arrays.statistics(first)

    assert (summary.nonfinite, summary.low, summary.high, summary.mean) == (2, 1.0, 7.0, 4.0)
    wanted = (2.0, np.sqrt(1 + 0 + 4) / np.sqrt(1 + 25 + 49))
    assert arrays.distance(first, second) == pytest.approx(wanted)


@pytest.mark.parametrize(
    "values",
    [np.zeros((0, 3)), np.full((2, 3), np.nan), np.full((2, 3), 1.7e308), np.zeros((2, 3))],
    ids=["empty", "nan", "huge", "zero"],
)
def test_no_number_is_none(values: NDArray[Any]) -> None:
    """Where there is no finite answer there is none, and JSON can carry it."""
    array = npy.read_npy(npy_of(values))

    summary = arrays.statistics(array)
    far = arrays.distance(array, array)

    numbers = (summary.low, summary.high, summary.mean, summary.sd, *far)
    json.dumps(numbers, allow_nan=False)


class _Planted:
    """An object whose unpickling would leave a file."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (self.place, "w")


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    """An array of objects is refused by its header; what lies behind is not looked at."""
    place = tmp_path / "planted"
    stream = io.BytesIO()
    np.save(stream, np.array([_Planted(str(place)), 1], dtype=object), allow_pickle=True)

    with pytest.raises(npy.ArrayError, match="plain numbers"):
        npy.read_npy(stream.getvalue())
    with pytest.raises(npy.ArrayError):
        list(npy.members(pickle.dumps(_Planted(str(place))), 1 << 20))
    assert not place.exists()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no NPY"),
        (npy_of(np.arange(6.0))[:-1], "instead of 48"),
        (npy_of(np.arange(6.0))[:30], "cut header"),
        (npy_of(np.arange(6.0)).replace(b"'shape': (6,)", b"'shape': (-6)"), "shape"),
        (npy_of(np.array(["a", "bc"])), "dtype"),
        (npy_of(np.zeros(2, [("a", "f4"), ("b", "i2")])), "dtype"),
        (b"\x93NUMPY\x01\x00\xff\x00" + b"[" * 255, "none"),
        (b"\x93NUMPY\x09\x00", "version"),
    ],
    ids=["empty", "cut", "cut-header", "shape", "text", "record", "deep", "version"],
)
def test_damaged_file_is_told(content: bytes, word: str) -> None:
    """What is no array of numbers says why, and is never an exception of another kind."""
    with pytest.raises(npy.ArrayError, match=word):
        npy.read_npy(content)


def test_bomb_is_refused() -> None:
    """An archive that would unpack to more than the limit is not unpacked."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(4 << 20))

    with pytest.raises(npy.ArrayError, match="too much"):
        list(npy.members(stream.getvalue(), 1 << 20))


_SAVE = (
    "import sys; import numpy as np; g = float(open('source/model.py').read().split('=')[1]);"
    "k = np.arange(6.0).reshape(2, 3); np.savez(sys.argv[1], object=g * k * (1 + 1j),"
    " same=k, **({'extra': k} if g > 1 else {}))"
)


@pytest.mark.road
@pytest.mark.slow
def test_diff_tells_arrays_of_two_hubs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An external archive is compared member by member, in text, Markdown and JSON."""
    declared = {"id": "reconstruction", "path": "r.npz", "external": True}
    stage = hubs.command("make", _SAVE, "{work}/r.npz", artifacts=[declared])
    made = hubs.project(tmp_path, tiny=hubs.suite(stage))
    hubs.run(made)
    (tmp_path / "source/model.py").write_text("GAIN = 1.5\n")
    last = hubs.run(made)

    def ask(*words: str) -> str:
        assert main.main(["diff", "-C", str(tmp_path), *words]) == 0
        return capsys.readouterr().out

    output, marked, pairs = ask(), ask("--md"), json.loads(ask("--json"))["arrays"]
    assert [pair["name"] for pair in pairs] == ["reconstruction:object", "reconstruction:extra"]
    first = pairs[0]
    assert (first["before"]["shape"], first["before"]["dtype"]) == ([2, 3], "<c16")
    assert first["relative_l2"] == pytest.approx(0.5)
    assert first["largest"] == pytest.approx(0.5 * 5 * np.sqrt(2))
    assert first["after"]["mean"] == pytest.approx(1.5 * 2.5 * np.sqrt(2))
    assert pairs[1]["trouble"] == "only in the second"
    assert "reconstruction:object" in output
    assert "2 × 3 c16" in output
    assert "| reconstruction:object | 2 × 3 c16 |" in marked

    (tmp_path / last.record.artifacts[0].path).unlink()
    gone = json.loads(ask("--json"))["arrays"]
    assert [(pair["name"], pair["trouble"][:9]) for pair in gone] == [
        ("reconstruction", "not here:")
    ]
