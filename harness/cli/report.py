"""``harness report``: render a hub again for whoever asks, or all hubs as a site."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from harness import files
from harness.cli import options, resolve
from harness.cli.options import Session
from harness.config.toml_table import nearest
from harness.errors import ConfigError
from harness.evidence.hub.store import read_record
from harness.judgement import acceptance
from harness.records import HubRecord
from harness.reporting import findings, github, junit, markdown, sarif, screen, terminal, view

EXAMPLES = """\b
A hub is named by its folder, its run id (or the beginning of one), latest, latest~1,
or SUITE:latest~1. A report is never evidence: it can be deleted and rendered again.

\b
Examples:
  harness report --hub latest
  harness report --hub quick:latest --format md >> "$GITHUB_STEP_SUMMARY"
  harness report --hub latest --format junit --output junit.xml
  harness report --hub latest --format sarif --output harness.sarif
  harness report --hub latest --format github
  harness report --hub latest --base origin/main
  harness report --site public --url https://example.org/evidence/
"""
_FORMATS = ("html", "md", "junit", "sarif", "github", "summary", "text")
_WITH_RULES = ("html", "md", "summary")
GROUP = "harness.reporters"


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.option("--hub", "name", default="latest", show_default=True, help="The hub to render.")
@click.option(
    "--format",
    "kind",
    metavar="FORMAT",
    default="html",
    show_default=True,
    help=f"{', '.join(_FORMATS)}, or what an installed package adds.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write here; html goes to SUITE-RUNID.html without it, the rest to standard output.",
)
@click.option(
    "--site",
    type=click.Path(path_type=Path, file_okay=False),
    help="Build a static site over all hubs here, or bring it up to date.",
)
@click.option(
    "--base",
    metavar="REV",
    help="Also show what a gate by this revision's rules says (html, md, summary).",
)
@click.option("--url", help="Where the site is published; the links of its feed need it.")
@options.common
@options.pass_session
def command(session: Session, /, **flags: Any) -> None:
    """Render a hub as HTML, Markdown, JUnit or SARIF, or all hubs as a site.

    github writes annotations as workflow commands; summary is Markdown cut to what a step
    summary takes. A site is plain files that open without a server; a second build renders
    what is new.
    """
    _refuse_mixed(flags)
    if flags["site"] is not None:
        _build(session, flags["site"], flags["url"] or "")
    else:
        _render(session, flags)


def _refuse_mixed(option_values: dict[str, Any]) -> None:
    """Refuse options of a single hub beside those of the site.

    Raises:
        ConfigError: Both kinds were given.
    """
    context = click.get_current_context()
    flags = {"name": "--hub", "kind": "--format", "output": "--output", "base": "--base"}
    of_hub = [
        flag
        for key, flag in flags.items()
        if context.get_parameter_source(key) is not ParameterSource.DEFAULT
    ]
    mixed = (
        of_hub
        if option_values["site"] is not None
        else ["--url"]
        if option_values["url"]
        else []
    )
    if mixed:
        raise ConfigError(
            "harness report",
            found=f"{', '.join(mixed)} {'beside' if of_hub else 'without'} --site",
            expected="a site, or a single hub",
            remedy="Build the site and render a hub by two commands.",
        )


def _build(session: Session, folder: Path, address: str) -> None:
    from harness.judgement.verify import verify  # most reports prove nothing
    from harness.reporting.website import build  # jinja2 is needed for pages only

    project = resolve.project(session)
    judge = functools.partial(verify, project, allow_stale=True)
    built = build.build(project.name, resolve.store(project), folder, address, judge)
    summary = f"site  {folder / 'index.html'}: {built.hubs} runs, {built.rendered} rendered"
    if built.removed:
        summary += f", {built.removed} gone"
    if built.unreadable:
        summary += f", {built.unreadable} unreadable (harness verify tells why)"
    session.answer({"site": str(folder), **dataclasses.asdict(built)}, summary)


def _render(session: Session, flags: dict[str, Any]) -> None:
    kind, output = flags["kind"], flags["output"]
    if kind not in _FORMATS:
        _load_installed(kind)
    _refuse_base(flags["base"], kind)
    hub = resolve.hub(flags["name"], session)
    record = read_record(hub)
    if output is None and kind == "html":
        output = Path(f"{record.suite}-{record.run_id}.html")
    rendered = _render_kind(session, hub, kind, flags["base"])
    if output is None:
        click.echo(rendered, nl=False)
        return
    _refuse_sealed(output, hub)
    files.write_text(output, rendered)
    session.answer(
        {"hub": resolve.relative_place(hub), "format": kind, "output": str(output)},
        f"report  {output}",
    )


def _refuse_base(base: str | None, kind: str) -> None:
    """Refuse a base for a format that has no table of rules: ``harness gate`` writes those.

    Raises:
        ConfigError: The format shows no rules.
    """
    if base is not None and kind not in _WITH_RULES:
        raise ConfigError(
            "harness report",
            found=f"--base with --format {kind}",
            expected=f"--format {', '.join(_WITH_RULES)}",
            remedy="Type harness gate --base REV --output FORMAT=FILE.",
        )


def _render_kind(session: Session, hub: Path, kind: str, base: str | None) -> str:
    if kind in _WITH_RULES:
        hub_view = _view(hub)
        if base is not None:
            rules = _judge_rules(session, hub, base)
            hub_view = dataclasses.replace(hub_view, rules=rules)
        if kind == "html":
            from harness.reporting import html  # jinja2 is needed for pages only

            return html.page(hub_view)
        written = markdown.of_view(hub_view)
        return written if kind == "md" else github.summary(written)
    record = read_record(hub)
    if kind == "sarif":
        return sarif.render(record, findings.read_findings(hub, record))
    if kind in _OF_RECORD:
        return _OF_RECORD[kind](record)
    if kind != "text":
        return _load_installed(kind)(hub, record)
    return (
        screen.final(record, resolve.relative_place(hub), terminal.Palette(is_on=False)) + "\n"
    )


def _view(hub: Path) -> view.HubView:
    """Read a hub, and what was accepted of it since it was sealed."""
    hub_view = view.read_view(hub)
    accepted = acceptance.describe_accepted(hub, hub_view.record.run_id)
    return dataclasses.replace(hub_view, accepted=accepted)


def _judge_rules(session: Session, hub: Path, base: str) -> view.RuleTable:
    """Ask the gate of a hub; tests are compared by ``harness gate``, which may plan them."""
    from harness.judgement.gate import conductor  # most reports need no second revision
    from harness.judgement.gate.options import GateOptions
    from harness.reporting import gate_page

    gate_options = GateOptions(without_tests=True)
    project = resolve.project(session)
    return gate_page.make_table(conductor.judge_change(project, base, [hub], gate_options))


_OF_RECORD: dict[str, Callable[[HubRecord], str]] = {
    "junit": junit.render,
    "github": github.commands,
}


def _load_installed(kind: str) -> Callable[[Path, HubRecord], str]:
    """Load the renderer that an installed package adds under ``harness.reporters``.

    Raises:
        click.BadParameter: There is none of this name.
        ConfigError: It cannot be loaded.
    """
    from importlib import metadata  # only foreign formats need it

    entries = list(metadata.entry_points(group=GROUP))
    for entry in entries:
        if entry.name == kind:
            try:
                renderer: Callable[[Path, HubRecord], str] = entry.load()
            except (ImportError, AttributeError) as error:
                remedy = "Repair the package that adds it."
                raise ConfigError(
                    f"--format {kind}", found=str(error), expected=entry.value, remedy=remedy
                ) from error
            return renderer
    known = (*_FORMATS, *(entry.name for entry in entries))
    raise click.BadParameter(
        f"{kind!r} is not one of {', '.join(known)}. {nearest(kind, known)}",
        ctx=click.get_current_context(),
        param_hint="'--format'",
    )


def _refuse_sealed(output: Path, hub: Path) -> None:
    if output.absolute().is_relative_to(hub):
        remedy = "Name a file outside the hub with --output."
        raise ConfigError(
            str(output), found="a place in the sealed hub", expected="another", remedy=remedy
        )
