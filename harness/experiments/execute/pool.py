"""Units shared out among lanes, each of which carries out one at a time."""

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


class Lane(Protocol):
    """A place where one unit at a time is carried out, called from a thread of its own."""

    def answer(self, unit: Unit) -> Answer:
        """Carry a unit out."""

    def interrupt(self, number: int) -> None:
        """Tell the unit under way to end, as by this signal; called from another thread."""


def drive(lanes: Sequence[Lane], units: Sequence[Unit], stop: Stop) -> Iterator[list[Answer]]:
    """Carry units out on all lanes; see ``Executor.run``."""
    free: queue.SimpleQueue[Lane] = queue.SimpleQueue()
    for lane in lanes:
        free.put(lane)

    def one(unit: Unit) -> Answer:
        lane = free.get()
        try:
            return lane.answer(unit)
        finally:
            free.put(lane)

    finished: queue.SimpleQueue[Future[Answer]] = queue.SimpleQueue()
    pool = ThreadPoolExecutor(len(lanes), thread_name_prefix="lane")
    left = len(units)
    try:
        for unit in units:
            pool.submit(one, unit).add_done_callback(finished.put)
        is_told = False
        while left:
            if stop.signal is not None and not is_told:
                is_told = True
                _interrupt(pool, lanes, stop.signal)
            batch = drain_queue(finished, _POLL_S)
            left -= len(batch)
            if answers := [future.result() for future in batch if not future.cancelled()]:
                yield answers
    finally:
        if left:
            _interrupt(pool, lanes, signal.SIGTERM)
        pool.shutdown(wait=True)


def drain_queue(waiting: queue.SimpleQueue[T], timeout_s: float) -> list[T]:
    """Take all that waits in a queue; where nothing does, wait for the first a while."""
    found: list[T] = []
    try:
        found.append(waiting.get(timeout=timeout_s))
        while True:
            found.append(waiting.get_nowait())
    except queue.Empty:
        return found


def _interrupt(pool: ThreadPoolExecutor, lanes: Sequence[Lane], number: int) -> None:
    pool.shutdown(wait=False, cancel_futures=True)
    for lane in lanes:
        lane.interrupt(number)
