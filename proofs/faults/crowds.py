"""Many writers and readers of one ledger at once."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import HarnessError
from harness.evidence.ledger.log import Ledger
from proofs.faults import processes
from proofs.faults.figures import Campaign, Scale

_READERS = 4


def appends(folder: Path, scale: Scale) -> Campaign:
    """Append from many processes while others verify."""
    total = scale.writers * scale.appends
    campaign = Campaign(
        fault=f"{scale.writers} processes × {scale.appends} ledger appends,"
        f" {_READERS} readers verifying meanwhile",
        target=f"{total:,} entries, none lost or doubled; readers never fail",
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "ledger.jsonl"
    over = folder / "over"
    readers = [_forked(path, lambda: _read(path, over)) for _ in range(_READERS)]
    writers = [
        _forked(path, lambda name=i: _write(path, name, scale.appends))  # type: ignore[misc]
        for i in range(scale.writers)
    ]
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in writers]
    over.touch()
    reading = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in readers]
    subjects = [entry.subject for entry in Ledger(path).entries()]
    wanted = {f"{i}/{n}" for i in range(scale.writers) for n in range(scale.appends)}
    for name in sorted(wanted):
        campaign.require(
            subjects.count(name) == 1, f"{name} stands {subjects.count(name)} times"
        )
    campaign.require(not any(codes), f"writers ended with {codes}")
    campaign.require(not any(reading), f"readers ended with {reading}")
    campaign.require(len(subjects) == total, f"{len(subjects)} entries")
    campaign.tried -= 3
    return campaign


def _forked(path: Path, work: object) -> int:
    del path
    pid = os.fork()
    if pid:
        return pid
    code = processes.CRASHED
    try:
        code = work()  # type: ignore[operator]
    finally:
        os._exit(code)


def _write(path: Path, name: int, count: int) -> int:
    ledger = Ledger(path, wait_s=600)
    for number in range(count):
        ledger.append("seal", f"{name}/{number}", {"number": number})
    return 0


def _read(path: Path, over: Path) -> int:
    size = 0
    while not over.exists():
        try:
            entries = Ledger(path).check().size
        except HarnessError:
            return 1
        if entries < size:
            return 2
        size = entries
    return 0
