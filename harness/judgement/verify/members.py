"""The further runs of a verdict in; out, whether they are those that the record names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.config.project import SuiteSpec
from harness.errors import HarnessError
from harness.evidence.hub import inventory, store
from harness.evidence.hub.evidence import Facts, HubEvidence
from harness.files import sha256_file
from harness.judgement.guards import members
from harness.judgement.verify import contents, report
from harness.judgement.verify.report import Outcome, Row
from harness.records import HubRecord, MemberRecord

CHECK = "runs"
_REMEDY = "Restore the hubs of .harness/series, or run the suite again."
_ALIKE = ("suite", "inputs_sha256", "environment", "datasets")


def check(root: Path, suite: SuiteSpec, record: HubRecord) -> tuple[Row, ...]:
    """Hold the members of a verdict against their seeds, and against their hubs where they are.

    Args:
        root: Folder that the places of members are relative to.
        suite: The suite as it was planned.
        record: The record whose verdict stands on them.
    """
    if record.runs < suite.runs:
        message = f"stands on {record.runs} run of {suite.runs} that are declared"
        return (Row(check=CHECK, outcome=Outcome.INCONCLUSIVE, found=message),)
    if not record.members:
        return ()
    rows: list[Row] = []
    absent = 0
    for index, member in enumerate(record.members, 1):
        if member.seed != members.draw_seed(record.run_id, index):
            seeded = report.printable(f"{member.run_id}: seed {member.seed}")
            rows.append(report.damage_row(CHECK, seeded, "the seed that the run drew", _REMEDY))
        elif (root / member.hub).is_dir():
            rows += _check_member(root, suite, record, member)
        else:
            absent += 1
    count = 1 + len(record.members)
    if absent:
        rows.append(report.note_row(CHECK, f"{absent} of {count} runs are not here", _REMEDY))
    elif not rows:
        rows.append(report.passed_row(CHECK, f"{count} runs, their files and numbers hold"))
    return tuple(rows)


def _check_member(
    root: Path, suite: SuiteSpec, record: HubRecord, member: MemberRecord
) -> Iterator[Row]:
    """Prove the bytes of a member, and take its numbers again."""
    hub = root / member.hub
    try:
        theirs = store.read_record(hub)
        manifest = sha256_file(hub / inventory.MANIFEST)
        evidence = HubEvidence(hub, Facts.from_record(theirs), project=root)
        again = members.make_member(suite, theirs, evidence, member.hub, manifest)
    except (HarnessError, OSError) as error:
        yield report.damage_row(CHECK, report.printable(f"{member.hub}: {error}"), "", _REMEDY)
        return
    damaged = [row for row in contents.check(hub, theirs) if row.outcome is Outcome.DAMAGED]
    if damaged or not _is_same(member, again):
        what = damaged[0].found if damaged else "other numbers, or another manifest"
        damage = report.printable(f"{member.hub}: {what}")
        yield report.damage_row(CHECK, damage, "the run that the record names", _REMEDY)
    elif differs := [name for name in _ALIKE if getattr(theirs, name) != getattr(record, name)]:
        difference = report.printable(f"{member.hub}: {', '.join(differs)} of its own")
        yield report.damage_row(
            CHECK, difference, "a run that differs in its seed alone", _REMEDY
        )


def _is_same(member: MemberRecord, again: MemberRecord) -> bool:
    """Compare what a record says of a member with what its hub gives.

    Older releases wrote no reason, and called unfinished what they called failed.
    """
    if member.reason or not member.failed:
        return again == member
    failed = {*again.failed, *again.unfinished}
    older = replace(again, failed=member.failed, unfinished=(), reason="")
    return failed == set(member.failed) and older == member
