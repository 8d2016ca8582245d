"""The data set program, fed with a distribution made on the spot."""

from __future__ import annotations

import bz2
import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from ptycho_torch.cli import datasets
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file, star
from ptycho_torch.errors import InputError


def _measurement() -> bytes:
    rng = np.random.default_rng(0)
    stored = io.BytesIO()
    index = np.arange(40)
    np.savez(
        stored,
        data=rng.poisson(20.0, (1, 40, 128, 128)).astype(np.float32),
        scan=np.stack([8.0 * (index // 8), 8.0 * (index % 8)], axis=1)[None].astype(np.float32),
        probe=np.ones((1, 1, 1, 1, 128, 128), np.complex64),
    )
    return stored.getvalue()


def _distribution(path: Path, packed: bytes, name: str = datasets.MEMBER) -> str:
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(packed)
        archive.addfile(entry, io.BytesIO(packed))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_measurement_is_unpacked_when_both_digests_hold(tmp_path: Path) -> None:
    """The content comes out whole; one wrong digest, of archive or member, and it does not."""
    path, packed = tmp_path / "a.tar.gz", bz2.compress(b"counts")
    outer = _distribution(path, packed)
    inner = hashlib.sha256(packed).hexdigest()

    assert datasets.unpack(path, outer, inner) == b"counts"
    with pytest.raises(InputError):
        datasets.unpack(path, "0" * 64, inner)
    with pytest.raises(InputError):
        datasets.unpack(path, outer, "0" * 64)


def test_absent_measurement_is_named(tmp_path: Path) -> None:
    """A distribution without the measurement is refused."""
    path = tmp_path / "a.tar.gz"
    outer = _distribution(path, b"x", name="other")

    with pytest.raises(InputError) as caught:
        datasets.unpack(path, outer)

    assert caught.value.expected == datasets.MEMBER


def test_parts_divide_the_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training and test part share no frame, and each is a scan the reader accepts."""
    monkeypatch.setattr(star, "SWEEPS", 1)

    written = datasets.write_parts(_measurement(), tmp_path)

    whole, train, test = (scan_file.read(path, DataConfig(nphotons=1e5)) for path in written)
    assert whole.point_count == 40
    assert train.point_count + test.point_count == 40
    assert train.positions[:, 1].max() < test.positions[:, 1].min()
    assert whole.positions[1, 0] - whole.positions[0, 0] == pytest.approx(5.0)
    assert whole.object_mask is not None


@pytest.mark.parametrize(
    "argv", [["get", "siemens-star", "--output", "x"], ["fetch", "moon", "--output", "x"], []]
)
def test_other_wishes_end_with_two(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Only what is known can be fetched."""
    assert datasets.main(argv) == 2
    assert capsys.readouterr().err.startswith("error: ")
