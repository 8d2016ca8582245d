"""Whether the drill that a red run is of is the likest of all, with any guard left out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.config.project import Project, SuiteSpec
from harness.evidence.hub import causes as signatures
from harness.evidence.hub import store
from harness.experiments.drills import drill as drills
from harness.experiments.drills import outcome_cache, scope
from harness.experiments.drills.outcome_cache import OutcomeCache
from harness.experiments.explain import likeness
from harness.judgement.roads import roads_of
from harness.records import HubRecord
from harness.verdict import Verdict
from proofs.causes.answers import Answer


def recognise(
    project: Project, suite: SuiteSpec, answers: Sequence[Answer], hubs: Mapping[str, Path]
) -> dict[str, list[tuple[str, int]]]:
    """Return of each drill, for each of its red guards left out, its rank among all drills.

    Ranks of equal likeness are shared and count as the worse one. Where the drill turned one
    thing red only, nothing is left to recognise it by without that.
    """
    ran = [one for one in answers if one.guard and one.red]
    shutil.rmtree(project.work / "drills", ignore_errors=True)
    records = {one.name: store.read_record(hubs[one.name]) for one in ran}
    patterns = {one.name: _pattern_of(suite, one, records[one.name]) for one in ran}
    for name, outcome in patterns.items():
        outcome_cache.keep(project, name, outcome)
    ranks: dict[str, list[tuple[str, int]]] = {}
    for one in ran:
        record, pattern = records[one.name], {*patterns[one.name].red}
        names = [g.id for g in record.guards if g.verdict is Verdict.RED]
        names = [name for name in names if pattern - {name}]
        ranks[one.name] = [
            (left_out, _rank(project, suite, record, one.name, left_out))
            for left_out in ("", *names)
        ]
    return ranks


def _pattern_of(suite: SuiteSpec, one: Answer, record: HubRecord) -> OutcomeCache:
    """Keep what the stages of the drill's guard alone turn red, as ``harness drill`` does."""
    roads = roads_of(suite)
    stages = scope.stages_for(suite, one.guard)
    red = {name: side for name, side in one.red.items() if roads.is_within(name, stages)}
    return OutcomeCache(
        schema=outcome_cache.SCHEMA,
        name=one.name,
        outcome=drills.CAUGHT,
        red=tuple(red),
        duration_s=one.seconds,
        reason="",
        sides={name: side for name, side in red.items() if side},
        values=signatures.sizes(g for g in record.guards if g.id in red),
    )


def _rank(
    project: Project, suite: SuiteSpec, record: HubRecord, name: str, left_out: str
) -> int:
    guards = tuple(guard for guard in record.guards if guard.id != left_out)
    likely = likeness.compare_drills(project, suite, replace(record, guards=guards))
    order = [((one.score, one.equal), one.drill) for one in likely]
    own = next((key for key, drill in order if drill == name), (0.0, 0))
    return sum(key >= own for key, _ in order)
