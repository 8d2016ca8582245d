"""Evidence is read within its bounds: inside the hub, up to a size, as recorded."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from harness.errors import EvidenceMissingError, IntegrityError
from harness.evidence.hub.evidence import Facts, HubEvidence
from harness.records import ArtifactRecord, StageRecord
from harness.verdict import Verdict

ARTIFACT = ArtifactRecord(
    id="a", stage="s", path="analysis/a.json", sha256="", size=1, external=False, fresh=True
)


def evidence(root: Path, path: str = ARTIFACT.path, content: str = "{}") -> HubEvidence:
    (root / "analysis").mkdir(exist_ok=True)
    (root / "analysis/a.json").write_text(content)
    record = dataclasses.replace(ARTIFACT, path=path)
    return HubEvidence(root, Facts(stages=(), artifacts=(record,), datasets=(), environment={}))


def test_nan_is_kept(tmp_path: Path) -> None:
    """NaN and infinity in an artifact reach the guards, which make them red."""
    made = evidence(tmp_path, content='{"x": NaN, "y": -Infinity}').json("a")

    assert math.isnan(made["x"])
    assert made["y"] == -math.inf


@pytest.mark.parametrize("path", ["../x", "/etc/hostname", "analysis/../../x", "a\0b"])
def test_path_out_of_the_hub_is_damage(tmp_path: Path, path: str) -> None:
    """A recorded path that leads out is never followed."""
    with pytest.raises(IntegrityError):
        evidence(tmp_path, path).read("a")


def test_link_is_damage(tmp_path: Path) -> None:
    """A link in the place of an artifact is not followed."""
    made = evidence(tmp_path, "analysis/link.json")
    (tmp_path / "analysis/link.json").symlink_to(tmp_path / "analysis/a.json")

    with pytest.raises(IntegrityError):
        made.read("a")


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000])
def test_no_json_is_missing_evidence(tmp_path: Path, content: str) -> None:
    """What cannot be parsed cannot be judged; it is no pass."""
    with pytest.raises(EvidenceMissingError):
        evidence(tmp_path, content=content).json("a")


def test_large_file_is_not_read(tmp_path: Path) -> None:
    """A file above the limit is refused before it is read."""
    made = evidence(tmp_path)
    with (tmp_path / "analysis/a.json").open("wb") as stream:
        stream.truncate(1 << 40)

    with pytest.raises(EvidenceMissingError):
        made.read("a")


def test_absent_things_are_missing(tmp_path: Path) -> None:
    """An artifact or a log that was not recorded is missing evidence."""
    made = evidence(tmp_path)

    with pytest.raises(EvidenceMissingError):
        made.read("b")
    with pytest.raises(EvidenceMissingError):
        made.log("s")


def test_log_is_read_whole(tmp_path: Path) -> None:
    """A guard sees the whole log of a stage."""
    stage = StageRecord(
        id="s",
        kind="command",
        argv=(),
        outcome="passed",
        verdict=Verdict.GREEN,
        exit_code=0,
        started="",
        duration_s=0.0,
        peak_memory_bytes=None,
        log="s.log",
        reason="",
    )
    (tmp_path / "s.log").write_text("line\n" * 1000)
    facts = Facts(stages=(stage,), artifacts=(), datasets=(), environment={})

    assert HubEvidence(tmp_path, facts).log("s").count("line") == 1000
