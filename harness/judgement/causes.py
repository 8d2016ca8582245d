"""The causes of one run, first things first: what stopped first explains what follows.

A stage that did not pass explains the stages that need it and the guards that read it. Red
guards whose stages stand on a common one are one cause, named by those that read the earliest
stage; a crash below them follows from them. Tests that failed explain the numbers that moved
after them: both look at the same code. Two stages that broke off with the same error are one,
and so is what stands on the same stage as one that broke off before: a defect below it is met
on every road.

Of several red guards of one stage, the one leads whose words say most: what the program itself
said, a file that is not there, a number that is none; then numbers; then what is drawn of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field

from harness.evidence.hub.causes import NOT_FINITE, direction, shorten
from harness.frozen import dataclass
from harness.judgement import quarantine
from harness.judgement.roads import DEFAULT, Roads, roads_of_record
from harness.records import CauseRecord, GuardResult, HubRecord, StageRecord
from harness.verdict import Verdict

_DATASET = "dataset-"
_FAILED, _INTERRUPTED, _SKIPPED = "failed", "interrupted", "skipped"
# Pictures are drawn from numbers, and time and memory follow from what was computed.
_LEADING = (
    *(("log", "artifact", "echo"), ("bound", "ratio", "equal", "disjoint")),
    *(("golden", "count", "statistic"), ("default",), ("image", "rendering")),
)
_OF_TWO = ("equal", "ratio")
_NOTHING = re.compile(r"\b(?:nan|inf)\b")
_STOP_REMEDY = "Nothing is known to be wrong: run the suite to its end."
_STAGE_REMEDY = "Read the end of the stage's log in the hub, and make its command pass."


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResults:
    """What a run came to: its stages and guards, and what counts for nothing.

    ``failures`` are the errors in the log of each failed stage, the last one last; ``stopped``
    names the signal that ended the run early.
    """

    stages: tuple[StageRecord, ...]
    guards: tuple[GuardResult, ...]
    waived: Collection[tuple[str, str]] = ()
    failures: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stopped: str = ""


def causes_of(record: HubRecord) -> tuple[CauseRecord, ...]:
    """Return the causes that a record holds, or for one of an older release those it tells."""
    causes = record.causes
    if not causes:
        waived = {(e.kind, e.id) for e in quarantine.waived(record)}
        run_results = RunResults(stages=record.stages, guards=record.guards, waived=waived)
        causes = find_causes(run_results, roads_of_record(record))
    is_green = record.verdict is Verdict.GREEN  # what is in quarantine is no reason of it
    return tuple(cause for cause in causes if cause.verdict is Verdict.RED or not is_green)


def unjudged_of(record: HubRecord) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the guards that could not be judged, by reason: each reason once."""
    by_reason: dict[str, list[str]] = {}
    reasons = {guard: cause.sentence for cause in causes_of(record) for guard in cause.unjudged}
    for guard in record.guards:
        if guard.verdict is Verdict.INCONCLUSIVE:
            reason = reasons.get(guard.id) or guard.reason or guard.found
            by_reason.setdefault(reason, []).append(guard.id)
    return tuple((reason, tuple(ids)) for reason, ids in by_reason.items())


def find_causes(run_results: RunResults, roads: Roads) -> tuple[CauseRecord, ...]:
    """Return the causes of a run: the red ones first, each in the order of the plan."""
    return _Search(run_results, roads).causes()


class _Search:
    """One search; a root is a stage that nothing before it explains."""

    def __init__(self, run_results: RunResults, roads: Roads) -> None:
        self.results, self.roads = run_results, roads
        known = {stage.id: stage for stage in run_results.stages}
        rest = [id_ for id_ in known if id_ not in roads.order]  # datasets come first
        self.order = (*rest, *(id_ for id_ in roads.order if id_ in known))
        self.stages = known
        self.roots = self._roots()

    def _roots(self) -> dict[str, str]:
        """Return the root of each stage that is not green."""
        roots: dict[str, str] = {}
        for id_ in self.order:
            stage = self.stages[id_]
            if stage.verdict is Verdict.GREEN:
                continue
            needs = self.roads.needs.get(id_, frozenset())
            before = [o for o in roots if o in needs or o.startswith(_DATASET)]
            if stage.outcome == _SKIPPED and before:
                roots[id_] = roots[before[0]]
            elif stage.outcome == _SKIPPED and (same := self._same_reason(stage, roots)):
                roots[id_] = same
            else:
                roots[id_] = self._same_failure(id_, roots)
        return roots

    def _same_reason(self, stage: StageRecord, roots: Iterable[str]) -> str:
        """Return an earlier stage that was not run for the same reason, or the stopped one."""
        for id_ in roots:
            other = self.stages[id_]
            if other.outcome == _INTERRUPTED and self.results.stopped:
                return id_
            if other.outcome == _SKIPPED and other.reason == stage.reason:
                return id_
        return ""

    def _same_failure(self, id_: str, roots: Mapping[str, str]) -> str:
        """Return the root of an earlier stage with the same error, or on the same ground."""
        if self.stages[id_].verdict is not Verdict.RED:
            return id_
        last = self.results.failures.get(id_, ())[-1:]
        for other, root in roots.items():
            is_same = last and last[0] in self.results.failures.get(other, ())
            if is_same or self._is_beside(root, self._ground_below(id_)):
                return root
        return id_

    def _ground_below(self, stage: str) -> frozenset[str]:
        return self.roads.ground_of(self.roads.needs.get(stage, frozenset()))

    def _is_beside(self, root: str, ground: frozenset[str]) -> bool:
        """Say whether a root that broke off stands on stages of a ground."""
        return self._verdict(root) is Verdict.RED and bool(self._ground_below(root) & ground)

    def causes(self) -> tuple[CauseRecord, ...]:
        follows: dict[str, list[str]] = {root: [] for root in self.roots.values()}
        unjudged: dict[str, list[str]] = {root: [] for root in self.roots.values()}
        for id_, root in self.roots.items():
            if id_ != root:
                follows[root].append(f"stage {id_}")
        own: list[GuardResult] = []
        for guard in self._deciding_guards():
            root = self._root_of(guard)
            if guard.verdict is Verdict.INCONCLUSIVE:
                unjudged.get(root, []).append(guard.id)
            elif root and self._verdict(root) is Verdict.RED:
                follows[root].append(guard.id)
            else:
                own.append(guard)
        groups = self._group(own)
        made = [self._of_guards(group, follows, unjudged) for group in groups]
        made += [
            self._of_stage(root, follows[root], unjudged[root])
            for root in dict.fromkeys(self.roots.values())
            if root in follows
        ]
        return tuple(sorted(made, key=self._rank))

    def _deciding_guards(self) -> list[GuardResult]:
        return [
            guard
            for guard in self.results.guards
            if guard.verdict is not Verdict.GREEN
            and guard.severity == "fail"
            and ("guard", guard.id) not in self.results.waived
        ]

    def _verdict(self, root: str) -> Verdict:
        is_waived = ("stage", root) in self.results.waived
        return Verdict.INCONCLUSIVE if is_waived else self.stages[root].verdict

    def _root_of(self, guard: GuardResult) -> str:
        """Return the root that explains a guard; empty where none does."""
        read = self.roads.read_by(guard.id)
        for id_ in self.order:
            if id_ in read and id_ in self.roots:
                return self.roots[id_]
        if guard.verdict is Verdict.RED:
            ground = self.roads.ground_of(read)
            for root in dict.fromkeys(self.roots.values()):
                if self._place(root) >= self._place_of_guard(guard):
                    continue
                stage = self.stages[root]
                is_tests = stage.kind == "pytest" and stage.outcome == _FAILED
                is_red = self._verdict(root) is Verdict.RED
                if is_red and (is_tests or self._is_beside(root, ground)):
                    return root
        return ""

    def _place(self, stage: str) -> int:
        return self.order.index(stage)

    def _place_of_guard(self, guard: GuardResult) -> int:
        """Return the last stage that made what a guard judges.

        What is held against a NaN is judged by it: the NaN was made on either side.
        """
        is_beside_nan = guard.kind in _OF_TWO and _NOTHING.search(guard.reason) is not None
        find_stages = self.roads.read_by if is_beside_nan else self.roads.made_for
        made = [self._place(s) for s in find_stages(guard.id) if s in self.stages]
        return max(made, default=len(self.order))

    def _group(self, own: Sequence[GuardResult]) -> list[list[GuardResult]]:
        """Part red guards into those that stand on common stages; each in the plan's order."""
        groups: list[tuple[set[str], list[GuardResult]]] = []
        for guard in sorted(own, key=self._weight):
            ground = set(self.roads.ground_of(self.roads.read_by(guard.id)))
            met = [g for g in groups if not ground or not g[0] or ground & g[0]]
            for group in met:
                groups.remove(group)
            ground = ground.union(*(g[0] for g in met))
            members = [one for _, guards in met for one in guards]
            groups.append((ground, [*members, guard]))
        return [sorted(guards, key=self._weight) for _, guards in groups]

    def _weight(self, guard: GuardResult) -> tuple[bool, int, int]:
        kinds = (rank for rank, kinds in enumerate(_LEADING) if guard.kind in kinds)
        is_finite = direction(guard) != NOT_FINITE
        rank = next(kinds, len(_LEADING)) if is_finite else 0
        # A fingerprint says that something changed; wherever it reads, others say what.
        return guard.kind == "fingerprint", self._place_of_guard(guard), rank

    def _of_guards(
        self,
        group: Sequence[GuardResult],
        follows: dict[str, list[str]],
        unjudged: dict[str, list[str]],
    ) -> CauseRecord:
        """Make the cause of red guards; stages that broke off on their ground follow."""
        first = self._place_of_guard(group[0])
        same = [g for g in group if self._place_of_guard(g) == first]
        declared = [g for g in same if g is same[0] or not g.id.startswith(DEFAULT)]
        after = [g.id for g in group if g not in declared]
        ground = self.roads.ground_of(
            {s for guard in group for s in self.roads.read_by(guard.id)}
        )
        open_: list[str] = []
        for root in list(follows):
            is_red = self._verdict(root) is Verdict.RED
            shared = self.roads.ground_of([root]) & ground
            if is_red and shared and self._place(root) > first:
                after += [f"stage {root}", *follows.pop(root)]
                open_ += unjudged.pop(root)
        lead = declared[0]
        return CauseRecord(
            verdict=Verdict.RED,
            stage=self.order[first] if first < len(self.order) else None,
            guards=tuple(g.id for g in declared),
            sentence=f"guard {lead.id}: {describe(lead)}",
            remedy=lead.remedy,
            follows=tuple(after),
            unjudged=tuple(open_),
        )

    def _of_stage(
        self, root: str, follows: Sequence[str], unjudged: Sequence[str]
    ) -> CauseRecord:
        stage = self.stages[root]
        verdict = self._verdict(root)
        sentence = f"stage {root}: {shorten(stage.reason or stage.outcome)}"
        if verdict is not stage.verdict:
            sentence = f"stage {root} failed in quarantine: {stage.reason}"
        if self.results.stopped and stage.outcome in (_INTERRUPTED, _SKIPPED):
            where = "in" if stage.outcome == _INTERRUPTED else "before"
            sentence = f"interrupted by {self.results.stopped} {where} stage {root}"
        remedy = _STOP_REMEDY if stage.outcome == _INTERRUPTED else _STAGE_REMEDY
        return CauseRecord(
            verdict=verdict,
            stage=root,
            guards=(),
            sentence=sentence,
            remedy=remedy if stage.outcome != _SKIPPED else "",
            follows=tuple(follows),
            unjudged=tuple(unjudged),
        )

    def _rank(self, cause: CauseRecord) -> tuple[bool, int, bool]:
        stage = cause.stage
        place = len(self.order) if stage is None else self._place(stage)
        return cause.verdict is not Verdict.RED, place, bool(cause.guards)


def describe(guard: GuardResult) -> str:
    """Say in a few words what is wrong with a guard."""
    if guard.reason and guard.reason != guard.found:
        return guard.reason
    return f"{guard.found}; expected {guard.expected}"


def tell(cause: CauseRecord) -> str:
    """Write a cause in one sentence, and how much follows from it."""
    return cause.sentence + (
        f" (and {len(cause.also)} that follow from it)" if cause.also else ""
    )
