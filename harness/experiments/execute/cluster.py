"""Units carried out on a Dask cluster: one of this machine, or one that runs already.

Workers read and write the project, so that all of them need the same file system and the same
installation. A worker that is lost loses its unit to another one, which is Dask's own doing;
when the scheduler itself is lost, it is waited for and what has no answer is sent again.
The library is the extra ``dask`` and is imported when this executor is chosen.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from harness.errors import EvidenceMissingError
from harness.experiments.execute.pool import drain_queue
from harness.experiments.execute.unit import ATTEMPTS, Answer, Unit, parse_answer, perform
from harness.runner.stages.child import Stop

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

_POLL_S = 0.2
_WATCH_S = 0.5
_GRACE_S = 30.0
_RETRY_S = 1.0
_LIVING = ("running", "paused")
# A worker of ours mostly waits for a child; samples of its stack a hundred times a second
# tell nothing.
_NO_GAUGES = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.tick.interval": "1s",
}
# One group of tasks to the scheduler. The tasks of a group that is larger than the cluster wait
# with it until a worker is free; others go to a worker at once, and two long ones may end up
# behind each other while the neighbour has nothing to do.
_GROUP = "harness-run"
_ONE_AT_A_TIME = {"distributed.scheduler.worker-saturation": 1.0}
_under_way: set[str] = set()  # in a worker: keys of the units that it carries out


class Cluster:
    """An executor on Dask; without an ``address`` its cluster is made of ``jobs`` processes."""

    def __init__(
        self, jobs: int, address: str = "", *, patience_s: float = 120.0, threads: bool = False
    ) -> None:
        """Connect.

        Args:
            jobs: Workers of a cluster of our own.
            address: Scheduler of a cluster that runs already.
            patience_s: How long a scheduler that does not answer is waited for [s].
            threads: Make the workers threads of this process, to try much with little.

        Raises:
            EvidenceMissingError: No scheduler answers.
        """
        self._address, self._patience_s = address, patience_s
        self._cluster = None if address else _local(jobs, threads=threads)
        self._client = self._connect()

    def run(self, units: Sequence[Unit], stop: Stop) -> Iterator[list[Answer]]:
        """Carry units out; see ``Executor.run``."""
        waiting = {unit.key: unit for unit in units}
        while waiting and stop.signal is None:
            for answers in self._collect_answers(tuple(waiting.values()), stop):
                for answer in answers:
                    del waiting[answer.unit.key]
                yield answers
            if waiting and stop.signal is None:
                self._disconnect()
                self._client = self._connect()

    def close(self) -> None:
        """Disconnect, and end a cluster of our own."""
        self._disconnect()
        if self._cluster is not None:
            self._cluster.close(timeout=_GRACE_S)

    def _collect_answers(self, units: Sequence[Unit], stop: Stop) -> Iterator[list[Answer]]:
        """Give the answers that come until all did, the scheduler is lost, or a stop."""
        finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
        by_name = {_name(unit.key): unit for unit in units}
        futures = self._client.map(
            _carry_out,
            [unit.key for unit in units],
            [unit.task for unit in units],
            [unit.payload for unit in units],
            key=list(by_name),
        )
        for future in futures:
            future.add_done_callback(finished.put)
        left = len(futures)
        try:
            while left:
                if stop.signal is not None:
                    self._cancel_all(futures, {unit.key for unit in units})
                    return
                batch = drain_queue(finished, _POLL_S)
                left -= len(batch)
                answers = [a for f in batch if (a := _answer(f, by_name[f.key])) is not None]
                if answers:
                    yield answers
        finally:
            for future in futures:
                future.release()

    def _cancel_all(self, futures: list[Future], mine: set[str]) -> None:
        """Cancel everything and wait until no worker is at it any more."""
        from distributed.comm.core import CommClosedError  # noqa: PLC0415 - an extra

        deadline = time.monotonic() + _GRACE_S
        with contextlib.suppress(OSError, TimeoutError, CommClosedError):
            self._client.cancel(futures, force=True)
            while time.monotonic() < deadline:
                at_work = self._client.run(_at_work, on_error="ignore")
                if not any(mine & set(keys) for keys in at_work.values()):
                    return
                time.sleep(_POLL_S)

    def _connect(self) -> Client:
        from distributed import Client  # noqa: PLC0415 - an extra

        deadline = time.monotonic() + self._patience_s
        target = self._address or self._cluster
        while True:
            left = deadline - time.monotonic()
            try:
                return Client(target, timeout=max(1.0, min(left, 10.0)), set_as_default=False)
            except (OSError, TimeoutError) as error:
                if left <= 0:
                    raise EvidenceMissingError(
                        f"scheduler {self._address}",
                        found=" ".join(str(error).split())[:160] or "no answer",
                        expected=f"an answer within {self._patience_s:g} s",
                        remedy="Start the cluster, then call again: what is done is kept.",
                    ) from error
            time.sleep(_RETRY_S)

    def _disconnect(self) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            self._client.close(timeout=2.0)


def _local(jobs: int, *, threads: bool) -> LocalCluster:
    """Start a cluster of this machine; its web page is for this machine only."""
    import dask  # noqa: PLC0415 - an extra
    from distributed import LocalCluster  # noqa: PLC0415 - an extra

    dask.config.set(
        {"distributed.scheduler.allowed-failures": ATTEMPTS - 1, **_NO_GAUGES, **_ONE_AT_A_TIME}
    )
    return LocalCluster(
        n_workers=jobs,
        threads_per_worker=1,
        processes=not threads,
        dashboard_address="127.0.0.1:0",  # any free port: None is the fixed one, for all to see
        memory_limit=0,
        silence_logs=logging.CRITICAL,
    )


def _answer(future: Future, unit: Unit) -> Answer | None:
    """Read what came of a future; None where the scheduler was lost before it was known.

    Raises:
        Exception: What the task itself raised, which is a mistake of ours.
    """
    from distributed import KilledWorker  # noqa: PLC0415 - an extra

    if future.status == "finished":
        return parse_answer(unit, future.result())
    if future.status != "error":
        return None
    failure = future.exception()
    if isinstance(failure, KilledWorker):
        return Answer(unit=unit, value=None, lost=f"{ATTEMPTS} workers died while they had it")
    raise failure


def _name(key: str) -> tuple[str, str]:
    """Name a unit to Dask, which groups tasks by the first part."""
    return (_GROUP, key)


def _at_work() -> list[str]:
    return sorted(_under_way)


def _carry_out(key: str, task: str, payload: str) -> str:
    """Carry a unit out in a worker; the scheduler's wish to have it no more is a stop."""
    from distributed import get_worker  # noqa: PLC0415 - an extra

    stop = Stop()
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(get_worker(), key, stop, over), daemon=True)
    _under_way.add(key)
    watch.start()
    try:
        return perform(task, payload, stop)
    finally:
        _under_way.discard(key)
        over.set()
        watch.join()
        stop.close()


def _watch(worker: Any, key: str, stop: Stop, over: threading.Event) -> None:
    """Ask for a stop once the unit was cancelled or its worker is on its way out."""
    while not over.wait(_WATCH_S):
        task = worker.state.tasks.get(_name(key))
        is_wanted = task is not None and task.state != "cancelled"
        if not is_wanted or worker.status.name not in _LIVING:
            stop.request(signal.SIGTERM)
            return
