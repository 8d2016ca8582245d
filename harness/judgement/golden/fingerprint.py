"""The fingerprint of a suite as two files: text to review, and one array of its numbers.

The text says of what it was made and what limit follows; the array, in NPY format, holds for
each number that of the unperturbed run, the centre of the ensemble and its spread. Both lie in
``golden/<suite>/fingerprints``; the text holds the digest of the array.
"""

from __future__ import annotations

import array
import json
import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import files
from harness.errors import EvidenceMissingError, IntegrityError
from harness.evidence.hub.store import refuse_twice
from harness.evidence.numerics import numeric_class
from harness.frozen import dataclass
from harness.records import decode, encode

FOLDER = "fingerprints"
ROWS = ("reference", "centre", "spread")  # of the array
SCHEMA = 1
_SIZE_LIMIT = 1 << 20
ARRAY_LIMIT = 32 << 20


class OtherEnsembleError(EvidenceMissingError):
    """A suite has fingerprints, and none of these datasets."""


class OtherParametersError(EvidenceMissingError):
    """A run with other parameters than any ensemble, such as another seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What a fingerprint says of itself.

    ``counts`` are the numbers of each path expression, ``names_sha256`` is the digest of the
    names of all; ``distances`` are those of the members from each other, the unperturbed run
    first, and ``limits`` follow from them and ``rate``. ``repeat`` is how the unperturbed run
    stood to itself when it was run again. ``previous_sha256`` is the digest of the fingerprint
    that it took the place of, and ``previous_answer`` how its numbers stood to that one.
    """

    counts: dict[str, int]
    names_sha256: str
    members: int
    rate: float
    limits: tuple[float, ...]
    distances: tuple[tuple[float, ...], ...]
    array_sha256: str
    parameter: str
    parameters: dict[str, str]
    environment: dict[str, str]
    datasets: dict[str, str]
    reason: str
    author: str
    date: str
    commit: str
    repeat: str
    previous_sha256: str | None = None
    previous_answer: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of everything that it says, the digest of its array included."""
        return files.sha256_bytes(files.json_bytes(encode(self)))

    @property
    def origin(self) -> str:
        """Say what it took the place of, and why; nothing of a first one."""
        if self.previous_sha256 is None:
            return ""
        marks = f"{self.previous_sha256[:12]} → {self.digest[:12]}, {self.previous_answer}"
        return f"accepted {self.date[:10]} by {self.author}: {self.reason} ({marks})"

    @property
    def file_name(self) -> str:
        """Name of both its files without their endings: numeric class, data, parameters."""
        parts = (self.environment.get(numeric_class.KEY, ""), self.datasets, self.parameters)
        marks = [files.sha256_bytes(files.json_bytes(part))[:12] for part in parts]
        device = self.environment.get("device", "any")
        return "-".join(["".join(c for c in device if c.isalnum()) or "any", *marks])


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFingerprint:
    """A fingerprint and where its array lies."""

    about: Fingerprint
    path: Path

    def read_array(self) -> bytes:
        """Return the bytes of its array.

        Raises:
            IntegrityError: They are not those that the text vouches for.
        """
        try:
            if self.path.stat().st_size > ARRAY_LIMIT:
                raise _damage(str(self.path), "too large a file", "the array")
            content = self.path.read_bytes()
        except OSError as error:
            raise _damage(str(self.path), error.strerror or "nothing", "the array") from error
        if files.sha256_bytes(content) != self.about.array_sha256:
            raise _damage(str(self.path), "other bytes", "those that the text vouches for")
        return content


def load(folder: Path) -> tuple[StoredFingerprint, ...]:
    """Read the fingerprints of a suite; a folder that is not there holds none.

    Raises:
        IntegrityError: A text is damaged.
    """
    home = folder / FOLDER
    paths = sorted(home.glob("*.json")) if home.is_dir() else []
    return tuple(
        StoredFingerprint(about=_read(path), path=path.with_suffix(".npy")) for path in paths
    )


def save(folder: Path, about: Fingerprint, content: bytes) -> tuple[Path, Path]:
    """Write a fingerprint; the array first, so that no text stands without its own.

    Raises:
        StorageError: The disk refused.
    """
    home = folder / FOLDER
    home.mkdir(parents=True, exist_ok=True)
    array_path, text_path = (
        home / f"{about.file_name}{ending}" for ending in (".npy", ".json")
    )
    files.write_bytes(array_path, content)
    files.write_bytes(text_path, files.json_bytes({"schema": SCHEMA, **encode(about)}))
    return text_path, array_path


def encode_array(rows: Sequence[Sequence[float]]) -> bytes:
    """Write rows of equal length as an NPY file of double precision.

    Source: NumPy Enhancement Proposal 1, format version 1.0.
    """
    shape = (len(rows), len(rows[0]))
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    numbers = array.array("d", [value for row in rows for value in row])
    if sys.byteorder == "big":
        numbers.byteswap()
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
    return start + header.encode() + numbers.tobytes()


def digest_array(content: bytes) -> str:
    """Return the digest by which a text vouches for its array."""
    return files.sha256_bytes(content)


def find(
    stored: Sequence[StoredFingerprint],
    environment: Mapping[str, str],
    datasets: Mapping[str, str],
    parameters: Mapping[str, str],
) -> StoredFingerprint:
    """Return the fingerprint of a numeric class, else one of the device class.

    Whether another class will do is for the guard to say.

    Raises:
        EvidenceMissingError: None of these data, this device class or these parameters.
    """
    errors = {"datasets": OtherEnsembleError, "parameters": OtherParametersError}
    steps: tuple[tuple[str, Any], ...] = (
        ("datasets", lambda one: one.datasets == dict(datasets)),
        (
            "device classes",
            lambda one: one.environment.get("device") == environment.get("device"),
        ),
        ("parameters", lambda one: one.parameters == dict(parameters)),
    )
    if not stored:
        raise _missing_error("no fingerprint of this suite")
    fitting = list(stored)
    for word, fits in steps:
        fitting = [one for one in fitting if fits(one.about)]
        if not fitting:
            error = errors.get(word, EvidenceMissingError)
            raise _missing_error(f"fingerprints of other {word} only", error)
    near = [
        one for one in fitting if numeric_class.is_one_class(one.about.environment, environment)
    ]
    return max(near or fitting, key=lambda one: one.about.date)


def _read(path: Path) -> Fingerprint:
    try:
        if path.stat().st_size > _SIZE_LIMIT:
            raise _damage(str(path), f"over {_SIZE_LIMIT:,} bytes", "a small file")
        content = json.loads(path.read_bytes(), object_pairs_hook=refuse_twice)
    except (OSError, ValueError, RecursionError) as error:
        raise _damage(str(path), f"no JSON: {error}"[:160], "a fingerprint") from error
    if not isinstance(content, dict) or content.pop("schema", None) != SCHEMA:
        raise _damage(str(path), "another schema", f"schema {SCHEMA}")
    about = decode(Fingerprint, content, str(path))
    if len(about.distances) != about.members + 1 or not about.reason.strip():
        raise _damage(str(path), "numbers that do not belong together", "its own")
    return about


def _missing_error(
    found: str, error: type[EvidenceMissingError] = EvidenceMissingError
) -> EvidenceMissingError:
    return error(
        "fingerprint",
        found=found,
        expected="one of these data, parameters and this kind of machine",
        remedy="Run harness golden fingerprint SUITE --reason …",
    )


def _damage(where: str, found: str, expected: str) -> IntegrityError:
    remedy = "Restore the file from git; it changes only by harness golden."
    return IntegrityError(where, found=found, expected=expected, remedy=remedy)
