"""What is said of a planted defect, read from its hub by today's code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from harness.config.project import SuiteSpec
from harness.evidence.hub import causes as signatures
from harness.evidence.hub import store
from harness.evidence.hub.causes import direction
from harness.experiments.explain import suspects
from harness.judgement import causes, quarantine
from harness.judgement.roads import Roads, roads_of
from harness.records import CauseRecord, HubRecord
from harness.verdict import Verdict
from proofs.causes.clone import Clone
from proofs.causes.planting import Planted


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said of one planted defect.

    ``red`` maps guards and stages that were red to the side on which a number lay; ``place``
    is the number of the planted file among the suspects, 0 where it is none. ``acts`` is the
    first stage that left something else than without the defect. ``names_guard`` says that the
    first cause is the drill's guard, or that the stage it reads broke off.
    """

    name: str
    ground: str
    guard: str
    paths: tuple[str, ...]
    verdict: str
    blockers: int
    causes: int
    first: tuple[str, ...]
    follows: tuple[str, ...]
    stage: str
    sentence: str
    place: int
    red: dict[str, str]
    seconds: float
    acts: str = ""
    names_guard: bool = False

    @property
    def is_upstream(self) -> bool:
        """Whether the first cause stands where the defect acts first."""
        return bool(self.acts) and self.stage == self.acts


def read_answer(clone: Clone, planted: Planted, hub: Path, acts: str = "") -> Answer:
    """Order the causes of a planted defect anew, explain it, and write down what is said."""
    record = order_causes(store.read_record(hub), hub, clone.suite)
    with clone.planted(planted):  # what a function was is read from the work tree
        explanation = suspects.explain(clone.project, hub)
    # What is in quarantine is no reason of a run; a suite of drills has nothing there.
    first = record.causes[0] if record.causes else None
    return Answer(
        name=planted.name,
        ground=clone.ground.name,
        guard=planted.guard,
        paths=planted.paths,
        verdict=record.verdict.value,
        blockers=len(signatures.of_record(record, hub)),
        causes=sum(cause.verdict is Verdict.RED for cause in record.causes),
        first=() if first is None else first.guards,
        follows=() if first is None else first.also,
        stage="" if first is None else first.stage or "",
        sentence="" if first is None else first.sentence,
        place=_find_place(planted, [one.what for one in explanation.suspects]),
        red=list_red(record),
        seconds=record.duration_s,
        acts=acts,
        names_guard=bool(planted.guard)
        and first is not None
        and names_guard(first, planted.guard, roads_of(clone.suite)),
    )


def names_guard(cause: CauseRecord, guard: str, roads: Roads) -> bool:
    """Say whether a cause is a guard that is red, or that a stage which it reads broke off."""
    if cause.guards:
        return guard in cause.guards
    stage = cause.stage or ""
    return guard == f"stage:{stage}" or stage in roads.read_by(guard)


def order_causes(record: HubRecord, hub: Path, suite: SuiteSpec) -> HubRecord:
    """Return a record with the causes that today's code sees in it."""
    results = causes.RunResults(
        stages=record.stages,
        guards=record.guards,
        waived={(entry.kind, entry.id) for entry in quarantine.waived(record)},
        failures={stage.id: signatures.read_failures(stage, hub) for stage in record.stages},
    )
    return replace(record, causes=causes.find_causes(results, roads_of(suite)))


def _find_place(planted: Planted, suspected: list[str]) -> int:
    for number, what in enumerate(suspected, 1):
        if what.partition(": ")[0] in planted.paths:
            return number
    return 0


def list_red(record: HubRecord) -> dict[str, str]:
    """Return guards and stages that were red, with the side on which a number lay."""
    red = {g.id: direction(g) for g in record.guards if g.verdict is Verdict.RED}
    return red | {f"stage:{s.id}": "" for s in record.stages if s.verdict is Verdict.RED}
