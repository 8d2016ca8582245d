"""``harness golden audit``: sides of guards that nothing can turn red, and bands too wide."""

from __future__ import annotations

import click

from harness.cli import options, resolve
from harness.cli.options import Session
from harness.config import config_file
from harness.judgement.golden import store
from harness.judgement.guards import audit
from harness.records import encode

_EXIT_FOUND = 1


@click.command("audit", context_settings=options.CONTEXT)
@click.argument("suite", required=False)
@options.common
@options.pass_session
def command(session: Session, suite: str | None) -> int:
    """List guard sides that nothing can turn red, of one suite or of all.

    Of every kind: a bound at zero of what is never negative, a limit beyond the range that a
    guard declares, a pattern that any line fits; of goldens also bands wider than a factor 30
    from bound to bound for which no guard says wide_because. Ends with 1 where there is one.
    """
    project = resolve.project(session)
    suites = [config_file.find_suite(project, suite)] if suite else project.suites.values()
    rows = [
        row
        for spec in suites
        for row in audit.audit_suite(spec, store.load(project.goldens(spec.name)))
    ]
    lines = [f"{row.suite}  {row.guard} ({row.kind})  {row.side}: {row.why}" for row in rows]
    session.answer(
        encode(rows),
        "\n".join(lines) or "Every side of every guard can be red; no band is wide.",
    )
    return _EXIT_FOUND if rows else 0
