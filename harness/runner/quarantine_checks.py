"""How the quarantines of a suite stand when a run begins, and that their tests exist.

Tests are looked for in the text of their file, which is parsed and never run: a name that is
not there is a mistake to mend before anything starts. Parameters, and names that a file takes
over from others, are known only when pytest collects; then the plugin looks.
"""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from harness.config.project import Project, QuarantineSpec, SuiteSpec
from harness.config.toml_table import nearest
from harness.errors import ConfigError
from harness.evidence.hub.store import HubStore
from harness.judgement import quarantine
from harness.judgement.proof_cache import ProofCache
from harness.records import QuarantineRecord
from harness.runner.stages import test_outcomes

_LARGEST = 4 << 20


def quarantine_status(
    project: Project, suite: SuiteSpec, today: dt.date
) -> tuple[QuarantineRecord, ...]:
    """Say how the quarantines stand; clean runs are counted on from the last whole hub.

    Raises:
        ConfigError: A test is not in its file; the nearest name is given.
    """
    if not suite.quarantine:
        return ()
    for index, spec in enumerate(suite.quarantine):
        if spec.kind == "test":
            at = f"harness.toml: suites.{suite.name}.quarantine[{index}].test"
            _check(spec, project.root, at)
    store, proved = HubStore(project.hubs, project.work), ProofCache(project)
    for hub in reversed(store.hubs(suite.name)):
        if proved.damage_of(hub, store.runs()):
            continue  # clean runs are counted on from what can be trusted
        proved.save()
        return quarantine.status_before_run(suite.quarantine, store.read(hub).quarantine, today)
    return quarantine.status_before_run(suite.quarantine, (), today)


def values(suite: SuiteSpec, records: tuple[QuarantineRecord, ...]) -> dict[str, str]:
    """Return what the stages are told of their tests in quarantine."""
    listed = {
        test_outcomes.key(s.id): test_outcomes.list_quarantined(s, records)
        for s in suite.stages
    }
    return {key: value for key, value in listed.items() if value}


def _check(spec: QuarantineSpec, root: Path, at: str) -> None:
    name, *parts = spec.id.split("[")[0].split("::")
    path = root / name
    if not path.exists():
        near = [p.relative_to(root).as_posix() for p in path.parent.glob("*test*.py")]
        raise ConfigError(
            at, found=f"no file {name}", expected="a test", remedy=nearest(name, near)
        )
    if not parts or path.suffix != ".py" or path.stat().st_size > _LARGEST:
        return
    known = set(_names(path))
    if "*" in known or parts[0] in known:
        return
    ids = [f"{name}::{one}" for one in known if one.lower().startswith("test")]
    raise ConfigError(
        at,
        found=repr(spec.id),
        expected=f"a test of {name}",
        remedy=nearest(f"{name}::{parts[0]}", ids),
    )


def _names(path: Path) -> Iterator[str]:
    """Yield what a module binds at any depth; ``*`` where it cannot be known."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, OSError):
        yield "*"
        return
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.alias():
                yield node.asname or node.name
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case _:
                pass
