"""Read ``harness.toml`` into a ``Project``, strictly.

Every name that a declaration uses must be declared: stages that are needed, policies,
datasets, parameters in argument vectors. Suites inherit with ``extends``: keys replace,
``parameters`` merge, ``stages`` and ``guards`` with a known id replace and others are added,
and ids listed in ``without`` are left out. A quarantine is never inherited.
"""

from __future__ import annotations

import datetime as dt
import errno
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from harness.config import (
    interpreters,
    keys,
    matrix,
    ordering,
    quarantine_rules,
    suite_rules,
    toml_table,
    toml_text,
)
from harness.config.project import DatasetSpec, GuardSpec, Project, SuiteSpec
from harness.config.tables import SuiteTable, TopTable
from harness.config.toml_table import Table, nearest
from harness.errors import ConfigError, NotAProjectError
from harness.files import read_bounded, real_path, sha256_bytes

FILE = toml_table.FILE
SCHEMA_FILE = "harness.schema.json"  # lies beside this module, written by proofs.docs
_LIMIT = 4 << 20


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above ``start`` that holds a ``harness.toml``.

    Raises:
        NotAProjectError: There is none.
    """
    start = real_path(start)
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
    return read_content(root, read_bytes(root), check_guards)


def read_content(
    root: Path, content: bytes, check_guards: Callable[[Sequence[GuardSpec]], None]
) -> Project:
    """Read and check what is, or is to become, the declaration of a project.

    Raises:
        ConfigError: As ``load``.
    """
    table = Table(FILE, "", _parse(content))
    top = keys.read(TopTable, table)
    folders = {key: _find_folder(table, root, key, path) for key, path in _folders(top)}
    for role, dataset in top.datasets.items():
        _check_dataset(role, dataset)
    declared = _suites(top.suites, top.datasets)
    suites = {name: interpreters.inherit(suite, top) for name, suite in declared.items()}
    matrices = {
        name: matrix.read(name, Table(FILE, f"suites.{name}.matrix", written.matrix))
        for name, written in top.suites.items()
    }
    for suite in suites.values():
        where = f"{FILE}: suites.{suite.name}"
        suite_rules.check(suite, top.policies, where)
        suite_rules.check_lender(suite, suites, where)
        quarantine_rules.check(suite, where)
        check_guards(suite.guards)
        for spec in matrices[suite.name].values():
            matrix.check(spec, suite, FILE)
    return Project(
        root=real_path(root),
        name=top.name,
        suites=suites,
        matrices=matrices,
        policies=top.policies,
        trusted_keys=top.trusted_keys,
        strict_inputs=top.strict_inputs,
        gate=top.gate,
        report=top.report,
        config_sha256=sha256_bytes(content),
        **folders,
    )


def find_suite(project: Project, name: str) -> SuiteSpec:
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


def _folders(top: TopTable) -> tuple[tuple[str, str], ...]:
    return (("hubs", top.hubs), ("golden", top.golden), ("work", top.work))


def read_bytes(root: Path) -> bytes:
    """Read the declaration of a project as it is written.

    A link is followed inside the project only: what others wrote says what is opened.

    Raises:
        NotAProjectError: There is no ``harness.toml`` in ``root``.
        ConfigError: It leads out of the project, is no file, or cannot be read.
    """
    path = root / FILE
    try:
        return read_bounded(_follow_inside(path), _LIMIT)
    except FileNotFoundError as error:
        raise NotAProjectError(
            str(path), found="no file", expected=FILE, remedy="Run harness init."
        ) from error
    except OSError as error:
        raise ConfigError(
            str(path),
            found=error.strerror or "an error",
            expected=f"a readable file of the project, of at most {_LIMIT >> 20} MiB",
            remedy="Put the file itself there, and let it be read.",
        ) from error


def _follow_inside(path: Path) -> Path:
    place = real_path(path)
    if real_path(path.parent) not in place.parents:
        raise OSError(errno.EXDEV, "a link out of the project")
    return place


def _parse(content: bytes) -> dict[str, Any]:
    try:
        return toml_text.parse(content)
    except ValueError as error:
        raise ConfigError(
            FILE, found=str(error)[:120], expected="TOML", remedy="Fix the syntax."
        ) from error


def _find_folder(top: Table, root: Path, key: str, value: str) -> Path:
    path = real_path(root / value)
    # Resolved first: links and `..` lead outside without looking like it.
    if real_path(root) not in path.parents:
        raise top.error(
            key,
            found=repr(value),
            expected="a folder inside the project",
            remedy="Use a relative path without '..'.",
        )
    return path


def _check_dataset(role: str, spec: DatasetSpec) -> None:
    if Path(spec.file).name != spec.file or spec.file.startswith("."):
        raise Table(FILE, f"datasets.{role}", {}).error(
            "file",
            found=repr(spec.file),
            expected="a file name",
            remedy="Leave folders out.",
        )


FINGERPRINT = "fingerprint"  # id and kind of the guard that the table of this name declares
_REMEDY = (
    "More differs than was declared: harness diff latest~1 latest shows what moved. Where it "
    "is meant, say so by --expect or a trailer Answer:, then harness golden accept --reason."
)


def _suites(
    written: dict[str, SuiteTable], datasets: dict[str, DatasetSpec]
) -> dict[str, SuiteSpec]:
    """Make the suites, each after the one that it extends."""
    for name, suite in written.items():
        if suite.extends is not None and suite.extends not in written:
            raise _suite_place(name).error(
                "extends",
                found=repr(suite.extends),
                expected="a declared suite",
                remedy=nearest(suite.extends, written),
            )
    parents = {
        name: () if suite.extends is None else (suite.extends,)
        for name, suite in written.items()
    }
    try:
        order = ordering.order_by_need(parents)
    except ordering.CycleError as error:
        raise _suite_place(error.ring[0]).error(
            "extends",
            found=" → ".join(error.ring),
            expected="no cycle",
            remedy="Break the cycle.",
        ) from error
    done: dict[str, SuiteSpec] = {}
    for name in order:
        parent = done.get(written[name].extends or "")
        done[name] = _suite(name, written[name], datasets, parent)
    return {name: done[name] for name in written}


def _suite_place(suite: str) -> Table:
    """Return where a suite stands, for errors about its keys."""
    return Table(FILE, f"suites.{suite}", {})


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
    name: str, own: SuiteTable, datasets: dict[str, DatasetSpec], parent: SuiteSpec | None
) -> SuiteSpec:
    base, table = parent or _BARE, _suite_place(name)
    for index, stage in enumerate(own.stages):
        suite_rules.check_stage(stage, Table(FILE, f"{table.path}.stages[{index}]", {}))
    suite_rules.check_modules(own.requires, table)
    left = {s.id for s in base.stages} | {g.id for g in base.guards}
    _check_names(table, "without", own.without, left, "a stage or guard of the extended suite")
    _check_names(table, "datasets", own.datasets or (), datasets, "a dataset of [datasets]")
    stages = [stage for stage in base.stages if stage.id not in own.without]
    guards = [guard for guard in base.guards if guard.id not in own.without]
    own_guards = (
        *own.guards,
        *(line.as_guard() for line in own.bounds.values()),
        *_fingerprint_guard(own, table),
    )
    roles = None if own.datasets is None else dict.fromkeys(own.datasets)
    # In UTC, or a quarantine would end on another day on another machine.
    today = dt.datetime.now(dt.UTC).date()
    return SuiteSpec(
        name=name,
        description=own.description or base.description,
        inputs=own.inputs or base.inputs,
        parameters={**base.parameters, **own.parameters},
        datasets=base.datasets if roles is None else tuple(datasets[role] for role in roles),
        stages=_merge(stages, own.stages, table, "stages"),
        guards=_merge(guards, own_guards, table, "guards"),
        environment=own.environment or base.environment,
        max_age_days=base.max_age_days if own.max_age_days is None else own.max_age_days,
        # Never inherited: each suite says itself what it excuses.
        quarantine=tuple(
            quarantine_rules.resolve(
                item, Table(FILE, f"{table.path}.quarantine[{index}]", {}), today
            )
            for index, item in enumerate(own.quarantine)
        ),
        requires={**base.requires, **own.requires},
        goldens_of=own.goldens_of or base.goldens_of,
        python=own.python or base.python,
        packages=own.packages or base.packages,
        runs=base.runs if own.runs is None else own.runs,
    )


def _fingerprint_guard(own: SuiteTable, table: Table) -> tuple[GuardSpec, ...]:
    """Return the guard that a suite's fingerprint stands for, where it declares one."""
    if not own.fingerprint:
        return ()
    inner = Table(FILE, f"{table.path}.fingerprint", own.fingerprint)
    written = {"id": FINGERPRINT, "kind": FINGERPRINT, "remedy": _REMEDY, **inner.values}
    return (keys.read(GuardSpec, Table(FILE, inner.path, written)),)


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
    # What is replaced keeps its place in the order; only what is new goes to the end.
    merged = [new.pop(spec.id, spec) for spec in inherited]
    return (*merged, *new.values())


def _check_names(
    table: Table, key: str, names: tuple[str, ...], known: Collection[str], expected: str
) -> None:
    """Refuse a name in a list that is not ``known``."""
    for index, name in enumerate(names):
        if name not in known:
            raise table.error(
                f"{key}[{index}]",
                found=repr(name),
                expected=expected,
                remedy=nearest(name, known),
            )
