"""Whether a hub is that of the change at hand: its commit, its declaration, its goldens."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from harness.errors import HarnessError
from harness.evidence.hub import checkout, plan
from harness.evidence.ledger.checkpoint import Checkpoint
from harness.evidence.ledger.log import Ledger
from harness.files import real_path
from harness.judgement import freshness
from harness.judgement.gate.rules import RuleSet
from harness.judgement.verify import reference, report, signing
from harness.judgement.verify.report import Outcome, Row
from harness.records import HubRecord

COMMIT, DECLARATION, GOLDENS, PIN = "this commit", "declaration", "goldens", "pin"
BASE = "base"
_NAMED = 5
_RUN = "Run the suite on this commit, with a clean work tree and nothing set."


def check_hub(was: RuleSet, now: RuleSet, folder: Path, record: HubRecord) -> Iterator[Row]:
    """Hold a hub against the commit whose rules it claims to have been judged by."""
    # The tree and not the commit: a merge commit of the same tree holds the same source.
    if record.stamp.tree != now.tree or record.stamp.dirty:
        dirty = " with uncommitted changes" if record.stamp.dirty else ""
        message = f"{record.run_id} ran on {record.stamp.commit[:12]}{dirty}"
        yield _stale(COMMIT, message, f"{now.commit[:12]}, clean")
    else:
        yield report.passed_row(COMMIT, f"{record.run_id} ran on {now.commit[:12]}, clean")
    if now.project is None:
        yield _stale(DECLARATION, "the commit declares nothing", "a declaration")
        return
    # A hub from elsewhere may be genuine and still belong to other rules.
    if real_path(now.project.hubs) not in real_path(folder).parents:
        yield _stale(
            DECLARATION, f"{record.run_id} lies in another store", "that of the project"
        )
    suite = freshness.declared_suite(now.project, folder, record)
    if suite is None:
        yield _stale(DECLARATION, f"suite {record.suite} is not declared", "a declared suite")
        return
    if plan.suite_sha256(suite) != record.config_sha256:
        message = f"{record.run_id}: parameters or a declaration of its own"
        yield _stale(DECLARATION, message, "what the commit declares")
    else:
        yield report.passed_row(DECLARATION, f"as {now.commit[:12]} declares {record.suite}")
    yield from _check_goldens(was, now, record)
    roles_given = [one.role for one in record.datasets if not one.generated]
    if roles_given:
        message = f"{record.run_id}: data given by hand: {', '.join(roles_given)}"
        yield report.note_row(DECLARATION, report.printable(message))


def _check_goldens(was: RuleSet, now: RuleSet, record: HubRecord) -> Iterator[Row]:
    """Require that the run used the commit's goldens, and that those changed by their door."""
    if now.project is None:
        return
    golden = now.goldens(record.suite)
    expected = None if golden.is_empty else golden.digest
    if record.golden_sha256 != expected:
        yield _stale(GOLDENS, f"{record.run_id}: other goldens", "those of the commit")
        return
    yield report.passed_row(GOLDENS, "those of the commit" if expected else "none")
    if was.project is None or was.goldens(record.suite) is not golden:
        lender = now.project.suites[record.suite].judged_by
        yield from reference.check(now.project, lender, golden, counts=True)


def check_other_goldens(was: RuleSet, now: RuleSet, suites: Collection[str]) -> Iterator[Row]:
    """Hold goldens that a change touches against the ledger, whether their suite ran or not.

    Args:
        was: Rules of the base.
        now: Rules of the change.
        suites: Suites that have a hub here, whose goldens are held with it.
    """
    if was.project is None or now.project is None:
        return
    for name, suite in now.project.suites.items():
        if name in suites or suite.goldens_of:
            continue
        golden = now.goldens(name)
        if was.goldens(name) is not golden:
            yield from reference.check(now.project, name, golden, counts=True)


def check_base(root: Path, was: RuleSet, now: RuleSet) -> Iterator[Row]:
    """Tell a base that cannot refuse anything: the change itself, or something beside it."""
    if was.tree == now.tree:
        yield report.note_row(
            BASE, "the base has the very files of the change: no rule differs"
        )
    elif checkout.ask(root, "merge-base", "--is-ancestor", was.commit, now.commit) is None:
        sentence = (
            f"{was.commit[:12]} is no ancestor of {now.commit[:12]}, as far as this clone says"
        )
        yield report.note_row(BASE, sentence, "Name the branch that the change goes to.")


def check_suites(was: RuleSet, suites: Collection[str]) -> Iterator[Row]:
    """Require a hub of a suite that the base knows, and tell the suites that have none."""
    known = () if was.project is None else tuple(was.project.suites)
    missing = [name for name in known if name not in suites]
    if known and suites and len(missing) == len(known):
        yield Row(
            check=BASE,
            outcome=Outcome.INCONCLUSIVE,
            found=report.printable(f"only hubs of suites that are new: {', '.join(suites)}"),
            expected=report.printable(f"a hub of {', '.join(known[:_NAMED])}"),
            remedy="Run a suite that the base declares, too.",
        )
    elif missing:
        sentence = f"no hub here of {', '.join(missing[:_NAMED])}"
        more = len(missing) - _NAMED
        yield report.note_row(
            BASE, report.printable(f"{sentence} and {more} more" if more > 0 else sentence)
        )


def check_pin(ledger: Ledger, pin: Checkpoint | None) -> Iterator[Row]:
    """Require that the ledger still begins as a checkpoint from outside says."""
    if pin is None:
        return
    try:
        signing.covered_by(pin, ledger, ledger.leaves())
    except HarnessError as error:
        yield report.of_error(PIN, error)
        return
    yield report.passed_row(PIN, f"{pin.size} entries as pinned outside")


def _stale(check: str, found: str, expected: str) -> Row:
    return Row(
        check=check,
        outcome=Outcome.STALE,
        found=report.printable(found),
        expected=report.printable(expected),
        remedy=_RUN,
    )
