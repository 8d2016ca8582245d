"""What a stage promised is there, new, whole and inside; everything else is a problem."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from harness.config.project import ArtifactSpec
from harness.evidence.hub import artifacts, redact
from harness.records import ArtifactRecord

REDACTOR = redact.Redactor({"/srv/lab": "root"})


@pytest.fixture
def places(tmp_path: Path) -> artifacts.Places:
    made = artifacts.Places(
        root=tmp_path,
        work=tmp_path / "work",
        hub=tmp_path / "hub",
        external=tmp_path / "runs/1",
    )
    made.work.mkdir()
    made.hub.mkdir()
    return made


def take(
    places: artifacts.Places, content: bytes | None, **keys: bool
) -> tuple[tuple[ArtifactRecord, ...], tuple[str, ...]]:
    marker = artifacts.Marker(places.work)
    if content is not None:
        (places.work / "a.json").write_bytes(content)
    spec = ArtifactSpec(id="a", path="a.json", **keys)
    return artifacts.collect([spec], "make", places, marker, REDACTOR)


def test_artifact_is_copied_redacted(places: artifacts.Places) -> None:
    """A text artifact is stored under its stage without paths of the machine."""
    records, problems = take(places, b'{"p": "/srv/lab/x"}')

    stored = (places.hub / "analysis/make/a.json").read_bytes()
    assert (stored, problems) == (b'{"p": "<root>/x"}', ())
    assert records[0].path == "analysis/make/a.json"
    assert records[0].sha256 == hashlib.sha256(stored).hexdigest()
    assert records[0].fresh


def test_external_artifact_stays_outside(places: artifacts.Places) -> None:
    """An external artifact keeps its bytes, out of the hub, by digest, size and path."""
    content = b"/srv/lab" * 100

    records, problems = take(places, content, external=True)

    assert problems == ()
    assert not (places.hub / "analysis").exists()
    assert (places.root / records[0].path).read_bytes() == content
    assert (records[0].path, records[0].size) == ("runs/1/make/a.json", 800)


@pytest.mark.parametrize(("content", "word"), [(None, "missing"), (b"", "empty")])
def test_missing_and_empty_are_problems(
    places: artifacts.Places, content: bytes | None, word: str
) -> None:
    """A file that was promised must be there and hold something."""
    records, problems = take(places, content)

    assert records == ()
    assert word in problems[0]


def test_optional_may_be_missing(places: artifacts.Places) -> None:
    """An optional artifact that is not there is no problem."""
    assert take(places, None, optional=True) == ((), ())


def test_older_than_the_stage_is_a_problem(places: artifacts.Places) -> None:
    """A leftover of an earlier run, copied with its time, is recorded and refused."""
    path = places.work / "a.json"
    path.write_bytes(b"{}")
    os.utime(path, (1_700_000_000, 1_700_000_000))

    records, problems = take(places, None)

    assert not records[0].fresh
    assert "older" in problems[0]


def test_link_out_of_the_work_folder(places: artifacts.Places, tmp_path: Path) -> None:
    """A link that leads out of the working folder is not followed into a hub."""
    (tmp_path / "secret").write_text("x")
    (places.work / "a.json").symlink_to(tmp_path / "secret")

    records, problems = take(places, None)

    assert records == ()
    assert "leads out" in problems[0]


def test_folder_is_no_artifact(places: artifacts.Places) -> None:
    """A folder where a file was promised is a problem."""
    (places.work / "a.json").mkdir()

    assert "no file" in take(places, None)[1][0]
