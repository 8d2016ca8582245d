"""A record and the ledgers in; out, what a verdict rests on that is no file of the hub.

Source state, acceptances and quarantine count for nothing here; each has a row, so that none
of them is taken for a check that held.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.config.project import Project
from harness.errors import HarnessError
from harness.evidence.hub import checkout, stamp
from harness.judgement import acceptance, quarantine
from harness.judgement.verify import report
from harness.judgement.verify.report import Row
from harness.records import HubRecord

_COMMIT, _TREE, _ACCEPTED, _QUARANTINE = "commit", "tree", "accepted", "quarantine"
_LEFT_OUT = "left out"
_COMMITTED = "Run in a repository that git reads here; harness doctor says what it lacks."
_OBJECT = re.compile(r"[0-9a-f]{40,64}")
_DIGITS = 12
_NOTHING_ACCEPTED = report.passed_row(_ACCEPTED, "nothing")


def check(record: HubRecord, hub: Path, project: Project | None) -> tuple[Row, ...]:
    """Tell the commit and tree of a run, what was accepted since, and what was not counted."""
    accepted = tuple(_accepted_rows(record, hub, project))
    left_out = (*accepted, _quarantine(record))
    if not record.quarantine and accepted == (_NOTHING_ACCEPTED,):
        left_out = (report.passed_row(_LEFT_OUT, "nothing accepted, nothing in quarantine"),)
    return (_commit(record, project), _tree(record), *left_out)


def _commit(record: HubRecord, project: Project | None) -> Row:
    commit = report.printable(record.stamp.commit[:_DIGITS])
    if record.stamp.commit == stamp.NONE:
        return report.note_row(_COMMIT, "none: no commit vouches for the source", _COMMITTED)
    if project is None:
        return report.note_row(_COMMIT, f"{commit}, not looked for outside a project")
    is_named = _OBJECT.fullmatch(record.stamp.commit)
    kind = f"{record.stamp.commit}^{{commit}}"
    if not is_named or checkout.ask(project.root, "cat-file", "-e", kind) is None:
        return report.note_row(_COMMIT, f"{commit} is not in this repository")
    return report.passed_row(_COMMIT, f"{commit}, in this repository")


def _tree(record: HubRecord) -> Row:
    if not record.stamp.dirty:
        return report.passed_row(_TREE, "as committed")
    digest = (record.stamp.diff_sha256 or "")[:_DIGITS]
    message = "with changes that were not committed" + (f", digest {digest}…" if digest else "")
    return report.note_row(_TREE, report.printable(message))


def _accepted_rows(record: HubRecord, hub: Path, project: Project | None) -> Iterator[Row]:
    """Give a row for each cause of stale evidence that a person accepted for this run."""
    try:
        lines = acceptance.describe_accepted(hub, record.run_id, project)
    except HarnessError as error:
        yield report.note_row(_ACCEPTED, report.printable(f"not known: {error.found}"))
        return
    for line in lines:
        yield report.note_row(_ACCEPTED, report.printable(line))
    if not lines:
        yield _NOTHING_ACCEPTED


def _quarantine(record: HubRecord) -> Row:
    names = [quarantine.describe(entry) for entry in quarantine.waived(record)]
    if names:
        message = f"failed and not counted: {', '.join(names)}"
        return report.note_row(_QUARANTINE, report.printable(message))
    count = len(record.quarantine)
    return report.passed_row(
        _QUARANTINE, f"{count} entries, all counted" if count else "nothing"
    )
