"""Units carried out in this process: one after the other, or some at a time in threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.experiments.execute import pool
from harness.experiments.execute.unit import Answer, Unit, parse_answer, perform
from harness.runner.stages.child import Stop


class InlineExecutor:
    """An executor without processes of its own; a run's stages are children all the same."""

    def __init__(self, jobs: int) -> None:
        """Carry out ``jobs`` units at a time."""
        self._jobs = jobs

    def run(self, units: Sequence[Unit], stop: Stop) -> Iterator[list[Answer]]:
        """Carry units out; see ``Executor.run``."""
        if min(self._jobs, len(units)) > 1:
            yield from self._in_threads(units, stop)
            return
        for unit in units:
            if stop.signal is not None:
                return
            yield [parse_answer(unit, perform(unit.task, unit.payload, stop))]

    def _in_threads(self, units: Sequence[Unit], stop: Stop) -> Iterator[list[Answer]]:
        made = [_Thread() for _ in range(min(self._jobs, len(units)))]
        try:
            yield from pool.drive(made, units, stop)
        finally:
            for lane in made:
                lane.close()

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


class _Thread:
    """A worker that carries units out itself; the wish to stop is its own, for it wakes one."""

    def __init__(self) -> None:
        self._stop = Stop()

    def answer(self, unit: Unit) -> Answer:
        return parse_answer(unit, perform(unit.task, unit.payload, self._stop))

    def interrupt(self, number: int) -> None:
        self._stop.request(number)

    def close(self) -> None:
        self._stop.close()
