"""HDF5: groups as objects, datasets as arrays; only what lies in the file itself is read.

Links to other files, virtual and external storage, and filters that would be loaded from a
folder of plug-ins are refused: a file of data must not choose what else is opened or run.

Source: HDF5 file format specification 3.0, sections IV.A.2.g (links), IV.A.2.l (filters).
"""

from __future__ import annotations

import io
import math
from typing import Any

from harness.judgement.guards.readers import arrays
from harness.judgement.guards.readers.base import FormatError, Summary, TooMuchError

_EXPECTED = "an HDF5 file whose data lie in it"
_KINDS = "biufc"
# gzip, shuffle, checksum, szip, n-bit, scale-offset, and LZF, which h5py brings itself.
_FILTERS = frozenset({1, 2, 3, 4, 5, 6, 32000})
_MOST_OBJECTS = 4096
_DEEPEST = 32


def read(content: bytes) -> dict[str, Any]:
    """Read a file as nested objects, with a summary for each dataset of numbers.

    Raises:
        FormatError: It is no HDF5 file, is damaged, or refers to something outside of it.
        TooMuchError: It holds more objects or numbers than are read.
    """
    import h5py  # noqa: PLC0415 - an extra, and 200 ms

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            return _Walk(h5py).read_group(file, 0)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError) as error:
        message = " ".join(str(error).split())
        raise FormatError(f"no readable HDF5: {message}"[:160], _EXPECTED) from error


class _Walk:
    """One walk through a file, with what is left to be read."""

    def __init__(self, h5py: Any) -> None:
        self._h5py = h5py
        self._objects = _MOST_OBJECTS
        self._numbers = arrays.MOST_NUMBERS

    def read_group(self, group: Any, depth: int) -> dict[str, Any]:
        """Read what a group holds; a second link to a group is walked again, and counts."""
        if depth > _DEEPEST:
            raise TooMuchError(f"groups deeper than {_DEEPEST}", "a flatter file")
        content: dict[str, Any] = {}
        for name in group:
            self._objects -= 1
            if self._objects < 0:
                raise TooMuchError(f"over {_MOST_OBJECTS:,} objects", "fewer objects")
            if not isinstance(group.get(name, getlink=True), self._h5py.HardLink):
                raise FormatError(f"{name!r} is a link to another place"[:120], _EXPECTED)
            item = group[name]
            if isinstance(item, self._h5py.Group):
                content[name] = self.read_group(item, depth + 1)
            elif isinstance(item, self._h5py.Dataset):
                content[name] = self._read_dataset(name, item)
        return content

    def _read_dataset(self, name: str, item: Any) -> dict[str, Any]:
        if item.is_virtual or item.external:
            raise FormatError(f"the data of {name!r} lie elsewhere"[:120], _EXPECTED)
        made = item.id.get_create_plist()
        filters = {made.get_filter(i)[0] for i in range(made.get_nfilters())}
        if not filters <= _FILTERS:
            raise FormatError(f"{name!r} needs a plug-in"[:120], _EXPECTED)
        if item.dtype.kind not in _KINDS or item.shape is None:
            return {"trouble": f"dtype {str(item.dtype)[:40]}: not read, only numbers are"}
        self._numbers -= math.prod(item.shape)
        if self._numbers < 0:
            raise TooMuchError("too many numbers", f"at most {arrays.MOST_NUMBERS:,}")
        return self._summarise(item)

    def _summarise(self, item: Any) -> Summary:
        values = item[()]
        if item.dtype.kind == "c":
            values = abs(values)
        numbers = values.ravel().tolist() if item.shape else [values.item()]
        return arrays.summarise(numbers, item.shape, item.dtype.str)
