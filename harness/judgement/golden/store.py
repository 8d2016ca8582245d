"""Goldens as text in ``golden/<suite>/``: read, looked up, and written with provenance.

One JSON file per environment and datasets, values sorted by metric, so that a review sees
what changed. The numbers of a value must agree with each other; that a file was edited
consistently by hand shows in the ledger, which holds the digest of every update.
"""

from __future__ import annotations

import dataclasses
import json
import math
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import files
from harness.errors import EvidenceMissingError, IntegrityError
from harness.evidence.hub.store import refuse_twice
from harness.evidence.numerics import numeric_class
from harness.frozen import dataclass
from harness.judgement.golden import curve, fingerprint
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.golden.fingerprint import StoredFingerprint
from harness.records import decode, encode

SCHEMA = 1
LOGGED = "golden-update"  # kind of the ledger entry behind every change
LEAST_SEEDS = 12  # fewer give factors so wide that a bound says little
COVERAGE = CONFIDENCE = 0.95  # of an interval where a guard says nothing else
SIDES, SCALES = curve.SIDES, curve.SCALES
scale, unscale = curve.scale, curve.unscale
_SAME = 1e-9
_VALUES, _CURVES = "values", "curves"
_KEYS = frozenset({"schema", _VALUES, _CURVES})
_SIZE_LIMIT = 4 << 20


class OtherDataError(EvidenceMissingError):
    """A suite has goldens, and none of this metric, or none of these datasets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenValue:
    """The reference statistics of one metric and where they come from.

    ``mean`` and ``sd`` are on ``scale``; ``low`` and ``high`` in the metric's own unit,
    None on an open side.
    """

    metric: str
    mean: float
    sd: float
    n: int
    scale: str
    sides: str
    coverage: float
    confidence: float
    low: float | None
    high: float | None
    environment: dict[str, str]
    datasets: dict[str, str]
    hubs: tuple[str, ...]
    seeds: tuple[str, ...]
    reason: str
    author: str
    date: str
    commit: str

    @property
    def reference(self) -> float:
        """Centre of the calibrated values, in the metric's own unit."""
        return unscale(self.mean, self.scale)

    def find_bounds(self, runs: int) -> tuple[float | None, float | None]:
        """Return the bounds of the mean of so many runs."""
        return bounds(self, runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenSet:
    """All golden values, curves and fingerprints of a suite."""

    values: tuple[GoldenValue, ...] = ()
    curves: tuple[GoldenCurve, ...] = ()
    fingerprints: tuple[StoredFingerprint, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to compare with."""
        return not (self.values or self.curves or self.fingerprints)

    @property
    def references(self) -> tuple[GoldenValue | GoldenCurve, ...]:
        """Values and curves: all that is of many seeds."""
        return (*self.values, *self.curves)

    @property
    def digest(self) -> str:
        """SHA-256 of what it says, whatever the files it is in and their order."""
        # Sorted: in which files the values lie is no part of what they say.
        texts = sorted(json.dumps(encode(value), sort_keys=True) for value in self.values)
        texts += sorted(json.dumps(encode(one), sort_keys=True) for one in self.curves)
        texts += sorted(one.about.digest for one in self.fingerprints)
        return files.sha256_bytes(json.dumps(texts).encode())

    def find_fingerprint(
        self,
        environment: Mapping[str, str],
        datasets: Mapping[str, str],
        parameters: Mapping[str, str],
    ) -> StoredFingerprint:
        """Return the fingerprint of these data, parameters and this kind of machine.

        Raises:
            EvidenceMissingError: There is none.
        """
        return fingerprint.find(self.fingerprints, environment, datasets, parameters)

    def find_curve(
        self, metric: str, environment: Mapping[str, str], datasets: Mapping[str, str]
    ) -> GoldenCurve:
        """Return the golden of a metric with many values, as ``lookup`` does.

        Raises:
            EvidenceMissingError: There is none.
        """
        curves = [one for one in self.curves if one.metric == metric]
        if not curves:  # goldens of single numbers say nothing of a curve
            raise _missing_error(metric, "no golden of this curve", "one")
        return _find(curves, metric, environment, datasets)

    def lookup(
        self, metric: str, environment: Mapping[str, str], datasets: Mapping[str, str]
    ) -> GoldenValue:
        """Return the value of the exact environment, else of its numeric or device class.

        Whether another numeric class will do is for the guard to say.

        Raises:
            OtherDataError: None for this metric or these datasets.
            EvidenceMissingError: None for this device class, or one that rests on too few
                seeds; never another one instead.
        """
        values = [value for value in self.values if value.metric == metric]
        return _find(values, metric, environment, datasets)

    def replace(
        self, values: tuple[GoldenValue, ...], curves: tuple[GoldenCurve, ...] = ()
    ) -> GoldenSet:
        """Return the set with new values and curves for those of the same identity."""
        return dataclasses.replace(
            self,
            values=_take_place(self.values, values),
            curves=_take_place(self.curves, curves),
        )


_One = typing.TypeVar("_One", GoldenValue, GoldenCurve)


def _find(
    named: list[_One],
    metric: str,
    environment: Mapping[str, str],
    datasets: Mapping[str, str],
) -> _One:
    # Narrowed step by step, so that the message says what is missing: the metric, the data
    # or the kind of machine.
    if not named:
        raise _missing_error(metric, "no golden of this metric", "one", OtherDataError)
    here = [value for value in named if value.datasets == dict(datasets)]
    if not here:
        others = "goldens of other datasets only"
        raise _missing_error(metric, others, _short(datasets), OtherDataError)
    device = environment.get("device", "")
    alike = [value for value in here if value.environment.get("device") == device]
    if not alike:
        raise _missing_error(
            metric, "goldens of other device classes only", device or "a device"
        )
    exact = [value for value in alike if value.environment == dict(environment)]
    near = [v for v in alike if numeric_class.is_one_class(v.environment, environment)]
    # Of several that fit, the one that was made last.
    golden = max(exact or near or alike, key=lambda value: value.date)
    if golden.n < LEAST_SEEDS:
        raise _missing_error(metric, f"a golden of {golden.n} seeds", f"at least {LEAST_SEEDS}")
    return golden


def _take_place(old: tuple[_One, ...], new: tuple[_One, ...]) -> tuple[_One, ...]:
    fresh = {identity(one) for one in new}
    return tuple(one for one in old if identity(one) not in fresh) + new


def bounds(value: GoldenValue, runs: int = 1) -> tuple[float | None, float | None]:
    """Compute the tolerance interval of a run, or of the mean of several on the scale."""
    from harness.judgement.golden import tolerance  # noqa: PLC0415 - statistics, for suites with goldens

    factor = tolerance.two_sided if value.sides == "two" else tolerance.one_sided
    reach = factor(value.n, value.coverage, value.confidence, runs) * value.sd
    low = None if value.sides == "high" else unscale(value.mean - reach, value.scale)
    high = None if value.sides == "low" else unscale(value.mean + reach, value.scale)
    return low, high


def identity(value: GoldenValue | GoldenCurve) -> tuple[str, str, str]:
    """Return what makes a value the golden of one comparison."""
    return (value.metric, _text(value.environment), _text(value.datasets))


def load(folder: Path) -> GoldenSet:
    """Read the goldens of a suite; a folder that is not there holds none.

    Raises:
        IntegrityError: A file is damaged or its numbers contradict each other.
    """
    if folder.is_symlink():
        raise _damage(str(folder), "a symbolic link", "a folder")
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    read = [_read_file(path) for path in paths]
    return GoldenSet(
        values=tuple(value for values, _ in read for value in values),
        curves=tuple(one for _, curves in read for one in curves),
        fingerprints=fingerprint.load(folder),
    )


def save(folder: Path, golden: GoldenSet) -> tuple[Path, ...]:
    """Write the goldens of a suite, one file per environment and datasets.

    Returns:
        The files written.

    Raises:
        StorageError: The disk refused.
    """
    groups: dict[str, dict[str, Any]] = {}
    folder.mkdir(parents=True, exist_ok=True)
    both: tuple[tuple[str, Sequence[GoldenValue | GoldenCurve]], ...] = (
        (_VALUES, golden.values),
        (_CURVES, golden.curves),
    )
    for key, every in both:
        for one in sorted(every, key=lambda one: one.metric):
            groups.setdefault(file_name(one), {}).setdefault(key, []).append(encode(one))
    for name, content in groups.items():
        whole = {"schema": SCHEMA, _VALUES: [], **content}
        files.write_bytes(folder / name, files.json_bytes(whole))
    for mark in golden.fingerprints:
        fingerprint.save(folder, mark.about, mark.read_array())
    return tuple(folder / name for name in sorted(groups))


def file_name(value: GoldenValue | GoldenCurve) -> str:
    """Name the file of a value: device class, then digests of environment and datasets."""
    marks = [
        files.sha256_bytes(_text(part).encode())[:12]
        for part in (value.environment, value.datasets)
    ]
    device = "".join(c for c in value.environment.get("device", "any") if c.isalnum()) or "any"
    return f"{device}-{marks[0]}-{marks[1]}.json"


def _read_file(path: Path) -> tuple[tuple[GoldenValue, ...], tuple[GoldenCurve, ...]]:
    try:
        content = json.loads(
            files.read_bounded(path, _SIZE_LIMIT), object_pairs_hook=refuse_twice
        )
    except (OSError, ValueError, RecursionError) as error:
        raise _damage(str(path), f"no JSON: {error}"[:160], "goldens as JSON") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise _damage(str(path), "another schema", f"schema {SCHEMA}")
    lists: list[Any] = [content.get(_VALUES), content.get(_CURVES, [])]
    is_shaped = {"schema", _VALUES} <= set(content) <= _KEYS
    if not is_shaped or not all(isinstance(one, list) for one in lists):
        raise _damage(str(path), "other keys", "schema, values and curves")
    values = tuple(decode(GoldenValue, v, f"{path}[{i}]") for i, v in enumerate(lists[0]))
    for value in values:
        check(value, f"{path}: {value.metric}")
    where = f"{path}.{_CURVES}"
    curves = tuple(decode(GoldenCurve, c, f"{where}[{i}]") for i, c in enumerate(lists[1]))
    if curves:
        from harness.judgement.golden import curve_statistics  # noqa: PLC0415 - statistics, for suites with curves

        for one in curves:
            if damage := curve_statistics.find_damage(one):
                raise _damage(f"{path}: {one.metric}", *damage)
    return values, curves


def check(value: GoldenValue, where: str) -> None:
    """Refuse a value whose numbers cannot belong together.

    Raises:
        IntegrityError: A choice, a number or a bound was not written by the harness.
    """
    if value.scale not in SCALES or value.sides not in SIDES:
        raise _damage(where, f"{value.scale}, {value.sides}", "a known scale and sides")
    numbers = [value.mean, value.sd, value.coverage, value.confidence]
    if not all(map(math.isfinite, numbers)) or value.sd <= 0:
        raise _damage(where, "numbers that are not finite, or no spread", "finite statistics")
    if not value.reason.strip() or len(value.seeds) != value.n:
        raise _damage(where, f"n = {value.n}, {len(value.seeds)} seeds", "a reason and n seeds")
    try:
        computed = bounds(value)
    except (ValueError, OverflowError) as error:
        raise _damage(where, str(error), "statistics of at least 3 values") from error
    # Bounds can be computed, and are all the same stored for people to read; a bound that was
    # widened by hand does not fit its mean, deviation and n.
    for stated, expected in zip((value.low, value.high), computed, strict=True):
        if not _close(stated, expected):
            raise _damage(where, f"the bound {stated}", f"{expected}, from its mean, sd and n")


def _close(stated: float | None, expected: float | None) -> bool:
    if stated is None or expected is None:
        return stated is expected
    # Not ==: another release's quantiles, or another mathematical library, differ in the last
    # bits.
    return math.isclose(stated, expected, rel_tol=_SAME, abs_tol=_SAME * 1e-300)


def recompute_bounds(value: GoldenValue) -> GoldenValue:
    """Return the value with its bounds computed."""
    low, high = bounds(value)
    return dataclasses.replace(value, low=low, high=high)


def _text(mapping: Mapping[str, str]) -> str:
    return json.dumps(dict(mapping), sort_keys=True)


def _short(datasets: Mapping[str, Any]) -> str:
    return ", ".join(f"{role} {sha[:12]}" for role, sha in sorted(datasets.items())) or "none"


def _missing_error(
    metric: str, found: str, expected: str, error: type[EvidenceMissingError] | None = None
) -> EvidenceMissingError:
    remedy = "Run harness golden calibrate, then harness golden update --reason."
    kind = error or EvidenceMissingError
    return kind(f"golden of {metric}", found=found, expected=expected, remedy=remedy)


def _damage(where: str, found: str, expected: str) -> IntegrityError:
    remedy = "Restore the file from git; a golden changes only by harness golden update."
    return IntegrityError(where, found=found, expected=expected, remedy=remedy)
