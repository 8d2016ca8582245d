"""Whether the drill that a red run is of is the likest of all, with any guard left out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.evidence.hub import causes as signatures
from harness.evidence.hub import store
from harness.experiments.drills import drill as drills
from harness.experiments.drills import outcome_cache, scope
from harness.experiments.drills.outcome_cache import OutcomeCache
from harness.experiments.explain import likeness
from harness.judgement.roads import roads_of
from harness.records import HubRecord
from harness.verdict import Verdict
from proofs.causes import planting
from proofs.causes.answers import Answer
from proofs.causes.clone import Clone


@dataclass(frozen=True, slots=True)
class ReadGround:
    """What was said of what is planted in one ground, and the hubs by the defect's name."""

    clone: Clone
    answers: Sequence[Answer]
    hubs: Mapping[str, Path]

    @property
    def drills(self) -> list[Answer]:
        """Those that turned something red and are of drills."""
        return [one for one in self.answers if one.guard and one.red]


def recognise(grounds: Sequence[ReadGround]) -> dict[str, list[tuple[str, int]]]:
    """Return of each drill, for each of its red guards left out, its rank among all drills.

    Ranks of equal likeness are shared and count as the worse one. Where the drill turned one
    thing red only, nothing is left to recognise it by without that.
    """
    records = {
        drill.name: store.read_record(one.hubs[drill.name])
        for one in grounds
        for drill in one.drills
    }
    patterns = {
        drill.name: _pattern_of(one, drill, records[drill.name])
        for one in grounds
        for drill in one.drills
    }
    ranks: dict[str, list[tuple[str, int]]] = {}
    for ground in grounds:
        project = ground.clone.project
        shutil.rmtree(project.work / "drills", ignore_errors=True)
        for name, outcome in patterns.items():
            outcome_cache.keep(project, name, outcome)
        for one in ground.drills:
            ranks[one.name] = list(_rank_all(ground, one, records[one.name], patterns))
    return ranks


def _rank_all(
    ground: ReadGround,
    one: Answer,
    record: HubRecord,
    patterns: Mapping[str, OutcomeCache],
) -> Iterator[tuple[str, int]]:
    """Yield the rank with nothing left out, then with each guard that leaves something."""
    pattern = {*patterns[one.name].red}
    names = [g.id for g in record.guards if g.verdict is Verdict.RED]
    tests = signatures.list_failed_tests(record, ground.hubs[one.name])
    for left_out in ("", *(name for name in names if pattern - {name})):
        yield left_out, _rank(ground.clone, record, tests, one.name, left_out)


def _pattern_of(ground: ReadGround, one: Answer, record: HubRecord) -> OutcomeCache:
    """Keep what the stages of the drill's guard alone turn red, as ``harness drill`` does."""
    suite, hub = ground.clone.suite, ground.hubs[one.name]
    roads = roads_of(suite)
    stages = scope.stages_for(suite, one.guard)
    is_tested = planting.TESTS in stages
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
        tests=signatures.list_failed_tests(record, hub) if is_tested else (),
    )


def _rank(
    clone: Clone, record: HubRecord, tests: Sequence[str], name: str, left_out: str
) -> int:
    guards = tuple(guard for guard in record.guards if guard.id != left_out)
    seen = replace(record, guards=guards)
    likely = likeness.compare_drills(clone.project, clone.suite, seen, tests)
    order = [((one.score, one.equal), one.drill) for one in likely]
    own = next((key for key, drill in order if drill == name), (0.0, 0))
    return sum(key >= own for key, _ in order)
