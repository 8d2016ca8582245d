"""The ``harness`` program: a group that imports a command's module only when it is called.

Each module in the table holds a click command named ``command``. A command's function returns
its exit code (``None`` is 0) and raises ``HarnessError`` for everything that a person can mend.
"""

from __future__ import annotations

import gc
import importlib
import io
import sys
from typing import Any

import click

import harness
from harness.cli import exits, options

# Command: module under harness.cli, and the line that `harness --help` shows for it.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "Set up the harness in this repository."),
    "run": ("run", "Run a suite and leave a sealed hub of evidence."),
    "verify": ("verify", "Prove a hub again, from its files alone."),
    "gate": ("gate", "Judge a change by rules that it does not own."),
    "waive": ("waive", "Answer for a weaker rule, in a file that a reviewer reads."),
    "status": ("status", "Say where every suite stands and what to type next."),
    "find": ("find", "Say which run made a file, and what that is worth today."),
    "diff": ("diff", "Compare two hubs, the metrics that moved most first."),
    "explain": ("explain", "Say why a run is red: its cause, what changed, whom to suspect."),
    "blockers": ("blockers", "List, show or close what keeps a suite red."),
    "golden": ("golden", "Show, calibrate or update reference statistics."),
    "drill": ("drill", "Prove that the guards can fail, by planting defects."),
    "history": ("history", "Say where the numbers of a suite shifted and stayed there."),
    "bisect": ("bisect", "Find the commit that made a suite red."),
    "reproduce": ("reproduce", "Run a hub's commit again and say how near the answer comes."),
    "ledger": ("ledger", "Inspect and check the append-only log of all seals."),
    "report": (
        "report",
        "Render a hub as HTML, Markdown, JUnit or SARIF, or all hubs as a site.",
    ),
    "export": (
        "export",
        "Export a hub for archives, supply chains, research and trackers.",
    ),
    "sign": ("sign", "Sign a model with what its run proved, or check such a signature."),
    "publish": ("publish", "Add sealed hubs to the published ledger and to git's index."),
    "store": ("store", "Send hubs to a bucket or server, and fetch them from there."),
    "gc": ("gc", "Remove old hubs, each with an entry in the ledger."),
    "doctor": ("doctor", "Check this machine and project for what the harness needs."),
}

EPILOG = """\b
Exit codes: 0 green, 1 red, 2 usage or configuration, 3 inconclusive, stale or missing
evidence, 4 integrity, 5 nothing selected, 6 internal error, 10 not a project or hub,
11 lock not had in time, 130 and 143 on signals.

\b
Examples:
  harness run quick
  harness run forward-parity --dataset train.npz --test-dataset test.npz
  harness status
  harness verify --hub hubs/quick/20260102T030405Z-a1b2c3
"""


_SEARCH_AFTER = 100_000  # objects made and kept


class LazyGroup(click.Group):
    """A group whose commands are known by name and loaded when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order of a working day."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command and return it; ``None`` for an unknown name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"harness.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest one.

        Raises:
            click.UsageError: There is no such command.
        """
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        raise click.UsageError(
            f"No such command '{name}'{exits.nearest(name, COMMANDS)}", ctx=ctx
        )


def _show_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click calls it so
    if value:
        click.echo(f"harness {harness.__version__}")
        ctx.exit()


@click.command(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings=options.CONTEXT,
    invoke_without_command=True,
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@options.place
@click.pass_context
def group(ctx: click.Context) -> None:
    """Run regression suites, judge them with guards, and keep the evidence.

    Every run leaves a hub: a sealed folder with the logs, artifacts, metrics and verdict, that
    `harness verify` proves again later, on another machine.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _write_anything() -> None:
    """Let no character end a program because a terminal has no sign for it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code; nothing else leaves this function.

    Without ``arguments`` it is the whole of a process.
    """
    if arguments is not None:
        return _run(list(arguments))
    # Modules are made of objects that stay: at the usual threshold a start searches them for
    # cycles dozens of times, and the end of the process once more. A fifth of a short command.
    gc.set_threshold(_SEARCH_AFTER)
    try:
        code = _run(sys.argv[1:])
        exits.stop_hearing()
        return code
    finally:
        gc.freeze()


def _run(words: list[str]) -> int:
    session = options.Session()
    _write_anything()

    def call() -> Any:
        if exits.completion_is_asked():
            return group.main(words, prog_name="harness")
        with group.make_context("harness", words, obj=session) as ctx:
            return group.invoke(ctx)

    return exits.call_guarded(call, session)
