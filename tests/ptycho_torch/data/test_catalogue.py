"""The registry of formats: one module makes a format, with one signature for all."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from ptycho_torch.cli import convert
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import catalogue, formats, scan_file
from ptycho_torch.data.scan_reader import ScanReader
from ptycho_torch.errors import InputError
from tests.builders import scans

ONE_FILE = '''"""A format of this test."""

from ptycho_torch.data.formats import npz


def recognise(source):
    return source.container == "npz" and source.holds("columns")


def open_scan(request):
    raise KeyError("reached")
'''


@pytest.mark.parametrize("name", catalogue.list_formats())
def test_readers_share_one_signature(name: str) -> None:
    """Every module has the functions of the protocol, with the same parameters."""
    reader = catalogue.load_reader(name)

    for function in ("recognise", "open_scan"):
        own = list(inspect.signature(vars(reader)[function]).parameters)
        assert own == list(inspect.signature(vars(ScanReader)[function]).parameters)[1:]
    assert catalogue.list_formats()[name].endswith(".")


def test_one_file_adds_a_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in the folder is listed, shown in the help text and asked for its files."""
    (tmp_path / "lines.py").write_text(ONE_FILE, encoding="utf-8")
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    path = scans.write_arrays(tmp_path / "scan.npz", columns=scans.arrays()["xcoords"])

    with pytest.raises(InputError, match="npz and lines both claim"):
        scan_file.read(path, DataConfig())
    scans.write_arrays(path, columns=scans.arrays()["xcoords"], xcoords=None)
    with pytest.raises(KeyError, match="reached"):
        scan_file.read(path, DataConfig())

    assert catalogue.list_formats()["lines"] == "A format of this test."
    assert "lines (A format of this test)" in " ".join(
        convert.make_parser().format_help().split()
    )
