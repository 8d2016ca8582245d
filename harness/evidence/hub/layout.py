"""Names in a hub and in the store, in one place."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from harness import identifiers

RUN_ID = identifiers.RUN_ID
RECORD = "hub.json"
PLAN = "plan/plan.json"
PLAN_TEXT = "plan/plan.md"
SUMMARY = "summary.md"
REPORT = "report.html"
GUARDS = "analysis/guards.json"
METRICS = "analysis/metrics.json"
OWN = (RECORD, PLAN, PLAN_TEXT, SUMMARY, REPORT, GUARDS, METRICS)
FOLDERS = ("plan", "cli", "green", "red", "analysis")
LEDGER = "ledger.jsonl"
CHECKPOINT = "checkpoint.txt"
BLOCKERS = "blockers"
MATRICES = "matrix"
NO_SUITES = (BLOCKERS, MATRICES)  # folders of the store that hold no hubs of a suite
TEMPORARY = ".tmp-"
# Powers of two: what is left of random bytes is as random. The first id of a second lies in the
# lower half of six digits, so that 2,048 more find room behind it.
_FIRST = 1 << 23
_STEP = 1 << 12
_LAST = (1 << 24) - 1


def new_run_id(now: datetime, after: str = "") -> str:
    """Return a run id: the second of UTC and six random hexadecimal digits.

    Ids sort by time; within one second an id sorts behind ``after``, the last one known.
    """
    second = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    low = int(after[-6:], 16) + 1 if after.startswith(second) else 0
    drawn = int.from_bytes(os.urandom(3)) % (_STEP if low else _FIRST)
    return f"{second}-{min(low + drawn, _LAST):06x}"


def instant(now: datetime) -> str:
    """Return an instant as RFC 3339 in UTC, to the millisecond."""
    return now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def final(hubs: Path, suite: str, run_id: str) -> Path:
    """Return where a sealed hub lies."""
    return hubs / suite / run_id


def matrix_name(suite: str, matrix: str) -> str:
    """Return the name that the store of a matrix goes by."""
    return f"{suite}@{matrix}"


def matrix_of(hubs: Path, hub: Path) -> str | None:
    """Return the name of the matrix that a hub is a cell of; None where it is no cell."""
    cells = hub.absolute().parents[1]  # hubs/matrix/<suite>@<name>
    if cells.parent != hubs.absolute() / MATRICES:
        return None
    return cells.name.partition("@")[2]


def temporary(hubs: Path, suite: str, run_id: str) -> Path:
    """Return where a hub lies while it is written."""
    return hubs / suite / f"{TEMPORARY}{run_id}"


def work(harness_folder: Path, run_id: str) -> Path:
    """Return the working folder of a run."""
    return harness_folder / "work" / run_id


def owner(harness_folder: Path, run_id: str) -> Path:
    """Return the file that a living run keeps locked."""
    return harness_folder / "work" / f"{run_id}.lock"


def external_folder(harness_folder: Path, run_id: str) -> Path:
    """Return where external artifacts of a run are kept."""
    return harness_folder / "runs" / run_id
