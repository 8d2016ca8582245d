"""Further runs of a verdict: which seeds they have, what they gave, and whether one failed.

A verdict over several runs stands on the run whose hub it is and on members with other seeds.
Bounds, tests and stages must hold in every one; goldens judge the mean. The seeds follow from
the run's id, so that nobody chose them, and anybody can draw them again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import PurePosixPath

from harness.config.project import GuardSpec, SuiteSpec
from harness.errors import EvidenceMissingError
from harness.evidence.hub import causes
from harness.judgement.guards import golden, metrics
from harness.judgement.guards.aggregates import ALL
from harness.judgement.guards.base import Evidence, result
from harness.records import GuardResult, HubRecord, MemberRecord
from harness.verdict import Verdict

GUARD = causes.OF_RUNS
_REMEDY = "Look into {hub}; harness run {suite} --set seed={seed} makes it again."
_AGAIN = "Run the suite again: nothing is known to be wrong."
# Seeds of people and of calibrations are small numbers: a check needs fresh ones.
_LEAST_SEED, _SEEDS = 1_000_000, 1_000_000_000
# Of two runs one that settled elsewhere would be half.
_LEAST_LOOK = 3
# A member is one run of the reference, and not judged by it.
_BY_REFERENCE = ("golden", "fingerprint")


def draw_seed(run_id: str, index: int) -> str:
    """Return the seed of a member of a run, the first of index 1."""
    digest = hashlib.sha256(f"{run_id}/{index}".encode()).digest()
    return str(_LEAST_SEED + int.from_bytes(digest[:8]) % _SEEDS)


def make_member(
    suite: SuiteSpec, record: HubRecord, evidence: Evidence, hub: str, manifest_sha256: str
) -> MemberRecord:
    """Say of a member what a verdict needs: its numbers by metric, and what failed in it.

    Args:
        suite: As it was declared for the run.
        record: Of the member.
        evidence: Its hub.
        hub: Its folder, relative to the project.
        manifest_sha256: Digest of its manifest.
    """
    values = dict(_take_values(suite, evidence))
    relative = {spec.id for spec in suite.guards if is_by_reference(spec)}
    red = [stage.id for stage in record.stages if stage.verdict is Verdict.RED]
    red += [
        guard.id
        for guard in record.guards
        if guard.verdict is Verdict.RED
        and guard.severity == "fail"
        and guard.id not in relative
    ]
    strange = [f"{name} is not finite" for name, value in values.items() if value - value != 0]
    # A stage that no seed reaches is left out on purpose.
    unfinished = [
        stage.id
        for stage in record.stages
        if stage.verdict is Verdict.INCONCLUSIVE and stage.outcome != "skipped"
    ]
    return MemberRecord(
        seed=record.parameters.get("seed", ""),
        run_id=record.run_id,
        hub=hub,
        manifest_sha256=manifest_sha256,
        values={name: value for name, value in values.items() if value - value == 0},
        failed=(*red, *strange),
        unfinished=tuple(unfinished),
        reason=_find_reason(record, {*red, *unfinished}),
    )


def _find_reason(record: HubRecord, names: AbstractSet[str | None]) -> str:
    """Return the sentence of the first cause that stages or guards of a member are part of."""
    for cause in record.causes:
        if names & {cause.stage, *cause.guards, *cause.follows}:
            return cause.sentence
    return ""


def _take_values(suite: SuiteSpec, evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Yield what goldens judge, as far as the run gave it, by metric."""
    for spec in suite.guards:
        if is_of_mean(spec):
            try:
                yield metrics.key(spec.options), metrics.take(evidence, spec.options)
            except EvidenceMissingError:
                continue


def is_by_reference(spec: GuardSpec) -> bool:
    """Say whether a guard holds a run against a golden."""
    is_relative = "above" in spec.options or "below" in spec.options
    return spec.kind in _BY_REFERENCE or (spec.kind == "resource" and is_relative)


def judge_members(evidence: Evidence) -> tuple[GuardResult, ...]:
    """Judge that there are as many runs as a verdict is to stand on, and that none failed.

    Returns:
        One result; none of a verdict over one run.
    """
    if evidence.runs == 1 and not evidence.members:
        return ()
    count = 1 + len(evidence.members)
    wanted = max(evidence.runs, count)
    expected = f"{wanted} runs, and in each what no seed may change"
    failed = [member for member in evidence.members if member.failed]
    if failed:
        first = failed[0]
        suite = PurePosixPath(first.hub).parent.name
        remedy = _REMEDY.format(hub=first.hub, suite=suite, seed=first.seed)
        reason = f"seed {first.seed}: {first.reason or ', '.join(first.failed[:3])}"
        actual = f"{len(failed)} of {count} runs failed"
        spec = GuardSpec(id=GUARD, kind="default", remedy=remedy)
        return (result(spec, Verdict.RED, actual, expected, reason),)
    spec = GuardSpec(id=GUARD, kind="default", remedy=_AGAIN)
    if unfinished := [member for member in evidence.members if member.unfinished]:
        first = unfinished[0]
        reason = f"seed {first.seed}: {first.reason or first.unfinished[0]}"
        actual = f"{len(unfinished)} of {count} runs proved nothing"
        return (result(spec, Verdict.INCONCLUSIVE, actual, expected, reason),)
    if count < wanted:
        actual = f"{count} of {wanted} runs"
        return (
            result(spec, Verdict.INCONCLUSIVE, actual, expected, "the others were not made"),
        )
    return (result(spec, Verdict.GREEN, f"{count} runs", expected),)


def settle(
    results: Sequence[GuardResult], specs: Sequence[GuardSpec], evidence: Evidence
) -> tuple[GuardResult, ...]:
    """Take the blame from goldens whose further runs are not there; what else is red decides.

    A seed that went astray is no defect, and over fewer runs than a verdict is to stand on
    nobody knows whether it did: a run that was stopped in between proves nothing.
    """
    count = 1 + len(evidence.members)
    is_whole = count >= evidence.runs and not any(m.unfinished for m in evidence.members)
    means = {spec.id: spec for spec in specs if is_of_mean(spec)}
    is_red = any(
        one.verdict is Verdict.RED and one.severity == "fail" and one.id not in means
        for one in results
    )
    is_red |= any(stage.verdict is Verdict.RED for stage in evidence.stages.values())
    is_red |= any(member.failed for member in evidence.members)
    if is_whole or is_red:
        return tuple(results)
    return tuple(
        _leave_open(one) if one.id in means and _is_astray(means[one.id], one) else one
        for one in results
    )


def _is_astray(spec: GuardSpec, one: GuardResult) -> bool:
    """Say whether a number lies outside the band alone: no seed gives what cannot be."""
    is_number = one.verdict is Verdict.RED and one.value is not None
    return is_number and golden.refuse_strange(spec, one.value or 0.0) is None


def _leave_open(one: GuardResult) -> GuardResult:
    reason = f"{one.reason}; the further runs that would confirm it were not made"
    return replace(one, verdict=Verdict.INCONCLUSIVE, reason=reason)


def is_of_mean(spec: GuardSpec) -> bool:
    """Say whether a guard judges the mean of all runs; a curve is that of the run itself."""
    return spec.kind == "golden" and spec.options.get("aggregate") != ALL


def list_looks(runs: int) -> tuple[int, ...]:
    """Return over how many runs goldens are judged, one look after the other.

    After the run itself comes what the verdict is to stand on, then twice as many; of a
    verdict that is to stand on the run alone, three, where a golden is red over that.
    """
    return (_LEAST_LOOK,) if runs == 1 else (runs, 2 * runs)


def may_draw(
    results: Sequence[GuardResult], means: Collection[str], wanted: int, count: int
) -> bool:
    """Say whether further runs could change a verdict.

    Where nothing but a mean is red, more are drawn before it is blamed, whatever else could
    not be judged; the first ones also where nothing is red and nothing that counts is open.

    Args:
        results: Of the guards, with the runs that there are.
        means: Ids of the guards that judge the mean of all runs.
        wanted: How many runs the verdict is to stand on.
        count: How many there are.
    """
    counting = [one for one in results if one.severity == "fail" and one.id != GUARD]
    red = [one for one in counting if one.verdict is Verdict.RED]
    is_open = any(one.verdict is Verdict.INCONCLUSIVE for one in counting)
    if any(one.id not in means for one in red):
        return False
    has_failed = any(one.id == GUARD and one.verdict is not Verdict.GREEN for one in results)
    if count > 1 and has_failed:
        return False
    return bool(red) or (count < wanted and not is_open)
