"""Which stages stand on which, and which of them each guard reads and judges."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import field

from harness.config import suite_rules
from harness.config.project import SuiteSpec
from harness.frozen import dataclass
from harness.judgement.guards import reads
from harness.records import HubRecord

DEFAULT = "default:"
# The id of a stage is short; an open-ended word would be tried from each of its letters.
_NEEDED = re.compile(r"(?<!\S)(\S{1,200}) did not pass")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roads:
    """Who reads what: stages in the order of the plan, their needs, the stages of guards.

    ``subjects`` has the stages that made what a guard judges, where that is known to be less
    than all that it reads.
    """

    order: tuple[str, ...]
    needs: Mapping[str, frozenset[str]]
    reads: Mapping[str, frozenset[str]]
    makers: Mapping[str, str]
    subjects: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def made_for(self, guard: str) -> frozenset[str]:
        """Return the stages that made what a guard judges, its reference left out."""
        return self.subjects.get(guard) or self.read_by(guard)

    def read_by(self, guard: str) -> frozenset[str]:
        """Return the stages that a guard reads; a default guard reads its artifact's."""
        if guard.startswith(DEFAULT) and guard not in self.reads:
            maker = self.makers.get(guard.removeprefix(DEFAULT))
            return frozenset() if maker is None else frozenset({maker})
        return self.reads.get(guard, frozenset())

    def is_within(self, name: str, stages: Collection[str]) -> bool:
        """Say whether a guard, or ``stage:<id>``, reads something and these stages alone."""
        kind, colon, stage = name.partition(":")
        read = {stage} if colon and kind == "stage" else self.read_by(name)
        return bool(read) and read <= set(stages)

    def ground_of(self, stages: Iterable[str]) -> frozenset[str]:
        """Return stages and all that they need."""
        ground, waiting = set(stages), list(stages)
        while waiting:
            more = self.needs.get(waiting.pop(), frozenset()) - ground
            ground |= more
            waiting += more
        return frozenset(ground)


def roads_of(suite: SuiteSpec) -> Roads:
    """Take the roads that a suite declares."""
    order = tuple(stage.id for stage in suite_rules.order_stages(suite))
    makers = reads.list_makers(suite)
    return Roads(
        order=order,
        needs={stage.id: frozenset(stage.needs) for stage in suite.stages},
        reads={spec.id: reads.stages_read(spec, makers, order) for spec in suite.guards},
        makers=makers,
        subjects={g.id: reads.subject_stages(g, makers, order) for g in suite.guards},
    )


def roads_of_record(record: HubRecord) -> Roads:
    """Take what a record alone tells of its roads, for hubs whose causes were not recorded."""
    makers = {artifact.id: artifact.stage for artifact in record.artifacts}
    named = {
        guard.id: frozenset(
            stage
            for artifact, stage in makers.items()
            if re.search(rf"\b{re.escape(artifact)}\b", guard.metric or guard.reason)
        )
        for guard in record.guards
    }
    return Roads(
        order=tuple(stage.id for stage in record.stages),
        needs={s.id: frozenset(_NEEDED.findall(s.reason)) for s in record.stages},
        reads=named,
        makers=makers,
    )
