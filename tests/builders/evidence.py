"""Small real evidence: artifacts and logs in a folder, read as guards read a hub."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.config.project import GuardSpec
from harness.evidence.hub.evidence import Facts, HubEvidence
from harness.files import sha256_bytes
from harness.records import ArtifactRecord, DatasetRecord, StageRecord
from harness.verdict import Verdict

ENVIRONMENT = {"python": "3.11.2", "torch": "2.13.0", "platform": "linux", "device": "cpu"}
DATASETS = {"train": "a" * 64, "test": "b" * 64}


def guard(kind: str, **options: Any) -> GuardSpec:
    """Declare a guard."""
    return GuardSpec(id=f"the-{kind}", kind=kind, remedy="Look there.", options=options)


def evidence(
    folder: Path,
    files: Mapping[str, Any] | None = None,
    logs: Mapping[str, str] | None = None,
    **changes: Any,
) -> HubEvidence:
    """Write artifacts, whose id is the stem of the file name, and one stage per log.

    Bytes are written as they are, text as UTF-8, all else as JSON. ``changes`` goes into
    every artifact and stage record that has such a field, and is the parameters of the run.
    """
    facts = Facts(
        stages=tuple(_stage(folder, *item, changes) for item in (logs or {}).items()),
        artifacts=tuple(_artifact(folder, *item, changes) for item in (files or {}).items()),
        datasets=tuple(
            DatasetRecord(role=role, name=f"{role}.npz", sha256=sha, size=9, generated=True)
            for role, sha in DATASETS.items()
        ),
        environment=ENVIRONMENT,
        parameters={name: str(value) for name, value in changes.items()},
    )
    return HubEvidence(folder, facts, project=folder)


def png(
    width: int,
    height: int,
    level: Callable[[int, int], int | tuple[int, ...]],
    *,
    colour: int = 0,
    line_filter: int = 0,
) -> bytes:
    """Encode ``level(row, column)`` as PNG; unfiltered samples with the filter applied here."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    lines = []
    for row in range(height):
        samples: list[int] = []
        for column in range(width):
            value = level(row, column)
            samples.extend(value if isinstance(value, tuple) else (value,))
        lines.append(samples)
    packed = b"".join(
        bytes([line_filter, *_filtered(lines, row, channels, line_filter)])
        for row in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(packed)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, body) for name, body in chunks)


def chunk(name: bytes, body: bytes) -> bytes:
    """Frame one PNG chunk."""
    crc = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)


def _filtered(lines: list[list[int]], row: int, step: int, kind: int) -> list[int]:
    """Filter one line as the PNG specification writes it, sample by sample."""
    line, above = lines[row], lines[row - 1] if row else [0] * len(lines[row])
    filtered = []
    for i, value in enumerate(line):
        left = line[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        predicted = (
            0,
            left,
            above[i],
            (left + above[i]) // 2,
            _nearest(left, above[i], corner),
        )
        filtered.append((value - predicted[kind]) % 256)
    return filtered


def _nearest(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


def _artifact(
    folder: Path, name: str, content: Any, changes: Mapping[str, Any]
) -> ArtifactRecord:
    if isinstance(content, str):
        content = content.encode()
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    (folder / name).write_bytes(content)
    fields = {"external": False, "fresh": True}
    fields |= {key: changes[key] for key in fields if key in changes}
    return ArtifactRecord(
        id=name.rpartition(".")[0],
        stage="train",
        path=name,
        sha256=sha256_bytes(content),
        size=len(content),
        **fields,
    )


def _stage(folder: Path, name: str, log: str, changes: Mapping[str, Any]) -> StageRecord:
    (folder / f"{name}.log").write_text(log)
    fields: dict[str, Any] = {"outcome": "passed", "duration_s": 2.0}
    fields |= {"peak_memory_bytes": 3 << 20, "argv": (name,)}
    fields |= {key: changes[key] for key in fields if key in changes}
    return StageRecord(
        id=name,
        kind="command",
        verdict=Verdict.GREEN,
        exit_code=0,
        started="2026-01-02T03:04:05Z",
        log=f"{name}.log",
        reason="",
        **fields,
    )
