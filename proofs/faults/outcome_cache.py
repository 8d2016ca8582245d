"""Outcomes of campaigns kept between calls, for as long as the source is the same.

An interruption then costs no more than the row that was under way. ``.harness/faults`` is a
cache: it may be deleted at any time.
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from harness import files
from harness.evidence.ledger import canonical
from proofs.faults.figures import Campaign, Scale

ROOT = Path(__file__).parents[2]
_FOLDER = ROOT / ".harness" / "faults"
_JUDGED = ("harness", "proofs/faults", "tests/faults", "tests/builders")


def folder(scale: Scale) -> Path:
    """Return where the outcomes of this source at this scale lie; those of others go."""
    source = _digest(_sources())
    for other in _FOLDER.glob("*"):
        if other.name != source:
            shutil.rmtree(other)
    place = _FOLDER / source / _digest(iter([repr(scale)]))
    place.mkdir(parents=True, exist_ok=True)
    return place


def read(place: Path, name: str) -> Campaign | None:
    """Return the outcome of one row; nothing when it did not end, or did not hold."""
    path = place / f"{name}.json"
    if not path.is_file():
        return None
    made = Campaign.of(canonical.loads(path.read_bytes()))
    return None if made.failures else made


def write(place: Path, name: str, made: Campaign) -> None:
    """Keep the outcome of one row."""
    files.write_bytes(place / f"{name}.json", files.json_bytes(dataclasses.asdict(made)))


def _sources() -> Iterator[str]:
    yield sys.version
    for top in _JUDGED:
        for path in sorted((ROOT / top).rglob("*.py")):
            yield f"{path.relative_to(ROOT)} {files.sha256_file(path)}"


def _digest(parts: Iterator[str]) -> str:
    return files.sha256_bytes("\n".join(parts).encode())[:16]
