"""Further runs of a verdict: which seeds they have, what they gave, and whether one failed.

A verdict over several runs stands on the run whose hub it is and on members with other seeds.
Bounds, tests and stages must hold in every one; goldens judge the mean. The seeds follow from
the run's id, so that nobody chose them, and anybody can draw them again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence

from harness.config.project import GuardSpec, SuiteSpec
from harness.errors import EvidenceMissingError
from harness.judgement.guards import metrics
from harness.judgement.guards.aggregates import ALL
from harness.judgement.guards.base import Evidence, result
from harness.judgement.guards.defaults import PREFIX
from harness.records import GuardResult, HubRecord, MemberRecord
from harness.verdict import Verdict

GUARD = f"{PREFIX}runs"
_REMEDY = "Look at the summary.md of that run; harness run SUITE --set seed=… makes it again."
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
    failed = [stage.id for stage in record.stages if _has_failed(stage.verdict, stage.outcome)]
    failed += [
        guard.id
        for guard in record.guards
        if guard.verdict is Verdict.RED
        and guard.severity == "fail"
        and guard.id not in relative
    ]
    failed += [f"{name} is not finite" for name, value in values.items() if value - value != 0]
    return MemberRecord(
        seed=record.parameters.get("seed", ""),
        run_id=record.run_id,
        hub=hub,
        manifest_sha256=manifest_sha256,
        values={name: value for name, value in values.items() if value - value == 0},
        failed=tuple(failed),
    )


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


def _has_failed(verdict: Verdict, outcome: str) -> bool:
    """Say of a stage whether it failed; one that no seed reaches is left out on purpose."""
    return verdict is Verdict.RED or (verdict is not Verdict.GREEN and outcome != "skipped")


def judge_members(evidence: Evidence) -> tuple[GuardResult, ...]:
    """Judge that there are as many runs as a verdict is to stand on, and that none failed.

    Returns:
        One result; none of a verdict over one run.
    """
    if evidence.runs == 1 and not evidence.members:
        return ()
    spec = GuardSpec(id=GUARD, kind="default", remedy=_REMEDY)
    count, wanted = 1 + len(evidence.members), evidence.runs
    failed = [member for member in evidence.members if member.failed]
    expected = f"{wanted} runs, each with what no seed may change"
    if failed:
        first = failed[0]
        reason = f"seed {first.seed}: {', '.join(first.failed[:3])} ({first.hub})"
        actual = f"{len(failed)} of {count} runs failed"
        return (result(spec, Verdict.RED, actual, expected, reason),)
    if count < wanted:
        actual = f"{count} of {wanted} runs"
        return (
            result(spec, Verdict.INCONCLUSIVE, actual, expected, "the others were not made"),
        )
    return (result(spec, Verdict.GREEN, f"{count} runs", expected),)


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

    The first ones are drawn where nothing but a mean is red, and nothing that counts is open;
    more where a mean is red over those.

    Args:
        results: Of the guards, with the runs that there are.
        means: Ids of the guards that judge the mean of all runs.
        wanted: How many runs the verdict is to stand on.
        count: How many there are.
    """
    counting = [one for one in results if one.severity == "fail" and one.id != GUARD]
    bad = [one for one in counting if one.verdict is not Verdict.GREEN]
    if any(one.id not in means or one.verdict is not Verdict.RED for one in bad):
        return False
    has_failed = any(one.id == GUARD and one.verdict is Verdict.RED for one in results)
    return not has_failed and (count < wanted or bool(bad))
