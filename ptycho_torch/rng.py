"""Independent random streams of a run, all rooted in one seed.

Library code never touches a global generator: each purpose draws from its own
stream, so that adding a purpose changes no other.
"""

from __future__ import annotations

import enum

import numpy as np


class Stream(enum.IntEnum):
    """Purposes that draw random numbers; the number is part of the contract."""

    # A number that is changed or given again changes every seeded result from then on.
    SPLIT = 1
    GROUPING = 2
    WEIGHTS = 3
    SHUFFLE = 4
    OBJECT = 5
    SCAN = 6
    NOISE = 7
    REFINEMENT = 8
    PERTURBATION = 9


def generator(seed: int, stream: Stream, *branch: int) -> np.random.Generator:
    """Make the generator of one stream; ``branch`` separates epochs and the like."""
    # Not seed + stream: the streams of one seed would be those of its neighbours.
    sequence = np.random.SeedSequence(seed, spawn_key=(int(stream), *branch))
    return np.random.default_rng(sequence)
