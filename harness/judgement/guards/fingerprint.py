"""Kind ``fingerprint``: all numbers of a run against an ensemble of the same seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.errors import EvidenceMissingError, IntegrityError
from harness.evidence.numerics import numeric_class
from harness.frozen import dataclass
from harness.judgement.golden import ensemble, fingerprint
from harness.judgement.golden.fingerprint import (
    Fingerprint,
    OtherEnsembleError,
    OtherParametersError,
    StoredFingerprint,
)
from harness.judgement.guards import golden as golden_guard
from harness.judgement.guards import metrics, numbers, options
from harness.judgement.guards.base import Evidence, Golden, number, result, tell_apart
from harness.judgement.guards.numbers import Numbers
from harness.judgement.guards.readers import npy
from harness.records import GuardResult
from harness.verdict import AnswerClass, Verdict

NOT_FINITE = f"{AnswerClass.CHANGED} (not finite)"
METRIC = "fingerprint"  # distance of a run, as a part of the limit
CLASS, DEVICE = "numeric class", "device class"
_NOTE = "note"
_STRANGE_SINCE = 4  # the edition by whose rules no NaN is statistically the same
_SAME = 1e-6
_LARGEST = 1e99  # a distance without bound is written as a number


@dataclass(frozen=True, slots=True, kw_only=True)
class FingerprintOptions:
    """The parameters of kind ``fingerprint``."""

    numbers: tuple[str, ...] = key(
        "Path expressions; every number below each counts, arrays included.", is_metric=True
    )
    parameter: str = key("Parameter of the suite that perturbs a run; 0 leaves it as it is.")
    expect: str = key(
        "What a run may differ by, where neither `--expect` nor the commit says.",
        default=AnswerClass.ROUNDING.value,
        choices=tuple(one.value for one in AnswerClass),
    )
    rate: float = key(
        "False alarms of a clean run, of all numbers together.",
        default=0.001,
        above=0,
        below=0.5,
    )
    machines: str = key(
        "Whose ensemble may judge: one of the same `numeric class`, or, as is declared here "
        "and said in the result, any of the `device class`.",
        default=CLASS,
        choices=(CLASS, DEVICE),
    )
    missing: str = key(
        "Without an ensemble: `inconclusive`, or `note`: only said, as always of parameters or "
        "data that a person gave.",
        default="inconclusive",
        choices=("inconclusive", _NOTE),
    )


class FingerprintGuard:
    """The numbers of a run inside the ensemble of perturbed runs of the same seed.

    A run is *bit-identical* to the unperturbed one, or a *rounding* away: its farthest number,
    and the distances that a hundredth, a tenth and half of all numbers exceed, are within the
    limits that the ensemble gives at one rate for all. It is *statistically the same* where it
    is farther and the suite's goldens hold, else *changed*. More than was declared is red: by
    ``--expect``, by a trailer ``Answer:`` of the commit, or by ``expect``.

    `[suites.<name>.fingerprint]` declares it, ``harness golden fingerprint`` makes the
    ensemble.
    """

    kind = "fingerprint"
    options = FingerprintOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require paths that can be read."""
        wanted = options.read(FingerprintOptions, spec)
        for expression in wanted.numbers:
            metrics.parse(expression)
        if not wanted.numbers:
            raise options.error(spec, "numbers", "nothing", "at least one path")

    def judge(self, spec: GuardSpec, evidence: Evidence, golden: Golden | None) -> GuardResult:
        """Class the run; how far it lies is judged against what was declared.

        Raises:
            EvidenceMissingError: A number or an ensemble is missing.
            IntegrityError: The ensemble is damaged.
        """
        wanted = options.read(FingerprintOptions, spec)
        run = numbers.take(evidence, wanted.numbers)
        if not all(map(math.isfinite, run.values)):
            place = next(n for n, v in zip(run.names, run.values, strict=True) if v - v != 0)
            changed = _class(spec, evidence, AnswerClass.CHANGED, math.inf, "")
            reason = f"the answer is {AnswerClass.CHANGED}: {place} is not finite"
            reason = reason if changed.verdict is Verdict.RED else ""
            words = NOT_FINITE if evidence.edition >= _STRANGE_SINCE else changed.found
            return replace(changed, found=words, reason=reason)
        try:
            stored, other = _find(golden, evidence, wanted)
        except EvidenceMissingError as error:
            if not _is_note(error, evidence, wanted):
                raise
            reason = f"not compared: {error.found}; {error.remedy}"
            open_ = result(spec, Verdict.INCONCLUSIVE, error.found, error.expected, reason)
            return replace(open_, severity="warn")
        judged = _judge(spec, evidence, stored, run)
        origin = f"; {stored.about.origin}" if stored.about.origin else ""
        return replace(judged, expected=judged.expected + other + origin)


def _is_note(
    error: EvidenceMissingError, evidence: Evidence, wanted: FingerprintOptions
) -> bool:
    """Say whether a comparison that was not made only informs.

    Who sets a parameter or gives data of his own asks for another answer; generated data that
    are others than those of the ensemble do not.
    """
    if isinstance(error, OtherEnsembleError) and golden_guard.is_generated(evidence):
        return False
    is_own = any(not dataset.generated for dataset in evidence.datasets.values())
    return wanted.missing == _NOTE or is_own or isinstance(error, OtherParametersError)


def _find(
    golden: Golden | None, evidence: Evidence, wanted: FingerprintOptions
) -> tuple[StoredFingerprint, str]:
    """Return the ensemble, and what is to be said where it is of another numeric class."""
    if golden is None:
        raise EvidenceMissingError(
            "fingerprint",
            found="no fingerprint of this suite",
            expected="an ensemble of perturbed runs",
            remedy="Run harness golden fingerprint SUITE --reason …",
        )
    datasets = {role: record.sha256 for role, record in evidence.datasets.items()}
    run = evidence.environment
    stored = golden.find_fingerprint(run, datasets, evidence.parameters)
    if numeric_class.is_one_class(stored.about.environment, run):
        return stored, ""
    if wanted.machines == DEVICE:
        return stored, " (ensemble of another numeric class)"
    difference = numeric_class.tell_difference(stored.about.environment, run)
    raise EvidenceMissingError(
        "fingerprint",
        found=f"an ensemble of another numeric class: {difference or 'it is unknown'}",
        expected="one of this machine's class",
        remedy=f"Make one here, or declare machines = {DEVICE!r}.",
    )


def _judge(
    spec: GuardSpec, evidence: Evidence, stored: StoredFingerprint, run: Numbers
) -> GuardResult:
    about = stored.about
    if run.names_sha256 != about.names_sha256:
        return _class(
            spec, evidence, AnswerClass.CHANGED, math.inf, f": {_tell_others(about, run)}"
        )
    reference, spread = read_ensemble(stored)
    if run.values == reference:
        return _class(spec, evidence, AnswerClass.IDENTICAL, 0.0, "")
    distance = ensemble.find_distance(run.values, spread)
    part, index = distance.measure(about.limits)
    place = _find_moved(run.values, reference, spread, distance.place)
    is_, was = tell_apart(run.values[place], reference[place])
    where = f", farthest where {run.names[place]} is {is_}, was {was}"
    if share := ensemble.SHARES[index]:
        beyond = f"{share:.0%} of all numbers lie {number(distance.by_share[index])} spreads"
        where = f"{where}; {beyond} away or more"
    answer = AnswerClass.ROUNDING if part <= 1 else AnswerClass.CHANGED
    return _class(spec, evidence, answer, part, where)


def _find_moved(
    values: Sequence[float], reference: Sequence[float], spread: ensemble.Spread, place: int
) -> int:
    """Return the number to name: the farthest from the ensemble, if it is another one at all.

    The reference itself lies off the centre, so that a number which did not move may be farther
    from it than one that did.
    """
    if values[place] != reference[place]:
        return place
    gaps = [
        abs(v - r) / (sd or 1.0)
        for v, r, sd in zip(values, reference, spread.spread, strict=True)
    ]
    return gaps.index(max(gaps))


def _tell_others(about: Fingerprint, run: Numbers) -> str:
    """Say where a run has other numbers than an ensemble: by expression, as far as it goes."""
    for expression, count in run.counts.items():
        before = about.counts.get(expression, 0)
        if count != before:
            return f"{expression} gives {count} numbers, and {before} in the ensemble"
    return f"its {len(run.names)} numbers have other names or another order than the ensemble's"


def read_ensemble(
    stored: StoredFingerprint,
) -> tuple[tuple[float, ...], ensemble.Spread]:
    """Return the unperturbed numbers of an ensemble, and its spread.

    Raises:
        IntegrityError: The array is damaged, or a stated limit is not the one that follows.
    """
    try:
        (content,) = (raw for _, raw in npy.members(stored.read_array(), 64 << 20))
        read = npy.read_npy(content)
    except (npy.ArrayError, ValueError) as error:
        raise _damage(stored, str(error)) from error
    about, count = stored.about, sum(stored.about.counts.values())
    if read.shape != (len(fingerprint.ROWS), count) or read.dtype != "<f8":
        raise _damage(stored, f"an array {read.shape} of {read.dtype}")
    # Limits that were widened by hand do not follow from the distances any more.
    try:
        limits = ensemble.find_limits(about.distances, about.rate)
        pairs = zip(limits, about.limits, strict=True)
        is_same = all(_is_same(one, other) for one, other in pairs)
    except ValueError:  # rows of other lengths
        is_same = False
    if not is_same:
        raise _damage(stored, f"the limits {', '.join(map(number, about.limits))}")
    rows = [tuple(read.numbers[i * count : (i + 1) * count]) for i in range(3)]
    return rows[0], ensemble.Spread(centre=rows[1], spread=rows[2])


def _is_same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_SAME)


def _class(
    spec: GuardSpec, evidence: Evidence, answer: AnswerClass, share: float, where: str
) -> GuardResult:
    """Write a class and a distance as a result; the distance is a part of the limit."""
    wanted = find_declared(spec, evidence)
    is_red = answer.exceeds(wanted)
    far = "" if not share else f" ({number(share)} of the limit)"
    return replace(
        result(
            spec,
            Verdict.RED if is_red else Verdict.GREEN,
            f"{answer}{far}",
            f"at most {wanted}",
            f"the answer is {answer}{where}" if where and is_red else "",
        ),
        metric=METRIC,
        value=min(share, _LARGEST),
        high=1.0,
    )


def find_declared(spec: GuardSpec, evidence: Evidence) -> AnswerClass:
    """Return the most that a run may differ by: as was said of it, else as its suite says."""
    wanted = options.read(FingerprintOptions, spec)
    return AnswerClass(evidence.expects or wanted.expect)


def _damage(stored: StoredFingerprint, found: str) -> IntegrityError:
    return IntegrityError(
        str(stored.path.name),
        found=found,
        expected="the ensemble that the text beside it describes",
        remedy="Restore both files from git; they change only by harness golden.",
    )
