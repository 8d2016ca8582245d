"""Results of all guards in, out the class of the run's answer, goldens considered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.config.project import GuardSpec
from harness.judgement.guards.base import Evidence
from harness.records import GuardResult
from harness.verdict import AnswerClass, Verdict

KIND, _GOLDEN = "fingerprint", "golden"


def find_answer(results: Sequence[GuardResult]) -> AnswerClass | None:
    """Return the class that a fingerprint gave a run; None where none judged it."""
    for one in results:
        if one.kind == KIND and one.value is not None:
            return AnswerClass(one.found.partition(" (")[0])
    return None


def settle(
    results: Sequence[GuardResult], specs: Sequence[GuardSpec], evidence: Evidence
) -> tuple[GuardResult, ...]:
    """Class a changed answer as statistically the same where the suite's goldens hold.

    All of them must have judged the run; without a golden there is nothing that says so. What
    is not finite is like nothing that was seen before, whatever else holds.
    """
    goldens = [one for one in results if one.kind == _GOLDEN]
    holds = bool(goldens) and all(one.verdict is Verdict.GREEN for one in goldens)
    if not holds or find_answer(results) is not AnswerClass.CHANGED:
        return tuple(results)
    # Its readers are of use only where a fingerprint has judged.
    from harness.judgement.guards import fingerprint  # noqa: PLC0415

    declared = {
        spec.id: fingerprint.find_declared(spec, evidence)
        for spec in specs
        if spec.kind == KIND
    }
    return tuple(
        _soften(one, declared[one.id])
        if one.id in declared and one.value is not None and one.found != fingerprint.NOT_FINITE
        else one
        for one in results
    )


def _soften(one: GuardResult, declared: AnswerClass) -> GuardResult:
    answer = AnswerClass.STATISTICAL
    is_red = answer.exceeds(declared)
    was = AnswerClass.CHANGED.value
    return replace(
        one,
        verdict=Verdict.RED if is_red else Verdict.GREEN,
        found=one.found.replace(was, answer, 1),
        reason=one.reason.replace(was, answer, 1) if is_red else "",
    )
