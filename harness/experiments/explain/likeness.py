"""Which drill a red run looks like: what it turned red, held against what each drill did.

A guard or a test that few drills turn red says more than one that most of them do, and a number
that is about as far off as the drill's says more than one that is only on the same side.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from harness.config.project import Project, SuiteSpec
from harness.errors import HarnessError
from harness.evidence.hub.causes import direction, sizes
from harness.experiments.drills import drill as drills
from harness.experiments.drills import scope
from harness.experiments.drills.drill import Drill
from harness.experiments.drills.outcome_cache import OutcomeCache
from harness.files import list_inside, read_bounded
from harness.frozen import dataclass
from harness.judgement.roads import roads_of
from harness.records import HubRecord, decode
from harness.verdict import Verdict

_LARGEST = 1 << 20
_STAGE, _TEST = "stage:", "test:"  # before what is no guard
_NOT_ENDED = ("interrupted", "skipped")
_TOUCHED = re.compile(r"^\+\+\+ b/(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Redness:
    """How one guard or stage was red: the side on which its number lay, and the number."""

    side: str = ""
    value: float | None = None

    def nearness(self, other: Redness) -> float:
        """Return how alike two are, 0 … 1: 0 on other sides, 1/2 for numbers far apart.

        A side or a number that is not known on both speaks neither for nor against.
        """
        if self.side and other.side and self.side != other.side:
            return 0.0
        if self.value is None or other.value is None:
            return 1.0
        return 0.5 + 0.5 * _compare_sizes(self.value, other.value)


Pattern = Mapping[str, Redness]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """A drill held against a run: ``equal`` of ``total`` red guards, stages and tests agree.

    ``score``, 0 … 1, weighs each by how few drills turn it red and by how near the numbers lie.
    """

    drill: str
    defect: str
    equal: int
    total: int
    score: float
    files: tuple[str, ...]

    @property
    def share(self) -> float:
        """Part of what was red that agrees."""
        return self.equal / self.total if self.total else 0.0


def compare_drills(
    project: Project, suite: SuiteSpec, record: HubRecord, tests: Collection[str] = ()
) -> tuple[Likeness, ...]:
    """Hold what a run turned red against what every drill did, the likest first.

    A drill runs the stages of its own guard only: nothing else is compared, nor what this run
    did not judge. Where no outcome of it is kept, its own guard is all that is known.

    Args:
        project: The project, which has the drills.
        suite: The suite of the run.
        record: The run.
        tests: Ids of the tests that failed in it.
    """
    patterns, roads = read_patterns(project), roads_of(suite)
    testing = {stage.id for stage in suite.stages if stage.kind == "pytest"}
    ended = {stage.id for stage in record.stages if stage.outcome not in _NOT_ENDED}
    judged = {g.id for g in record.guards if g.verdict is not Verdict.INCONCLUSIVE}
    judged |= {_STAGE + name for name in ended}

    def is_judged(name: str) -> bool:
        return bool(testing & ended) if name.startswith(_TEST) else name in judged

    def is_within(name: str, stages: Collection[str]) -> bool:
        if name.startswith(_TEST):
            return bool(testing & {*stages})
        return roads.is_within(name, stages)

    known: list[tuple[Drill, frozenset[str], Pattern]] = []
    for path in list_inside(project.root, drills.FOLDER, "*.patch"):
        try:
            planted = drills.read_drill(path)
            ran = frozenset(scope.stages_for(suite, planted.guard))
        except (HarnessError, StopIteration, KeyError):
            continue  # of a suite with other guards
        known.append((planted, ran, patterns.get(planted.name) or {planted.guard: Redness()}))
    weigh = _Weights([pattern for _, _, pattern in known])
    red = read_redness(record) | {_TEST + test: Redness() for test in tests}
    likenesses = [
        weigh.compare(
            planted,
            {one: how for one, how in pattern.items() if is_judged(one)},
            {one: how for one, how in red.items() if is_within(one, ran)},
        )
        for planted, ran, pattern in known
    ]
    return tuple(sorted(likenesses, key=lambda one: (one.score, one.equal), reverse=True))


class _Weights:
    """What each guard says: the fewer drills turn it red, the more."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._count = len(patterns)
        self._drills = Counter(name for pattern in patterns for name in pattern)

    def _weight_of(self, name: str) -> float:
        return math.log((1 + self._count) / max(1, self._drills[name]))

    def compare(self, planted: Drill, pattern: Pattern, seen: Pattern) -> Likeness:
        """Hold what a run turned red against the pattern of a drill."""
        near = {one: seen[one].nearness(pattern[one]) for one in seen if one in pattern}
        # Exact sums: a set has another order in each process, and equal drills must be equal.
        whole = math.fsum(self._weight_of(one) for one in {*pattern, *seen})
        shared = math.fsum(self._weight_of(one) * part for one, part in near.items())
        return Likeness(
            drill=planted.name,
            defect=planted.defect,
            equal=sum(part > 0 for part in near.values()),
            total=len({*pattern, *seen}),
            score=shared / whole if whole else 0.0,
            files=list_touched(drills.read_patch(planted.patch)) if planted.patch else (),
        )


def read_redness(record: HubRecord) -> dict[str, Redness]:
    """Return how the guards and stages of a run were red."""
    red = [guard for guard in record.guards if guard.verdict is Verdict.RED]
    stages = [_STAGE + s.id for s in record.stages if s.verdict is Verdict.RED]
    values = sizes(red)
    guards = {g.id: Redness(direction(g), values.get(g.id)) for g in red}
    return guards | dict.fromkeys(stages, Redness())


def list_touched(patch: str) -> tuple[str, ...]:
    """Return the files that a patch changes."""
    return tuple(_TOUCHED.findall(patch))


def _compare_sizes(one: float, other: float) -> float:
    """Return the smaller of two numbers as a part of the larger; 0 where the signs differ."""
    if one == other:
        return 1.0
    small, large = sorted((abs(one), abs(other)))
    is_apart = one * other <= 0 or not math.isfinite(large)
    return 0.0 if is_apart else small / large


def read_patterns(project: Project) -> dict[str, dict[str, Redness]]:
    """Return what each drill turned red, tests too; the newest kept outcome counts."""
    patterns: dict[str, dict[str, Redness]] = {}
    paths = list_inside(project.work, "drills", "*.json")
    for path in sorted(paths, key=lambda p: p.stat().st_mtime):
        try:
            content = json.loads(read_bounded(path, _LARGEST))
            cache = decode(OutcomeCache, content, path.name)
        except (OSError, ValueError, RecursionError, HarnessError):
            continue  # may be of another release; the patch's header still speaks
        patterns[cache.name] = {
            one: Redness(cache.sides.get(one, ""), cache.values.get(one)) for one in cache.red
        } | {_TEST + test: Redness() for test in cache.tests}
    return patterns
