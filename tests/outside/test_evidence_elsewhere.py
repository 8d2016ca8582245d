"""Evidence is proved on another Python, without what its suite needs, and differences told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import click
import jinja2
import markupsafe
import pytest
import rfc8785

from tests.builders import sealed
from tests.builders.sealed import Store

ROOT = Path(__file__).parents[2]
NEEDS = (
    'inputs = ["source.py"]\nrequires = { torch = "pip install torch" }\npackages = ["torch"]'
)
_PROGRAM = """
import sys
sys.path[:0] = sys.argv[1:3]
from harness.cli.main import main
sys.exit(main(sys.argv[3:]))
"""


@cache
def interpreter(version: str) -> str | None:
    """Find another Python: of pyenv, or on the path."""
    candidates = [*Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    for path in [*map(str, sorted(candidates)), shutil.which(f"python{version}")]:
        if path and subprocess.run([path, "-c", ""], check=False).returncode == 0:
            return path
    return None


OTHERS = [version for version in ("3.12", "3.13", "3.14") if interpreter(version)] or ["none"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Seal a hub of a suite that needs torch, whose version its record holds."""
    root = tmp_path_factory.mktemp("elsewhere") / "project"
    root.mkdir()
    text = sealed.DECLARATION.replace('inputs = ["source.py"]', NEEDS)
    (root / "harness.toml").write_text(text)
    (root / "source.py").write_text(sealed.SOURCE)
    return sealed.run(root)


def harness(python: str, store: Store, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the harness on another Python that has what the harness imports, and nothing else."""
    site = store.root.parent / "site"
    site.mkdir(exist_ok=True)
    for module in (click, jinja2, markupsafe, rfc8785):
        link = site / module.__name__
        if not link.exists():
            link.symlink_to(Path(str(module.__file__)).parent)
    argv = [python, "-I", "-B", "-c", _PROGRAM, str(ROOT), str(site), "-C", str(store.root)]
    variables = {"PATH": os.environ["PATH"], "HOME": str(store.root.parent)}
    return subprocess.run(
        [*argv, *words], env=variables, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("version", OTHERS)
@pytest.mark.parametrize("how", ["named", "all", "archive"])
def test_evidence_is_proved_and_differences_told(made: Store, version: str, how: str) -> None:
    """Exit code 0, with Python and torch of both in the row of freshness."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    words = {"named": ("--hub", made.hub.name), "all": ("--all",), "archive": ()}[how]
    if how == "archive":
        words = ("--hub", made.hub.name, "--allow-stale")

    done = harness(python, made, "verify", *words, "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    rows = [row for row in _rows(json.loads(done.stdout)) if row["check"] == "freshness"]
    (row,) = (row for row in rows if row["found"].startswith("another environment"))
    assert row["outcome"] == "note"
    assert f"python {here}." in row["found"]
    assert f"→ {version}." in row["found"]
    assert "→ none" in row["found"].partition("torch ")[2]


@pytest.mark.parametrize("version", OTHERS)
def test_same_answer_here_is_another_question(made: Store, version: str) -> None:
    """``status`` and ``--require-fresh`` ask it, and say stale."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")

    required = harness(python, made, "verify", "--hub", made.hub.name, "--require-fresh")
    status = harness(python, made, "status", "--check")

    assert (required.returncode, status.returncode) == (3, 3)
    assert "another environment" in required.stdout
    assert "another environment" in status.stdout


@pytest.mark.parametrize("version", OTHERS)
def test_damage_is_damage_everywhere(made: Store, tmp_path: Path, version: str) -> None:
    """What differs here excuses nothing: a changed byte is 4, another source is stale."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    damaged, stale = (sealed.copy(made, tmp_path / name / "p") for name in ("a", "b"))
    sealed.write(damaged.hub / "analysis/measure/stats.json", b'{"variance": 0.95, "count": 3}')
    (stale.root / "source.py").write_text("raise SystemExit(1)\n")

    codes = [
        harness(python, store, "verify", "--hub", store.hub.name).returncode
        for store in (damaged, stale)
    ]

    assert codes == [4, 3]


def _rows(answer: object) -> list[dict[str, str]]:
    """Return the rows of one hub, whether one or all were status for."""
    if isinstance(answer, dict) and "rows" in answer:
        return list(answer["rows"])
    hubs = answer["hubs"] if isinstance(answer, dict) else answer
    return [row for hub in hubs for row in hub["rows"]]  # type: ignore[attr-defined]
