"""The search for a culprit on data of one's own: judged by content, wherever the file lies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from tests.builders import hubs

# The value is what the data hold, made large by the gain of the source.
_MEASURE = (
    "import json, sys; data = float(open(sys.argv[1]).read());"
    "gain = float(open('source/model.py').read().split('=')[1]);"
    "json.dump({'value': data * gain}, open(sys.argv[2], 'w'))"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a project whose gain falls from 8 over 2 to 1, a commit each."""
    making = "import sys; open(sys.argv[1], 'w').write('9')"
    stage = hubs.command(
        "make", _MEASURE, "{dataset:train}", "{work}/out.json", artifacts=[hubs.OUT]
    )
    suite = hubs.suite(stage, guards=[hubs.FLOOR], datasets=["train"])
    data = {"train": {"generate": ["{python}", "-c", making, "{output}"], "file": "data.txt"}}
    root = hubs.declare(tmp_path / "p", top={"datasets": data}, tiny=suite)
    for gain in (8, 2, 1):
        (root / "source/model.py").write_text(f"GAIN = {gain}\n")
        hubs.commit(root, f"gain {gain}")
    return root


def search(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Search over both changes."""
    code = main.main(["bisect", "tiny", "--good", "HEAD~2", "-C", str(root), "--json", *words])
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return {**answer, "code": code}


def subject(root: Path, answer: dict[str, Any]) -> str:
    """Return the subject of the culprit."""
    return hubs.git(root, "show", "--no-patch", "--format=%s", str(answer["culprit"]))


@pytest.mark.road
@pytest.mark.slow
def test_given_data_decide_the_culprit(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other data have another culprit; what was seen in a checkout costs no run."""
    (half := tmp_path / "half.txt").write_text("0.5")
    (fifth := tmp_path / "fifth.txt").write_text("0.2")
    assert main.main(["run", "tiny", "-C", str(root), "-q", "--dataset", str(half)]) == 1
    capsys.readouterr()

    first = search(root, capsys, "--dataset", str(half))
    copy = shutil.copy(half, tmp_path / "copy.txt")
    again = search(root, capsys, "--with", f"train={copy}")
    other = search(root, capsys, "--dataset", str(fifth))

    culprits = [(subject(root, one), one["runs"]) for one in (first, again, other)]
    assert culprits == [("gain 1", 3), ("gain 1", 0), ("gain 2", 2)]


@pytest.mark.road
@pytest.mark.parametrize(
    ("words", "word"),
    [
        (("--with", "tran=x.txt"), "'train'"),
        (("--dataset", "nothing.txt"), "no such file"),
        (("--dataset", "a", "--with", "train=b"), "twice"),
    ],
    ids=["role", "file", "twice"],
)
def test_wrong_data_are_refused(
    root: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], word: str
) -> None:
    """An unknown role and a file that is not there end before anything runs."""
    answer = search(root, capsys, *words)

    assert answer["error"]["exit_code"] == 2
    assert word in answer["error"]["message"]
