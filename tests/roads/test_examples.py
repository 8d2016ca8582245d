"""The examples are adopted in fresh repositories by the commands of their README alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.evidence.numerics.numeric_class import CACHE

EXAMPLES = Path(__file__).parents[2] / "examples"


def commands(folder: Path) -> list[str]:
    """Return every command of a README, in its order."""
    blocks = re.findall(
        r"```sh\n(.*?)```", (folder / "README.md").read_text("utf-8"), re.DOTALL
    )
    return [line for block in blocks for line in block.splitlines()]


def adopt(name: str, where: Path) -> Path:
    """Type the README of an example in a copy of it; every command must succeed."""
    root = where / name
    ignored = shutil.ignore_patterns("__pycache__", ".*", "hubs", "harness.toml")
    shutil.copytree(EXAMPLES / name, root, ignore=ignored)
    scripts = str(Path(sys.executable).parent)
    environment = {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(where),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "OMP_NUM_THREADS": "1",
        CACHE: os.environ[CACHE],
    }
    for line in commands(root):
        done = subprocess.run(
            ["/bin/bash", "-c", line],
            cwd=root,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return root


def records(root: Path) -> list[dict[str, object]]:
    """Read the records of all runs, oldest first."""
    return [json.loads(p.read_text()) for p in sorted(root.glob("hubs/default/*Z-*/hub.json"))]


@pytest.mark.road
@pytest.mark.slow
def test_plain_numpy_code_is_adopted(tmp_path: Path) -> None:
    """Green, verified, red by the planted defect, and green again."""
    root = adopt("minimal-numpy", tmp_path)

    made = records(root)
    assert [one["verdict"] for one in made] == ["green", "red", "green"]
    assert str(made[1]["reason"]).startswith("guard residual:")
    assert len(list((root / "hubs/blockers").glob("B-*.md"))) == 1


@pytest.mark.road
@pytest.mark.long
def test_small_network_is_adopted(tmp_path: Path) -> None:
    """Two seeds of a training are green and verified."""
    made = records(adopt("minimal-torch", tmp_path))

    assert [one["verdict"] for one in made] == ["green", "green"]
    assert made[1]["parameters"] == {"seed": "7", "perturb": "0"}
