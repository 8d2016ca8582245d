"""``harness reproduce``: a claim, checked by running its commit again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from harness.cli import options, resolve, run_options, signer
from harness.cli.options import Session
from harness.cli.signals import stop_on_signals
from harness.experiments.reproduce import rerun
from harness.experiments.reproduce.answer import Finding
from harness.experiments.reproduce.rerun import Reproduced
from harness.records import encode
from harness.reporting import text
from harness.verdict import AnswerClass, Verdict

EXAMPLES = """\b
Examples:
  harness reproduce --hub quick:latest
  harness reproduce --hub HUB --sign KEYFILE
  harness reproduce --hub HUB --dataset train.npz --test-dataset test.npz --json
  harness reproduce --hub HUB --python .venv-of-the-run/bin/python
  harness reproduce --hub HUB --present
"""
_LISTED = 10


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.option("--hub", "name", required=True, help="The hub whose claim is checked.")
@run_options.dataset_options
@signer.sign_option("Answer for the result with the secret key in this file.")
@click.option(
    "--commit",
    default="",
    metavar="SHA",
    help="Name the hub's commit in full, to run code from outside of HEAD's history.",
)
@click.option(
    "--python",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Interpreter with harness and packages of the run, in the place of its lock.",
)
@click.option(
    "--present", is_flag=True, help="Use the packages that are here, though there is a lock."
)
@options.common
@options.pass_session
def command(session: Session, /, name: str, **flags: Any) -> int:
    """Run a hub's commit again and say how near the answer comes.

    The commit is checked out in a scratch tree and its suite run there with the parameters of
    the run; your tree is not touched. Where the run recorded a lock of its packages, they are
    installed into a scratch environment, as wheels only, from the index that you have set up;
    a lock that cannot be had is refused.

    Artifacts, tests, verdicts, code, rules, goldens and data are compared, and the answer is
    bit-identical, rounding, statistically the same (within the goldens that the hub was judged
    by) or changed. It becomes an entry of the ledger, signed where a key is given: another one
    than signs for the producer. Data that the run was given must be given again, and have the
    same digest.

    A hub that began elsewhere, or a commit outside of HEAD's history, is code from others: it
    runs only when you name the commit.

    The exit code is 0 where the answer was reproduced, 1 where it changed.
    """
    project = resolve.project(session)
    hub = resolve.hub(name, session)
    wanted = rerun.Request(
        project=project,
        hub=hub,
        datasets=run_options.datasets(flags),
        commit=flags["commit"],
        python=str(flags["python"].absolute()) if flags["python"] else "",
        is_present=flags["present"],
        signer=signer.read_signer(flags["key_file"]),
    )
    session.say(f"running the commit of {hub.parent.name}/{hub.name} again")
    with stop_on_signals() as stop:
        result = rerun.reproduce(wanted, stop)
    session.answer(_json(result), "\n".join(_lines(result, wanted)))
    return 0 if result.answer.holds else Verdict.RED.exit_code


def _lines(result: Reproduced, wanted: rerun.Request) -> Iterator[str]:
    word = "reproduced" if result.answer.holds else "not reproduced"
    yield f"{word}: {result.answer}"
    for finding in result.findings[:_LISTED]:
        yield f"  {_tell(finding)}"
    if len(result.findings) > _LISTED:
        yield f"  and {len(result.findings) - _LISTED} more"
    if result.environment:
        yield f"environment: {text.visible(', '.join(result.environment))}"
    if result.lock:
        named = f"; the commit names the run's in {result.lock}" * (
            result.lock not in result.packages
        )
        yield text.visible(f"packages: {result.packages}{named}")
    if wanted.signer is None:
        yield "unsigned: nobody answers for it; add --sign KEYFILE"
    yield f"logged as entry {result.entry.sequence} of the local ledger"


def _tell(finding: Finding) -> str:
    kind = "" if finding.answer is AnswerClass.CHANGED else f" ({finding.answer})"
    line = f"{finding.what}: {finding.claimed} as sealed, {finding.found} again{kind}"
    return text.visible(line)


def _json(result: Reproduced) -> dict[str, Any]:
    return {
        "answer": result.answer.value,
        "differences": encode(result.findings),
        "environment": list(result.environment),
        "lock": result.lock,
        "packages": result.packages,
        "entry": result.entry.sequence,
        "key": result.entry.body.get("key"),
    }
