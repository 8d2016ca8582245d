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
def command(session: Session, /, suite: str, **asked: Any) -> int:
    """Find the commit that made a suite red.

    Commits run in scratch worktrees; your tree is not touched. Those that change nothing the
    suite depends on are not run, sealed runs of clean commits show the way, and each verdict is
    kept: the same command goes on where a search was stopped. The good end is run first, and
    nothing is blamed where it is not green in a checkout. Merges count as one commit. Data
    that are given count by their digest, wherever their file lies.
    """
    project = resolve.project(session)
    guard = _known_guard(project, suite, asked["guard"])
    wanted = SearchRequest(
        suite=suite,
        good=asked["good"],
        bad=asked["bad"],
        guard=guard,
        parameters=run_options.parameters(asked),
        datasets=run_options.datasets(asked),
    )
    palette = terminal.Palette(options.has_colour())

    def tell(step: Step) -> None:
        line = f"{step.state.commit[:12]}  {palette.verdict(step.verdict):12}  {step.how:4}"
        session.say(f"{line}  {text.visible(step.state.subject)}")

    with stop_on_signals() as stop:
        found = Search(project, wanted, stop, tell).search()
        if stop.signal is not None or found is None:
            session.say("stopped; the same command goes on from here")
            return 128 + (stop.signal or 0)
    session.answer(_json(found), _describe_search(found, palette))
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


def _describe_search(found: SearchResult, palette: terminal.Palette) -> str:
    culprit = found.culprit
    lines = [""]
    if len(found.suspects) > 1:
        lines.append(f"{len(found.suspects)} suspects; those in between could not be judged:")
        lines += [f"  {s.commit[:12]}  {text.visible(s.subject)}" for s in found.suspects]
    else:
        said = palette.bold(f"{culprit.commit[:12]}  {text.visible(culprit.subject)}")
        lines.append(f"culprit  {said}")
    lines.append(f"before   {found.before.commit[:12]}  {text.visible(found.before.subject)}")
    lines.append(f"reason   {text.visible(found.seen.reason)}")
    lines += [f"  {text.visible(line)}" for line in found.stat.splitlines()]
    lines += [f"blocker  {b.id}  {text.visible(b.title)}" for b in found.blockers]
    searched = f"{found.commits} commits, {found.changes} that touch an input"
    lines.append(f"searched {searched}, {found.runs} runs")
    if found.blockers:
        lines.append(f"next     harness blockers show {found.blockers[0].id}")
    else:
        lines.append(f"next     git show {culprit.commit[:12]}")
    return "\n".join(lines)


def _json(found: SearchResult) -> dict[str, Any]:
    return {
        "culprit": found.culprit.commit if len(found.suspects) == 1 else None,
        "suspects": [{"commit": s.commit, "subject": s.subject} for s in found.suspects],
        "before": found.before.commit,
        "reason": found.seen.reason,
        "stat": found.stat.splitlines(),
        "blockers": encode(found.blockers),
        "commits": found.commits,
        "changes": found.changes,
        "runs": found.runs,
    }
