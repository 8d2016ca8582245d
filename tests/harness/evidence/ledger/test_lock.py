"""One writer at a time, for as long as it writes, and never longer."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from harness.errors import LockTimeoutError
from harness.evidence.ledger import lock
from harness.evidence.ledger.log import Ledger


@pytest.mark.parametrize("wait_s", [0.0, 0.05])
def test_two_never_hold_the_lock(tmp_path: Path, wait_s: float) -> None:
    """The second waits as long as it was told, and says who holds the lock."""
    path = tmp_path / ".lock"
    with lock.hold(path):
        began = time.monotonic()
        with pytest.raises(LockTimeoutError) as refused, lock.hold(path, wait_s=wait_s):
            pass
        assert wait_s <= time.monotonic() - began < wait_s + 2
        assert path.exists()
    assert f"process {os.getpid()}" in refused.value.found
    assert refused.value.exit_code == 11


def test_nothing_is_appended_while_another_writes(tmp_path: Path) -> None:
    """The ledger takes the lock beside it."""
    ledger = Ledger(tmp_path / "ledger.jsonl", wait_s=0.0)
    ledger.append("seal", "tiny/a", {})
    with lock.hold(tmp_path / ".ledger.jsonl.lock"), pytest.raises(LockTimeoutError):
        ledger.append("seal", "tiny/b", {})
    assert [entry.subject for entry in ledger.entries()] == ["tiny/a"]


def test_the_lock_is_free_after_the_body_even_if_that_fails(tmp_path: Path) -> None:
    """Neither a lock nor its file is left."""
    path = tmp_path / ".lock"
    with pytest.raises(ZeroDivisionError), lock.hold(path):
        _ = 1 / 0
    assert not path.exists()
    with lock.hold(path, wait_s=0.0):
        assert path.exists()
    assert not path.exists()


def test_who_waits_gets_the_lock_once_it_is_free(tmp_path: Path) -> None:
    """Each of several holds it alone, though its file is made anew each time."""
    path, inside, most = tmp_path / ".lock", [0], [0]

    def work() -> None:
        for _ in range(20):
            with lock.hold(path):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert not path.exists()


def test_the_record_says_which_process_of_which_boot(tmp_path: Path) -> None:
    """A later process of the same number cannot be taken for the owner."""
    with lock.hold(tmp_path / ".lock"):
        record = json.loads((tmp_path / ".lock").read_text())
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    ticks = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    assert record == {"pid": os.getpid(), "boot": boot, "start": ticks}
