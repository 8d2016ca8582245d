"""The tables of ``harness.toml`` as written, where what they become is another record.

A suite inherits, and a quarantine names its subject by one of three keys; what they become is
in ``project``.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from harness.config.keys import key, other_keys, table_name
from harness.config.project import (
    MOST_RUNS,
    DatasetSpec,
    GateSpec,
    GuardSpec,
    ReportSpec,
    StageSpec,
)
from harness.frozen import dataclass

SCHEMA = 1
BOUND = "bound"  # the kind of guard that has a table of its own
LONGEST_DAYS = 90
_MOST_CLEAN_RUNS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineTable:
    """One ``[[suites.<name>.quarantine]]``; of the first three keys one is given."""

    test: str = key("Id of a test, class, file or folder. One of these three.", default="")
    stage: str = key("Id of a stage.", default="")
    guard: str = key("Id of a guard.", default="")
    owner: str = key("Who repairs it.")
    reason: str = key("Why it is not counted.")
    expires: dt.date = key(f"Last day on which it holds, at most {LONGEST_DAYS} days ahead.")
    clean_runs: int = key(
        "Clean runs in a row that lift it before.",
        default=5,
        low=1,
        high=_MOST_CLEAN_RUNS,
        advice="A quarantine ends after some clean runs.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundTable:
    """One line of ``[suites.<name>.bounds]``: a guard of kind ``bound`` under its id."""

    id: str = table_name()
    severity: str = key("As of any guard, see below.", default="fail", choices=("fail", "warn"))
    policies: tuple[str, ...] = key("As of any guard, see below.", default=())
    remedy: str = key(
        "What to look at when it is red.",
        default="A number left its bounds: `harness explain` says what changed since the last "
        "green run.",
    )
    options: dict[str, Any] = other_keys()

    def as_guard(self) -> GuardSpec:
        """Return the guard that the line declares."""
        return GuardSpec(
            id=self.id,
            kind=BOUND,
            severity=self.severity,
            policies=self.policies,
            remedy=self.remedy,
            options=self.options,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteTable:
    """One ``[suites.<name>]``; an empty value is inherited where the suite extends another."""

    extends: str | None = key(
        "Suite to inherit from, see [Inheritance](#inheritance).", default=None
    )
    without: tuple[str, ...] = key(
        "Ids of inherited stages and guards to leave out.", default=()
    )
    description: str = key(
        "One sentence; may be left out where it is inherited.", default="", unless="extends"
    )
    inputs: tuple[str, ...] = key(
        "Globs of the files whose change makes a hub stale.", default=()
    )
    parameters: dict[str, str] = key(
        "Values for `{name}`; `--set name=value` changes one.", default={}
    )
    datasets: tuple[str, ...] | None = key("Roles that the suite uses, in order.", default=None)
    environment: tuple[str, ...] = key(
        "Variables of the environment that a hub records.", default=()
    )
    max_age_days: float | None = key(
        "Age at which a hub is stale whatever else holds.",
        default=None,
        unit="days",
        low=0.0,
        high=36_500.0,
    )
    requires: dict[str, str] = key(
        "Module and the command that installs it; without it the suite is inconclusive.",
        default={},
    )
    goldens_of: str = key(
        "Suite whose goldens judge this one; without it, its own.", default=""
    )
    python: tuple[str, ...] = key(
        "Interpreter of its stages; without it, the project's.", default=(), may_be_one=True
    )
    packages: tuple[str, ...] = key(
        "Distributions whose versions its record holds; without it, the project's.", default=()
    )
    runs: int | None = key(
        "Runs that a verdict stands on, each with a seed of its own, at most 10; see "
        "[Several runs](explanation/golden-statistics.md#several-runs).",
        default=None,
        low=1,
        high=MOST_RUNS,
        advice="Calibrate with more seeds instead.",
    )
    stages: tuple[StageSpec, ...] = key("Stages, see below.", default=())
    guards: tuple[GuardSpec, ...] = key("Guards, see below.", default=())
    bounds: dict[str, BoundTable] = key(
        "Guards of kind `bound` by id, one line each, see below.", default={}
    )
    fingerprint: dict[str, Any] = key(
        "Parameters of its guard of kind `fingerprint`, see [Guards](guards.md).", default={}
    )
    matrix: dict[str, Any] = key("Matrices by name, see [Matrices](#matrices).", default={})
    quarantine: tuple[QuarantineTable, ...] = key(
        "What is known to be flaky, see below; never inherited.", default=()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TopTable:
    """The top level of ``harness.toml``."""

    schema: int = key(
        "Version of this file's layout.", choices=(SCHEMA,), advice="Use a matching release."
    )
    name: str = key("Name of the project, shown in reports.")
    policies: dict[str, str] = key(
        "Text of each policy by id; a guard may name the ids.", default={}
    )
    trusted_keys: tuple[str, ...] = key(
        "Ed25519 keys that may sign ledger checkpoints.", default=()
    )
    strict_inputs: bool = key(
        "Whether a stage fails that reads a file which no input names.", default=False
    )
    python: tuple[str, ...] = key(
        "Interpreter of the stages: a path, a name, or the words of a command that starts one; "
        "without it, the harness's own. See [Two environments](how-to/adopt.md).",
        default=(),
        may_be_one=True,
    )
    packages: tuple[str, ...] = key(
        "Distributions whose versions a record holds; without it, the usual ones installed.",
        default=(),
    )
    datasets: dict[str, DatasetSpec] = key("Datasets by role, see below.", default={})
    suites: dict[str, SuiteTable] = key("Suites by name, see below.", default={})
    gate: GateSpec = key("Who may waive a weaker rule, see below.", default=GateSpec())
    report: ReportSpec = key("Words of the pages of a hub, see below.", default=ReportSpec())
    hubs: str = key("Folder of the hub store and of the ledger.", default="hubs")
    golden: str = key("Folder of the goldens, one sub-folder per suite.", default="golden")
    work: str = key(
        "Scratch, caches, calibrations, external artifacts; not for git.", default=".harness"
    )
