"""``harness bisect``: which commit made a suite, or one of its guards, red."""

from __future__ import annotations

from typing import Any

import click

from harness.cli import options, resolve, run_options
from harness.cli.options import Session
from harness.cli.signals import stop_on_signals
from harness.config import config_file
from harness.config.project import Project
from harness.config.toml_table import nearest
from harness.errors import ConfigError
from harness.experiments.bisect.search import Search, SearchRequest, SearchResult, Step
from harness.experiments.bisect.verdict_cache import STAGE
from harness.records import encode
from harness.reporting import terminal, text

EXAMPLES = """\b
Examples:
  harness bisect quick --good v1.2 --bad HEAD
  harness bisect quick --good HEAD~30 --guard train-variance
  harness bisect quick --good v1.2 --guard stage:selectors --json
  harness bisect forward-parity --good v1.2 --dataset train.npz --test-dataset test.npz
"""


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("suite")
@click.option("--good", required=True, metavar="REV", help="A commit that was green.")
@click.option(
    "--bad", default="HEAD", show_default=True, metavar="REV", help="A commit that is red."
)
@click.option("--guard", metavar="ID", help="Search for this guard, or for stage:ID.")
@run_options.run_options
@options.common
@options.pass_session
def command(session: Session, /, suite: str, **flags: Any) -> int:
    """Find the commit that made a suite red.

    Commits run in scratch worktrees; your tree is not touched. Those that change nothing the
    suite depends on are not run, sealed runs of clean commits show the way, and each verdict is
    kept: the same command goes on where a search was stopped. The good end is run first, and
    nothing is blamed where it is not green in a checkout. Merges count as one commit. Data
    that are given count by their digest, wherever their file lies.
    """
    project = resolve.project(session)
    guard = _known_guard(project, suite, flags["guard"])
    wanted = SearchRequest(
        suite=suite,
        good=flags["good"],
        bad=flags["bad"],
        guard=guard,
        parameters=run_options.parameters(flags),
        datasets=run_options.datasets(flags),
    )
    palette = terminal.Palette(options.has_colour())

    def tell(step: Step) -> None:
        line = f"{step.state.commit[:12]}  {palette.verdict(step.verdict):12}  {step.how:4}"
        session.say(f"{line}  {text.visible(step.state.subject)}")

    with stop_on_signals() as stop:
        result = Search(project, wanted, stop, tell).search()
        if stop.signal is not None or result is None:
            session.say("stopped; the same command goes on from here")
            return 128 + (stop.signal or 0)
    session.answer(_json(result), _describe_search(result, palette))
    return 0


def _known_guard(project: Project, suite: str, guard: str | None) -> str | None:
    """Check suite and guard before anything runs.

    Raises:
        ConfigError: One of them is not declared.
    """
    declared = config_file.find_suite(project, suite)
    known = [g.id for g in declared.guards] + [f"{STAGE}{s.id}" for s in declared.stages]
    known += [f"default:{a.id}" for stage in declared.stages for a in stage.artifacts]
    if guard is not None and guard not in known:
        raise ConfigError(
            f"guard {guard!r}",
            found=f"no guard of suite {suite}",
            expected="a guard's id, or stage:<id>",
            remedy=nearest(guard, known),
        )
    return guard


def _describe_search(result: SearchResult, palette: terminal.Palette) -> str:
    culprit = result.culprit
    lines = [""]
    if len(result.suspects) > 1:
        lines.append(f"{len(result.suspects)} suspects; those in between could not be judged:")
        lines += [f"  {s.commit[:12]}  {text.visible(s.subject)}" for s in result.suspects]
    else:
        said = palette.bold(f"{culprit.commit[:12]}  {text.visible(culprit.subject)}")
        lines.append(f"culprit  {said}")
    lines.append(f"before   {result.before.commit[:12]}  {text.visible(result.before.subject)}")
    lines.append(f"reason   {text.visible(result.seen.reason)}")
    lines += [f"  {text.visible(line)}" for line in result.stat.splitlines()]
    lines += [f"blocker  {b.id}  {text.visible(b.title)}" for b in result.blockers]
    searched = f"{result.commits} commits, {result.changes} that touch an input"
    lines.append(f"searched {searched}, {result.runs} runs")
    if result.blockers:
        lines.append(f"next     harness blockers show {result.blockers[0].id}")
    else:
        lines.append(f"next     git show {culprit.commit[:12]}")
    return "\n".join(lines)


def _json(result: SearchResult) -> dict[str, Any]:
    return {
        "culprit": result.culprit.commit if len(result.suspects) == 1 else None,
        "suspects": [{"commit": s.commit, "subject": s.subject} for s in result.suspects],
        "before": result.before.commit,
        "reason": result.seen.reason,
        "stat": result.stat.splitlines(),
        "blockers": encode(result.blockers),
        "commits": result.commits,
        "changes": result.changes,
        "runs": result.runs,
    }
