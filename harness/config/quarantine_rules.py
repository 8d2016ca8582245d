"""What a suite may excuse: the reading and the checks of ``[[suites.<name>.quarantine]]``.

A quarantine names one test, stage or guard, who owns it, why, and when it ends.
"""

from __future__ import annotations

import datetime as dt

from harness.config import keys
from harness.config.project import QuarantineSpec, StageSpec, SuiteSpec
from harness.config.tables import LONGEST_DAYS, QuarantineTable
from harness.config.toml_table import Table, nearest
from harness.errors import ConfigError

KINDS = ("test", "stage", "guard")


def read(table: Table, today: dt.date) -> QuarantineSpec:
    """Read one ``[[suites.<name>.quarantine]]``.

    Raises:
        ConfigError: Not one subject, no owner or reason, no day, or one too far ahead.
    """
    return resolve(keys.read(QuarantineTable, table), table, today)


def resolve(written: QuarantineTable, table: Table, today: dt.date) -> QuarantineSpec:
    """Find what a quarantine is about, and hold its last day against today.

    Raises:
        ConfigError: Not one subject, or a day too far ahead.
    """
    named = {"test": written.test, "stage": written.stage, "guard": written.guard}
    kinds_named = [kind for kind in KINDS if named[kind].strip()]
    if len(kinds_named) != 1:
        raise table.error(
            kinds_named[1] if kinds_named else KINDS[0],
            found=" and ".join(kinds_named) or "nothing",
            expected=f"one of {', '.join(KINDS)}",
            remedy="Write a table for each of them.",
        )
    if written.expires > today + dt.timedelta(days=LONGEST_DAYS):
        raise table.error(
            "expires",
            found=written.expires.isoformat(),
            expected=f"at most {LONGEST_DAYS} days from now",
            remedy="Take a nearer day, and look at it again then.",
        )
    return QuarantineSpec(
        kind=kinds_named[0],
        id=named[kinds_named[0]].strip(),
        owner=" ".join(written.owner.split()),
        reason=" ".join(written.reason.split()),
        expires=written.expires.isoformat(),
        clean_runs=written.clean_runs,
    )


def check(suite: SuiteSpec, where: str) -> None:
    """Refuse quarantines that name nothing of the suite, or one thing twice.

    Raises:
        ConfigError: The nearest name is given.
    """
    stages = {stage.id for stage in suite.stages}
    default = {f"default:{a.id}" for stage in suite.stages for a in stage.artifacts}
    known = {"stage": stages, "guard": {guard.id for guard in suite.guards} | default}
    seen: set[tuple[str, str]] = set()
    for index, spec in enumerate(suite.quarantine):
        at = f"{where}.quarantine[{index}].{spec.kind}"
        if (spec.kind, spec.id) in seen:
            raise ConfigError(
                at, found=f"{spec.id!r} twice", expected="once", remedy="Remove one."
            )
        seen.add((spec.kind, spec.id))
        if spec.kind == "test":
            _check_test(spec, suite, at)
        elif spec.id not in known[spec.kind]:
            raise ConfigError(
                at,
                found=repr(spec.id),
                expected=f"a {spec.kind} of suite {suite.name}",
                remedy=nearest(spec.id, known[spec.kind]),
            )


def _check_test(spec: QuarantineSpec, suite: SuiteSpec, at: str) -> None:
    if not any(covers(stage, spec.id) for stage in suite.stages):
        chosen = [one for stage in suite.stages for one in stage.selectors]
        raise ConfigError(
            at,
            found=repr(spec.id),
            expected="a test that a selector of the suite chooses",
            remedy=nearest(spec.id, chosen),
        )


def covers(stage: StageSpec, test: str) -> bool:
    """Say whether a stage's selectors can choose a test, a class or a file by its id."""
    for selector in stage.selectors:
        chosen = selector.removeprefix("{root}/").removeprefix("./").rstrip("/")
        if chosen in ("", ".", "{root}") or chosen == test:
            return True
        if test.startswith((f"{chosen}/", f"{chosen}::", f"{chosen}[")):
            return True
        if chosen.startswith((f"{test}::", f"{test}[")):
            return True
    return False
