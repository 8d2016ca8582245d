"""What judges a series after each of its runs: the harness, and Apache Otava beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.judgement.shifts import detector

NEAR = 3  # runs by which the first run of a level may be missed
IN_TIME = 5  # runs of a new level by which it is to be noticed


@dataclass(frozen=True, slots=True)
class Call:
    """An alarm: the first run of the new level, and the run after which it was raised."""

    cut: int
    seen: int


class Judge(Protocol):
    """Judges a series as a gate does: after each run, by the runs up to it."""

    def call(self, values: Sequence[float]) -> list[Call]:
        """Return the alarms over the whole series, each once."""


class Harness:
    """The harness's own detector; what it called it never takes back, so one pass is enough."""

    def call(self, values: Sequence[float]) -> list[Call]:
        """Return its alarms."""
        return [Call(shift.cut, shift.seen) for shift in detector.find_shifts(values)]


class Otava:
    """Apache Otava's library, called after each run as its documentation shows.

    It names all change points anew each time: one that lies within a few runs of one that was
    named before is the same alarm.
    """

    def __init__(self, tail: float) -> None:
        """Take the p-value below which it calls a change point."""
        from otava.analysis import compute_change_points

        self._compute, self._tail = compute_change_points, tail

    def look(self, values: Sequence[float]) -> list[int]:
        """Return the change points of a series, as they stand after its last run."""
        points, _ = self._compute(list(values), max_pvalue=self._tail)
        return [int(point.index) for point in points]

    def call(self, values: Sequence[float], least: int = detector.LEAST_RUNS) -> list[Call]:
        """Return its alarms."""
        calls: list[Call] = []
        for runs in range(least, len(values) + 1):
            for cut in self.look(values[:runs]):
                if all(abs(cut - known.cut) > NEAR for known in calls):
                    calls.append(Call(cut, runs - 1))
        return calls


def is_in_time(calls: Sequence[Call], at: int) -> bool:
    """Say whether a step was called by its fifth run, at most a few runs beside its first."""
    return any(abs(one.cut - at) <= NEAR and at <= one.seen < at + IN_TIME for one in calls)


def is_one_alarm(calls: Sequence[Call], at: int) -> bool:
    """Say whether a series with one step has one alarm, and that of the step."""
    return len(calls) == 1 and abs(calls[0].cut - at) <= NEAR
