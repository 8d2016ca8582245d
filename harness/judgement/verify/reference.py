"""Today's goldens and the ledger in; out, whether they changed through their one door."""

from __future__ import annotations

from harness.config.project import Project
from harness.errors import HarnessError
from harness.evidence.hub import layout
from harness.evidence.ledger.log import Entry, Ledger
from harness.judgement.golden import store
from harness.judgement.golden.store import GoldenSet
from harness.judgement.verify import report
from harness.judgement.verify.report import Outcome, Row

CHECK = "golden"
_REMEDY = (
    "Restore golden/ from git, or make it anew with harness golden calibrate and"
    " harness golden update --reason."
)


def check(project: Project, suite: str, golden: GoldenSet, *, counts: bool) -> tuple[Row, ...]:
    """Hold the goldens of a suite against the last entry that changed them.

    A suite that never had goldens has nothing to hold; one whose goldens the ledger knows and
    that has none any more has lost its reference.

    Args:
        project: Whose ledger is read.
        suite: Name of the suite whose goldens they are.
        golden: Its goldens as they are now.
        counts: Whether a difference is damage, or only told (archives).
    """
    try:
        last = _last(Ledger(project.hubs / layout.LEDGER), suite)
    except HarnessError as error:
        return (report.of_error(CHECK, error),)
    if golden.is_empty and (last is None or _made_none(last)):
        return ()
    expected = None if last is None else str(last.body.get("golden_sha256"))
    if last is not None and expected == golden.digest:
        return (report.passed_row(CHECK, f"as entry {last.sequence} of the ledger made it"),)
    message = "no golden-update entry" if expected is None else f"{expected[:12]}…, as logged"
    actual = f"{golden.digest[:12]}…"
    if golden.is_empty and last is not None:
        actual = f"none, and entry {last.sequence} of the ledger made some"
    row = report.damage_row(
        CHECK,
        f"goldens of {suite}: {actual}",
        report.printable(message),
        _REMEDY,
    )
    return (row,) if counts else (report.note_row(CHECK, row.found, _REMEDY),)


def check_store(project: Project) -> tuple[Row, ...]:
    """Hold the goldens of every declared suite against the ledger, whatever hubs there are.

    Returns:
        A row for each suite that keeps goldens of its own; none where all are well.
    """
    rows: list[Row] = []
    for suite in project.suites.values():
        if suite.goldens_of:
            continue
        try:
            golden = store.load(project.goldens(suite.name))
        except HarnessError as error:
            rows.append(report.of_error(CHECK, error))
            continue
        checked = check(project, suite.name, golden, counts=True)
        rows += [row for row in checked if row.outcome is not Outcome.PASSED]
    return tuple(rows)


def _made_none(entry: Entry) -> bool:
    """Say whether an entry left a suite without goldens."""
    return entry.body.get("golden_sha256") == GoldenSet().digest


def _last(ledger: Ledger, suite: str) -> Entry | None:
    """Find the last change of a suite's goldens.

    Raises:
        IntegrityError: The ledger is damaged.
    """
    last = None
    for entry in ledger.walk():
        if entry.kind == store.LOGGED and entry.subject == suite:
            last = entry
    return last
