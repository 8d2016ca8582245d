"""What a run depends on and somebody changes while it goes makes it a run of no one state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.verdict import Verdict
from tests.builders import hubs

MODEL = "source/model.py"
# What somebody does while the only stage runs: code, whether it is no state, what is said.
DONE: dict[str, tuple[str, bool, str]] = {
    "an edit": ("open(p, 'w').write('GAIN = 2\\n')", True, MODEL),
    "another branch with the same size and time": (
        (
            "s = os.stat(p); open(p, 'w').write('GAIN = 3\\n');"
            "os.utime(p, ns=(s.st_atime_ns, s.st_mtime_ns))"
        ),
        True,
        MODEL,
    ),
    "a file that goes away": ("os.unlink(p)", True, MODEL),
    "a file that becomes a folder": ("os.unlink(p); os.mkdir(p)", True, MODEL),
    "a file that becomes a pipe": ("os.unlink(p); os.mkfifo(p)", True, MODEL),
    "a link in its place": (
        (
            "open('other.txt', 'w').write('GAIN = 4\\n'); os.unlink(p);"
            "os.symlink('../other.txt', p)"
        ),
        True,
        MODEL,
    ),
    "a comment": ("open(p, 'a').write('# why\\n')", False, MODEL),
    "a branch and back": (
        "t = open(p).read(); os.unlink(p); open(p, 'w').write(t)",
        False,
        MODEL,
    ),
    "nothing": ("pass", False, ""),
    "the data": ("open('data.bin', 'w').write('y')", True, "dataset train"),
}


@pytest.mark.parametrize("name", DONE)
def test_run_is_of_one_state_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What differs at the end leaves the verdict open; what was only written is said."""
    code, is_no_state, said = DONE[name]
    (tmp_path / "data.bin").write_text("x")
    keys: dict[str, Any] = {"datasets": ["train"]}
    edit = hubs.command("edit", f"import os; p = {MODEL!r}; {code}")
    suite = hubs.suite(hubs.writing(), edit, **keys)
    top = {"datasets": {"train": {}}}
    project = hubs.project(tmp_path, top=top, tiny=suite)
    monkeypatch.chdir(tmp_path)

    outcome = hubs.run(project, datasets={"train": Path("data.bin")})

    expected = Verdict.INCONCLUSIVE if is_no_state else Verdict.GREEN
    assert (outcome.record.verdict, said in outcome.record.reason) == (expected, True)
    assert ("while the run went" in outcome.record.reason) == bool(said)
    sealed = json.loads((outcome.hub / "hub.json").read_text())
    assert sealed["verdict"] == str(expected)


def test_red_stays_red(tmp_path: Path) -> None:
    """A failure counts, whatever was changed beside it."""
    edit = hubs.command("edit", f"open({MODEL!r}, 'w').write('x = 1'); raise SystemExit(1)")
    project = hubs.project(tmp_path, tiny=hubs.suite(edit))

    record = hubs.run(project).record

    assert (record.verdict, MODEL in record.reason) == (Verdict.RED, True)
