"""What an organisation asks of every change: a file outside of the repository that it judges.

    schema = 1
    signers = ["name+id+key"]        # whose waivers count, beside those of the base
    unsigned_waivers = false
    drills = ["output-constant"]     # that must be there, and be caught where they are run

    [[guards]]                       # that a suite must have, or a stricter one
    suite = "quick"                  # every suite where it is left out
    kind = "bound"
    metric = "stats:variance"
    min = 1e-6

Source: design of the harness, section 12.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.config import keys, toml_text
from harness.config.keys import key, other_keys
from harness.config.project import GuardSpec, Project
from harness.config.toml_table import Table
from harness.errors import ConfigError, HarnessError
from harness.evidence.hub import digest
from harness.files import real_path
from harness.frozen import dataclass
from harness.judgement.gate import difference, guard_rules
from harness.judgement.gate.difference import Change, Difference
from harness.judgement.guards import registry

SCHEMA = 1
_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A guard that must exist; ``suite`` is empty where it must in all of them."""

    suite: str
    guard: GuardSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The least that an organisation asks for."""

    guards: tuple[Demand, ...] = ()
    drills: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()
    unsigned_waivers: bool = False


def read(path: Path, root: Path) -> Policy:
    """Read a policy.

    Args:
        path: The file.
        root: The project that it judges; it must not lie in there.

    Raises:
        ConfigError: It lies inside of the project, or cannot be used as written.
    """
    where = str(path)
    if real_path(path).is_relative_to(real_path(root)):
        remedy = "Keep it where a change cannot reach it."
        raise ConfigError(
            where, found="a file of the project", expected="one outside", remedy=remedy
        )
    try:
        values = toml_text.parse(digest.read_bytes(path, _LIMIT))
    except ValueError as error:
        raise ConfigError(
            where, found=str(error)[:120], expected="TOML", remedy="Fix the syntax."
        ) from error
    except HarnessError as error:
        raise ConfigError(
            where, found=error.found, expected="a readable file", remedy="Name another file."
        ) from error
    return _read_table(Table(where, "", values))


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandTable:
    """The keys of one ``[[guards]]`` of a policy; others are options of the guard's kind."""

    suite: str = key("Suite that must have the guard; every suite without it.", default="")
    id: str = key("Name of the demand in messages.", default="")
    kind: str = key("Kind of the guard.")
    remedy: str = key("What to do where it is missing.", default="–")
    options: dict[str, Any] = other_keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """The keys of a policy file."""

    schema: int = key("Version of this file's layout.")
    guards: tuple[DemandTable, ...] = key("Guards that must be there.", default=())
    drills: tuple[str, ...] = key("Drills that must be there.", default=())
    signers: tuple[str, ...] = key("Ed25519 keys that may sign waivers.", default=())
    unsigned_waivers: bool = key("Whether a waiver counts that nobody signed.", default=False)


def _read_table(table: Table) -> Policy:
    written = keys.read(PolicyFile, table)
    if written.schema != SCHEMA:
        remedy = "Use a matching release."
        actual = str(written.schema)
        raise table.error("schema", found=actual, expected=str(SCHEMA), remedy=remedy)
    return Policy(
        guards=tuple(_demand(one, index) for index, one in enumerate(written.guards)),
        drills=written.drills,
        signers=written.signers,
        unsigned_waivers=written.unsigned_waivers,
    )


def _demand(wanted: DemandTable, index: int) -> Demand:
    guard = GuardSpec(
        id=wanted.id or f"guards[{index}]",
        kind=wanted.kind,
        remedy=wanted.remedy,
        options=wanted.options,
    )
    registry.check([guard])
    return Demand(suite=wanted.suite, guard=guard)


def compare_policy(
    policy: Policy, project: Project, drills: Sequence[str]
) -> Iterator[Difference]:
    """Name what a policy asks for and a project does not have.

    Args:
        policy: The policy.
        project: The project, as the change declares it.
        drills: Names of its drills.
    """
    for demand in policy.guards:
        names = [demand.suite] if demand.suite else list(project.suites)
        for name in names:
            yield from _compare_demand(demand, name, project)
    for name in policy.drills:
        if name not in drills:
            why = "the policy asks for this drill"
            yield difference.mark_removed(f"policy.drills.{name}", name, why)


def _compare_demand(demand: Demand, name: str, project: Project) -> Iterator[Difference]:
    rule = f"policy.{name}.{demand.guard.id}"
    if name not in project.suites:
        yield difference.mark_removed(rule, name, "the policy asks for this suite")
        return
    guards = [guard for guard in project.suites[name].guards if guard.kind == demand.guard.kind]
    best: list[Difference] | None = None
    for guard in guards:
        differences = guard_rules.compare_guard(
            rule, demand.guard, guard, lambda _was, _now: False
        )
        weaker = [one for one in differences if one.change is Change.WEAKER]
        if best is None or len(weaker) < len(best):
            best = weaker
    if best is None:
        why = "the policy asks for a guard of this kind"
        yield difference.mark_removed(rule, _summary(demand.guard), why)
    elif best:
        yield from best


def _summary(guard: GuardSpec) -> str:
    options: dict[str, Any] = guard.options
    return f"{guard.kind}: " + ", ".join(f"{k} = {v}" for k, v in options.items())
