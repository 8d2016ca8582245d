"""Units shared out among workers, each of which carries out one at a time."""

from __future__ import annotations

import queue
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from harness.experiments.execute.unit import Answer, Unit
from harness.runner.stages.child import Stop

T = TypeVar("T")
_POLL_S = 0.2


class Worker(Protocol):
    """A place where one unit at a time is carried out, called from a thread of its own."""

    def answer(self, unit: Unit) -> Answer:
        """Carry a unit out."""

    def interrupt(self, number: int) -> None:
        """Tell the unit under way to end, as by this signal; called from another thread."""


def drive(
    workers: Sequence[Worker], units: Sequence[Unit], stop: Stop
) -> Iterator[list[Answer]]:
    """Carry units out on all workers; see ``Executor.run``."""
    free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    for worker in workers:
        free.put(worker)

    def one(unit: Unit) -> Answer:
        worker = free.get()
        try:
            return worker.answer(unit)
        finally:
            free.put(worker)

    finished: queue.SimpleQueue[Future[Answer]] = queue.SimpleQueue()
    pool = ThreadPoolExecutor(len(workers), thread_name_prefix="worker")
    left = len(units)
    try:
        for unit in units:
            pool.submit(one, unit).add_done_callback(finished.put)
        is_interrupted = False
        while left:
            if stop.signal is not None and not is_interrupted:
                is_interrupted = True
                _interrupt(pool, workers, stop.signal)
            batch = drain_queue(finished, _POLL_S)
            left -= len(batch)
            if answers := [future.result() for future in batch if not future.cancelled()]:
                yield answers
    finally:
        if left:
            _interrupt(pool, workers, signal.SIGTERM)
        pool.shutdown(wait=True)


def drain_queue(waiting: queue.SimpleQueue[T], timeout_s: float) -> list[T]:
    """Take all that waits in a queue; where nothing does, wait for the first a while."""
    items: list[T] = []
    try:
        items.append(waiting.get(timeout=timeout_s))
        while True:
            items.append(waiting.get_nowait())
    except queue.Empty:
        return items


def _interrupt(pool: ThreadPoolExecutor, workers: Sequence[Worker], number: int) -> None:
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        worker.interrupt(number)
