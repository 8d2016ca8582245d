"""The help of every command as one Markdown page: ``python -m harness.cli.reference``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from harness.cli import main, options

WIDTH = 92
_HEAD = """\
# Commands

Written by `python -m harness.cli.reference > docs/cli.md` from the commands themselves; a test
compares the two.

## Shell completion

```sh
# bash, in ~/.bashrc
eval "$(_HARNESS_COMPLETE=bash_source harness)"
# zsh, in ~/.zshrc
eval "$(_HARNESS_COMPLETE=zsh_source harness)"
# fish, in ~/.config/fish/completions/harness.fish
_HARNESS_COMPLETE=fish_source harness | source
```

## Output

Answers go to standard output, mistakes to standard error as one line. `--json` answers in
JSON, a mistake included. On a terminal a run is redrawn in place; elsewhere, and where `CI` is
set, it is told in plain lines. `NO_COLOR` takes the colour away and `FORCE_COLOR` keeps it;
every verdict has a mark of its own, so that nothing is said by colour alone.
"""


def blocks() -> Iterator[tuple[str, str]]:
    """Return each command line and its help, in the order of the table."""
    context = click.Context(main.group, info_name="harness", **_settings())
    yield "harness --help", main.group.get_help(context)
    for name in main.COMMANDS:
        command = main.group.get_command(context, name)
        if command is not None:
            yield from _command_section(command, name, context)


def _command_section(
    command: click.Command, name: str, parent: click.Context
) -> Iterator[tuple[str, str]]:
    context = click.Context(command, info_name=name, parent=parent, **_settings())
    yield f"{context.command_path} --help", command.get_help(context)
    if isinstance(command, click.Group):
        for sub, child in sorted(command.commands.items()):
            yield from _command_section(child, sub, context)


def _settings() -> dict[str, Any]:
    return {**options.CONTEXT, "terminal_width": WIDTH}


def page() -> str:
    """Write the page."""
    parts = [_HEAD]
    for line, help_text in blocks():
        title = line.removesuffix(" --help")
        output = "\n".join(row.rstrip() for row in help_text.splitlines())
        parts.append(f"## {title}\n\n```console\n$ {line}\n{output}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    click.echo(page(), nl=False)
