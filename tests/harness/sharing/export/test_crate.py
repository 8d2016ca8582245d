"""The crate that is exported is one for the public validator, in both profiles."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.hub.store import read_record
from harness.sharing.export import ro_crate
from tests.builders import claims

_ROOT = Path(__file__).parents[4]
_PYTHON = _ROOT / ".venv-crate" / "bin" / "python"
_PROFILES = ("ro-crate-1.2", "process-run-crate-0.5")
# What a tool cannot know: who ran it, how to reach him, and a web page of the program.
_UNKNOWN = ("ORCID", "contactPoint", "The SoftwareApplication id SHOULD be an absolute URI")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(
        not _PYTHON.exists(), reason="roc-validator is installed and run by make test-crate"
    ),
]


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the crate of a small hub with its model in it."""
    folder = tmp_path_factory.mktemp("crate")
    claim = claims.honest(claims.make(folder / "p"), claims.scan(folder))
    target = folder / "crate"
    return ro_crate.write(claim.hub, read_record(claim.hub), target, claim.project)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the crate of a hub whose model lies elsewhere."""
    folder = tmp_path_factory.mktemp("described")
    claim = claims.honest(claims.make(folder / "p"), claims.scan(folder))
    return ro_crate.write(claim.hub, read_record(claim.hub), folder / "crate")


def issues(crate: Path, profile: str) -> list[tuple[str, str]]:
    """Return severity and message of each issue that the public validator finds."""
    argv = [str(_PYTHON), str(Path(__file__).with_name("public_crate.py")), str(crate), profile]
    output = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    lines = [json.loads(line) for line in output.splitlines()]
    return [(severity, message) for severity, _, message in lines]


@pytest.mark.parametrize("name", ["crate", "described"])
@pytest.mark.parametrize("profile", _PROFILES)
def test_a_crate_is_valid_for_the_public_validator(
    request: pytest.FixtureRequest, name: str, profile: str
) -> None:
    """No requirement is broken, and no recommendation that a program could follow."""
    listed = issues(request.getfixturevalue(name), profile)

    assert [text for severity, text in listed if severity == "REQUIRED"] == []
    assert [text for _, text in listed if not any(word in text for word in _UNKNOWN)] == []


@pytest.mark.parametrize(
    ("profile", "identifier", "change", "word"),
    [
        ("ro-crate-1.2", "./", lambda e: e.pop("datePublished"), "datePublished"),
        ("process-run-crate-0.5", "#run", lambda e: e.pop("instrument"), "instrument"),
    ],
)
def test_a_bent_crate_is_refused(
    crate: Path,
    tmp_path: Path,
    profile: str,
    identifier: str,
    change: Callable[[dict[str, Any]], object],
    word: str,
) -> None:
    """The validator looks at what it is given: a broken requirement is named."""
    for path in crate.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(crate)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    content = json.loads((tmp_path / ro_crate.METADATA).read_bytes())
    change(next(each for each in content["@graph"] if each["@id"] == identifier))
    (tmp_path / ro_crate.METADATA).write_text(json.dumps(content))

    listed = issues(tmp_path, profile)

    assert any(severity == "REQUIRED" and word in text for severity, text in listed)
