"""Where ``harness gate`` finds the tests of the base: in a hub of it, else planned there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.cli import resolve
from harness.cli.options import Session
from harness.cli.signals import stop_on_signals
from harness.config.project import Project, SuiteSpec
from harness.errors import ConfigError, HarnessError, IntegrityError, NotAProjectError
from harness.evidence.hub import store
from harness.judgement.gate import tests_rules
from harness.judgement.gate.rules import Reader, RuleSet
from harness.judgement.verify import Outcome, verify
from harness.records import HubRecord


def gather(
    session: Session, project: Project, flags: Mapping[str, Any], hubs: Sequence[Path]
) -> dict[str, tests_rules.Outcomes]:
    """Return the outcomes of the base's tests, for each suite of the hubs that has some.

    Raises:
        ConfigError: A hub that was named is not one of the base.
        HarnessError: The base cannot be read.
    """
    if flags["tests"] == "none":
        return {}
    was = Reader(project.root).read(flags["base"])
    if was.project is None:
        return {}
    known = {folder: _record(folder) for folder in hubs}
    names = dict.fromkeys(record.suite for record in known.values() if record is not None)
    suites = [was.project.suites[name] for name in names if name in was.project.suites]
    wanted = {s.name: s for s in suites if any(stage.kind == "pytest" for stage in s.stages)}
    outcomes_of = _of_named(session, project, was, flags["base_hubs"], wanted)
    for name, suite in wanted.items():
        if name in outcomes_of:
            continue
        outcomes = _of_store(project, was, suite)
        if outcomes is None and flags["tests"] == "auto":
            outcomes = _plan(session, project, was, suite)
        if outcomes is not None:
            outcomes_of[name] = outcomes
    return outcomes_of


def _record(folder: Path) -> HubRecord | None:
    try:
        return store.read_record(folder)
    except (IntegrityError, NotAProjectError):
        return None  # the gate proves it, and says so


def _of_named(
    session: Session,
    project: Project,
    was: RuleSet,
    words: Sequence[str],
    wanted: Mapping[str, SuiteSpec],
) -> dict[str, tests_rules.Outcomes]:
    outcomes_of: dict[str, tests_rules.Outcomes] = {}
    for word in words:
        folder = resolve.hub(word, session)
        record = store.read_record(folder)
        if not _is_of(project, was, folder, record):
            raise ConfigError(
                "--base-hub",
                found=f"{word}: a run on {record.stamp.commit[:12]}, or not whole"[:160],
                expected=f"a proved hub of {was.commit[:12]}",
                remedy="Name a hub that ran on the base, or leave it out.",
            )
        if record.suite in wanted:
            outcomes_of[record.suite] = _read(folder, wanted[record.suite])
    return outcomes_of


def _of_store(project: Project, was: RuleSet, suite: SuiteSpec) -> tests_rules.Outcomes | None:
    """Take the tests of a hub in the store that ran on the base's very files."""
    for folder in reversed(store.HubStore(project.hubs, project.work).hubs(suite.name)):
        record = _record(folder)
        is_it = record is not None and record.stamp.tree == was.tree and not record.stamp.dirty
        if is_it and record is not None and _is_of(project, was, folder, record):
            return _read(folder, suite)
    return None


def _is_of(project: Project, was: RuleSet, folder: Path, record: HubRecord) -> bool:
    """Say whether a hub is whole, and ran on the base's files with nothing changed."""
    if record.stamp.tree != was.tree or record.stamp.dirty:
        return False
    return verify(project, folder, allow_stale=True).worst is not Outcome.DAMAGED


def _read(folder: Path, suite: SuiteSpec) -> tests_rules.Outcomes:
    return tests_rules.read_hub(folder, [s.id for s in suite.stages if s.kind == "pytest"])


def _plan(
    session: Session, project: Project, was: RuleSet, suite: SuiteSpec
) -> tests_rules.Outcomes | None:
    """Let pytest plan the base's tests; None where it cannot, which the gate tells."""
    from harness.experiments.commits import collected  # only where no hub of the base is here

    session.say(f"planning the tests of {suite.name} at {was.commit[:12]}")
    with stop_on_signals() as stop:
        try:
            return collected.plan_tests(project, was.commit, suite, stop)
        except HarnessError as error:
            session.say(f"not planned: {error}")
            return None
