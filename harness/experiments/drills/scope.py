"""Which stages a guard looks at, and which guards no drill has turned red."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.config.project import GuardSpec, Project, SuiteSpec
from harness.judgement.guards import reads


def stages_for(suite: SuiteSpec, guard: str) -> tuple[str, ...]:
    """Return the stages whose run decides a guard, those that they need included.

    Args:
        suite: The suite of the drill.
        guard: Id of a guard, ``stage:<id>`` or ``default:<artifact>``.

    Returns:
        Ids of stages; empty where the guard does not say what it looks at, and the whole
        suite must run.
    """
    kind, colon, name = guard.partition(":")
    makers = reads.list_makers(suite)
    needs = {stage.id: stage.needs for stage in suite.stages}
    if colon and kind == "stage":
        seen = {name}
    elif colon and kind == "default":
        seen = {stage for artifact, stage in makers.items() if artifact == name}
    else:
        spec = next(spec for spec in suite.guards if spec.id == guard)
        seen = set(reads.stages_read(spec, makers, needs))
    waiting = list(seen)
    while waiting:
        for other in needs[waiting.pop()]:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return tuple(stage.id for stage in suite.stages if stage.id in seen)


def undrilled_guards(project: Project, red: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return ``suite: guard`` of every guard that no defect turned red.

    A guard that several suites share is one guard: its kind, what it looks at and its
    severity are the same, and only its bounds may differ.

    Args:
        project: The project.
        red: By suite, the guards that its drills turned red.
    """
    proved = [
        _subject(spec)
        for name, ids in red.items()
        for spec in project.suites[name].guards
        if spec.id in set(ids)
    ]
    missing: dict[str, str] = {}
    for suite in project.suites.values():
        for spec in suite.guards:
            if _subject(spec) not in proved:
                missing.setdefault(repr(_subject(spec)), f"{suite.name}: {spec.id}")
    return tuple(missing.values())


def _subject(spec: GuardSpec) -> tuple[object, ...]:
    bounds = ("min", "max", "above", "below", "equals", "tiles", "coverage", "confidence")
    looked_at = {
        name: value
        for name, value in spec.options.items()
        if name not in bounds or isinstance(value, str)
    }
    return (spec.id, spec.kind, spec.severity, sorted(looked_at.items(), key=lambda x: x[0]))
