"""What a stage promised, taken from its working folder into the hub.

An artifact that is missing, older than its stage, empty, or no regular file inside the
working folder is a problem, and a problem is red.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from harness.config.project import ArtifactSpec
from harness.evidence.hub.redact import Redactor
from harness.files import real_path, sha256_file, write_bytes
from harness.frozen import dataclass
from harness.records import ArtifactRecord

_LARGEST_INSIDE = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Folders of a run, absolute; ``kept`` holds external artifacts, inside ``root``."""

    root: Path
    work: Path
    hub: Path
    external: Path


class Marker:
    """The instant a stage began, on the clock of the file system it writes to."""

    def __init__(self, work: Path) -> None:
        """Touch the marker file."""
        path = work / ".stage-began"
        path.write_bytes(b"")
        self.mtime_ns = path.stat().st_mtime_ns


def collect(
    specs: Iterable[ArtifactSpec],
    stage: str,
    places: Places,
    marker: Marker,
    redactor: Redactor,
) -> tuple[tuple[ArtifactRecord, ...], tuple[str, ...]]:
    """Take the artifacts of a stage into the hub.

    Text is stored redacted. An external artifact is copied to ``places.external`` instead and
    recorded by digest, size and path.

    Returns:
        Records of what was found, and the problems in words.
    """
    records, problems = [], []
    for spec in specs:
        artifact, problem = _take(spec, stage, places, marker, redactor)
        if artifact is not None:
            records.append(artifact)
        if problem:
            problems.append(problem)
    return tuple(records), tuple(problems)


def _take(
    spec: ArtifactSpec, stage: str, places: Places, marker: Marker, redactor: Redactor
) -> tuple[ArtifactRecord | None, str]:
    source = places.work / spec.path
    named = f"artifact {spec.id} ({spec.path})"
    if not source.exists():
        return None, "" if spec.optional else f"{named} is missing"
    if not source.is_file():
        return None, f"{named} is no file"
    if not real_path(source).is_relative_to(real_path(places.work)):
        return None, f"{named} leads out of the working folder"
    status = source.stat()
    if status.st_size == 0:
        return None, f"{named} is empty"
    is_fresh = status.st_mtime_ns >= marker.mtime_ns
    if not spec.external and status.st_size > _LARGEST_INSIDE:
        return None, f"{named} has {status.st_size:,} bytes; declare it external"
    target = (
        places.external / stage / source.name
        if spec.external
        else places.hub / "analysis" / stage / source.name
    )
    if not os.access(source, os.R_OK):
        return None, f"{named} may not be read"
    target.parent.mkdir(parents=True, exist_ok=True)
    if spec.external:
        shutil.copyfile(source, target)
    else:
        write_bytes(target, redactor.file(source, source.read_bytes()))
    record = ArtifactRecord(
        id=spec.id,
        stage=stage,
        path=target.relative_to(places.root if spec.external else places.hub).as_posix(),
        sha256=sha256_file(target),
        size=target.stat().st_size,
        external=spec.external,
        fresh=is_fresh,
    )
    return record, "" if is_fresh else f"{named} is older than its stage"
