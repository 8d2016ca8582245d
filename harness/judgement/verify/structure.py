"""A folder in, its record out: is this a hub, and does its record hold together?"""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from harness import files
from harness.errors import IntegrityError, NotAProjectError
from harness.evidence.hub import digest, inventory, layout, store
from harness.files import real_path
from harness.judgement import quarantine
from harness.judgement.verify import report
from harness.judgement.verify.report import Row
from harness.records import HubRecord
from harness.verdict import combine

CHECK = "structure"
CLOCK_SKEW_S = 600.0
_MARKS = (layout.RECORD, inventory.MANIFEST, inventory.INVENTORY, layout.PLAN)
_RESTORE = "Restore the hub from a copy, or run the suite again."


def require_hub(hub: Path) -> None:
    """Refuse a path that is no hub at all.

    Raises:
        NotAProjectError: Nothing is there, or nothing in it tells of a hub.
        IntegrityError: A link stands where a hub should.
    """
    try:
        mode = hub.lstat().st_mode
    except (OSError, ValueError) as error:
        raise _no_hub(hub, "nothing") from error
    if stat.S_ISLNK(mode):
        raise digest.damage(str(hub), "a symbolic link", "the folder of a hub itself")
    if not stat.S_ISDIR(mode):
        raise _no_hub(hub, digest.kind_of(mode))
    if not any(os.path.lexists(hub / mark) for mark in _MARKS):
        raise _no_hub(hub, f"a folder without {layout.RECORD}")


def _no_hub(hub: Path, found: str) -> NotAProjectError:
    remedy = "Name a folder hubs/<suite>/<run id>; harness status lists them."
    return NotAProjectError(str(hub), found=found, expected="a hub", remedy=remedy)


def check(hub: Path) -> tuple[HubRecord | None, tuple[Row, ...]]:
    """Read the record and judge what it says about itself."""
    try:
        record = store.read_record(hub)
    except (IntegrityError, NotAProjectError) as error:
        return None, (report.of_error(CHECK, error),)
    faults = tuple(
        report.damage_row(
            CHECK, report.printable(f"{layout.RECORD}: {actual}"), expected, _RESTORE
        )
        for actual, expected in _faults(hub, record)
    )
    if faults:
        return record, faults
    return record, (report.passed_row(CHECK, f"schema {record.schema}, {record.run_id}"),)


def _faults(hub: Path, record: HubRecord) -> Iterator[tuple[str, str]]:
    folder = real_path(hub)
    if record.run_id != folder.name:
        yield f"run id {record.run_id}", f"the folder's name, {folder.name}"
    if record.suite != folder.parent.name:
        yield f"suite {record.suite}", f"the parent folder's name, {folder.parent.name}"
    if not layout.RUN_ID.fullmatch(record.run_id):
        yield f"run id {record.run_id}", "YYYYMMDDTHHMMSSZ-<6 hex>"
    yield from _time_faults(record)
    yield from _path_faults(record)
    stages, guards = quarantine.deciding_results(
        record.stages, record.guards, record.quarantine
    )
    made = combine([*(s.verdict for s in stages), *(g.verdict for g in guards)])
    if combine((record.verdict, made)) is not record.verdict:
        # A worse one may stand: an interrupted run is red, whatever its stages say.
        yield f"verdict {record.verdict}", f"{made}, as stages and guards make it"


def _time_faults(record: HubRecord) -> Iterator[tuple[str, str]]:
    started, finished = moment(record.started), moment(record.finished)
    if started is None or finished is None:
        yield f"times {record.started} and {record.finished}", "RFC 3339 in UTC"
        return
    if finished < started:
        yield f"finished {record.finished}", f"a time not before {record.started}"
    if is_future(finished):
        yield f"finished {record.finished}", "a time that has come"


def moment(text: str) -> dt.datetime | None:
    """Parse an RFC 3339 time; ``None`` for anything else."""
    try:
        value = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return value if value.tzinfo is not None else None


def is_future(value: dt.datetime) -> bool:
    """Say whether a time lies ahead by more than clocks may differ."""
    return value > dt.datetime.now(dt.UTC) + dt.timedelta(seconds=CLOCK_SKEW_S)


def _path_faults(record: HubRecord) -> Iterator[tuple[str, str]]:
    paths = [artifact.path for artifact in record.artifacts]
    paths += [stage.log for stage in record.stages if stage.log is not None]
    for path in paths:
        if problem := files.path_fault(path):
            yield (
                f"path {inventory.printable_path(path)} has {problem}",
                "a path inside its root",
            )
