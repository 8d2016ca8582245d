"""The starts in a ledger in; out, whether a run was declared before its outcome was known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import HarnessError
from harness.evidence.hub import digest, layout, seal, starts
from harness.evidence.hub.starts import UnsealedRun
from harness.evidence.ledger.log import Entry
from harness.judgement.verify import report
from harness.judgement.verify.report import Row
from harness.records import HubRecord

_LARGEST_PLAN = 64 << 20
CHECK = "start"
_NAMED = 3
_RESTORE = "Restore the hub or the ledger from git or another copy."
_REPEATED = "Ask what became of them: a run that is repeated until it is green proves less."


@dataclass(slots=True)
class Logged:
    """What one reading of a ledger gave of starts, for one hub.

    ``open_before`` are the other runs of its suite that had begun before it was sealed and were
    never sealed, by subject.
    """

    starts: list[Entry] = field(default_factory=list)
    open_before: dict[str, Entry] = field(default_factory=dict)
    has_ended: bool = False
    has_any: bool = False

    def note(self, entry: Entry, name: str) -> None:
        """Note one entry of the ledger, in order, for the hub ``name`` (suite/run id)."""
        suite = name.partition("/")[0]
        if entry.kind == starts.KIND:
            self.has_any = self.has_any or not self.has_ended
            if entry.subject == name:
                self.starts.append(entry)
            elif not self.has_ended and entry.subject.startswith(f"{suite}/"):
                self.open_before[entry.subject] = entry
        elif entry.kind == seal.KIND:
            self.has_ended = self.has_ended or entry.subject == name
            self.open_before.pop(entry.subject, None)


def check(hub: Path, record: HubRecord | None, sealed: Entry, logged: Logged) -> list[Row]:
    """Hold a hub against what was logged before its first stage.

    Evidence from before there were starts, and hubs that another store sealed, have none here:
    that is told where the ledger holds others, and is no damage.
    """
    if not logged.starts:
        line = "sealed without a logged start: made elsewhere, or by many runs at once"
        return [report.note_row(CHECK, line)] if logged.has_any else []
    if len(logged.starts) > 1:
        actual = f"{len(logged.starts)} starts of {sealed.subject}"
        return [report.damage_row(CHECK, actual, "one start", _RESTORE)]
    start, promised = logged.starts[0], dict[str, str | None]()
    try:
        promised["plan_sha256"] = digest.sha256(
            digest.join_inside(hub, layout.PLAN), _LARGEST_PLAN
        )
    except HarnessError as error:
        return [report.of_error(CHECK, error)]
    if record is not None:
        promised["rules_sha256"] = record.config_sha256
        promised["golden_sha256"] = record.golden_sha256
    wrong = [
        report.damage_row(CHECK, report.printable(actual), report.printable(wanted), _RESTORE)
        for actual, wanted in starts.find_faults(start, sealed, promised)
    ]
    return [*wrong, *_tell_open(logged)]


def describe_start(logged: Logged) -> str:
    """Say where the start of a run was logged, for the row of its seal; empty without one.

    A start that holds is no row of its own: what is as it should be takes few lines.
    """
    if not logged.starts:
        return ""
    place = f"entry {logged.starts[0].sequence}"
    return f"; plan, rules and golden logged before the first stage: {place}"


def _tell_open(logged: Logged) -> list[Row]:
    if not logged.open_before:
        return []
    names = _name_some(list(logged.open_before))
    line = f"{count_unsealed(len(logged.open_before))}, before it in this suite: {names}"
    return [report.note_row(CHECK, report.printable(line), _REPEATED)]


def check_store(unsealed: Sequence[UnsealedRun]) -> list[Row]:
    """Tell of every run of a store that began and was never sealed."""
    left = [run.subject for run in unsealed if not run.is_running]
    if not left:
        return []
    line = f"{count_unsealed(len(left))}: {_name_some(left)}"
    return [report.note_row(CHECK, report.printable(line), _REPEATED)]


def count_unsealed(count: int) -> str:
    """Write a number of runs that began and were never sealed."""
    return f"{count} started run{' has' if count == 1 else 's have'} no seal"


def _name_some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[-_NAMED:]) + more
