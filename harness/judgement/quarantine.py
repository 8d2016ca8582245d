"""Quarantine: failures that are known to be flaky, shown and not counted, for a bounded time.

A quarantine names one test, stage or guard, who owns it, why, and when it ends: on a day, or
after some clean runs in a row. What ended excuses nothing. Only a red failure is excused: what
could not be judged stays inconclusive, and a run of which nothing counts proves nothing.

Source: design of the harness, sections 2 and 6.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.config.project import QuarantineSpec
from harness.records import GuardResult, HubRecord, QuarantineRecord, StageRecord
from harness.verdict import Verdict

ACTIVE, EXPIRED, LIFTED = "active", "expired", "lifted"
CLEAN, FLAKY, FAILED, NOT_JUDGED = "clean", "flaky", "failed", "not judged"


def status_before_run(
    specs: Iterable[QuarantineSpec], before: Iterable[QuarantineRecord], today: dt.date
) -> tuple[QuarantineRecord, ...]:
    """Say how each quarantine stands before a run; nothing is judged yet.

    Args:
        specs: What is declared.
        before: How they stood in the run before; another owner, reason or day is another one.
        today: Day of the run, UTC.
    """
    known = {_identity(record): record for record in before}
    records = []
    for spec in specs:
        new = QuarantineRecord(
            kind=spec.kind,
            id=spec.id,
            owner=spec.owner,
            reason=spec.reason,
            expires=spec.expires,
            clean_runs=spec.clean_runs,
            state=ACTIVE,
            outcome=NOT_JUDGED,
            clean=0,
        )
        old = known.get(_identity(new), new)
        state = EXPIRED if today.isoformat() > spec.expires else ACTIVE
        # Lifted stays lifted: whatever fails after that is a new failure, and counts.
        if old.state == LIFTED or old.clean >= spec.clean_runs:
            state = LIFTED
        records.append(replace(new, state=state, clean=old.clean))
    return tuple(records)


def _identity(record: QuarantineRecord) -> tuple[str, ...]:
    # Another owner, reason or day is another decision, and its clean runs count from none.
    return record.kind, record.id, record.owner, record.reason, record.expires


def status_after_run(
    records: Iterable[QuarantineRecord],
    stages: Sequence[StageRecord],
    guards: Sequence[GuardResult],
) -> tuple[QuarantineRecord, ...]:
    """Say how each quarantine stands after a run, its clean runs counted."""
    entries = []
    for record in records:
        outcome = outcome_of(record, stages, guards)
        clean = record.clean + 1 if outcome == CLEAN else 0
        # A run that did not get there proves neither, and must not start the count anew.
        if outcome == NOT_JUDGED:
            clean = record.clean
        entries.append(replace(record, outcome=outcome, clean=clean))
    return tuple(entries)


def outcome_of(
    record: QuarantineRecord, stages: Sequence[StageRecord], guards: Sequence[GuardResult]
) -> str:
    """Say how the subject of a quarantine went; the worst of several tests counts."""
    if record.kind == "guard":
        return _of_verdict(next((g.verdict for g in guards if g.id == record.id), None))
    if record.kind == "stage":
        stage = next((s for s in stages if s.id == record.id), None)
        if stage is not None and stage.is_flaky:
            return FLAKY
        return _of_verdict(None if stage is None else stage.verdict)
    outcomes = [s.quarantined[record.id] for s in stages if record.id in s.quarantined]
    return next((word for word in (FAILED, FLAKY, CLEAN) if word in outcomes), NOT_JUDGED)


def _of_verdict(verdict: Verdict | None) -> str:
    return {Verdict.GREEN: CLEAN, Verdict.RED: FAILED}.get(
        verdict or Verdict.INCONCLUSIVE, NOT_JUDGED
    )


def deciding_results(
    stages: Iterable[StageRecord],
    guards: Iterable[GuardResult],
    records: Iterable[QuarantineRecord],
) -> tuple[tuple[StageRecord, ...], tuple[GuardResult, ...]]:
    """Return the stages and guards that make the verdict: no warning, nothing excused."""
    waived_ids = {(r.kind, r.id) for r in records if r.is_waived}
    return (
        tuple(s for s in stages if ("stage", s.id) not in waived_ids),
        tuple(g for g in guards if g.severity == "fail" and ("guard", g.id) not in waived_ids),
    )


def describe(record: QuarantineRecord) -> str:
    """Say what is in quarantine, whose it is, and how long."""
    ends = {
        EXPIRED: f"expired {record.expires}",
        LIFTED: f"lifted after {record.clean_runs} clean runs",
    }
    until = ends.get(record.state, f"until {record.expires}")
    return f"{record.kind} {record.id} ({record.owner}, {until})"


def status_of(record: QuarantineRecord) -> str:
    """Say what a reader should know or do about a quarantine."""
    if record.state == EXPIRED:
        return "expired, it counts again: repair it, or decide anew"
    if record.state == LIFTED:
        return f"lifted after {record.clean_runs} clean runs, it counts again: remove the entry"
    if record.is_waived:
        return "failed and was not counted"
    if record.clean >= record.clean_runs:
        return f"{record.clean} clean runs in a row: lifted from the next run on"
    return f"{record.outcome}, {record.clean} of {record.clean_runs} clean runs in a row"


def waived(record: HubRecord) -> tuple[QuarantineRecord, ...]:
    """Return the failures of a run that were not counted."""
    return tuple(entry for entry in record.quarantine if entry.is_waived)


def flaky(record: HubRecord) -> tuple[str, ...]:
    """Return what passed in a run only when it was run again, and how often that was."""
    names = []
    for stage in record.stages:
        if stage.verdict is Verdict.GREEN and stage.attempts:
            names.append(f"stage {stage.id}: {retries(stage.retries)}")
        names += [f"test {test}" for test in stage.flaky]
    return tuple(names)


def retries(count: int) -> str:
    """Write a number of retries."""
    return f"{count} retr{'y' if count == 1 else 'ies'}"


def standing_out(record: HubRecord) -> str:
    """Say beside a verdict what it leaves out: ``1 quarantined, 2 flaky``; else nothing."""
    counts = ((len(waived(record)), "quarantined"), (len(flaky(record)), "flaky"))
    return ", ".join(f"{count} {word}" for count, word in counts if count)
