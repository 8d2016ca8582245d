"""Rules that hold between the declarations of a suite; a broken one is a ``ConfigError``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from harness import files, identifiers
from harness.config import ordering, placeholders
from harness.config.project import StageSpec, SuiteSpec
from harness.config.toml_table import FILE, Table, nearest
from harness.errors import ConfigError

KINDS = ("command", "pytest")
ATTEMPT = ".attempt-"  # ends the names of logs of earlier attempts
SEED = "seed"  # the parameter that tells runs of a suite apart
_RESERVED = ("blockers", "matrix")


def check_modules(modules: Iterable[str], table: Table) -> None:
    """Refuse a module that a suite needs and that could only be found by importing.

    Raises:
        ConfigError: A name is not that of a top-level module.
    """
    for name in modules:
        if not name.isidentifier():
            raise table.error(
                "requires",
                found=repr(name),
                expected="the name of a top-level module",
                remedy="Name the package without its parts.",
            )


def check_stage(spec: StageSpec, table: Table) -> None:
    """Refuse a stage whose keys do not fit its kind.

    Raises:
        ConfigError: Unknown kind, missing or misplaced keys, impossible numbers.
    """
    if spec.kind in KINDS:
        _check_words(spec, table)
    elif not _is_installed(spec.kind):
        raise table.error(
            "kind",
            found=repr(spec.kind),
            expected=" or ".join(KINDS),
            remedy=nearest(spec.kind, KINDS),
        )
    _check_patience(spec, table)


def _check_patience(spec: StageSpec, table: Table) -> None:
    """Refuse retries and bounds that no stage of this kind has, or that know no bound."""
    if spec.kind != "pytest" and (spec.test_retries or spec.test_timeout_s is not None):
        raise table.error(
            "test_retries" if spec.test_retries else "test_timeout_s",
            found=f"a key of another kind in a {spec.kind} stage",
            expected="a pytest stage",
            remedy="Use retries and timeout_s.",
        )
    if spec.test_timeout_s is not None and spec.test_timeout_s > spec.timeout_s:
        raise table.error(
            "test_timeout_s",
            found=f"{spec.test_timeout_s:g}",
            expected=f"above 0 and at most timeout_s, {spec.timeout_s:g}",
            remedy="Bound a test below its stage.",
        )


def _check_words(spec: StageSpec, table: Table) -> None:
    wanted, other = ("argv", "selectors") if spec.kind == "command" else ("selectors", "argv")
    words_of = {"argv": spec.argv, "selectors": spec.selectors}
    if not words_of[wanted]:
        raise table.error(
            wanted,
            found="no item",
            expected="a list of at least one",
            remedy=f"Add {wanted} = [ … ].",
        )
    if words_of[other]:
        raise table.error(
            other,
            found=f"a key of another kind in a {spec.kind} stage",
            expected=wanted,
            remedy=f"Remove {other}.",
        )


def _is_installed(kind: str) -> bool:
    """Say whether an installed package adds this kind of stage; nothing is loaded."""
    from importlib import metadata  # noqa: PLC0415 (20 ms that only foreign kinds need)

    return bool(metadata.entry_points(group="harness.stages", name=kind))


def check(suite: SuiteSpec, policies: dict[str, str], where: str) -> None:
    """Refuse a suite whose names do not fit together.

    Raises:
        ConfigError: Bad or double ids, unknown needs, cycles, policies or placeholders.
    """
    _check_name(suite.name, where)
    if suite.name in _RESERVED:
        raise ConfigError(
            where, found="a reserved name", expected="another name", remedy="Rename the suite."
        )
    if not suite.stages:
        raise ConfigError(
            where, found="no stage", expected="at least one", remedy="Add [[…stages]]."
        )
    for id_ in [*(s.id for s in suite.stages), *(g.id for g in suite.guards)]:
        _check_name(id_, f"{where}: id {id_!r}")
    _check_twins([stage.id for stage in suite.stages], where)
    _check_artifacts(suite, where)
    _check_needs(suite, where)
    check_runs(suite, f"{where}.runs")
    for stage in suite.stages:
        _check_placeholders(stage, suite, f"{where}: stage {stage.id}")
    for guard in suite.guards:
        for policy in guard.policies:
            if policy not in policies:
                raise ConfigError(
                    f"{where}: guard {guard.id}",
                    found=f"policy {policy!r}",
                    expected="one of [policies]",
                    remedy=nearest(policy, policies),
                )


def check_runs(suite: SuiteSpec, where: str) -> None:
    """Refuse several runs that would all be the same one.

    Raises:
        ConfigError: No stage uses a seed.
    """
    if suite.runs > 1 and not is_seeded(suite):
        raise ConfigError(
            where,
            found=f"{suite.runs} runs without a seed",
            expected=f"a parameter named {SEED} that a stage uses",
            remedy="Add it to parameters and to the argv of a stage, or leave runs out.",
        )


def is_seeded(suite: SuiteSpec) -> bool:
    """Say whether a suite has a seed that one of its stages uses."""
    is_used = any(f"{{{SEED}}}" in item for stage in suite.stages for item in stage.argv)
    return SEED in suite.parameters and is_used


def check_lender(suite: SuiteSpec, suites: dict[str, SuiteSpec], where: str) -> None:
    """Refuse goldens of a suite that has none of its own to lend.

    Raises:
        ConfigError: ``goldens_of`` names the suite itself, none, or one that borrows too.
    """
    if not suite.goldens_of:
        return
    lenders = [s.name for s in suites.values() if s is not suite and not s.goldens_of]
    if suite.goldens_of not in lenders:
        raise ConfigError(
            f"{where}.goldens_of",
            found=repr(suite.goldens_of)[:80],
            expected="another suite, with goldens of its own",
            remedy=nearest(suite.goldens_of, lenders),
        )


def order_stages(suite: SuiteSpec) -> tuple[StageSpec, ...]:
    """Return the stages in the order declared, each after what it needs."""
    by_id = {stage.id: stage for stage in suite.stages}
    try:
        names = ordering.order_by_need({stage.id: stage.needs for stage in suite.stages})
    except ordering.CycleError as error:
        raise ConfigError(
            f"{FILE}: suites.{suite.name}: stage {error.ring[0]}",
            found=str(error),
            expected="no cycle of needs",
            remedy="Break the cycle.",
        ) from error
    return tuple(by_id[name] for name in names)


def _check_name(name: str, where: str) -> None:
    if not identifiers.NAME.fullmatch(name) or ".." in name or ATTEMPT in name:
        raise ConfigError(
            where,
            found=f"the name {name!r}"[:80],
            expected=f"letters, digits, '.', '_' and '-', at most 64, without {ATTEMPT!r}",
            remedy="Rename it.",
        )


def _check_twins(ids: list[str], where: str) -> None:
    """Refuse ids that one file system would keep as one: each names files of a hub."""
    for index, id_ in enumerate(ids):
        twins = [other for other in ids[:index] if other.casefold() == id_.casefold()]
        if twins:
            raise ConfigError(
                f"{where}: id {id_!r}",
                found=f"also {twins[0]!r}, the same but for case",
                expected="ids that differ in more than case",
                remedy="Rename one.",
            )


def _check_artifacts(suite: SuiteSpec, where: str) -> None:
    seen: dict[str, str] = {}
    for stage in suite.stages:
        stored: set[str] = set()
        for spec in stage.artifacts:
            here = f"{where}: stage {stage.id}: artifact {spec.id!r}"
            _check_name(spec.id, here)
            path = PurePosixPath(spec.path)
            if problem := files.path_fault(spec.path):
                raise ConfigError(
                    here,
                    found=f"{problem} in {spec.path!r}"[:120],
                    expected="a name that a hub may hold",
                    remedy="Let the stage write it under a plain name without '..'.",
                )
            if path.is_absolute() or ".." in path.parts or path.name in ("", "."):
                raise ConfigError(
                    here,
                    found=repr(spec.path),
                    expected="a relative path in the work folder",
                    remedy="Leave {work} and '..' out.",
                )
            if spec.id in seen or path.name.casefold() in stored:
                what = "id" if spec.id in seen else "file name (but for case)"
                raise ConfigError(
                    here,
                    found=f"the same {what} twice",
                    expected=f"a unique {what}",
                    remedy="Rename one.",
                )
            seen[spec.id] = stage.id
            stored.add(path.name.casefold())


def _check_needs(suite: SuiteSpec, where: str) -> None:
    known = [stage.id for stage in suite.stages]
    for stage in suite.stages:
        for need in stage.needs:
            if need not in known:
                raise ConfigError(
                    f"{where}: stage {stage.id}: needs",
                    found=repr(need),
                    expected="a stage of the suite",
                    remedy=nearest(need, known),
                )
    order_stages(suite)


def _check_placeholders(stage: StageSpec, suite: SuiteSpec, where: str) -> None:
    known = {
        *placeholders.WORDS,
        *suite.parameters,
        *(f"dataset:{d.role}" for d in suite.datasets),
    }
    for item in (*stage.argv, *stage.selectors):
        for name in placeholders.names(item):
            if name not in known:
                raise ConfigError(
                    f"{where}: argument {item!r}"[:120],
                    found=f"the placeholder {{{name}}}",
                    expected="a parameter, a dataset, python, root or work",
                    remedy=f"{nearest(name, known)} Write {{{{{name}}}}} for the plain text.",
                )
