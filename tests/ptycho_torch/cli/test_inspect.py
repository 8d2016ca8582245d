"""The inspection program: one screen of facts, a picture, and the refusal of every program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ptycho_torch.cli import inspect
from tests.builders.known_scan import known, write_cxi, write_npz, write_product


def test_screen_says_what_was_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Frames, kind, photons, centre, places, pixel, axes, probe, mask, scans, reference."""
    bad = np.zeros((32, 32), bool)
    bad[3, 5] = True
    path = write_product(tmp_path / "s.h5", bad_pixels=bad)
    picture = tmp_path / "p.png"

    assert inspect.main([str(path), "--picture", str(picture), "--nphotons", "1e9"]) == 0

    facts = dict(
        line.split("  ", 1) for line in capsys.readouterr().out.splitlines() if "  " in line
    )
    facts = {name: value.strip() for name, value in facts.items()}
    assert facts["format"].startswith("ptychodus:")
    assert facts["frames"] == "49 × 32 × 32 float64 in dp, read as intensity"
    assert facts["photons"].startswith("1e+09 a frame, stated; 1e+09")
    assert facts["centre"].endswith("zero frequency taken at 16 × 16")
    assert facts["positions x"] == "34 … 54 px"
    assert facts["object pixel"] == "4.6e-08 m"
    assert "motion of the probe" in facts["orientation"]
    assert facts["mask"] == "1 of 1024 pixels are bad"
    assert facts["probe"].endswith("read as 1 mode")
    assert facts["scans"] == "0"
    assert facts["reference"].endswith("explains the frames to 0.0000")
    assert facts["refused"] == "nothing"
    assert len(facts) < 24
    with Image.open(picture) as image:
        assert min(image.size) > 100


def test_reference_that_does_not_fit_is_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An object that is mirrored against the frames does not explain them."""
    write_product(tmp_path / "s.h5", object=known().canvas[None, ::-1])

    assert inspect.main([str(tmp_path / "s.h5")]) == 0

    text = capsys.readouterr().out
    assert float(text.split("explains the frames to ")[1].split()[0]) > 0.05


def test_refused_file_is_described_and_ends_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What every program would refuse is said with its cure, after what is known."""
    shifted = np.fft.ifftshift(np.sqrt(known().counts).astype(np.float32), axes=(1, 2))
    path = write_npz(tmp_path / "s.npz", diff3d=shifted)

    assert inspect.main([str(path)]) == 2
    output = capsys.readouterr()
    assert "--center auto" in output.out.split("\nrefused")[1]
    assert "positions x" in output.out
    assert output.err.count("error: ") == 1

    assert inspect.main([str(path), "--center", "auto"]) == 0


@pytest.mark.parametrize("words", [[], ["none.npz"], ["{0}", "--center", "here"]])
def test_bad_calls_end_with_two(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """No file, no such file, a centre that is none: one line each."""
    path = write_cxi(tmp_path / "s.cxi")

    assert inspect.main([word.format(path) for word in words]) == 2

    assert "error: " in capsys.readouterr().err
