"""What the pages tell a reader to type does what the pages say."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from importlib import import_module
from pathlib import Path
from unittest import mock

import pytest

from harness.cli import main
from harness.judgement.declaration import load_project
from proofs.docs import answers, model_cli, page_text, plan, steps, walk
from proofs.docs.reader import Reader
from proofs.docs.steps import Step

EXAMPLES = sorted((page_text.ROOT / "examples").glob("*/README.md"))

_ROW = re.compile(
    r"(?:\[\d+/\d+\] )?(?!\d{8}T)([\w:-]+?):? "
    r"(?:.* (?:✓ green|✗ red)$|\(warn\)|started|.*[✓✗] (?:passed|failed))"
)
_HELP_WIDTH = {"COLUMNS": model_cli.WIDTH, "NO_COLOR": "1"}


@pytest.mark.slow
@pytest.mark.road
@pytest.mark.parametrize("page", plan.SMALL)
def test_small_project_answers_as_told(page: str, tmp_path: Path) -> None:
    """Each command ends with the exit code of its page, in its order; some with its output."""
    walked = walk.page(page, plan.SMALL[page], tmp_path)

    assert [done.problem for done in walked if done.problem] == []
    if page in plan.ANSWERED:
        answered = [done for done in walked if done.step.output]
        assert len(answered) >= 3
        assert [done.wrong for done in answered if done.wrong] == []


@pytest.mark.long
@pytest.mark.road
@pytest.mark.parametrize("page", plan.REAL)
def test_real_programs_answer_as_shown(page: str, tmp_path: Path) -> None:
    """Exit codes and outputs are those of the page, but for numbers, times and ids."""
    walked = walk.page(page, plan.REAL[page], tmp_path, limit_s=walk.LONG_S)

    assert [done.wrong for done in walked if done.wrong] == []


@pytest.mark.parametrize("named", ["<run id>", "20240101T000000Z-bbbbbb"])
def test_the_run_made_here_stands_for_that_of_the_page(named: str, tmp_path: Path) -> None:
    """A reader who is told of the writer's run, or of any, types the one that was made here."""
    (tmp_path / "hubs/star/20250101T000000Z-aaaaaa").mkdir(parents=True)
    reader = Reader(tmp_path / "home", tmp_path, ids=("20240101T000000Z-bbbbbb",))
    step = Step("page", f"echo 'hubs/star/{named}'", output=None, first=0, code=0)

    assert reader.type(step) == (0, ["hubs/star/20250101T000000Z-aaaaaa"])


@pytest.mark.parametrize("page", plan.HELP)
def test_help_is_printed_as_shown(page: str) -> None:
    """Each help on a page is what its command prints, word by word."""
    helps = [step for step in steps.of(page_text.ROOT / page) if not walk.is_typed(step)]
    printed = [step for step in helps if step.command not in plan.COMMANDS]

    assert len(printed) > 6
    assert [step.command for step in printed if _help(step) != _text(step)] == []


def test_no_command_is_left_out() -> None:
    """Each command of each page is typed by a test, or is listed with what does it instead."""
    typed = {*plan.SMALL, *plan.REAL, *plan.PAGES}
    all_steps = [step for page in [*page_text.PAGES, *EXAMPLES] for step in steps.of(page)]

    assert len(all_steps) > 80
    assert [
        f"{step.page}: {step.command}"
        for step in all_steps
        if walk.is_typed(step) and step.page not in typed
    ] == []


def test_what_is_done_elsewhere_is_done_there() -> None:
    """Each listed command is on a page, and what carries it out instead is there."""
    pages = [*page_text.PAGES, *EXAMPLES]
    commands = {step.command for page in pages for step in steps.of(page)}
    listed = {*plan.COMMANDS, *plan.SHORTENED, *plan.BEFORE}

    assert sorted(listed - commands) == []
    assert (
        sorted({*plan.SMALL, *plan.REAL, *plan.PAGES} - set(map(page_text.name, pages))) == []
    )
    for elsewhere in [*plan.PAGES.values(), *plan.COMMANDS.values()]:
        place, _, name = elsewhere.by.partition("::")
        assert (page_text.ROOT / place).is_file(), elsewhere
        assert not name or name in page_text.anchors(page_text.ROOT / place), elsewhere


def test_shown_guards_and_stages_are_declared() -> None:
    """The rows of a verdict on a page name guards, artifacts and stages that there are."""
    declared = load_project(page_text.ROOT).suites.values()
    known = {guard.id for suite in declared for guard in suite.guards}
    known |= {stage.id for suite in declared for stage in suite.stages}
    known |= {
        f"default:{artifact.id}"
        for suite in declared
        for stage in suite.stages
        for artifact in stage.artifacts
    }
    lines = [
        line
        for page in plan.REAL
        for step in steps.of(page_text.ROOT / page)
        for line in step.output or ()
    ]
    named = [row[1] for row in map(_ROW.match, lines) if row]

    assert len(named) > 20
    assert [name for name in named if name not in known] == []


@pytest.mark.parametrize(
    ("shown_lines", "is_shown"),
    [
        (["a 1 s", "b 2", "c"], True),
        (["a 3 min 4 s", "…", "c"], True),
        (["…", "b  7.5e-06", "…"], True),
        (["…", "b 0.0197816", "…"], True),
        (["…", "b 12475229", "…"], True),
        (["a 1 s", "c"], False),
        (["…", "b 2"], False),
        (["b 2", "c"], False),
        (["a 1 s", "…", "c", "…", "b 2"], False),
        (["a 1 s", "b two", "c"], False),
    ],
)
def test_output_is_compared_line_by_line(shown_lines: list[str], is_shown: bool) -> None:  # noqa: FBT001 - a case
    """Numbers may differ and ``…`` leaves lines out; nothing else may differ."""
    real = ["a 20 s", "b −5", "c"]

    assert isinstance(answers.agree(shown_lines, real), tuple) == is_shown


def test_page_is_written_anew(tmp_path: Path) -> None:
    """A renewed page has today's lines and run ids, and is otherwise as it was."""
    old, new = "20250101T000000Z-aaaaaa", "20260202T111111Z-bbbbbb"
    rows = [
        "    ```console",
        "    $ x",
        f"    hub  {old}",
        "    …",
        f"    $ y {old}",
        "    ```",
    ]
    page = tmp_path / "page.md"
    page.write_text("\n".join(["# T", "", *rows, f"end {old}", ""]))

    with mock.patch.object(page_text, "ROOT", tmp_path):
        (first, _) = steps.of(page)
    agreed = answers.agree(first.output or (), [f"hub  {new}", "n 3"])

    assert isinstance(agreed, tuple)
    assert answers.renewed(page.read_text(), [first], [agreed]) == page.read_text().replace(
        old, new
    )


def test_stated_codes_are_read(tmp_path: Path) -> None:
    """The sentence after a block says how its last command ends; a heading ends its reach."""
    page = tmp_path / "page.md"
    block = "```sh\na \\\n  --b   # why\n# only a remark\nc\n```\n"
    page.write_text(f"{block}\nSo. The exit\ncode is 3.\n\n{block}\n# T\nThe exit code is 4.\n")

    with mock.patch.object(page_text, "ROOT", tmp_path):
        codes = [(step.command, step.code) for step in steps.of(page)]

    assert codes == [("a --b", 0), ("c", 3), ("a --b", 0), ("c", 0)]


def _text(step: Step) -> str:
    return "\n".join(step.output or ()).rstrip()


def _help(step: Step) -> str:
    """Print the help in this process, as a terminal of the page's width shows it."""
    words, output = shlex.split(step.command), io.StringIO()
    with (
        mock.patch.dict(os.environ, _HELP_WIDTH),
        contextlib.redirect_stdout(output),
        contextlib.suppress(SystemExit),
    ):
        if words[0] == "harness":
            main.main(words[1:])
        else:
            import_module(words[2]).main(words[3:])
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines()).rstrip()
