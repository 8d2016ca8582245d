"""Retry commands: they work from the root, and say nothing of the machine."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from harness.runner import retry

ROOT = Path("/srv/lab/project")


@pytest.mark.parametrize(
    ("item", "written"),
    [
        ("--seed", "--seed"),
        ("a b", "'a b'"),
        ("$(rm x)", "'$(rm x)'"),
        ("/srv/lab/project/.harness/work/1/train", ".harness/work/1/train"),
        ("--junit-xml=/srv/lab/project/x.xml", "--junit-xml=x.xml"),
        ("/srv/lab/data/scan one.npz", "'../data/scan one.npz'"),
        ("/srv/lab/project", "."),
    ],
)
def test_argument_is_portable_and_quoted(item: str, written: str) -> None:
    """Paths are relative to the root, and a shell reads one argument as one."""
    made = retry.argument(item, ROOT)

    assert made == written
    assert len(shlex.split(made)) == 1


def test_home_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path in the home folder is written with a tilde."""
    monkeypatch.setenv("HOME", "/home/tess")

    assert retry.argument("/home/tess/my scans/a.npz", ROOT) == "~/'my scans/a.npz'"


def test_run_command_repeats_the_request() -> None:
    """Datasets by role and changed parameters are given again."""
    files = {"train": ROOT / "t.npz", "test": ROOT / "v.npz", "truth": ROOT / "o.npz"}

    made = retry.run_command("quick", ROOT, files, {"seed": "7"})

    expected = "harness run quick --dataset t.npz --test-dataset v.npz --with truth=o.npz"
    assert made == f"{expected} --set seed=7"


def test_declared_variables_are_set() -> None:
    """A variable that the suite passes on is set for the pasted command."""
    made = retry.stage_command(("run", "x"), ROOT, {"OMP_NUM_THREADS": "1"})

    assert made == "OMP_NUM_THREADS=1 run x"
