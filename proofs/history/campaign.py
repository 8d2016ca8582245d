"""Cells of the campaign: each is counted once; a second call goes on where one stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from harness.files import json_bytes, write_bytes
from proofs.history import series
from proofs.history.judges import Harness, Judge, Otava, is_in_time, is_one_alarm
from proofs.history.series import DEPENDENT, INDEPENDENT, Step

HARNESS, OTAVA = "harness", "otava"
STEPS = tuple(Step(at, 3.0) for at in (20, 30, 50, 80, 95)) + tuple(
    Step(50, size) for size in (1.0, 2.0, 5.0)
)
# Otava's p-values, its default first: the largest that keeps to one series in a hundred counts.
TAILS = (1e-3, 1e-5, 5e-6, 2e-6, 1e-6)
RATE = 0.01
_CHUNK = 500
_OTHERS = tuple(kind for kind in (*INDEPENDENT, *DEPENDENT) if kind != "normal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many series a cell has."""

    timed: int = 100_000
    steady: int = 10_000
    steps: int = 4_000
    otava: int = 300


QUICK = Sizes(timed=200, steady=100, steps=100, otava=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One count: of steady series those with an alarm, of steps those noticed and called once.

    ``seconds`` is the time that all processes took together, ``wall`` that of the clock.
    """

    judge: str
    what: str
    tail: float
    count: int = 0
    alarms: int = 0
    in_time: int = 0
    once: int = 0
    seconds: float = 0.0
    wall: float = 0.0


def run(keep: Path, sizes: Sizes, minutes: float, jobs: int) -> list[Cell]:
    """Count all series that were not counted yet, while there is time."""
    deadline = time.monotonic() + 60 * minutes
    known = _read(keep)
    with ProcessPoolExecutor(jobs) as pool:
        for judge, what, tail, count in _plan(known, sizes):
            key = f"{judge} {what} {tail:g} {count}"
            cell = known.get(key, Cell(judge=judge, what=what, tail=tail))
            while cell.count < count:
                if time.monotonic() > deadline:
                    return list(known.values())
                known[key] = cell = _count(pool, cell, count, jobs)
                keep.parent.mkdir(parents=True, exist_ok=True)
                cells = {name: asdict(one) for name, one in known.items()}
                write_bytes(keep, json_bytes(cells))
    return list(known.values())


def choose_tail(cells: Sequence[Cell], least: int = 1) -> float | None:
    """Return the largest of Otava's p-values at which steady series alarm seldom enough.

    Fewer than ``least`` series say nothing yet.
    """
    fitting = [
        cell.tail
        for cell in cells
        if (cell.judge, cell.what) == (OTAVA, "normal")
        and cell.count >= least
        and cell.alarms <= RATE * cell.count
    ]
    return max(fitting, default=None)


def _plan(known: dict[str, Cell], sizes: Sizes) -> Iterator[tuple[str, str, float, int]]:
    """Give the cells in order; what Otava is tried at is known once it has been calibrated."""
    yield HARNESS, "normal", 0.0, sizes.timed
    for step in STEPS:
        yield HARNESS, str(step), 0.0, sizes.steps
    for kind in _OTHERS:
        yield HARNESS, kind, 0.0, sizes.steady
    if find_spec("otava") is not None:
        yield from _plan_otava(known, sizes.otava)


def _plan_otava(known: dict[str, Cell], count: int) -> Iterator[tuple[str, str, float, int]]:
    for tail in TAILS:
        yield OTAVA, "normal", tail, count
        if choose_tail(list(known.values()), count) is not None:
            break
    chosen = choose_tail(list(known.values()), count)
    if chosen is not None:
        for what in (*map(str, STEPS), *_OTHERS):
            yield OTAVA, what, chosen, max(count // 3, 1)


def _count(pool: ProcessPoolExecutor, cell: Cell, count: int, jobs: int) -> Cell:
    """Count some chunks more of a cell; each has a stream of its own."""
    begun = time.monotonic()
    size = _CHUNK if cell.judge == HARNESS else _CHUNK // 20
    firsts = range(cell.count, min(count, cell.count + 8 * jobs * size), size)
    parts = [(first, min(size, count - first)) for first in firsts]
    work = [pool.submit(_count_chunk, cell.judge, cell.what, cell.tail, part) for part in parts]
    totals = [sum(numbers) for numbers in zip(*(one.result() for one in work), strict=True)]
    return replace(
        cell,
        count=cell.count + sum(some for _, some in parts),
        alarms=cell.alarms + int(totals[0]),
        in_time=cell.in_time + int(totals[1]),
        once=cell.once + int(totals[2]),
        seconds=cell.seconds + totals[3],
        wall=cell.wall + time.monotonic() - begun,
    )


def _count_chunk(
    judge: str, what: str, tail: float, part: tuple[int, int]
) -> tuple[int, int, int, float]:
    """Judge some series of a cell."""
    made: Judge = Harness() if judge == HARNESS else Otava(tail)
    first, count = part
    step = next((one for one in STEPS if str(one) == what), None)
    if step is None:
        drawn = list(series.draw_steady(what, count, stream=first))
    else:
        drawn = list(series.draw_steps(step, count, stream=first))
    begun = time.process_time()
    called = [made.call(values) for values in drawn]
    took = time.process_time() - begun
    alarms = sum(bool(calls) for calls in called)
    if step is None:
        return alarms, 0, 0, took
    in_time = sum(is_in_time(calls, step.at) for calls in called)
    return alarms, in_time, sum(is_one_alarm(calls, step.at) for calls in called), took


def _read(keep: Path) -> dict[str, Cell]:
    if not keep.is_file():
        return {}
    stored = json.loads(keep.read_text("utf-8"))
    return {name: Cell(**cell) for name, cell in stored.items()}
