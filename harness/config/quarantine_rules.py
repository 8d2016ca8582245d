"""What a suite may excuse: the reading and the checks of ``[[suites.<name>.quarantine]]``.

A quarantine names one test, stage or guard, who owns it, why, and when it ends.
"""

from __future__ import annotations

import datetime as dt

from harness.config.project import QuarantineSpec, StageSpec, SuiteSpec
from harness.config.toml_table import Table, nearest
from harness.errors import ConfigError

KINDS = ("test", "stage", "guard")
CLEAN_RUNS = 5
LONGEST_DAYS = 90
_MOST_CLEAN_RUNS = 100


def read(table: Table, today: dt.date) -> QuarantineSpec:
    """Read one ``[[suites.<name>.quarantine]]``.

    Raises:
        ConfigError: Not one subject, no owner or reason, no day, or one too far ahead.
    """
    named = {kind: table.text(kind) for kind in KINDS}
    given = [kind for kind in KINDS if named[kind].strip()]
    if len(given) != 1:
        raise table.error(
            given[1] if given else KINDS[0],
            found=" and ".join(given) or "nothing",
            expected=f"one of {', '.join(KINDS)}",
            remedy="Write a table for each of them.",
        )
    spec = QuarantineSpec(
        kind=given[0],
        id=named[given[0]].strip(),
        owner=" ".join(table.text("owner", required=True).split()),
        reason=" ".join(table.text("reason", required=True).split()),
        expires=_day(table, today),
        clean_runs=table.take("clean_runs", int, CLEAN_RUNS),
    )
    if not 1 <= spec.clean_runs <= _MOST_CLEAN_RUNS:
        raise table.error(
            "clean_runs",
            found=str(spec.clean_runs),
            expected=f"1 to {_MOST_CLEAN_RUNS}",
            remedy="A quarantine ends after some clean runs.",
        )
    table.close()
    return spec


def _day(table: Table, today: dt.date) -> str:
    day: dt.date = table.take("expires", dt.date, required=True)
    if day > today + dt.timedelta(days=LONGEST_DAYS):
        raise table.error(
            "expires",
            found=day.isoformat(),
            expected=f"at most {LONGEST_DAYS} days from now",
            remedy="Take a nearer day, and look at it again then.",
        )
    return day.isoformat()


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
