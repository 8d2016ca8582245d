"""The formats of scan files that are known: found by themselves, described without import."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ptycho_torch.data import formats
from ptycho_torch.errors import InputError

if TYPE_CHECKING:
    from importlib.machinery import FileFinder

    # a help text lists the formats and loads no library for it
    from ptycho_torch.data.scan_reader import ScanReader, ScanSource

_OWN = "npz"


def list_formats() -> dict[str, str]:
    """Map the name of each format to its one line of description, in order of name.

    The line is read from the source of the reader, which stays unimported: a help text must
    not wait for the libraries of all formats.
    """
    lines = {}
    for module in pkgutil.iter_modules(formats.__path__):
        folder = cast("FileFinder", module.module_finder).path
        source = Path(folder, f"{module.name}.py").read_text(encoding="utf-8")
        lines[module.name] = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    return lines


def describe_formats() -> str:
    """Say in one paragraph which formats are read."""
    lines = (f"{name} ({line.rstrip('.')})" for name, line in list_formats().items())
    return f"Formats: {', '.join(lines)}."


def load_reader(name: str) -> ScanReader:
    """Import the reader of a format."""
    return cast("ScanReader", importlib.import_module(f"{formats.__name__}.{name}"))


def find_reader(source: ScanSource) -> tuple[str, ScanReader]:
    """Return the name and the reader of the format that a file is of.

    Raises:
        InputError: No format, or several, claim the file.
    """
    readers = {name: load_reader(name) for name in list_formats()}
    claimed = [name for name, reader in readers.items() if reader.recognise(source)]
    if not claimed and source.container == _OWN:
        claimed = [_OWN]  # its reader says which of the keys is missing
    if len(claimed) == 1:
        return claimed[0], readers[claimed[0]]
    if claimed:
        actual = f"what {' and '.join(claimed)} both claim"
        raise InputError(str(source.path), expected="one format", found=actual)
    raise InputError(
        str(source.path),
        expected=f"a scan: {', '.join(readers)}",
        found=f"an {source.container.upper()} file without positions",
        remedy="give frames or a probe alone as --companion_file",
    )
