"""Pictures of two runs side by side: how far their grey levels differ, and where."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from harness.errors import IntegrityError
from harness.evidence.hub import digest
from harness.frozen import dataclass
from harness.judgement.guards import png
from harness.records import ArtifactRecord, HubRecord

_LARGEST = 64 << 20
_PIXELS = 1 << 22


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture that differs; numbers are grey levels of 0–255.

    ``changed`` is the fraction of pixels that differ. Where the two cannot be subtracted,
    ``problem`` says why and the numbers are ``None``.
    """

    name: str
    size: tuple[int, int] | None = None
    mean: float | None = None
    largest: int | None = None
    changed: float | None = None
    problem: str = ""
    difference: bytes = b""


def compare(folders: tuple[Path, Path], records: tuple[HubRecord, HubRecord]) -> list[Pair]:
    """Compare the PNG artifacts that both runs stored and that are not the same bytes."""
    first, second = (_pictures(record) for record in records)
    return [
        _pair(name, folders[0] / first[name].path, folders[1] / second[name].path)
        for name in sorted(set(first) & set(second))
        if first[name].sha256 != second[name].sha256
    ]


def difference_map(pair: Pair) -> bytes:
    """Draw a pair as PNG: grey where it differs, white where most; black where it does not."""
    width, height = pair.size or (0, 0)
    factor = 255 / (pair.largest or 1)
    table = bytes(min(255, round(level * factor)) for level in range(256))
    levels = pair.difference.translate(table)
    lines = b"".join(b"\0" + levels[row * width : (row + 1) * width] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def describe_pair(pair: Pair) -> str:
    """Say in one line how a pair differs."""
    if pair.mean is None or pair.largest is None or pair.changed is None:
        return pair.problem
    return (
        f"{pair.changed:.1%} of the pixels differ, by {pair.mean:.3g} of 255 on average "
        f"over all and {pair.largest} at most"
    )


def _pictures(record: HubRecord) -> dict[str, ArtifactRecord]:
    return {
        artifact.id: artifact
        for artifact in record.artifacts
        if artifact.path.lower().endswith(".png") and not artifact.external
    }


def _pair(name: str, before: Path, after: Path) -> Pair:
    try:
        old, new = (png.decode(digest.read_bytes(path, _LARGEST)) for path in (before, after))
    except (png.ImageError, IntegrityError) as error:
        return Pair(name, problem=f"cannot be compared: {error}"[:200])
    if (old.width, old.height) != (new.width, new.height):
        sizes = f"{old.width} × {old.height} → {new.width} × {new.height}"
        return Pair(name, problem=f"another size: {sizes}")
    if old.width * old.height > _PIXELS:
        return Pair(name, problem="too large to be compared pixel by pixel")
    apart = bytes(_apart(old.levels, new.levels))
    count = len(apart)
    return Pair(
        name,
        size=(old.width, old.height),
        mean=sum(apart) / count,
        largest=max(apart),
        changed=1 - apart.count(0) / count,
        difference=apart,
    )


def _apart(first: bytes, second: bytes) -> Iterator[int]:
    return (abs(a - b) for a, b in zip(first, second, strict=True))


def _chunk(name: bytes, body: bytes) -> bytes:
    crc = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)
