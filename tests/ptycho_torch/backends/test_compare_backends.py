"""The comparison program: three implementations of one bundle, and what it says of a fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ptycho_torch.cli import compare_backends
from tests.builders import backends, bundles

backends.require_tensorflow()

from ptycho_torch.backends import stages  # noqa: E402 - only where the extra is installed
from ptycho_torch.backends.tensorflow import forward_model, network  # noqa: E402


def _run(scan: Path, folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    output = folder / "stages.json"
    places = ("--model_path", str(folder), "--data", str(scan), "--output", str(output))
    code = compare_backends.main([*places, "--groups", "3", *more])
    return code, json.loads(output.read_text())


def _bundle(folder: Path, **settings: Any) -> tuple[Path, Path]:
    scan = bundles.write_scan(folder)
    (folder / "out").mkdir()
    bundles.fresh(scan, folder / "out", head_gain=1.0, **settings)
    return scan, folder / "out"


@pytest.mark.parametrize("gridsize", [1, 2, 3])
def test_every_stage_is_within_the_tolerance(
    gridsize: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both backends agree with the oracle from encoding to stitching, for every group size."""
    code, report = _run(*_bundle(tmp_path, gridsize=gridsize))

    merged = ["merge", "extract"] if gridsize > 1 else ["extract"]
    wanted = ["encode", "decode", *merged, "illuminate", "propagate", "loss", "stitch"]
    assert code == 0
    assert sorted(report["stages"]) == sorted(wanted)
    assert report["first_stage"] is None
    assert 0 < report["worst"]["tensorflow"] <= stages.TOLERANCE
    assert 0 < report["worst"]["torch"] <= stages.TOLERANCE
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == [*wanted, "every"]


@pytest.mark.parametrize(
    ("module", "name", "first"),
    [
        (network, "heads", "decode"),
        (forward_model, "merge", "merge"),
        (forward_model, "illuminate", "illuminate"),
    ],
    ids=["decode", "merge", "illuminate"],
)
def test_the_first_stage_that_differs_is_named(
    module: Any,
    name: str,
    first: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A fault of one part in a thousand is found where it was made, and all later ones not."""
    scan, folder = _bundle(tmp_path)
    right = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *arguments: 1.001 * right(*arguments))

    code, report = _run(scan, folder)

    assert code == 1
    assert report["first_stage"] == first
    assert f"{first} is the first stage that differs" in capsys.readouterr().err


def test_another_network_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The oracle knows one network; a bundle of the other is bad input."""
    scan, folder = _bundle(tmp_path, architecture="cnn-lite")

    with pytest.raises(FileNotFoundError):
        _run(scan, folder)

    assert "expected cnn, the network that the oracle knows" in capsys.readouterr().err
