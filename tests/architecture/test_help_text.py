"""The help that is printed, the help that is documented, and the table of commands."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from harness.cli import main, reference

ROOT = Path(__file__).parents[2]


def test_documented_help_is_the_real_one() -> None:
    """docs/cli.md is what the commands say; renew it with python -m harness.cli.reference."""
    assert (ROOT / "docs" / "cli.md").read_text("utf-8") == reference.page()


def test_help_shown_in_the_readme_is_real() -> None:
    """Every help that the README shows is what its command prints."""
    real = {
        line: re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
        for line, text in reference.blocks()
    }
    examples = re.findall(
        r"```(?:console|text)\n\$ (harness[^\n]* --help)\n(.*?)\n```",
        (ROOT / "README.md").read_text("utf-8"),
        re.DOTALL,
    )

    assert [line for line, text in examples if real.get(line) != text] == []


@pytest.mark.parametrize("name", list(main.COMMANDS))
def test_table_and_command_agree(name: str) -> None:
    """The line in `harness --help` is the first sentence of the command's own help."""
    command = main.group.get_command(click.Context(main.group), name)

    assert command is not None
    assert command.get_short_help_str(200).rstrip(".") == main.COMMANDS[name][1].rstrip(".")


def test_every_help_has_examples() -> None:
    """Each command of the table shows how it is used."""
    without = [
        line
        for line, text in reference.blocks()
        if line.count(" ") == 2 and "Examples:" not in text
    ]

    assert without == []
