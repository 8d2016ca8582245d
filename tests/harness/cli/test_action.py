"""The action, step by step: it gates on its own run and on the hub that this run named."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.judgement.declaration import load_project
from tests.builders import action, hubs

pytestmark = [pytest.mark.slow, pytest.mark.road]

_MATRIX = {"values": {"value": ["3", "0"]}}


def _suite(**keys: Any) -> dict[str, Any]:
    return {**hubs.suite(), **keys}


def _project(root: Path, **keys: Any) -> str:
    """Commit a project whose base is green; return the base."""
    top = {"gate": {"unsigned_waivers": True}}
    hubs.declare(root, top=top, tiny=_suite(**keys))
    return hubs.commit(root, "base")


def _break(root: Path, **keys: Any) -> None:
    """Let the suite write a value below its floor, and commit."""
    parameters = {"value": "0"}
    top = {"gate": {"unsigned_waivers": True}, **keys.pop("top", {})}
    hubs.declare(root, top=top, tiny=_suite(parameters=parameters, **keys))
    hubs.commit(root, "broken")


@pytest.fixture
def temp(tmp_path: Path) -> Path:
    """Give the runner's own folder."""
    folder = tmp_path / "runner"
    folder.mkdir()
    return folder


def test_honest_change_passes(tmp_path: Path, temp: Path) -> None:
    """A green run whose rules are the base's passes, and its hub is an output."""
    root = tmp_path / "made"
    base = _project(root)
    (root / "source/other.py").write_text("GAIN = 2\n")
    hubs.commit(root, "more source")

    walked = action.walk(root, temp, suite="tiny", base=base)

    assert walked.code == 0, walked.text
    hub = root / walked.outputs["run"]["hub"]
    assert (hub / "hub.json").is_file()
    assert "✓ Gate passed" in walked.summary


def test_weakened_gate_is_refused(tmp_path: Path, temp: Path) -> None:
    """A change that moves its own bound is refused, with was and is in the summary."""
    root = tmp_path / "made"
    base = _project(root)
    _break(root, guards=[{**hubs.FLOOR, "min": -1.0}])

    walked = action.walk(root, temp, suite="tiny", base=base)

    assert walked.outputs["run"]["exit-code"] == "0"
    assert walked.code == 1
    assert "| suites.tiny.guards.floor.min | 1.0 | -1.0 |" in walked.summary
    assert "::error file=harness.toml,line=" in walked.text


def test_own_hubs_folder_is_no_way_past(tmp_path: Path, temp: Path) -> None:
    """A red run into a folder of its own is not judged by a green hub in ``hubs``."""
    root = tmp_path / "made"
    base = _project(root)
    hubs.run(load_project(root))
    _break(root, top={"hubs": "evidence"})

    walked = action.walk(root, temp, suite="tiny", base=base)

    assert walked.outputs["run"]["hub"].startswith("evidence/tiny/")
    assert walked.code == 1


def test_matrix_is_no_way_past(tmp_path: Path, temp: Path) -> None:
    """Every cell that the run named is judged, not the green hub of the suite beside them."""
    root = tmp_path / "made"
    base = _project(root, matrix=_MATRIX)
    hubs.run(load_project(root))

    walked = action.walk(root, temp, suite="tiny", base=base, arguments="--matrix values")

    assert len(walked.outputs["run"]["hubs"].splitlines()) == 2
    assert "@values" in walked.outputs["run"]["hub"]
    assert walked.code == 1


def test_later_name_is_no_way_past(tmp_path: Path, temp: Path) -> None:
    """A committed green hub with a later name does not stand in for the run at hand."""
    root = tmp_path / "made"
    base = _project(root)
    green = hubs.run(load_project(root)).hub
    later = green.with_name("29990101T000000Z-ffffff")
    green.rename(later)
    _break(root)
    hubs.git(root, "add", "--force", str(later))
    hubs.commit(root, "evidence")

    walked = action.walk(root, temp, suite="tiny", base=base)

    assert later.name not in walked.outputs["run"]["hub"]
    assert walked.code == 1


@pytest.mark.parametrize(
    "name", ["harness.py", "harness/__main__.py", "click.py", "sitecustomize.py", "tomllib.py"]
)
def test_module_beside_is_no_way_past(name: str, tmp_path: Path, temp: Path) -> None:
    """A module of the work tree that shadows the harness, or what it imports, does not run."""
    root = tmp_path / "made"
    base = _project(root)
    _break(root)
    planted = root / name
    planted.parent.mkdir(exist_ok=True)
    if "/" in name:
        (planted.parent / "__init__.py").touch()
    planted.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nimport sys\nsys.exit(0)\n")
    hubs.commit(root, "planted")

    walked = action.walk(root, temp, suite="tiny", base=base)

    assert walked.code == 1, walked.text
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("arguments", "code"), [("--help", 3), ("--stage make --help", 3), ("--unknown", 2)]
)
def test_run_without_a_hub_fails(arguments: str, code: int, tmp_path: Path, temp: Path) -> None:
    """Words that keep the run from running do not pass: no hub was named."""
    root = tmp_path / "made"
    base = _project(root)
    hubs.run(load_project(root))

    walked = action.walk(root, temp, suite="tiny", base=base, arguments=arguments)

    assert walked.code == code
    assert "named no hub" in walked.text


def test_evidence_of_another_commit_fails(tmp_path: Path, temp: Path) -> None:
    """A fresh hub that ran on another tree is not that of this run."""
    root = tmp_path / "made"
    base = _project(root)
    hubs.run(load_project(root))
    (root / "notes.txt").write_text("no input of the suite\n")
    hubs.commit(root, "notes")

    walked = action.walk(root, temp, suite="tiny", base=base, arguments="--if-stale")

    assert walked.code == 3
    assert "stale" in walked.text


def test_parameters_that_were_set_fail(tmp_path: Path, temp: Path) -> None:
    """A value given by hand makes another experiment than the one that is declared."""
    root = tmp_path / "made"
    base = _project(root)
    _break(root)

    walked = action.walk(root, temp, suite="tiny", base=base, arguments="--set value=3")

    assert walked.outputs["run"]["exit-code"] == "0"
    assert walked.code != 0


def test_other_project_is_no_way_past(tmp_path: Path, temp: Path) -> None:
    """A run in another folder names a hub that is none of this project."""
    root = tmp_path / "made"
    base = _project(root)
    hubs.declare(root / "decoy")
    _break(root)

    walked = action.walk(root, temp, suite="tiny", base=base, arguments="-C decoy")

    assert walked.outputs["run"]["exit-code"] == "0"
    assert walked.code != 0


def test_shallow_clone_fetches_the_base(tmp_path: Path, temp: Path) -> None:
    """A clone of one commit fetches its base, and says so."""
    origin, root = tmp_path / "origin", tmp_path / "made"
    base = _project(origin)
    (origin / "source/other.py").write_text("GAIN = 2\n")
    hubs.commit(origin, "more source")
    hubs.git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    url = origin.as_uri()
    subprocess.run(["git", "clone", "-q", "--depth=1", url, str(root)], check=True)  # noqa: S607

    walked = action.walk(root, temp, suite="tiny", base=base)

    assert "lacks the base" in walked.text
    assert walked.code == 0, walked.text


def test_push_without_a_base_is_verified(tmp_path: Path, temp: Path) -> None:
    """Where there is no base, the run's own hubs are verified, and a red run fails."""
    root = tmp_path / "made"
    _project(root)
    green = action.walk(root, temp, suite="tiny")
    _break(root)
    red = action.walk(root, temp, suite="tiny")

    assert green.code == 0, green.text
    assert "verified" in green.text
    assert red.code == 1


def test_every_input_is_a_variable() -> None:
    """No expression stands in a script, and each step that is a script is walked."""
    steps = action.steps()

    assert [name for name, _, _ in steps] == ["run", "base", "gate"]
    assert [script for _, _, script in steps if "${{" in script] == []
