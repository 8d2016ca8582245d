"""What every guard is given, and what it gives back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from harness.config.project import GuardSpec
from harness.records import (
    ArtifactRecord,
    DatasetRecord,
    GuardResult,
    MemberRecord,
    StageRecord,
)
from harness.verdict import Verdict

if TYPE_CHECKING:  # a declaration is checked without what reads goldens
    from harness.judgement.golden.curve import GoldenCurve
    from harness.judgement.golden.fingerprint import StoredFingerprint


class Evidence(Protocol):
    """The files of one run, read alike while it is judged and when it is verified."""

    @property
    def root(self) -> Path:
        """Folder of the hub (temporary name while the run is being judged)."""

    @property
    def stages(self) -> dict[str, StageRecord]:
        """Stages by id."""

    @property
    def artifacts(self) -> dict[str, ArtifactRecord]:
        """Collected artifacts by id; a declared one that is missing is not in here."""

    @property
    def datasets(self) -> dict[str, DatasetRecord]:
        """Datasets by role."""

    @property
    def environment(self) -> dict[str, str]:
        """Environment key parts of the run: interpreter, packages, device class, platform."""

    @property
    def parameters(self) -> dict[str, str]:
        """Parameters of the run."""

    @property
    def expects(self) -> str:
        """Class of answer that was declared for this run; empty where nobody did."""

    def read(self, artifact: str, limit: int = 64 << 20) -> bytes:
        """Return the bytes of an artifact; EvidenceMissingError when it is not there."""

    @property
    def runs(self) -> int:
        """How many runs the verdict is to stand on, this one included."""

    @property
    def members(self) -> tuple[MemberRecord, ...]:
        """The runs that it stands on besides this one."""

    @property
    def edition(self) -> int:
        """Edition of the default rules by which the run is judged."""

    def parse(self, artifact: str, read: Callable[[bytes], Any], limit: int) -> Any:
        """Return what a reader makes of an artifact of at most ``limit`` bytes."""

    def json(self, artifact: str) -> Any:
        """Return the parsed JSON of an artifact; NaN and ±inf literals are kept as floats."""

    def log(self, stage: str) -> str:
        """Return the complete log of a stage."""


class Bounds(Protocol):
    """What a golden says of one metric; ``low`` or ``high`` is None on an open side."""

    @property
    def reference(self) -> float:
        """Centre of the calibrated values, in the metric's own unit."""

    @property
    def low(self) -> float | None:
        """Smallest accepted value."""

    @property
    def high(self) -> float | None:
        """Largest accepted value."""

    def find_bounds(self, runs: int) -> tuple[float | None, float | None]:
        """Return the bounds of the mean of so many runs."""

    @property
    def scale(self) -> str:
        """Scale on which the mean of several runs is taken."""

    @property
    def n(self) -> int:
        """Seeds that the bounds rest on."""

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the runs that the bounds come from."""


class Golden(Protocol):
    """The reference statistics of a suite."""

    def lookup(
        self, metric: str, environment: Mapping[str, str], datasets: Mapping[str, str]
    ) -> Bounds:
        """Return the bounds of a metric; EvidenceMissingError says why there are none."""

    def find_curve(
        self, metric: str, environment: Mapping[str, str], datasets: Mapping[str, str]
    ) -> GoldenCurve:
        """Return the band of a metric with many values; EvidenceMissingError as above."""

    def find_fingerprint(
        self,
        environment: Mapping[str, str],
        datasets: Mapping[str, str],
        parameters: Mapping[str, str],
    ) -> StoredFingerprint:
        """Return the fingerprint of a comparison; EvidenceMissingError where there is none."""


class Guard(Protocol):
    """One kind of rule. Kinds are found by name in ``guards.registry``."""

    kind: str

    def check_spec(self, spec: GuardSpec) -> None:
        """Raise ConfigError when the declaration lacks or misnames a parameter."""

    def judge(self, spec: GuardSpec, evidence: Evidence, golden: Golden | None) -> GuardResult:
        """Judge the evidence.

        Raises:
            HarnessError: The comparison cannot be made; the registry turns it into an
                inconclusive result.
        """


class BuiltInGuard(Guard, Protocol):
    """A kind of the harness itself, whose parameters are declared by a record."""

    @property
    def options(self) -> type:
        """The record that declares its parameters."""


def number(value: float | None) -> str:
    """Write a number as people compare it: six significant digits."""
    return "nothing" if value is None else f"{value:.6g}"


def tell_apart(one: float, other: float) -> tuple[str, str]:
    """Write two numbers with as many digits as tell them apart, and no fewer than ever."""
    for digits in range(6, 17):
        pair = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if pair[0] != pair[1] or one == other:
            return pair
    return repr(one), repr(other)


def interval(low: float | None, high: float | None) -> str:
    """Write an interval whose sides may be open."""
    if low is not None and high is not None:
        return f"{number(low)} … {number(high)}"
    return f"≥ {number(low)}" if high is None else f"≤ {number(high)}"


def result(
    spec: GuardSpec, verdict: Verdict, found: str, expected: str, reason: str = ""
) -> GuardResult:
    """Build the result of a rule that is not about one number."""
    return GuardResult(
        id=spec.id,
        kind=spec.kind,
        verdict=verdict,
        severity=spec.severity,
        found=found,
        expected=expected,
        reason=reason,
        remedy=spec.remedy,
        policies=spec.policies,
        metric=None,
        value=None,
        low=None,
        high=None,
    )


def judge_interval(
    spec: GuardSpec,
    metric: str,
    value: float,
    bounds: tuple[float | None, float | None],
    context: str = "",
) -> GuardResult:
    """Judge one number against an interval; NaN and ±inf are red whatever the bounds.

    ``context`` is added to a red reason: where the bounds come from.
    """
    low, high = bounds
    verdict, reason = _place(value, low, high)
    finite = math.isfinite(value)
    return GuardResult(
        id=spec.id,
        kind=spec.kind,
        verdict=verdict,
        severity=spec.severity,
        found=number(value),
        expected=interval(low, high),
        reason=f"{metric} {reason}{context}" if reason else "",
        remedy=spec.remedy,
        policies=spec.policies,
        metric=metric,
        value=value if finite else None,
        low=low,
        high=high,
    )


def is_near(value: float, reference: float, allowed: float) -> bool:
    """Say whether two numbers are at most so far apart; what is not finite is near nothing.

    A tolerance relative to infinity would take in every number.
    """
    gap = abs(value - reference)
    return math.isfinite(gap) and gap <= allowed


def _place(value: float, low: float | None, high: float | None) -> tuple[Verdict, str]:
    if not math.isfinite(value):
        return Verdict.RED, "is not finite"
    if low is not None and value < low:
        is_, bound = tell_apart(value, low)
        return Verdict.RED, f"is {is_}, below {bound}"
    if high is not None and value > high:
        is_, bound = tell_apart(value, high)
        return Verdict.RED, f"is {is_}, above {bound}"
    return Verdict.GREEN, ""
