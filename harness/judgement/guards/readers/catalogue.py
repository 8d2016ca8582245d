"""Readers by the name of a file. JSON is not among them: evidence parses it by itself."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping

from harness.judgement.guards.readers.base import Reader
from harness.records import ArtifactRecord

_MIB = 1 << 20
CSV = Reader(name="CSV", home="tables", function="read_csv", limit=64 * _MIB)
TSV = Reader(name="TSV", home="tables", function="read_tsv", limit=64 * _MIB)
JSON_LINES = Reader(name="JSON Lines", home="json_lines", limit=16 * _MIB)
YAML = Reader(name="YAML", home="yaml_text", limit=_MIB, module="yaml", extra="yaml")
NPY = Reader(name="NPY or NPZ", home="arrays", limit=64 * _MIB)
HDF5 = Reader(name="HDF5", home="hdf5", limit=64 * _MIB, module="h5py", extra="hdf5")
EVENTS = Reader(name="TensorBoard events", home="events", limit=16 * _MIB)
_BY_ENDING: Mapping[str, Reader] = {
    "csv": CSV,
    "tsv": TSV,
    **dict.fromkeys(("jsonl", "ndjson"), JSON_LINES),
    **dict.fromkeys(("yaml", "yml"), YAML),
    **dict.fromkeys(("npy", "npz"), NPY),
    **dict.fromkeys(("h5", "hdf5"), HDF5),
}
_EVENTS = re.compile(r"(^|[./])tfevents(\.|$)", re.IGNORECASE)


def find_reader(path: str) -> Reader | None:
    """Return the reader of a file by its name; None where it is JSON or nothing we know."""
    if _EVENTS.search(path):
        return EVENTS
    return _BY_ENDING.get(find_ending(path))


def find_ending(path: str) -> str:
    """Return the lower-case ending of a file's name, without its dot."""
    return path.rpartition(".")[2].lower()


def is_installed(reader: Reader) -> bool:
    """Say whether what a reader imports is here."""
    return not reader.module or importlib.util.find_spec(reader.module) is not None


def list_unreadable(artifacts: Mapping[str, ArtifactRecord]) -> frozenset[str]:
    """Return the ids of artifacts whose reader needs what is not installed here."""
    readers = {name: find_reader(record.path) for name, record in artifacts.items()}
    return frozenset(
        name for name, one in readers.items() if one is not None and not is_installed(one)
    )
