"""Suites of two revisions side by side, inheritance resolved; every field has a comparison."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from harness.config.project import DatasetSpec, QuarantineSpec, SuiteSpec
from harness.evidence.hub import inputs
from harness.frozen import dataclass
from harness.judgement.gate import difference, guard_rules, stage_rules
from harness.judgement.gate.difference import (
    SAME,
    Change,
    Classed,
    Compare,
    Difference,
    make_ceiling,
    make_identity,
)
from harness.judgement.gate.guard_rules import IsRenamed
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.golden.store import GoldenValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """The files of two revisions: blob ids by path, and what only moved."""

    was: Mapping[str, str]
    now: Mapping[str, str]
    moved: Mapping[str, str]


def _compare_environment(was: Any, now: Any) -> Classed:
    gone = [name for name in was or () if name not in (now or ())]
    new = [name for name in now or () if name not in (was or ())]
    if new:
        return Change.WEAKER, f"stages see {', '.join(new[:3])}, which may change what they do"
    return (
        (Change.WEAKER, f"stages do not see {', '.join(gone[:3])} any more") if gone else SAME
    )


def _compare_requirements(was: Any, now: Any) -> Classed:
    if gone := sorted(set(was or ()) - set(now or ())):
        return Change.WEAKER, f"without {', '.join(gone[:3])} the suite runs all the same"
    return Change.OTHER, "more modules must be there, or the verdict stays open"


def _compare_packages(was: Any, now: Any) -> Classed:
    # Without names the usual packages are recorded, of which one may be among those that went.
    gone = [name for name in was or () if name not in (now or ())]
    if gone or not was:
        named = ", ".join(gone[:3]) or "the usual packages"
        return Change.WEAKER, f"another version of {named} leaves evidence fresh"
    return Change.STRICTER, "the versions of more packages are held against today's"


def _compare_parameters(was: Any, now: Any) -> Classed:
    before, after = dict(was or {}), dict(now or {})
    changed = sorted(k for k in before.keys() & after.keys() if before[k] != after[k])
    if changed:
        return Change.WEAKER, f"another value of {', '.join(changed[:3])}: another experiment"
    if "device" in before.keys() ^ after.keys():
        return Change.WEAKER, "the device decides which goldens are compared with"
    return Change.OTHER, "what uses them is compared by itself"


FIELDS: Mapping[str, Compare] = {
    "description": difference.compare_words,
    "parameters": _compare_parameters,
    "environment": _compare_environment,
    "max_age_days": make_ceiling(math.inf, "age limit"),
    "requires": _compare_requirements,
    "python": make_identity("interpreter"),
    "packages": _compare_packages,
    "runs": difference.make_floor(1, "number of runs"),
    "goldens_of": lambda _was, _now: (Change.OTHER, "the goldens themselves are compared"),
}
NAMED_APART = ("name", "inputs", "datasets", "stages", "guards", "quarantine")
QUARANTINE_FIELDS: Mapping[str, Compare] = {
    "owner": make_identity("owner, by which a quarantine that ended begins anew"),
    "reason": make_identity("reason, by which a quarantine that ended begins anew"),
    "clean_runs": make_ceiling(5, "number of clean runs that end it"),
}
QUARANTINE_NAMED_APART = ("kind", "id", "expires")
DATASET_FIELDS: Mapping[str, Compare] = {"file": make_identity("file")}
DATASET_NAMED_APART = ("role", "generate", "inputs")


def compare_suites(
    was: SuiteSpec, now: SuiteSpec, trees: Trees, is_renamed: IsRenamed
) -> Iterator[Difference]:
    """Compare two declarations of one suite."""
    prefix = f"suites.{was.name}"
    fields = ({name: getattr(suite, name) for name in FIELDS} for suite in (was, now))
    yield from difference.compare_tables(prefix, FIELDS, *fields)
    yield from compare_inputs(f"{prefix}.inputs", was.inputs, now.inputs, trees)
    yield from _compare_datasets(prefix, was, now, trees)
    yield from stage_rules.compare_stages(prefix, was.stages, now.stages, trees.moved)
    yield from guard_rules.compare_guards(
        f"{prefix}.guards", was.guards, now.guards, is_renamed
    )
    yield from _compare_quarantines(prefix, was.quarantine, now.quarantine)


def compare_inputs(
    rule: str, was: tuple[str, ...], now: tuple[str, ...], trees: Trees
) -> Iterator[Difference]:
    """Compare globs by the files that they name, in both trees."""
    if was == now and not trees.moved:
        return
    before, after = (_make_matcher(globs) for globs in (was, now))
    lost = [path for path in trees.now if was != now and before(path) and not after(path)]
    # Moved out of sight: the same bytes, where no glob looks.
    lost += [
        new
        for old, new in trees.moved.items()
        if before(old) and not after(new) and new not in lost
    ]
    if lost:
        named = ", ".join(sorted(lost)[:3])
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""  # noqa: PLR2004 - as named
        judged = (Change.WEAKER, f"not looked at any more: {named}{more}")
        yield difference.make_difference(rule, was, now, judged)
    elif set(was) != set(now):
        gained = any(after(path) and not before(path) for path in trees.now)
        change = Change.STRICTER if gained else Change.OTHER
        why = "more files are looked at" if gained else "the same files, named in another way"
        yield difference.make_difference(rule, was, now, (change, why))


def compare_data(
    was: SuiteSpec,
    trees: Trees,
    known: Collection[GoldenValue | GoldenCurve],
    made: Mapping[str, str],
) -> Iterator[Difference]:
    """Compare the bytes of generated datasets with those that the base's goldens are of.

    Args:
        was: The suite, as the base declares it.
        trees: The files of both revisions.
        known: The goldens of the base.
        made: Digest of each dataset that the run generated, by role.
    """
    for spec in was.datasets:
        digests = {value.datasets[spec.role] for value in known if spec.role in value.datasets}
        digest = made.get(spec.role)
        if digest is None or not digests or digest in digests:
            continue
        matches = _make_matcher(spec.inputs)
        paths = (path for path in {*trees.was, *trees.now} if matches(path))
        if any(trees.was.get(path) != trees.now.get(path) for path in paths):
            why = "its program makes other data: no golden of the base can be compared"
            known_digests = ", ".join(sorted(digests))
            rule = f"suites.{was.name}.datasets.{spec.role}.data"
            yield difference.make_difference(rule, known_digests, digest, (Change.WEAKER, why))


def _make_matcher(globs: tuple[str, ...]) -> Any:
    patterns = [inputs.pattern(glob) for glob in globs]
    plain = frozenset(globs)

    def matches(path: str) -> bool:
        return path in plain or any(p.fullmatch(path) for p in patterns)

    return matches


def _compare_datasets(
    prefix: str, was: SuiteSpec, now: SuiteSpec, trees: Trees
) -> Iterator[Difference]:
    before, after = ({spec.role: spec for spec in suite.datasets} for suite in (was, now))
    for role, spec in before.items():
        rule = f"{prefix}.datasets.{role}"
        if role not in after:
            yield difference.mark_removed(rule, spec.generate, "the dataset is gone")
        else:
            yield from _compare_dataset(rule, spec, after[role], trees)
    for role, spec in after.items():
        if role not in before:
            has_goldens = any(guard.kind == "golden" for guard in was.guards)
            change = Change.WEAKER if has_goldens else Change.OTHER
            why = "goldens hold for the datasets that they were made of, and for no others"
            rule = f"{prefix}.datasets.{role}"
            yield difference.mark_added(rule, spec.generate, why, change)


def _compare_dataset(
    rule: str, was: DatasetSpec, now: DatasetSpec, trees: Trees
) -> Iterator[Difference]:
    if was.generate != now.generate:
        change = stage_rules.compare_argv(was.generate, now.generate, trees.moved)
        yield difference.make_difference(f"{rule}.generate", was.generate, now.generate, change)
    fields = ({name: getattr(spec, name) for name in DATASET_FIELDS} for spec in (was, now))
    yield from difference.compare_tables(rule, DATASET_FIELDS, *fields)
    yield from compare_inputs(f"{rule}.inputs", was.inputs, now.inputs, trees)


def _compare_quarantines(
    prefix: str, was: tuple[QuarantineSpec, ...], now: tuple[QuarantineSpec, ...]
) -> Iterator[Difference]:
    before, after = ({(q.kind, q.id): q for q in specs} for specs in (was, now))
    for key, spec in after.items():
        rule = f"{prefix}.quarantine.{spec.kind}:{spec.id}"
        if key not in before:
            why = f"a failure of this {spec.kind} does not count"
            said = f"until {spec.expires}, {spec.owner}: {spec.reason}"
            yield difference.mark_added(rule, said, why, Change.WEAKER)
            continue
        old = before[key]
        fields = ({n: getattr(q, n) for n in QUARANTINE_FIELDS} for q in (old, spec))
        yield from difference.compare_tables(rule, QUARANTINE_FIELDS, *fields)
        if old.expires != spec.expires:
            is_later = spec.expires > old.expires
            classed = (Change.WEAKER if is_later else Change.STRICTER, "it ends on another day")
            yield difference.make_difference(
                f"{rule}.expires", old.expires, spec.expires, classed
            )
    for key, spec in before.items():
        if key not in after:
            change = (Change.STRICTER, "its failure counts again")
            yield difference.make_difference(
                f"{prefix}.quarantine.{spec.kind}:{spec.id}", spec.expires, None, change
            )
