"""``harness publish``: sealed hubs into the published ledger and git's index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from harness.cli import options, resolve
from harness.cli.options import Session
from harness.config.project import Project
from harness.errors import ConfigError, EvidenceMissingError, HarnessError, IntegrityError
from harness.frozen import dataclass
from harness.reporting import rendering, text
from harness.runner import workflow
from harness.runner.options import RunOptions
from harness.sharing import publish
from harness.sharing.publish import Published
from harness.verdict import Verdict

EXAMPLES = """\b
Examples:
  harness publish quick:latest
  harness publish --all-suites
  harness publish --renew --replace
"""
_WORST_FIRST = (4, 1, 3, 0)


@dataclass(frozen=True, slots=True)
class _Left:
    """A suite of which nothing was published: why, and the exit code that is worth."""

    suite: str
    why: str
    exit_code: int


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("hubs", nargs=-1, metavar="[HUB]...")
@click.option("--all-suites", "is_all", is_flag=True, help="The newest hub of every suite.")
@click.option(
    "--renew",
    "is_renewed",
    is_flag=True,
    help="Run every suite that is stale first, then publish the newest hub of each.",
)
@click.option(
    "--replace",
    "is_replacing",
    is_flag=True,
    help="Take older published hubs of these suites out of git's index.",
)
@options.common
@options.pass_session
def command(
    session: Session,
    *,
    hubs: tuple[str, ...],
    is_all: bool,
    is_renewed: bool,
    is_replacing: bool,
) -> int:
    """Add sealed hubs to the published ledger and to git's index.

    That is evidence that belongs to a commit or a release. Runs leave their hubs here only;
    this copies the seals of HUBS into hubs/ledger.jsonl and adds both to the index: then type
    git commit. A published hub is an archive: a clone verifies it at its own commit, and
    nothing asks it to be fresh.

    With --all-suites and --renew only green hubs are published. What is left out has a line and
    an exit code: 1 red, 3 missing or inconclusive, 4 damaged.
    """
    if bool(hubs) + is_all + is_renewed != 1:
        raise ConfigError(
            "harness publish",
            found="nothing to publish" if not hubs else "hubs and --all-suites or --renew",
            expected="hubs, --all-suites or --renew",
            remedy="Type for example harness publish quick:latest.",
        )
    project = resolve.project(session)
    workflow.tidy(project)
    left: list[_Left] = []
    paths = [resolve.hub(words, session) for words in hubs]
    if not hubs:
        paths = list(_newest(session, project, left, is_renewed=is_renewed))
    done: list[Published] = []
    replaced: list[str] = []
    for hub in paths:
        done.append(publish.publish_hub(project, hub))
        replaced += publish.replace_older(project, hub) if is_replacing else []
    session.answer(
        {
            "published": [_json(one) for one in done],
            "replaced": replaced,
            "left_out": [{"suite": one.suite, "why": one.why} for one in left],
        },
        "\n".join(_lines(done, replaced, left)),
    )
    return min((one.exit_code for one in left), key=_WORST_FIRST.index, default=0)


def _newest(
    session: Session, project: Project, left: list[_Left], *, is_renewed: bool
) -> Iterator[Path]:
    """Give the newest hub of each suite where it is green; say of the others why not."""
    for suite in project.suites:
        try:
            if is_renewed:
                session.say(f"{suite}: looking whether it is fresh")
                run_options = RunOptions(if_stale=True, renderers=rendering.FILES)
                workflow.run_suite(project, suite, run_options)
            hub = resolve.hub(f"{suite}:latest", session)
            verdict = resolve.store(project).read(hub).verdict
        except (EvidenceMissingError, IntegrityError) as error:
            left.append(_Left(suite, f"{error.where}: {error.found}", error.exit_code))
            continue
        except HarnessError as error:
            left.append(_Left(suite, f"{error.where}: {error.found}", 3))
            continue
        if verdict is Verdict.GREEN:
            yield hub
        else:
            left.append(_Left(suite, f"{hub.name} is {verdict}", verdict.exit_code))


def _lines(done: list[Published], replaced: list[str], left: list[_Left]) -> Iterator[str]:
    for one in done:
        word = "published" if one.is_new else "was there"
        dirty = "  (its tree had changes that no commit holds)" if one.is_dirty else ""
        yield f"{word}  {text.visible(one.subject)}  {text.visible(one.verdict)}{dirty}"
    for name in replaced:
        yield f"replaced   {text.visible(name)}"
    for other in left:
        yield f"left out   {other.suite}: {text.visible(other.why)}"
    if done:
        added = all(one.is_added for one in done)
        yield "next       git commit" if added else "no git here: keep hubs/ as it is"


def _json(one: Published) -> dict[str, object]:
    return {
        "hub": one.subject,
        "verdict": one.verdict,
        "is_new": one.is_new,
        "is_added": one.is_added,
        "is_dirty": one.is_dirty,
    }
