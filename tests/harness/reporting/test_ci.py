"""What CI systems are given: annotations, summaries, and files that they read."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from harness.cli import main
from harness.reporting import github
from harness.verdict import Verdict
from tests.builders import reports

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FILES = (
    "action.yml",
    ".pre-commit-hooks.yaml",
    "examples/ci/github.yml",
    "examples/ci/gitlab.yml",
)


def test_failures_are_errors_and_warnings_are_warnings() -> None:
    """What fails the run is an error, what only warns a warning, what passed is silent."""
    guards = (
        reports.guard("good"),
        reports.guard("bad", Verdict.RED),
        reports.guard("meh", Verdict.RED, severity="warn"),
    )

    lines = github.commands(reports.record(guards=guards, stages=())).splitlines()

    assert [line.partition(" ")[0] for line in lines] == ["::error", "::warning", "::notice"]
    assert lines[0].startswith("::error title=first cause%3A red::guard bad: 0.00217; expected")


def test_hostile_text_is_one_command() -> None:
    """No name or reason can start a command of its own or leave its property."""
    hostile = "x,file=/etc/passwd::100%\n::set-output name=a::b\r::stop-commands::t"
    guards = (reports.guard(hostile, Verdict.RED, found=hostile, reason=hostile),)

    lines = github.commands(reports.record(guards=guards, stages=())).splitlines()

    assert len(lines) == 2
    matched = re.fullmatch(r"::error title=([^:,]*)::(.*)", lines[0])
    assert matched is not None
    assert "100%25" in matched[2]
    assert not re.search(r"%(?!25|3A|2C)", lines[0])


def test_annotations_keep_to_the_limit() -> None:
    """Of forty causes ten errors are written, and the last one names the rest."""
    broken = {"outcome": "failed", "verdict": Verdict.RED}
    stages = tuple(reports.stage(f"s{i}", 0, **broken, reason="w" * 9999) for i in range(40))

    lines = github.commands(reports.record(guards=(), stages=stages)).splitlines()

    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == github.ANNOTATIONS
    assert "31 more" in errors[-1]
    assert max(len(line) for line in errors) < 2 * github.MESSAGE


def test_summary_is_cut_at_a_line() -> None:
    """A summary over the step's limit is cut to whole lines that fit, and says so."""
    written = "".join(f"| ä{i:06} |\n" for i in range(160_000))

    cut = github.summary(written)

    assert len(cut.encode()) <= github.SUMMARY
    assert "cut here" in cut
    lines = cut.partition("\n\n…")[0].splitlines()
    assert all(re.fullmatch(r"\| ä\d{6} \|", line) for line in lines)
    assert github.summary("short\n") == "short\n"


def _commands(text: str) -> list[list[str]]:
    """Take the harness command lines out of a CI file."""
    text = re.sub(r"\\\n\s*", "", text)  # a line that goes on
    joined = re.findall(
        r'(?:"\$HARNESS" |^[^#]*?(?:- |entry: |; | {8})harness )([^\n#|)]*)', text, re.MULTILINE
    )
    cut = [re.sub(r'>>.*| \|\|.*|"?\$\(.*', "", line) for line in joined]
    return [shlex.split(line) for line in cut]


@pytest.mark.parametrize("name", FILES)
def test_commands_in_ci_files_exist(name: str) -> None:
    """Each command and option that a CI file types is one of the program."""
    text = (ROOT / name).read_text("utf-8")
    lines = _commands(text)

    assert lines or "uses: ./" in text
    for words in lines:
        command = main.group.get_command(click.Context(main.group), words[0])
        assert command is not None, words
        known = {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)}
        assert {w for w in words[1:] if w.startswith("--") and w != "--"} <= known


def test_scripts_of_the_action_are_shell() -> None:
    """Bash reads every script of the action, and no input is pasted into one."""
    text = (ROOT / "action.yml").read_text("utf-8")
    scripts = re.findall(r"run: \|\n((?: {8}.*\n|\n)+)", text)

    assert len(scripts) == 3
    for script in scripts:
        assert "${{" not in script
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)  # noqa: S607


@pytest.mark.parametrize("name", FILES)
def test_ci_files_are_yaml_without_tabs(name: str) -> None:
    """The files have no tab and no trailing space, which YAML readers trip over."""
    lines = (ROOT / name).read_text("utf-8").splitlines()

    assert not [line for line in lines if "\t" in line or line != line.rstrip()]


@pytest.mark.parametrize(
    "path", [ROOT / "action.yml", ROOT / "examples/ci/github.yml", *WORKFLOWS], ids=str
)
def test_actions_are_pinned_and_may_do_little(path: Path) -> None:
    """Every foreign action is pinned by its commit; a workflow begins with no permission."""
    text = path.read_text("utf-8")
    used = re.findall(r"uses: (\S+)(.*)", text)

    foreign = [(name, note) for name, note in used if not name.startswith("./")]
    assert foreign
    for name, note in foreign:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name)
        assert re.fullmatch(r" # v\d+(\.\d+)*", note)
    if path.name != "action.yml":
        assert "\npermissions: {}\n" in text
        assert "pull_request_target" not in text
