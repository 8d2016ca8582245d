"""The folders, the lock and the signals of one run; whatever happens, they are put in order."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.config.project import Project
from harness.errors import StorageError
from harness.evidence.hub import layout
from harness.evidence.hub.artifacts import Places
from harness.evidence.hub.ownership import Ownership
from harness.evidence.hub.store import HubStore, remove
from harness.runner.stages.child import Stop

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True, kw_only=True)
class RunWorkspace:
    """Where a run happens. ``keep_work`` leaves the working folder for retry commands."""

    run_id: str
    places: Places
    stop: Stop
    keep_work: bool = False


@contextlib.contextmanager
def run_workspace(
    project: Project, suite: str, run_id: str, stop: Stop | None = None
) -> Iterator[RunWorkspace]:
    """Make the folders of a run, hold its lock, and listen to signals.

    At the end the temporary hub is gone (sealed or not), and so is the working folder,
    unless it is kept. A ``stop`` that is given is the caller's to close.

    Raises:
        StorageError: The disk refused.
    """
    places = Places(
        root=project.root,
        work=layout.work(project.work, run_id),
        hub=layout.temporary(project.hubs, suite, run_id),
        external=layout.external_folder(project.work, run_id),
    )
    owner = Ownership(layout.owner(project.work, run_id))
    workspace = RunWorkspace(run_id=run_id, places=places, stop=stop or Stop())
    try:
        with _storage(project.root):
            for folder in (places.work, *(places.hub / name for name in layout.FOLDERS)):
                folder.mkdir(parents=True)
        with _signals(workspace.stop), _storage(project.root):
            yield workspace
    finally:
        remove(places.hub)
        if not workspace.keep_work:
            remove(places.work)
        if not any(places.external.rglob("*")):
            shutil.rmtree(places.external, ignore_errors=True)
        if stop is None:
            workspace.stop.close()
        owner.release()


def clear_kept(project: Project, suite: str) -> None:
    """Remove working folders that red runs of this suite kept, and those of no hub at all."""
    store = HubStore(project.hubs, project.work)
    others = {hub.name for hub in store.hubs() if hub.parent.name != suite}
    folder = project.work / "work"
    for path in folder.iterdir() if folder.is_dir() else ():
        is_owned = layout.owner(project.work, path.name).exists()
        if path.is_dir() and path.name not in others and not is_owned:
            remove(path)


@contextlib.contextmanager
def _signals(stop: Stop) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def request_stop(number: int, _frame: object) -> None:
        stop.request(number)

    # What the caller ignores (nohup) stays ignored.
    heard = [n for n in _SIGNALS if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, request_stop) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _storage(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            str(error.filename or root),
            found=error.strerror or str(error),
            expected="a place that can be written",
            remedy="Free space or fix the permissions, then run again.",
        ) from error
