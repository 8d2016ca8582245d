"""Stages and artifacts of two revisions side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.config.project import ArtifactSpec, StageSpec
from harness.judgement.gate import difference, moves
from harness.judgement.gate.difference import (
    Change,
    Classed,
    Compare,
    Difference,
    make_ceiling,
    make_floor,
    make_identity,
)

FIELDS: Mapping[str, Compare] = {
    "kind": make_identity("kind"),
    "python": make_identity("interpreter"),
    "min_tests": make_floor(1, "number that must pass"),
    "min_collected": make_floor(1, "number that must be there"),
    "timeout_s": make_ceiling(900.0, "time limit"),
    "retries": make_ceiling(0, "number of retries"),
    "test_retries": make_ceiling(0, "number of retries"),
    "test_timeout_s": make_ceiling(math.inf, "time limit"),
}
NAMED_APART = ("id", "argv", "selectors", "needs", "artifacts")
ARTIFACT_FIELDS: Mapping[str, Compare] = {
    "path": make_identity("path"),
    "external": make_ceiling(0, "keeping outside the hub"),
    "optional": make_ceiling(0, "leave to be missing"),
    "stage": make_identity("stage"),
}
ARTIFACT_NAMED_APART = ("id",)


def compare_stages(
    prefix: str,
    was: Sequence[StageSpec],
    now: Sequence[StageSpec],
    moved: Mapping[str, str],
) -> Iterator[Difference]:
    """Compare the stages of a suite, each by its id, and the order in which they run."""
    before, after = ({stage.id: stage for stage in stages} for stages in (was, now))
    for id_, stage in before.items():
        rule = f"{prefix}.stages.{id_}"
        if id_ not in after:
            yield difference.mark_removed(rule, _summary(stage), "the stage is gone")
        else:
            yield from _compare_stage(rule, stage, after[id_], moved)
    yield from _new_stages(prefix, now, before)
    old, new = ([i for i in ids if i in before and i in after] for ids in (before, after))
    if old != new:
        change = (Change.OTHER, "the order is another")
        yield difference.make_difference(f"{prefix}.stages", old, new, change)
    yield from _compare_artifacts(prefix, was, now)


def _new_stages(
    prefix: str, now: Sequence[StageSpec], before: Mapping[str, StageSpec]
) -> Iterator[Difference]:
    """Class stages that are new: one before an old stage can prepare what that one finds."""
    for index, stage in enumerate(now):
        if stage.id in before:
            continue
        rule = f"{prefix}.stages.{stage.id}"
        if any(later.id in before for later in now[index + 1 :]):
            why = "a new stage runs before old ones, and may prepare what they find"
            yield difference.mark_added(rule, _summary(stage), why, Change.WEAKER)
        else:
            yield difference.mark_added(rule, _summary(stage), "a stage more")


def _compare_stage(
    rule: str, was: StageSpec, now: StageSpec, moved: Mapping[str, str]
) -> Iterator[Difference]:
    fields = ({name: getattr(stage, name) for name in FIELDS} for stage in (was, now))
    yield from difference.compare_tables(rule, FIELDS, *fields)
    if was.argv != now.argv:
        change = compare_argv(was.argv, now.argv, moved)
        yield difference.make_difference(f"{rule}.argv", was.argv, now.argv, change)
    if was.selectors != now.selectors:
        change = _compare_selectors(was.selectors, now.selectors, moved)
        if change[0] is not Change.EQUAL:
            yield difference.make_difference(
                f"{rule}.selectors", was.selectors, now.selectors, change
            )
    if gone := [need for need in was.needs if need not in now.needs]:
        change = (Change.WEAKER, f"it runs whether {', '.join(gone)} passed or not")
        yield difference.make_difference(f"{rule}.needs", was.needs, now.needs, change)
    elif set(now.needs) != set(was.needs):
        change = (Change.OTHER, "it waits for more stages")
        yield difference.make_difference(f"{rule}.needs", was.needs, now.needs, change)


def compare_argv(was: Sequence[str], now: Sequence[str], moved: Mapping[str, str]) -> Classed:
    """Class another argument vector: only a file's new path shows that it does the same."""
    if tuple(moves.follow(word, moved) for word in was) == tuple(now):
        return Change.OTHER, "a file of it has another path and the same bytes"
    return Change.WEAKER, "another command: nothing shows that it does the same"


def _compare_selectors(
    was: Sequence[str], now: Sequence[str], moved: Mapping[str, str]
) -> Classed:
    """Class other selectors; options among them are compared in their order.

    Plain ones choose the union of what they name: one that covers an old one keeps its tests.
    """
    followed = tuple(moves.follow(word, moved) for word in was)
    if any(word.startswith("-") for word in (*was, *now)):
        if followed == tuple(now):
            return Change.OTHER, "a file of it has another path and the same bytes"
        return Change.WEAKER, "pytest is given other options: they may leave tests out"
    if lost := [word for word in followed if not any(_covers(new, word) for new in now)]:
        return Change.WEAKER, f"nothing chooses the tests of {', '.join(lost[:3])}"
    if all(any(_covers(old, word) for old in followed) for word in now):
        is_same = set(followed) == set(was) == set(now)
        return (Change.EQUAL, "") if is_same else (Change.OTHER, "the same tests, named anew")
    return Change.STRICTER, "more tests are chosen"


def _covers(selector: str, other: str) -> bool:
    """Say whether a selector chooses all that another one does."""
    outer, inner = (_plain(word) for word in (selector, other))
    if outer in ("", "."):
        return True
    return inner == outer or inner.startswith((f"{outer}/", f"{outer}::", f"{outer}["))


def _plain(selector: str) -> str:
    return selector.removeprefix("{root}").removeprefix("/").removeprefix("./").rstrip("/")


def _compare_artifacts(
    prefix: str, was: Sequence[StageSpec], now: Sequence[StageSpec]
) -> Iterator[Difference]:
    before, after = _artifacts(was), _artifacts(now)
    ids = {stage.id for stage in now}
    for id_, (stage, spec) in before.items():
        rule = f"{prefix}.artifacts.{id_}"
        if id_ not in after:
            if stage in ids:  # else the stage's own difference says it
                yield difference.mark_removed(rule, spec.path, "the artifact is not promised")
            continue
        tables = (_artifact_table(*entry) for entry in (before[id_], after[id_]))
        yield from difference.compare_tables(rule, ARTIFACT_FIELDS, *tables)
    known = {stage.id for stage in was}
    for id_, (stage, spec) in after.items():
        if id_ not in before and stage in known:
            rule = f"{prefix}.artifacts.{id_}"
            yield difference.mark_added(rule, spec.path, "an artifact more is promised")


def _artifacts(stages: Sequence[StageSpec]) -> dict[str, tuple[str, ArtifactSpec]]:
    return {a.id: (stage.id, a) for stage in stages for a in stage.artifacts}


def _artifact_table(stage: str, spec: ArtifactSpec) -> dict[str, Any]:
    return {
        "path": spec.path,
        "external": int(spec.external),
        "optional": int(spec.optional),
        "stage": stage,
    }


def _summary(stage: StageSpec) -> str:
    return f"{stage.kind}: {' '.join(stage.argv or stage.selectors)}"
