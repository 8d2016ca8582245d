"""A dataset whose inputs miss the module that writes it never meets a cached file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.judgement.declaration import load_project
from harness.judgement.verify import verify
from harness.records import HubRecord
from harness.reporting import markdown, screen
from harness.reporting.terminal import Palette
from harness.runner.stages import dataset_log
from harness.runner.stages.dataset_log import Logged
from harness.verdict import Verdict
from tests.builders import hubs

WRITE = "import sys; sys.path.insert(0, 'source'); import writer; writer.write(sys.argv[1])"
READ = "import sys, shutil; shutil.copyfile(sys.argv[1], sys.argv[2])"
COPY = {"id": "copy", "path": "copy.txt"}
WRITER = """\
import os
import pathlib


def write(path):
    with open(os.environ["COUNTS"], "a") as counts:
        counts.write("x")
    pathlib.Path(path).write_text("scan {gain}")
"""


@pytest.fixture(autouse=True)
def counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file outside of the project in which every generation leaves a letter."""
    monkeypatch.setenv("COUNTS", "../counts")  # the same words in every test: one environment
    return tmp_path / "counts"


def declare(root: Path, *inputs: str, gain: int = 1, **top: Any) -> Path:
    """A suite whose dataset is written by a module of the project."""
    generate = ["{python}", "-c", WRITE, "{output}"]
    datasets = {"train": {"generate": generate, "inputs": ["source/model.py", *inputs]}}
    stage = hubs.command("read", READ, "{dataset:train}", "{work}/copy.txt", artifacts=[COPY])
    made = hubs.suite(stage, datasets=["train"], environment=["COUNTS"])
    folder = hubs.declare(root, top={"datasets": datasets, **top}, tiny=made)
    (root / "source/writer.py").write_text(WRITER.format(gain=gain), "utf-8")
    return folder


def run(root: Path) -> tuple[HubRecord, Path, str]:
    outcome = hubs.run(load_project(root))
    copy = outcome.hub / "analysis/read/copy.txt"
    return outcome.record, outcome.hub, copy.read_text() if copy.exists() else ""


@pytest.mark.slow
@pytest.mark.parametrize("inputs", [(), ("source/writer.py",)])
def test_changed_writer_writes_anew(
    tmp_path: Path, counts: Path, inputs: tuple[str, ...]
) -> None:
    """Declared or not, another writer makes another dataset; the first one is found again."""
    root = declare(tmp_path / "project", *inputs)
    contents = [run(root)[2]]
    for gain in (1, 20, 1):  # another size: Python compiles anew by that and the second
        declare(root, *inputs, gain=gain)
        contents.append(run(root)[2])

    assert contents == ["scan 1", "scan 1", "scan 20", "scan 1"]
    assert counts.read_text() == "xx"


@pytest.mark.slow
def test_undeclared_writer_is_told_each_time(tmp_path: Path) -> None:
    """On the screen, in the summary, by verify, as what stages read; cached or not."""
    root = declare(tmp_path / "project")
    for _ in range(2):
        record, hub, _ = run(root)

        assert record.datasets[0].undeclared == ("source/writer.py",)
        final = screen.final(record, "hub", Palette(is_on=False))
        assert "read, not declared: source/writer.py" in final
        assert any("dataset train" in block for block in markdown._list_undeclared(record))
        rows = verify(load_project(root), hub, allow_stale=True).rows
        assert any("dataset train: read, not declared" in row.found for row in rows)


def test_declared_writer_is_not_told(tmp_path: Path) -> None:
    """What an input names is known."""
    assert run(declare(tmp_path / "project", "source/*.py"))[0].datasets[0].undeclared == ()


def test_strict_inputs_refuse_an_undeclared_writer(tmp_path: Path) -> None:
    """As they refuse a stage: the data are not made, and nothing is cached."""
    root = declare(tmp_path / "project", strict_inputs=True)

    record, *_ = run(root)

    assert record.verdict is Verdict.RED
    assert record.stages[0].reason == "read, not declared: source/writer.py"
    assert not list((root / ".harness").glob("datasets/*"))


def test_entries_go_with_their_folders(tmp_path: Path) -> None:
    """What a scratch tree takes over is known there by the same reads; others stay behind."""
    plain, other = Logged(sha256="a" * 64), Logged(sha256="b" * 64, read={"w.py": "c" * 64})
    source, target = tmp_path / "source", tmp_path / "target"
    for logged in (plain, other):
        dataset_log.log_dataset(source, "k" * 64, logged, 3)

    name = dataset_log.folder_name("k" * 64, other.read)
    for _ in range(2):
        dataset_log.copy_log(source, target, [name])

    assert name != dataset_log.folder_name("k" * 64, {})
    assert dataset_log.read_log(source) == {"k" * 64: (other, plain)}
    assert dataset_log.read_log(target) == {"k" * 64: (other,)}


@pytest.mark.slow
def test_missing_file_of_an_entry_fits_no_tree(tmp_path: Path, counts: Path) -> None:
    """A writer that is gone was not read now: the data are made by what is there."""
    root = declare(tmp_path / "project")
    run(root)
    shutil.move(root / "source/writer.py", root / "source/moved.py")
    (root / "source/writer.py").symlink_to("moved.py")
    os.utime(root / "source/moved.py")

    assert run(root)[2] == "scan 1"
    (root / "source/writer.py").unlink()
    assert run(root)[0].verdict is Verdict.RED
    assert "x" in counts.read_text()
