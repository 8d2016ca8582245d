"""Read ``harness.toml`` into a ``Project``, strictly.

Every name that a declaration uses must be declared: stages that are needed, policies,
datasets, parameters in argument vectors. Suites inherit with ``extends``: keys replace,
``parameters`` merge, ``stages`` and ``guards`` with a known id replace and others are added,
and ids listed in ``without`` are left out. A quarantine is never inherited.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.config import gate_table, matrix, quarantine_rules, suite_rules
from harness.config.project import (
    ArtifactSpec,
    DatasetSpec,
    GuardSpec,
    Project,
    QuarantineSpec,
    StageSpec,
    SuiteSpec,
)
from harness.config.toml_table import Table, nearest
from harness.errors import ConfigError, NotAProjectError
from harness.files import sha256_bytes

FILE = "harness.toml"
SCHEMA = 1
_LIMIT = 4 << 20


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above ``start`` that holds a ``harness.toml``.

    Raises:
        NotAProjectError: There is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise NotAProjectError(
        str(start),
        found=f"no {FILE} here or above",
        expected="a project",
        remedy="Go to your project, or run harness init.",
    )


def load(root: Path, check_guards: Callable[[Sequence[GuardSpec]], None]) -> Project:
    """Read and check the declaration of a project.

    Args:
        root: Folder of the project.
        check_guards: Refuses guards that no kind can judge. It is handed in, because the
            kinds belong to the judgement and what may be declared lies below it.

    Raises:
        NotAProjectError: There is no ``harness.toml`` in ``root``.
        ConfigError: It cannot be used as written; the message names the key path.
    """
    content, values = _parse(root / FILE)
    top = Table(FILE, "", values)
    schema = top.take("schema", int, required=True)
    if schema != SCHEMA:
        raise top.error(
            "schema", found=str(schema), expected=str(SCHEMA), remedy="Use a matching release."
        )
    name = top.text("name", required=True)
    policies = top.strings("policies")
    trusted_keys = top.texts("trusted_keys")
    gate = gate_table.read(Table(FILE, "gate", top.take("gate", dict, {})))
    datasets = {role: _dataset(role, table) for role, table in top.named("datasets").items()}
    tables = top.named("suites")
    matrices = {suite: matrix.read(suite, table) for suite, table in tables.items()}
    suites = _suites(tables, datasets)
    folders = {key: _folder(top, root, key, default) for key, default in _FOLDERS.items()}
    top.close()
    for suite in suites.values():
        where = f"{FILE}: suites.{suite.name}"
        suite_rules.check(suite, policies, where)
        suite_rules.check_lender(suite, suites, where)
        quarantine_rules.check(suite, where)
        check_guards(suite.guards)
        for spec in matrices[suite.name].values():
            matrix.check(spec, suite, FILE)
    return Project(
        root=root.resolve(),
        name=name,
        suites=suites,
        matrices=matrices,
        policies=policies,
        trusted_keys=trusted_keys,
        gate=gate,
        config_sha256=sha256_bytes(content),
        **folders,
    )


def suite_of(project: Project, name: str) -> SuiteSpec:
    """Return a suite by name.

    Raises:
        ConfigError: The project declares no such suite; the nearest name is given.
    """
    if name in project.suites:
        return project.suites[name]
    raise ConfigError(
        f"suite {name!r}",
        found="no such suite",
        expected=f"a suite of {FILE}",
        remedy=nearest(name, project.suites),
    )


_FOLDERS = {"hubs": "hubs", "golden": "golden", "work": ".harness"}


def _parse(path: Path) -> tuple[bytes, dict[str, Any]]:
    try:
        with path.open("rb") as stream:
            content = stream.read(_LIMIT + 1)
    except FileNotFoundError as error:
        raise NotAProjectError(
            str(path), found="no file", expected=FILE, remedy="Run harness init."
        ) from error
    except OSError as error:
        raise ConfigError(
            str(path),
            found=error.strerror or "an error",
            expected="a readable file",
            remedy="Fix the permissions.",
        ) from error
    if len(content) > _LIMIT:
        raise ConfigError(
            FILE, found="over 4 MiB", expected="a declaration", remedy="Make it smaller."
        )
    try:
        return content, tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(
            FILE, found=str(error)[:120], expected="TOML", remedy="Fix the syntax."
        ) from error


def _folder(top: Table, root: Path, key: str, default: str) -> Path:
    value = top.text(key, default)
    path = (root / value).resolve()
    if root.resolve() not in path.parents:
        raise top.error(
            key,
            found=repr(value),
            expected="a folder inside the project",
            remedy="Use a relative path without '..'.",
        )
    return path


def _dataset(role: str, table: Table) -> DatasetSpec:
    spec = DatasetSpec(
        role=role,
        generate=table.texts("generate"),
        inputs=table.texts("inputs"),
        file=table.text("file", f"{role}.npz"),
    )
    if Path(spec.file).name != spec.file or spec.file.startswith("."):
        raise table.error(
            "file", found=repr(spec.file), expected="a file name", remedy="Leave folders out."
        )
    table.close()
    return spec


def _suites(tables: dict[str, Table], datasets: dict[str, DatasetSpec]) -> dict[str, SuiteSpec]:
    done: dict[str, SuiteSpec] = {}
    for name in tables:
        _resolve(name, tables, datasets, done, ())
    return {name: done[name] for name in tables}


def _resolve(
    name: str,
    tables: dict[str, Table],
    datasets: dict[str, DatasetSpec],
    done: dict[str, SuiteSpec],
    trail: tuple[str, ...],
) -> SuiteSpec:
    if name in done:
        return done[name]
    table = tables[name]
    parent = None
    if "extends" in table.values:
        wanted = table.text("extends", required=True)
        if wanted in (*trail, name):
            raise table.error(
                "extends",
                found=" → ".join((*trail, name, wanted)),
                expected="no cycle",
                remedy="Break the cycle.",
            )
        if wanted not in tables:
            raise table.error(
                "extends",
                found=repr(wanted),
                expected="a declared suite",
                remedy=nearest(wanted, tables),
            )
        parent = _resolve(wanted, tables, datasets, done, (*trail, name))
    done[name] = _suite(name, table, datasets, parent)
    return done[name]


_BARE = SuiteSpec(
    name="",
    description="",
    inputs=(),
    parameters={},
    datasets=(),
    stages=(),
    guards=(),
    environment=(),
)


def _suite(
    name: str, table: Table, datasets: dict[str, DatasetSpec], parent: SuiteSpec | None
) -> SuiteSpec:
    base = parent or _BARE
    without = _without(table, base)
    stages = tuple(_stage(item) for item in table.tables("stages"))
    guards = tuple(_guard(item) for item in table.tables("guards"))
    suite = SuiteSpec(
        name=name,
        description=table.text("description", base.description, required=parent is None),
        inputs=table.texts("inputs") or base.inputs,
        parameters={**base.parameters, **table.strings("parameters")},
        datasets=_roles(table, datasets) if "datasets" in table.values else base.datasets,
        stages=_merge([s for s in base.stages if s.id not in without], stages, table, "stages"),
        guards=_merge([g for g in base.guards if g.id not in without], guards, table, "guards"),
        environment=table.texts("environment") or base.environment,
        max_age_days=table.take("max_age_days", float, base.max_age_days),
        quarantine=_quarantine(table),
        requires={**base.requires, **suite_rules.required(table)},
        goldens_of=table.text("goldens_of", base.goldens_of),
    )
    table.close(known=("extends", "without", "datasets"))
    return suite


def _quarantine(table: Table) -> tuple[QuarantineSpec, ...]:
    """Read what a suite excuses; it is never inherited, each suite says it itself."""
    today = dt.datetime.now(dt.UTC).date()
    return tuple(quarantine_rules.read(item, today) for item in table.tables("quarantine"))


def _without(table: Table, base: SuiteSpec) -> frozenset[str]:
    known = {s.id for s in base.stages} | {g.id for g in base.guards}
    return frozenset(_named(table, "without", known, "a stage or guard of the extended suite"))


def _merge(inherited: list[Any], own: tuple[Any, ...], table: Table, key: str) -> Any:
    ids = [spec.id for spec in own]
    for index, name in enumerate(ids):
        if name in ids[:index]:
            raise table.error(
                f"{key}[{index}].id",
                found=f"{name!r} twice",
                expected="ids that are unique in a suite",
                remedy="Rename one.",
            )
    new = {spec.id: spec for spec in own}
    kept = [new.pop(spec.id, spec) for spec in inherited]
    return (*kept, *new.values())


def _roles(table: Table, datasets: dict[str, DatasetSpec]) -> tuple[DatasetSpec, ...]:
    roles = _named(table, "datasets", datasets, "a dataset of [datasets]")
    return tuple(datasets[role] for role in dict.fromkeys(roles))


def _named(table: Table, key: str, known: Collection[str], expected: str) -> tuple[str, ...]:
    """Read a list of names, each of which must be ``known``."""
    names = table.texts(key)
    for index, name in enumerate(names):
        if name not in known:
            raise table.error(
                f"{key}[{index}]",
                found=repr(name),
                expected=expected,
                remedy=nearest(name, known),
            )
    return names


def _stage(table: Table) -> StageSpec:
    spec = StageSpec(
        id=table.text("id", required=True),
        kind=table.text("kind", required=True),
        argv=table.texts("argv"),
        selectors=table.texts("selectors"),
        min_tests=table.take("min_tests", int, 1),
        min_collected=table.take("min_collected", int, 1),
        needs=table.texts("needs"),
        timeout_s=table.take("timeout_s", float, 900.0),
        artifacts=tuple(_artifact(item) for item in table.tables("artifacts")),
        retries=table.take("retries", int, 0),
        test_retries=table.take("test_retries", int, 0),
        test_timeout_s=table.take("test_timeout_s", float),
    )
    table.close()
    suite_rules.check_stage(spec, table)
    return spec


def _artifact(table: Table) -> ArtifactSpec:
    spec = ArtifactSpec(
        id=table.text("id", required=True),
        path=table.text("path", required=True),
        external=table.take("external", bool, default=False),
        optional=table.take("optional", bool, default=False),
    )
    table.close()
    return spec


def _guard(table: Table) -> GuardSpec:
    spec = GuardSpec(
        id=table.text("id", required=True),
        kind=table.text("kind", required=True),
        severity=table.text("severity", "fail"),
        policies=table.texts("policies"),
        remedy=table.text("remedy", required=True),
    )
    if spec.severity not in ("fail", "warn"):
        raise table.error(
            "severity",
            found=repr(spec.severity),
            expected="fail or warn",
            remedy=nearest(spec.severity, ("fail", "warn")),
        )
    return replace(spec, options=table.rest())
