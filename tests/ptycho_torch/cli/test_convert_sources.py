"""The conversion program: what its flags say of the input, and files that it must not touch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptycho_torch.cli import convert, inspect
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file
from tests.builders.deformations import AMPLITUDE, TRUTH, make_cxi, pad_frames, write_link
from tests.builders.known_scan import ENERGY_EV, PIXEL_M, SIDE, write_npz

OPTICS = ["--energy-ev", str(ENERGY_EV), "--distance-m", "1.9"]


@pytest.mark.parametrize("name", ["b.npz", "b.cxi", "b.h5"])
@pytest.mark.parametrize("side", [SIDE, SIDE + 8])
def test_pixel_of_the_input_follows_its_window(tmp_path: Path, name: str, side: int) -> None:
    """The flag states the pixel of the input, in every format, and a rim makes it finer."""
    source, target = write_npz(tmp_path / "a.npz"), tmp_path / name
    flags = ["--pixel-size-m", str(PIXEL_M), "--pad", str(side), *OPTICS, "--quiet"]

    assert convert.main(["--input", str(source), "--output", str(target), *flags]) == 0

    scan = scan_file.read(target, DataConfig(gridsize=1, nphotons=1e9))
    assert scan.pixel_size_m == pytest.approx(PIXEL_M * SIDE / side, rel=1e-9)


def test_sources_are_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the companion nor a file behind a link is an output."""
    places = write_npz(tmp_path / "a.npz", diff3d=None)
    frames = tmp_path / "frames.npy"
    np.save(frames, AMPLITUDE)
    linking = write_link(tmp_path / "a.cxi", is_there=True)
    words = ["--format", "npz", "--output"]

    for flags, source in (
        (["--input", str(places), "--companion-file", str(frames), *words], frames),
        (["--input", str(linking), *words], tmp_path / "part.h5"),
    ):
        before = source.read_bytes()
        assert convert.main([*flags, str(source)]) == 2
        assert source.read_bytes() == before
        assert "another file" in capsys.readouterr().err


def test_screen_says_what_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The size that is read is said beside the size that is stored."""
    assert inspect.main([str(make_cxi(data=pad_frames(48, 56, 8, 12))(tmp_path))]) == 0
    assert "read as intensity, cut to 32 × 32" in capsys.readouterr().out

    assert inspect.main([str(make_cxi(data=TRUTH.counts)(tmp_path))]) == 0
    assert "cut" not in capsys.readouterr().out
