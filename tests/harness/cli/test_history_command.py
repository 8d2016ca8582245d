"""``harness history`` as it is typed: what it prints, its exit codes, its refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.errors import ConfigError
from harness.evidence.hub import layout
from tests.builders import histories, hubs
from tests.builders.histories import GUARD, METRIC, SUITE, Growing

OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture(scope="module")
def shifted(tmp_path_factory: pytest.TempPathFactory) -> Growing:
    """Return a history of a suite that repeats bit for bit, with one shift."""
    made = histories.begin(tmp_path_factory.mktemp("history") / "p")
    made.extend([3.0] * 9, commit=OLD)
    made.extend([3.3] * 4, commit=NEW)
    return made


@pytest.fixture
def own(shifted: Growing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Growing:
    """Return a copy of it, in which commands are typed."""
    made = histories.copy(shifted, tmp_path / "p")
    monkeypatch.chdir(made.root)
    monkeypatch.delenv("CI", raising=False)
    return made


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Any:
    """Type the command; return its exit code and its answer."""

    def run_command(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main.main(["history", "--json", *words])
        return code, json.loads(capsys.readouterr().out)

    return run_command


def test_open_shift_fails_the_check_alone(own: Growing, ask: Any) -> None:
    """An open shift is 1 with --check and 0 without; the answer is the same."""
    code, answer = ask("--check")

    (series,) = answer["suites"][0]["series"]
    (shift,) = series["shifts"]
    assert (code, answer["exit_code"]) == (1, 1)
    assert (shift["first_run"], shift["commits"]) == (own.runs[9], [OLD, NEW])
    assert (shift["before"], shift["after"], shift["acknowledged"]) == (3.0, 3.3, None)
    assert [point["value"] for point in series["points"]] == [3.0] * 9 + [3.3] * 4
    assert ask() == (0, answer)


def test_acknowledged_shift_passes(own: Growing, ask: Any) -> None:
    """With a reason the check is green, and the reason is told."""
    words = ("--acknowledge", own.runs[9], "--reason", "another gain")

    assert ask(GUARD, *words, "--check")[0] == 0

    (shift,) = ask("--check")[1]["suites"][0]["series"][0]["shifts"]
    assert shift["acknowledged"].startswith("another gain (")
    with pytest.raises(AssertionError):  # it is open no more
        assert ask(*words)[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--acknowledge", "20990101T000000Z-000000", "--reason", "x"),
        ("--acknowledge", "20260102T090000Z-000009"),
        ("--reason", "x"),
        ("--acknowledge", "20260102T090000Z-000009", "--reason", "  "),
        ("--rate", "0"),
        ("--rate", "1.5"),
        ("--suite", "none"),
    ],
)
def test_words_that_cannot_be_used(own: Growing, ask: Any, words: tuple[str, ...]) -> None:
    """A missing run or reason, another run, a rate or a suite that is none: usage, one line."""
    assert own.root.is_dir()

    assert ask(*words)[0] == ConfigError.exit_code


def test_nobody_decides_in_ci(own: Growing, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of continuous integration acknowledges nothing."""
    monkeypatch.setenv("CI", "true")

    code, _ = ask("--acknowledge", own.runs[9], "--reason", "x")

    assert code == ConfigError.exit_code
    assert ask("--check")[0] == 1


def test_metric_by_guard_or_by_name(own: Growing, ask: Any) -> None:
    """A metric is named by itself or by its guard; another one is nothing selected."""
    assert own.root.is_dir()
    assert [ask(name, "--check")[0] for name in (METRIC, GUARD, "flor")] == [1, 1, 5]


def test_times_count_where_they_are_named(
    tmp_path: Path, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shift of a time is shown, and fails the check only where somebody names it."""
    made = histories.begin(tmp_path / "p")
    made.extend([3.0] * 8, kind="resource")
    made.extend([3.3] * 3, kind="resource")
    monkeypatch.chdir(made.root)

    assert ask("--check")[0] == 0
    assert len(ask()[1]["suites"][0]["series"][0]["shifts"]) == 1
    assert ask(METRIC, "--check")[0] == 1


def test_damage_counts_before_everything(own: Growing, ask: Any) -> None:
    """A damaged hub is 4, though a shift is open as well."""
    record = own.project.hubs / SUITE / own.runs[2] / layout.RECORD
    record.chmod(0o644)
    record.write_text(record.read_text() + " ")

    code, answer = ask("--check")

    assert code == 4
    assert list(answer["suites"][0]["damaged"]) == [f"{SUITE}/{own.runs[2]}"]


def test_no_run_proves_nothing(
    tmp_path: Path, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a sealed run the check is inconclusive."""
    monkeypatch.chdir(hubs.declare(tmp_path / "empty"))

    assert ask("--check")[0] == 3


def test_text_tells_what_to_do(own: Growing, capsys: pytest.CaptureFixture[str]) -> None:
    """The text names commits, both reruns and the acknowledgement; a metric lists its runs."""
    main.main(["history", GUARD])

    out = capsys.readouterr().out
    for words in (
        "1 open shift",
        "up by 0.3 (+10.00%): 3 → 3.3",
        f"{OLD[:12]} (old) … {NEW[:12]} (new)",
        f"harness reproduce --hub hubs/{SUITE}/{own.runs[8]}",
        f"harness reproduce --hub hubs/{SUITE}/{own.runs[9]}",
        f"--acknowledge {own.runs[9]}",
        "up: a new level",
    ):
        assert words in out
    assert out.count(OLD[:12]) == 10


_MODEL = """\
import json, sys
GAIN = 3.0
json.dump({"value": GAIN}, open(sys.argv[1], "w"))
"""


@pytest.mark.slow
def test_confirm_runs_both_sides(
    tmp_path: Path, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shift by a commit is open, is confirmed by reruns of both sides, and then blames it."""
    argv = ["{python}", "-I", "{root}/source/model.py", "{work}/out.json"]
    stage = {"id": "make", "kind": "command", "argv": argv, "timeout_s": 30}
    declared = hubs.suite({**stage, "artifacts": [hubs.OUT]}, guards=[hubs.FLOOR])
    made = hubs.project(tmp_path / "p", tiny=declared)
    model = made.root / "source/model.py"
    model.write_text(_MODEL)
    commits = [hubs.commit(made.root)]
    for _ in range(7):
        hubs.run(made)
    model.write_text(_MODEL.replace("3.0", "3.3"))
    commits.append(hubs.commit(made.root, "another gain"))
    for _ in range(3):
        hubs.run(made)
    monkeypatch.chdir(made.root)

    code, answer = ask("--confirm", "--check")

    (shift,) = answer["suites"][0]["series"][0]["shifts"]
    assert (code, shift["reruns"]) == (1, "confirmed: the code")
    assert shift["commits"] == commits
