"""Simulated runs of a suite whose truth is known: steady ones of many laws, and steps."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

RUNS = 100
_HEAVY = 0.05  # share of runs that lie far off
_SEED = 20_261_130


def _student(chance: random.Random) -> float:
    return chance.gauss(0, 1) / math.sqrt(chance.gammavariate(1.5, 2) / 3)


def _contaminated(chance: random.Random) -> float:
    return chance.gauss(0, 10 if chance.random() < _HEAVY else 1)


def _laplace(chance: random.Random) -> float:
    return chance.expovariate(1) * chance.choice((-1, 1))


def _cauchy(chance: random.Random) -> float:
    return math.tan(math.pi * (chance.random() - 0.5))


# Runs that know nothing of each other, by the law of their values.
INDEPENDENT: dict[str, Callable[[random.Random], float]] = {
    "normal": lambda chance: chance.gauss(0, 1),
    "uniform": lambda chance: chance.random(),
    "Laplace": _laplace,
    "Student's t, 3 degrees": _student,
    "lognormal, sd 1 of the logarithm": lambda chance: chance.lognormvariate(0, 1),
    "normal, each twentieth × 10": _contaminated,
    "Cauchy": _cauchy,
    "whole numbers, Poisson of mean 4": lambda chance: float(_poisson(chance, 4.0)),
}
# Normal runs that follow their predecessor, by the correlation of neighbours.
DEPENDENT = {f"normal, neighbours alike by {alike}": alike for alike in (0.1, 0.3, 0.6, 0.9)}


def _poisson(chance: random.Random, mean: float) -> int:
    bound, product, count = math.exp(-mean), chance.random(), 0
    while product > bound:
        product *= chance.random()
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class Step:
    """A shift of a normal series: its first run, and its size [standard deviations]."""

    at: int
    size: float

    def __str__(self) -> str:
        """Name it in a table."""
        return f"{self.size:g} sd after {self.at} runs"


def draw_steady(kind: str, count: int, stream: int = 0) -> Iterator[list[float]]:
    """Draw steady series of a kind; the same ones of a stream each time."""
    chance = random.Random(f"{_SEED} {kind} {stream}")  # noqa: S311 - repeatable, no secret
    for _ in range(count):
        if kind in INDEPENDENT:
            yield [INDEPENDENT[kind](chance) for _ in range(RUNS)]
        else:
            yield _draw_dependent(chance, DEPENDENT[kind])


def draw_steps(step: Step, count: int, stream: int = 0) -> Iterator[list[float]]:
    """Draw normal series with a step; the same ones of a stream each time."""
    chance = random.Random(f"{_SEED} {step} {stream}")  # noqa: S311 - repeatable, no secret
    for _ in range(count):
        yield [step.size * (i >= step.at) + chance.gauss(0, 1) for i in range(RUNS)]


def _draw_dependent(chance: random.Random, alike: float) -> list[float]:
    values = [chance.gauss(0, 1)]
    rest = math.sqrt(1 - alike * alike)
    while len(values) < RUNS:
        values.append(alike * values[-1] + rest * chance.gauss(0, 1))
    return values
