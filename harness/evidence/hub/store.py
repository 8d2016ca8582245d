"""The store of hubs: find them, read their records, clear what killed runs left."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import IntegrityError, NotAProjectError
from harness.evidence.hub import layout, ledgers
from harness.evidence.hub.ledgers import Ledgers, LoggedRuns, SealedRun
from harness.evidence.hub.ownership import take_over
from harness.files import read_bounded
from harness.records import SCHEMA, HubRecord, decode
from harness.verdict import Verdict

_LARGEST_RECORD = 16 << 20
_PATIENCE_S = 5.0
# What this process read of the ledgers last, by store, with which files they were then.
_RUNS: dict[Path, tuple[object, LoggedRuns]] = {}


class HubStore:
    """Hubs under one folder, by suite and run id; ``work`` is the harness's own folder."""

    def __init__(self, hubs: Path, work: Path) -> None:
        """Take the folders; they need not exist."""
        self.root, self._work = hubs, work

    @property
    def ledgers(self) -> Ledgers:
        """What is logged of these hubs."""
        return ledgers.of_store(self.root, self._work)

    def suites(self) -> list[str]:
        """Return the suites that have a folder, sorted."""
        return sorted(
            entry.name
            for entry in _folders(self.root)
            if entry.name not in layout.NO_SUITES and not entry.name.startswith(".")
        )

    def runs(self) -> dict[str, SealedRun]:
        """Return the sealed runs by subject in the order of the ledgers, here or not.

        Raises:
            IntegrityError: A ledger is damaged.
        """
        return self.read_runs().sealed

    def read_runs(self) -> LoggedRuns:
        """Return what the ledgers know of runs, read again only when they changed.

        Raises:
            IntegrityError: A ledger is damaged.
        """
        identity = self.ledgers.identity()
        known = _RUNS.get(self.root)
        if known is None or known[0] != identity:
            known = _RUNS[self.root] = identity, self.ledgers.read_runs()
        return known[1]

    def folders(self, suite: str | None = None) -> list[Path]:
        """Return the folders that are named as hubs, in no order; no ledger is read."""
        suites = self.suites() if suite is None else [suite]
        return [
            Path(entry.path)
            for name in suites
            for entry in _folders(self.root / name)
            if layout.RUN_ID.fullmatch(entry.name)
        ]

    def hubs(self, suite: str | None = None) -> list[Path]:
        """Return the hubs, oldest first as the ledgers have them.

        What was never sealed proves nothing. It comes before them, but where its name is later
        than theirs: a run whose seal was taken away does not hide behind an older one.

        Raises:
            IntegrityError: A ledger is damaged.
        """
        places, last = {}, dict[str, str]()
        for place, run in enumerate(self.runs().values()):
            places[run.subject] = place
            last[run.suite] = max(run.run_id, last.get(run.suite, ""))

        def order(hub: Path) -> tuple[int, str, str]:
            is_later = hub.name > last.get(hub.parent.name, "")
            without = len(places) if is_later else -1
            place = places.get(f"{hub.parent.name}/{hub.name}", without)
            return place, hub.name, hub.parent.name

        return sorted(self.folders(suite), key=order)

    def newest_gone(self, suite: str) -> SealedRun | None:
        """Return the last sealed run of a suite where it was not green and its hub is gone.

        Raises:
            IntegrityError: A ledger is damaged.
        """
        mine = [run for run in self.runs().values() if run.suite == suite]
        if not mine or mine[-1].verdict == Verdict.GREEN.value:
            return None
        return None if (self.root / mine[-1].subject).is_dir() else mine[-1]

    def latest(self, suite: str, verdict: Verdict | None = None) -> Path | None:
        """Return the newest readable hub of a suite, with a verdict where one is asked for."""
        for hub in reversed(self.hubs(suite)):
            try:
                record = self.read(hub)
            except (IntegrityError, NotAProjectError):
                continue
            if verdict is None or record.verdict is verdict:
                return hub
        return None

    def read(self, hub: Path) -> HubRecord:
        """Read the record of a hub.

        Raises:
            NotAProjectError: The folder is no hub.
            IntegrityError: Its record is damaged or of an unknown schema.
        """
        return read_record(hub)

    def clean_leftovers(self) -> list[str]:
        """Remove what runs left that were killed; a living run is not touched.

        Returns:
            The run ids that were cleared.
        """
        deadline = time.monotonic() + _PATIENCE_S
        return [run_id for run_id in self._leftover_runs() if self._clear_run(run_id, deadline)]

    def _leftover_runs(self) -> list[str]:
        """Return the run ids of which there is a temporary hub or a lock file."""
        hubs = {path.name.removeprefix(layout.TEMPORARY) for path in self._temporary()}
        locks = {path.stem for path in (self._work / "work").glob("*.lock")}
        return sorted(hubs | {name for name in locks if layout.RUN_ID.fullmatch(name)})

    def _clear_run(self, run_id: str, deadline: float) -> bool:
        """Clear what one run left; False when it lives or left nothing."""
        lock = layout.owner(self._work, run_id)
        try:
            handle = take_over(lock, deadline)
        except FileNotFoundError:
            # Nobody owns it. A working folder is then that of a finished red run, kept for
            # its retry commands; a temporary hub was left by a removal cut short.
            return self._remove_temporary(run_id)
        if handle is None:
            return False
        try:
            self._remove_temporary(run_id)
            remove(layout.work(self._work, run_id))
            lock.unlink(missing_ok=True)
        finally:
            os.close(handle)
        return True

    def _remove_temporary(self, run_id: str) -> bool:
        wanted = f"{layout.TEMPORARY}{run_id}"
        paths = [path for path in self._temporary() if path.name == wanted]
        for path in paths:
            remove(path)
        return bool(paths)

    def _temporary(self) -> Iterator[Path]:
        for suite in _folders(self.root):
            for entry in _folders(Path(suite.path)):
                if entry.name.startswith(layout.TEMPORARY):
                    yield Path(entry.path)


def read_record(hub: Path) -> HubRecord:
    """Read ``hub.json``, strictly.

    Raises:
        NotAProjectError: There is no such file.
        IntegrityError: It is damaged or of an unknown schema.
    """
    value = read_json(hub, layout.RECORD)
    schema = value.get("schema") if isinstance(value, dict) else None
    if schema != SCHEMA:
        raise IntegrityError(
            f"{hub.name}/{layout.RECORD}",
            found=f"schema {schema!r}"[:60],
            expected=f"schema {SCHEMA}",
            remedy="Use a release that knows this schema, or restore the file.",
        )
    return decode(HubRecord, value, layout.RECORD)


def read_json(hub: Path, name: str) -> Any:
    """Read one of the harness's own JSON files in a hub: bounded, strict, no double keys.

    Raises:
        NotAProjectError: The file is not there.
        IntegrityError: It is too large, no regular file, or not the JSON that we write.
    """
    path, where = hub / name, f"{hub.name}/{name}"
    try:
        status = path.lstat()
    except OSError as error:
        raise NotAProjectError(
            where,
            found="no such file",
            expected="a hub",
            remedy="Give the folder of a run: hubs/<suite>/<run id>.",
        ) from error
    for folder in layout.FOLDERS:
        if os.path.islink(f"{hub}/{folder}"):  # noqa: PTH114 - of 200 hubs in a row
            raise _damage(f"{hub.name}/{folder}", "a symbolic link")
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_RECORD:
        raise _damage(where, f"{status.st_size} bytes or no regular file")
    try:
        return json.loads(
            read_bounded(path, _LARGEST_RECORD).decode(),
            parse_constant=_refuse,
            object_pairs_hook=refuse_twice,
        )
    except OSError as error:
        raise _damage(where, error.strerror or "unreadable") from error
    except (ValueError, RecursionError) as error:
        raise _damage(where, str(error)[:100]) from error


def _damage(where: str, found: str) -> IntegrityError:
    return IntegrityError(
        where,
        found=found,
        expected="the JSON that was sealed",
        remedy="Restore the file from a copy, or run the suite again.",
    )


def _refuse(literal: str) -> float:
    raise ValueError(f"the literal {literal}")


def refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make the object of some pairs, for a reader of JSON.

    Raises:
        ValueError: A name stands twice, so that nobody knows which value was meant.
    """
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"the key {name!r} stands twice"[:100])
        members[name] = value
    return members


def _folders(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def remove(folder: Path) -> None:
    """Remove a folder of ours, sealed parts too; links are not followed."""
    import shutil  # noqa: PLC0415 - three archive formats with it, for what only reads to save

    for parent, folders, _ in os.walk(folder):
        for name in (".", *folders):
            path = os.path.join(parent, name)  # noqa: PTH118 - a walk speaks strings
            if not os.path.islink(path):  # noqa: PTH114 - likewise
                with contextlib.suppress(FileNotFoundError):  # another command clears too
                    os.chmod(path, 0o755)  # noqa: PTH101, S103 - sealed folders are read-only
    shutil.rmtree(folder, ignore_errors=True)
