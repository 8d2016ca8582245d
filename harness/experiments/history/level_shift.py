"""A shift as a person reads it: the runs on both sides, the decision, what reruns say."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from harness.evidence.hub import seal
from harness.experiments.history.points import Run, Series
from harness.frozen import dataclass
from harness.judgement.shifts.acknowledgement import DOWN, UP

STEP, GOLDEN = "step", "golden"


class Confirmation(enum.StrEnum):
    """What reruns of both sides of a shift say; nothing is blamed before they have."""

    NONE = "not rerun"
    CODE = "confirmed: the code"
    ELSEWHERE = "not the code: the commit before it gives another answer today as well"
    UNSTEADY = "not confirmed: the commit behind it gives another answer today"

    @property
    def is_refuted(self) -> bool:
        """Whether the reruns speak against the code between both runs."""
        return self in (Confirmation.ELSEWHERE, Confirmation.UNSTEADY)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelShift:
    """A shift of a series.

    ``kind`` is a step between two levels, or a level beside the golden. ``first`` is the first
    run of the new level as it looked at ``seen``, where it was noticed; ``last_before`` and
    ``first_after`` are surely on either side (no run is before a level that never was at the
    golden's). ``before`` and ``after`` are in the metric's unit, ``deviations`` is the size in
    its noise, None where there is none. ``machine`` says in what the machines of both sides
    differ. ``reason`` is why it was acknowledged, empty where it was not.
    """

    kind: str
    series: Series
    first: Run
    seen: Run
    last_before: Run | None
    first_after: Run
    before: float
    after: float
    deviations: float | None
    machine: str = ""
    reason: str = ""
    rerun_before: Run | None = None
    rerun_after: Run | None = None
    confirmation: Confirmation = Confirmation.NONE

    @property
    def size(self) -> float:
        """How far the level moved, with its sign [unit of the metric]."""
        return self.after - self.before

    @property
    def direction(self) -> str:
        """``up`` or ``down``."""
        return UP if self.size > 0 else DOWN

    @property
    def is_open(self) -> bool:
        """Whether nobody has acknowledged it."""
        return not self.reason

    @property
    def subject(self) -> str:
        """Name of the first run of the new level in the ledger."""
        return seal.subject(self.series.suite, self.first.run_id)

    @property
    def commits(self) -> tuple[str | None, str]:
        """The last commit that is surely old, and the first that is surely new."""
        old = None if self.last_before is None else self.last_before.record.stamp.commit
        return old, self.first_after.record.stamp.commit


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSeries:
    """A series with its shifts in order; ``note`` says what could not be judged."""

    series: Series
    shifts: tuple[LevelShift, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The judged series of a suite; damaged hubs by name, and how many hubs are gone."""

    suite: str
    judged: tuple[JudgedSeries, ...]
    damaged: Mapping[str, str]
    gone: int

    @property
    def open_shifts(self) -> tuple[LevelShift, ...]:
        """Shifts that nobody has acknowledged."""
        return tuple(s for one in self.judged for s in one.shifts if s.is_open)
