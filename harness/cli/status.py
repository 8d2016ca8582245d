"""``harness status``: where every suite stands and what to type next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from harness import records
from harness.cli import options, resolve, suite_status
from harness.cli.options import Session
from harness.cli.suite_status import SuiteStatus
from harness.config import config_file
from harness.config.project import Project
from harness.errors import ConfigError
from harness.judgement import freshness, quarantine
from harness.reporting import text
from harness.reporting.terminal import Palette, left_out

EXAMPLES = """\b
Examples:
  harness status
  harness status quick --check        exit 1 when red, 3 when stale or never run
  harness status quick smoke --accept source --reason "only a message changed"
  harness status --json
"""
_WORST_FIRST = (4, 1, 3, 0)


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("suites", nargs=-1, metavar="[SUITE]...")
@click.option("--check", "is_check", is_flag=True, help="Exit with what the standing is worth.")
@click.option(
    "--accept",
    type=click.Choice(freshness.ACCEPTABLE),
    help="Accept this cause of stale evidence, for the present state only.",
)
@click.option("--reason", metavar="TEXT", help="Why it is accepted; kept in the ledger.")
@options.common
@options.pass_session
def command(
    session: Session,
    suites: tuple[str, ...],
    *,
    is_check: bool,
    accept: str | None,
    reason: str | None,
) -> int:
    """Say where every suite stands and what to type next.

    Per suite: the last verdict and its age; whether the evidence is fresh, else each cause and
    its cure; runs that began since and were never sealed; open blockers; the trend of the
    guarded numbers over the last runs; the next command.
    """
    project = resolve.project(session)
    for name in suites:
        config_file.find_suite(project, name)
    now = datetime.now(UTC)
    moment = freshness.Now(instant=now)
    statuses = suite_status.of_project(project, moment, suites)
    if accept is not None or reason is not None:
        _accept(project, statuses, suites, accept, reason)
        statuses = suite_status.of_project(project, moment, suites)
    palette = Palette(options.has_colour())
    blocks = ["\n".join(_block(s, now, palette)) for s in statuses]
    answer: dict[str, Any] = {"project": project.name, "suites": [_json(s) for s in statuses]}
    stood: list[Any] = []
    if any(project.matrices.values()):
        from harness.cli import matrix  # what makes many runs, only where they are declared

        stood = matrix.read_statuses(project, suites)
        blocks += [matrix.block(one) for one in stood]
        answer["matrices"] = [matrix.as_json(one) for one in stood]
    session.answer(answer, "\n\n".join(blocks))
    codes = [*(one.exit_code for one in statuses), *(one.exit_code for one in stood)]
    worst = min(codes, key=_WORST_FIRST.index, default=0)
    return worst if is_check else 0


def _accept(
    project: Project,
    statuses: tuple[SuiteStatus, ...],
    named: tuple[str, ...],
    kind: str | None,
    reason: str | None,
) -> None:
    """Accept a cause of the newest runs of the suites that are named, of all or of none.

    Raises:
        ConfigError: No suite, no reason, a suite without such a cause, or nobody to decide.
    """
    from harness.judgement import acceptance  # the ledger's writer, which only this needs

    if not named or kind is None or not (reason or "").strip():
        missing = ", ".join(
            what
            for what, is_there in (
                ("no suite", not named),
                ("no --accept", kind is None),
                ("no --reason", not (reason or "").strip()),
            )
            if is_there
        )
        raise _refusal(missing, "SUITE..., --accept CAUSE and --reason TEXT")
    if os.environ.get("CI"):
        raise _refusal("a run of continuous integration", "a person who decides")
    wanted = []
    for stood in statuses:
        fitting = [cause for cause in stood.causes if cause.kind == kind and cause.state]
        if not fitting or stood.record is None:
            causes = ", ".join(cause.kind for cause in stood.causes) or "no cause: it is fresh"
            raise _refusal(f"{stood.suite}: {causes}", f"stale evidence because of {kind}")
        wanted.append((stood.suite, stood.record.run_id, fitting[0]))
    for suite, run_id, cause in wanted:
        acceptance_ = acceptance.Acceptance(run_id, kind, cause.state)
        acceptance.keep(project, suite, acceptance_, cause.items, (reason or "").strip())


def _refusal(found: str, expected: str) -> ConfigError:
    remedy = "See harness status --help."
    return ConfigError("status --accept", found=found, expected=expected, remedy=remedy)


def _block(stood: SuiteStatus, now: datetime, palette: Palette) -> Iterator[str]:
    yield _headline(stood, now, palette)
    for cause in stood.causes:
        yield f"  stale   {text.visible(cause.what)}. {cause.cure}"
    for cause in stood.accepted:
        yield f"  accepted  {text.visible(cause.what)}."
    if stood.record is not None and (said := left_out(stood.record, palette)):
        yield from (f"  {line}" for line in said.splitlines())
    for run in stood.unsealed:
        yield f"  began   {text.visible(f'{run.run_id} at {run.time}')}, and {run.state}"
    for blocker in stood.blockers:
        title = text.visible(blocker.title)
        yield f"  open    {blocker.id}  {title}, seen {blocker.occurrences}×"
    wide = max((len(trend.guard) for trend in stood.trends), default=0)
    for index, trend in enumerate(stood.trends):
        verdict = palette.verdict(trend.verdict, text.number(trend.values[-1]))
        line = text.sparkline(trend.values)
        yield f"  {'trend' if index == 0 else '':6}  {trend.guard:{wide}}  {line}  {verdict}"
    yield f"  next    {stood.next_command}"


def _headline(stood: SuiteStatus, now: datetime, palette: Palette) -> str:
    name = palette.bold(stood.suite)
    if stood.problem is not None:
        return f"{name}  the last hub is damaged: {text.visible(stood.problem)}"
    if stood.gone is not None:
        gone = text.visible(f"{stood.gone.verdict} as sealed, but its hub is gone")
        return f"{name}  {palette.paint(gone, '31')}  {palette.soft(stood.gone.run_id)}"
    if stood.record is None:
        return f"{name}  never run"
    fresh = palette.paint("stale", "33") if stood.causes else palette.paint("fresh", "32")
    parts = [
        name,
        palette.verdict(stood.record.verdict, text.describe_verdict(stood.record)),
        fresh,
        text.age(stood.record.finished, now),
        palette.soft(stood.record.run_id),
    ]
    return "  ".join(parts)


def _json(stood: SuiteStatus) -> dict[str, Any]:
    record = stood.record
    gone = None
    if stood.gone is not None:
        gone = {"hub": stood.gone.subject, "verdict": stood.gone.verdict}
    return {
        "suite": stood.suite,
        "gone": gone,
        "hub": stood.hub,
        "verdict": None if record is None else record.verdict.value,
        "run_id": None if record is None else record.run_id,
        "finished": None if record is None else record.finished,
        "reason": None if record is None else record.reason,
        "fresh": record is not None and gone is None and not stood.causes,
        "quarantine": [] if record is None else records.encode(record.quarantine),
        "flaky": [] if record is None else list(quarantine.flaky(record)),
        "causes": records.encode(stood.causes),
        "accepted": records.encode(stood.accepted),
        "blockers": records.encode(stood.blockers),
        "unsealed": records.encode(stood.unsealed),
        "trends": records.encode(stood.trends),
        "trouble": stood.problem,
        "next": stood.next_command,
        "exit_code": stood.exit_code,
    }
