"""Two sets of rules in, every difference between them out, classed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.config.project import GateSpec, MatrixSpec, Project
from harness.judgement.gate import (
    curve_rules,
    difference,
    golden_rules,
    moves,
    reference_rules,
    repository_rules,
    session_rules,
    suite_rules,
)
from harness.judgement.gate.difference import Change, Classed, Compare, Difference
from harness.judgement.gate.drill_rules import compare_drills
from harness.judgement.gate.rules import DRILLS, RuleSet
from harness.judgement.gate.suite_rules import Trees

# Says whether the evidence of a suite still holds a metric; None where there is no evidence.
HasMetric = Callable[[str, str], bool | None]


def _compare_keys(was: Any, now: Any) -> Classed:
    """Compare keys one of which must have signed: none at all asks for no signature."""
    before, after = set(was or ()), set(now or ())
    if before == after:
        return difference.SAME
    if not before:
        return Change.STRICTER, "a signature is asked for"
    if new := sorted(after - before):
        return Change.WEAKER, f"another key may sign: {', '.join(new)[:80]}"
    if not after:
        return Change.WEAKER, "no signature is asked for any more"
    return Change.STRICTER, "fewer keys may sign"


def _compare_signers(was: Any, now: Any) -> Classed:
    return difference.compare_sets(was or (), now or (), more=Change.WEAKER, what="signers")


def _compare_policies(was: Any, now: Any) -> Classed:
    before, after = dict(was or {}), dict(now or {})
    if gone := sorted(before.keys() - after.keys()):
        return Change.WEAKER, f"dropped: {', '.join(gone[:3])}"
    if any(after[key] != text for key, text in before.items()):
        return Change.OTHER, "other words of a policy"
    return Change.STRICTER, "a policy more"


def _compare_history(_was: Any, _now: Any) -> Classed:
    return Change.WEAKER, "what was sealed before is left behind"


def _compare_folder(_was: Any, _now: Any) -> Classed:
    return Change.OTHER, "what lies in it is compared by itself"


FIELDS: Mapping[str, Compare] = {
    "name": difference.compare_words,
    "hubs": _compare_history,
    "work": _compare_history,
    "golden": _compare_folder,
    "policies": _compare_policies,
    "trusted_keys": _compare_keys,
    "strict_inputs": difference.make_floor(0, "strictness about inputs"),
}
# The gate's own rules; the rest of a project is derived, compared in parts of its own, or
# judges nothing.
GATE_FIELDS: Mapping[str, Compare] = {
    "signers": _compare_signers,
    "unsigned_waivers": difference.make_ceiling(0, "leave to waive without a signature"),
}
NAMED_APART = ("root", "suites", "config_sha256", "matrices", "caches", "gate", "report")


def compare_rules(
    was: RuleSet, now: RuleSet, has_metric: HasMetric | None = None
) -> tuple[Difference, ...]:
    """Compare all rules of two revisions.

    Args:
        was: Rules of the base.
        now: Rules of the change.
        has_metric: Says of a suite and a metric whether the change's evidence holds it.

    Returns:
        The differences, the weaker ones first; nothing that is equal.
    """
    differences = [
        *_compare_declarations(was, now, has_metric or (lambda _suite, _metric: None))
    ]
    moved = moves.find_moves(was.blobs, now.blobs)
    differences += compare_drills(*_changed_files(was, now, DRILLS, ".patch"), moved)
    differences += session_rules.compare_sessions(was, now, moved)
    differences += repository_rules.compare_repositories(was, now)
    order = (Change.WEAKER, Change.OTHER, Change.STRICTER)
    return tuple(sorted(differences, key=lambda d: (order.index(d.change), d.rule)))


def _changed_files(
    was: RuleSet, now: RuleSet, folder: str, ending: str
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Read the files of a folder that are not the same in both revisions."""
    one, other = was.names(folder, ending), now.names(folder, ending)
    differs = {name for name in (*one, *other) if one.get(name) != other.get(name)}
    return was.files(folder, ending, differs), now.files(folder, ending, differs)


def _compare_declarations(
    was: RuleSet, now: RuleSet, has_metric: HasMetric
) -> Iterator[Difference]:
    if was.project is None:
        gone = [path for path in was.elsewhere if path not in now.elsewhere]
        if gone:
            why = "the declaration was elsewhere, and its rules with it"
            yield difference.mark_removed("declaration", ", ".join(gone), why)
        return
    if now.project is None:
        yield difference.mark_removed("declaration", "harness.toml", "there is none any more")
        return
    yield from _compare_projects(was.project, now.project)
    trees = Trees(was=was.blobs, now=now.blobs, moved=moves.find_moves(was.blobs, now.blobs))
    for name, suite in was.project.suites.items():
        if name in now.project.suites:
            yield from _compare_suite(name, (was, now), trees, has_metric)
        else:
            rule = f"suites.{name}"
            yield difference.mark_removed(rule, suite.description, "the suite is gone")
    for name, suite in now.project.suites.items():
        if name not in was.project.suites:
            yield difference.mark_added(f"suites.{name}", suite.description, "a suite more")


def _compare_suite(
    name: str, sides: tuple[RuleSet, RuleSet], trees: Trees, has_metric: HasMetric
) -> Iterator[Difference]:
    """Compare one suite, and the goldens that judge it."""
    was, now = sides
    goldens = was.goldens(name), now.goldens(name)
    renamed: Mapping[str, str] = {}
    if goldens[0] is not goldens[1]:
        yield from golden_rules.compare_goldens(name, *goldens)
        yield from curve_rules.compare_curves(name, *goldens)
        yield from golden_rules.compare_fingerprints(name, *goldens)
        renamed = {
            **reference_rules.find_renamed(goldens[0].values, goldens[1].values),
            **reference_rules.find_renamed(goldens[0].curves, goldens[1].curves),
        }

    def is_renamed(before: str, after: str) -> bool:
        return _is_renamed(before, after, renamed) and has_metric(name, before) is False

    if was.project is not None and now.project is not None:
        pair = was.project.suites[name], now.project.suites[name]
        yield from suite_rules.compare_suites(*pair, trees, is_renamed)


def _is_renamed(before: str, after: str, names: Mapping[str, str]) -> bool:
    """Say whether a metric's goldens were renamed so, within one artifact."""
    is_of_one = before.partition(":")[0] == after.partition(":")[0]
    plain = {_expression(old): _expression(new) for old, new in names.items()}
    return is_of_one and plain.get(before) == after


def _expression(name: str) -> str:
    """Take a metric's path out of the name that goldens give it: ``min(|path|)``."""
    inner = name.partition("(")[2].removesuffix(")") if name.endswith(")") else name
    return inner.strip("|") if inner.startswith("|") else inner


def _compare_projects(was: Project, now: Project) -> Iterator[Difference]:
    tables = ({name: _plain(project, name) for name in FIELDS} for project in (was, now))
    yield from difference.compare_tables("project", FIELDS, *tables)
    gates = (_gate_table(project.gate) for project in (was, now))
    yield from difference.compare_tables("gate", GATE_FIELDS, *gates)
    for suite, matrices in was.matrices.items():
        if suite in now.suites:
            yield from _compare_matrices(suite, matrices, now.matrices.get(suite, {}))


def _plain(project: Project, name: str) -> Any:
    value = getattr(project, name)
    if name == "strict_inputs":
        return int(value)
    if name in ("hubs", "work", "golden"):
        return value.relative_to(project.root).as_posix()
    return value


def _gate_table(gate: GateSpec) -> dict[str, Any]:
    return {"signers": gate.signers, "unsigned_waivers": int(gate.unsigned_waivers)}


def _compare_matrices(
    suite: str, was: Mapping[str, MatrixSpec], now: Mapping[str, MatrixSpec]
) -> Iterator[Difference]:
    for name in dict.fromkeys((*was, *now)):
        rule = f"suites.{suite}.matrix.{name}"
        if name not in now:
            yield difference.mark_removed(rule, was[name].axes, "the matrix is gone")
        elif name not in was:
            yield difference.mark_added(rule, now[name].axes, "a matrix more")
        elif was[name].axes != now[name].axes:
            change = _compare_axes(was[name].axes, now[name].axes)
            if change[0] is not Change.EQUAL:
                yield difference.make_difference(rule, was[name].axes, now[name].axes, change)


def _compare_axes(
    was: Mapping[str, tuple[str, ...]], now: Mapping[str, tuple[str, ...]]
) -> Classed:
    if set(was) != set(now):
        axes = sorted(set(was) ^ set(now))
        return Change.WEAKER, f"cells are others along {', '.join(axes)}"
    gone = [f"{axis} = {v}" for axis, vs in was.items() for v in vs if v not in now[axis]]
    if gone:
        return Change.WEAKER, f"no cell of {', '.join(itertools.islice(gone, 3))}"
    if all(set(values) == set(was[axis]) for axis, values in now.items()):
        return difference.SAME
    return Change.STRICTER, "more cells"
