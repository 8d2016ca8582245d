"""A metric under another name: in the guards of ``harness.toml``, the goldens and the ledger.

A metric is called by its path expression. Who renames a field of an artifact changes nothing
that was calibrated; made anew, the goldens would take hours and lose where they came from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness import files, identifiers
from harness.config import config_file, keys, tables, toml_edit, toml_text
from harness.config.project import Project, SuiteSpec
from harness.config.toml_table import nearest
from harness.errors import ConfigError
from harness.evidence.hub import layout
from harness.evidence.ledger.log import Ledger
from harness.frozen import dataclass
from harness.judgement.golden import store
from harness.judgement.golden.store import GoldenSet
from harness.judgement.guards import metrics, paths, registry
from harness.judgement.guards.aggregates import AGGREGATE_NAMES, ALL

_WHERE = "golden rename"
_NAMED = re.compile(rf"({'|'.join((*AGGREGATE_NAMES, ALL))})\((.*)\)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """What a renaming changes.

    Attributes:
        text: ``harness.toml`` after it.
        guards: ``suite: guard.key`` of each place changed there.
        goldens: Goldens after it, by suite.
        values: How many of them have another name, by suite.
    """

    text: str
    guards: tuple[str, ...]
    goldens: dict[str, GoldenSet]
    values: dict[str, int]


def rename(
    project: Project,
    names: tuple[str, str],
    suite: str | None,
    reason: str,
    environ: Mapping[str, str],
) -> Renaming:
    """Rename a metric everywhere; log it.

    The ledger is written first and ``harness.toml`` last: what a crash leaves undone, the same
    call does when it is made again.

    Args:
        project: The project.
        names: Path expression as it is, and as it shall be.
        suite: Suite to whose own guards the renaming is limited; all without it.
        reason: Why; goes into the ledger.
        environ: Environment of the process.

    Raises:
        ConfigError: ``CI`` is set, an expression cannot be read, nothing has the name, or what
            would come of it cannot stand.
        IntegrityError: Goldens or ledger are damaged.
        StorageError: The disk refused.
    """
    if environ.get("CI"):
        raise _refuse("CI is set", "a person's decision", "Rename where you can look at it.")
    made = plan(project, names, suite)
    project.hubs.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(project.hubs / layout.LEDGER)
    for name, golden in made.goldens.items():
        body = {
            "golden_sha256": golden.digest,
            "previous_sha256": store.load(project.golden / name).digest,
            "reason": reason.strip() or f"{names[0]} is called {names[1]}",
            "renamed": list(names),
            "values": len(golden.values),
        }
        ledger.append(store.LOGGED, name, body)
        store.save(project.golden / name, golden)
    files.write_text(project.root / config_file.FILE, made.text)
    return made


def plan(project: Project, names: tuple[str, str], suite: str | None) -> Renaming:
    """Work out a renaming without writing anything.

    Raises:
        ConfigError: See ``rename``.
        IntegrityError: Goldens are damaged.
    """
    old, new = names
    for name in names:
        artifact, _ = metrics.parse(name)
        if artifact not in paths.ROOTS and not identifiers.NAME.fullmatch(artifact):
            raise _refuse(
                f"{name}, of an artifact {artifact!r}",
                "a path as guards say it, without aggregate and bars",
                "Leave out min(…) and |…|: all of a path's names change with it.",
            )
    if old == new:
        raise _refuse(f"{old} twice", "two names", "Give the new name second.")
    if suite is not None:
        config_file.find_suite(project, suite)
    text, places = _edit(project, old, new, suite)
    after = config_file.read_content(project.root, text.encode(), registry.check)
    touched = {
        spec.judged_by
        for spec in after.suites.values()
        if spec.guards != project.suites[spec.name].guards or spec.name == (suite or spec.name)
    }
    goldens, values = _rename_values(project, touched, old, new)
    if not places and not goldens:
        raise _refuse(
            f"{old}: nothing is called so",
            "the metric of a guard or a golden",
            nearest(old, _collect_names(project)),
        )
    _require_one_name(after, goldens, old)
    return Renaming(text=text, guards=places, goldens=goldens, values=values)


def _edit(
    project: Project, old: str, new: str, suite: str | None
) -> tuple[str, tuple[str, ...]]:
    text = config_file.read_bytes(project.root).decode()
    declared = toml_text.parse(text).get("suites", {})

    def is_wanted(place: toml_edit.Place) -> bool:
        match place:
            case ("suites", str(name), "guards", int(index), str(key)):
                guard = declared[name]["guards"][index]
                return suite in (None, name) and _is_metric(guard["kind"], key)
            case ("suites", str(name), "bounds", str(_), str(key)):
                return suite in (None, name) and _is_metric(tables.BOUND, key)
            case _:
                return False

    text, places = toml_edit.replace_strings(text, old, new, is_wanted)
    changes = (f"{place[1]}: {_name_guard(declared, place)}.{place[4]}" for place in places)
    return text, tuple(changes)


def _name_guard(declared: Any, place: toml_edit.Place) -> Any:
    """Return the id of a guard, which a table of bounds has as its key."""
    if place[2] == "bounds":
        return place[3]
    return declared[place[1]]["guards"][place[3]]["id"]


def _is_metric(kind: str, key: str) -> bool:
    """Say whether a key of a guard holds a path; of a foreign kind any own key may."""
    guard = registry.built_in().get(kind)
    if guard is None:
        return key not in ("id", "kind", "severity", "remedy")
    return any(one.name == key and one.about.is_metric for one in keys.keys_of(guard.options))


def _rename_values(
    project: Project, suites: set[str], old: str, new: str
) -> tuple[dict[str, GoldenSet], dict[str, int]]:
    """Return the goldens that change, and how many values of each.

    Raises:
        ConfigError: The new name has a golden already.
    """
    goldens, counts = {}, {}
    for name in sorted(suites):
        before = store.load(project.golden / name)
        values = [replace(v, metric=rename_metric(v.metric, old, new)) for v in before.values]
        curves = [replace(c, metric=rename_metric(c.metric, old, new)) for c in before.curves]
        after = replace(before, values=tuple(values), curves=tuple(curves))
        both = zip(before.references, after.references, strict=True)
        count = sum(was.metric != now.metric for was, now in both)
        if count:
            _require_own_names(name, after)
            goldens[name], counts[name] = after, count
    return goldens, counts


def _require_own_names(suite: str, golden: GoldenSet) -> None:
    identities = [store.identity(value) for value in golden.references]
    for value in golden.references:
        if identities.count(store.identity(value)) > 1:
            raise _refuse(
                f"a golden of {value.metric} in suite {suite} already",
                "a name that no golden has",
                "Choose another name.",
            )


def rename_metric(metric: str, old: str, new: str) -> str:
    """Return a metric's name in goldens, aggregate and bars kept, by its new path."""
    if metric == old:
        return new
    if named := _NAMED.fullmatch(metric):
        return f"{named[1]}({rename_metric(named[2], old, new)})"
    if metric.startswith("|") and metric.endswith("|") and metric[1:-1]:
        return f"|{rename_metric(metric[1:-1], old, new)}|"
    return metric


def _require_one_name(after: Project, goldens: dict[str, GoldenSet], old: str) -> None:
    """Refuse goldens under a new name that a guard still looks for under the old one."""
    for spec in after.suites.values():
        if spec.judged_by in goldens and _compares(spec, old):
            raise _refuse(
                f"suite {spec.name} would still compare {old} with those goldens",
                "one name for one golden",
                "Leave --suite out, or name the suite that declares the guard.",
            )


def _compares(spec: SuiteSpec, old: str) -> bool:
    return any(g.kind == "golden" and g.options["metric"] == old for g in spec.guards)


def _collect_names(project: Project) -> set[str]:
    return {
        value
        for spec in project.suites.values()
        for guard in spec.guards
        for key, value in guard.options.items()
        if isinstance(value, str) and _is_metric(guard.kind, key)
    }


def _refuse(found: str, expected: str, remedy: str) -> ConfigError:
    return ConfigError(_WHERE, found=found, expected=expected, remedy=remedy)
