"""Datasets: generated once for what makes them, or given; never a half of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.files import sha256_file
from harness.judgement.declaration import load_project
from harness.records import HubRecord
from harness.verdict import Verdict
from tests.builders import hubs

COUNT = (
    "import sys, pathlib; log = pathlib.Path('made.txt');"
    "log.write_text(log.read_text() + 'x' if log.exists() else 'x');"
    "pathlib.Path(sys.argv[1]).write_text('scan ' + sys.argv[2])"
)
READ = "import sys, shutil; shutil.copyfile(sys.argv[1], sys.argv[2])"
COPY = {"id": "copy", "path": "copy.txt"}


def declare(root: Path, *, seed: str = "1", code: str = COUNT, **suite: Any) -> Path:
    generate = ["{python}", "-I", "-c", code, "{output}", seed]
    datasets = {"train": {"generate": generate, "inputs": ["source/*.py"]}}
    stage = hubs.command("read", READ, "{dataset:train}", "{work}/copy.txt", artifacts=[COPY])
    made = hubs.suite(stage, datasets=["train"], **suite)
    return hubs.declare(root, top={"datasets": datasets}, tiny=made)


def run(root: Path, **options: Any) -> tuple[HubRecord, str]:
    outcome = hubs.run(load_project(root), **options)
    copy = outcome.hub / "analysis/read/copy.txt"
    return outcome.record, copy.read_text() if copy.exists() else ""


def times_made(root: Path) -> int:
    return len((root / "made.txt").read_text())


def test_generated_dataset_is_cached(tmp_path: Path) -> None:
    """The same command on the same sources makes its dataset once."""
    declare(tmp_path)

    first, content = run(tmp_path)
    second, _ = run(tmp_path)

    assert (first.verdict, content) == (Verdict.GREEN, "scan 1")
    assert times_made(tmp_path) == 1
    assert first.datasets == second.datasets
    assert first.datasets[0].generated


def test_another_recipe_makes_another_dataset(tmp_path: Path) -> None:
    """Another argument, or another source, makes the dataset again."""
    declare(tmp_path)
    run(tmp_path)

    declare(tmp_path, seed="2")
    assert run(tmp_path)[1] == "scan 2"
    (tmp_path / "source/model.py").write_text("GAIN = 2\n")
    run(tmp_path)

    assert times_made(tmp_path) == 3


def test_damaged_cache_is_made_again(tmp_path: Path) -> None:
    """A cached file whose bytes changed is not used."""
    declare(tmp_path)
    run(tmp_path)
    (cached,) = (tmp_path / ".harness/datasets").glob("*/train.npz")
    cached.write_text("scan 7")

    assert run(tmp_path)[1] == "scan 1"
    assert times_made(tmp_path) == 2


def test_planted_file_is_made_again(tmp_path: Path) -> None:
    """A file and a note that nobody generated do not pass as generated data."""
    declare(tmp_path)
    run(tmp_path)
    (cached,) = (tmp_path / ".harness/datasets").glob("*/train.npz")
    declare(tmp_path, seed="2")
    run(tmp_path)
    (other,) = set((tmp_path / ".harness/datasets").glob("*/train.npz")) - {cached}
    other.write_text("scan 9")
    note = {"sha256": sha256_file(other), "size": other.stat().st_size}
    (other.parent / "dataset.json").write_text(json.dumps(note))

    assert run(tmp_path)[1] == "scan 2"
    other.write_bytes(cached.read_bytes())  # generated, but by another recipe
    assert run(tmp_path)[1] == "scan 2"
    (tmp_path / ".harness/ledger.jsonl").unlink()
    assert run(tmp_path)[1] == "scan 2"
    assert times_made(tmp_path) == 5


def test_given_file_is_used(tmp_path: Path) -> None:
    """A file given for a role takes the place of the generated one and is identified."""
    declare(tmp_path / "project")
    (tmp_path / "mine.npz").write_text("my scan")

    record, content = run(tmp_path / "project", datasets={"train": tmp_path / "mine.npz"})

    assert content == "my scan"
    assert (record.datasets[0].name, record.datasets[0].generated) == ("mine.npz", False)
    assert not (tmp_path / "project/made.txt").exists()


@pytest.mark.parametrize(
    ("code", "reason"),
    [("raise SystemExit(3)", "exit code 3"), ("pass", "train.npz was not written")],
)
def test_failed_generation_is_red(tmp_path: Path, code: str, reason: str) -> None:
    """A dataset that cannot be made turns the run red, skips its stages, and is not cached."""
    declare(tmp_path, code=code)

    record, _ = run(tmp_path)

    assert record.verdict is Verdict.RED
    assert [(s.id, s.outcome) for s in record.stages] == [
        ("dataset-train", "failed"),
        ("read", "skipped"),
    ]
    assert reason in record.stages[0].reason
    assert not list((tmp_path / ".harness").glob("datasets/*"))


@pytest.mark.parametrize(
    ("datasets", "advice"),
    [({"trian": Path("x")}, "train"), ({"train": Path("no/such.npz")}, "Correct the path")],
)
def test_wrong_file_is_refused(tmp_path: Path, datasets: dict[str, Path], advice: str) -> None:
    """An unknown role or an absent file is exit 2 with advice."""
    declare(tmp_path)

    with pytest.raises(ConfigError) as caught:
        run(tmp_path, datasets=datasets)

    assert advice in caught.value.remedy
