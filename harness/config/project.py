"""What ``harness.toml`` declares: the project, its datasets, suites, stages and guards.

A record that a table of the file is read into declares its keys here; the tables that become
something else are in ``tables``.
"""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Any

from harness.config.keys import key, other_keys, table_name
from harness.frozen import dataclass

MOST_RETRIES = 5
MOST_RUNS = 10
_PROVES = "A stage without a test proves nothing."
_BROKEN = "What needs more is not flaky but broken."


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactSpec:
    """A file that a stage promises, relative to the working folder of the run.

    An ``external`` artifact stays outside the hub and is recorded by digest, size and path.
    """

    id: str = key("Name that guards use.")
    path: str = key("Path below `{work}`.")
    external: bool = key(
        "Stays outside the hub; digest, size and path are recorded.", default=False
    )
    optional: bool = key("May be absent; otherwise absence is red.", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpec:
    """One step: pytest selectors or an argument vector, never a shell string.

    ``min_tests`` must pass; ``min_collected`` must be there, skipped ones included, so that a
    test that went is missed also where more pass than must.
    ``retries`` are further attempts of the whole stage, ``test_retries`` of a single test that
    failed; ``test_timeout_s`` bounds each phase of a test [s].
    """

    id: str = key("Name of the stage, unique in the suite.")
    kind: str = key("`pytest` or `command`.")
    argv: tuple[str, ...] = key(
        "`command`: the argument vector. No shell is involved.", default=()
    )
    selectors: tuple[str, ...] = key("`pytest`: files, folders or node ids.", default=())
    min_tests: int = key(
        "`pytest`: tests that must have passed, at least 1.", default=1, low=1, advice=_PROVES
    )
    min_collected: int = key(
        "`pytest`: tests that must be there, skipped ones included, at least 1. Set to their "
        "number, it tells of each that goes away.",
        default=1,
        low=1,
        advice=_PROVES,
    )
    needs: tuple[str, ...] = key(
        "Stages that must pass first, or this one is skipped.", default=()
    )
    timeout_s: float = key(
        "Time until TERM, then KILL.", default=900.0, unit="s", above=0, advice="Set a bound."
    )
    artifacts: tuple[ArtifactSpec, ...] = key(
        "Files that the stage promises, see below.", default=()
    )
    retries: int = key(
        "Further attempts of a stage that failed, at most 5.",
        default=0,
        low=0,
        high=MOST_RETRIES,
        advice=_BROKEN,
    )
    test_retries: int = key(
        "`pytest`: further attempts of a test that failed, at most 5.",
        default=0,
        low=0,
        high=MOST_RETRIES,
        advice=_BROKEN,
    )
    test_timeout_s: float | None = key(
        "`pytest`: bound for set-up, call and tear-down of a test, each.",
        default=None,
        unit="s",
        above=0,
        advice="Bound a test below its stage.",
    )
    python: tuple[str, ...] = key(
        "Interpreter of the stage; without it, the suite's.", default=(), may_be_one=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSpec:
    """One rule; ``options`` are the parameters that its kind declares."""

    id: str = key("Name of the guard, unique in the suite.")
    kind: str = key("Its own keys are in [Guards](guards.md).")
    severity: str = key(
        "Red is `fail`, or `warn`: said, no part of the verdict.",
        default="fail",
        choices=("fail", "warn"),
    )
    policies: tuple[str, ...] = key("Policy ids that the guard enforces.", default=())
    remedy: str = key("What to look at when it is red; goes into the blocker.")
    options: dict[str, Any] = other_keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """A dataset by role: given on the command line, else generated and cached by digest.

    ``file`` is the name of the generated file; its ending says its format.
    """

    role: str = table_name()
    generate: tuple[str, ...] = key(
        "Writes the dataset to `{output}` when no file is given.", default=()
    )
    inputs: tuple[str, ...] = key(
        "Globs of the files that make it; a change makes it anew.", default=()
    )
    file: str = key(
        "Name of the generated file; its ending says its format.",
        default="dataset.npz",
        from_name="{}.npz",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineSpec:
    """A test, stage or guard whose failure is shown but not counted, for a time.

    ``kind`` is ``test``, ``stage`` or ``guard``; ``expires`` is the last day (ISO 8601, UTC) on
    which it holds, ``clean_runs`` the clean runs in a row after which it ends by itself.
    """

    kind: str
    id: str
    owner: str
    reason: str
    expires: str
    clean_runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteSpec:
    """A named regression suite.

    ``requires`` are the modules that its stages import and that may be absent, each with the
    command that installs it; without one of them nothing is run and the verdict stays open.
    ``goldens_of`` names the suite whose goldens judge this one, where it has none of its own.
    ``python`` starts the interpreter of its stages (empty: the harness's own), ``packages``
    are the distributions whose versions a record holds (empty: the usual ones found).
    ``runs`` is how many runs a verdict stands on, each with another seed.
    """

    name: str
    description: str
    inputs: tuple[str, ...]
    parameters: dict[str, str]
    datasets: tuple[DatasetSpec, ...]
    stages: tuple[StageSpec, ...]
    guards: tuple[GuardSpec, ...]
    environment: tuple[str, ...]
    max_age_days: float | None = None
    quarantine: tuple[QuarantineSpec, ...] = ()
    requires: dict[str, str] = field(default_factory=dict)
    goldens_of: str = ""
    python: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    runs: int = 1

    @property
    def judged_by(self) -> str:
        """Name of the suite whose goldens judge this one: itself, or ``goldens_of``."""
        return self.goldens_of or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixSpec:
    """Runs of a suite over axes: every combination of their values is a cell.

    An axis is a parameter of the suite, or ``dataset:<role>`` with files as its values.
    """

    suite: str
    name: str
    axes: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSpec:
    """Who may waive a weaker rule, as the revision says that a change is compared with.

    ``signers`` are public keys, the project's ``trusted_keys`` where there are none of these;
    with ``unsigned_waivers`` a waiver that nobody signed counts, and is shown as such.
    """

    signers: tuple[str, ...] = key(
        "Ed25519 keys that may sign waivers; without any, the `trusted_keys`.", default=()
    )
    unsigned_waivers: bool = key(
        "Whether a waiver counts that nobody signed; it is shown as such.", default=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSpec:
    """What the pages of a hub say in the words of its field; a run's plan holds it.

    Words are looked for in the names of files and columns, each at the beginning of a word;
    the first that is there decides.
    """

    pictures: dict[str, str] = key(
        "What to look for in a picture, by a word of its file's name.", default={}
    )
    charts: dict[str, str] = key(
        "What to look for in a curve, by a word of its column's name.", default={}
    )
    rows: tuple[str, ...] = key(
        "Words: pictures of a stage whose names hold the same one stand side by side.",
        default=(),
    )
    rings: str = key(
        "Key of JSON artifacts that holds a Fourier ring correlation (`freq`, `curve`, and `n` "
        "pixels and `f_halfbit` where known), drawn as a curve.",
        default="",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A repository that keeps a ``harness.toml``; folders are absolute.

    ``matrices`` are the matrices of each suite by name; ``caches`` is where digests and
    generated datasets lie when ``work`` is not the project's own. With ``strict_inputs`` a
    stage that reads a file of the project which no input names fails.
    """

    root: Path
    name: str
    hubs: Path
    golden: Path
    work: Path
    suites: dict[str, SuiteSpec]
    policies: dict[str, str]
    config_sha256: str
    trusted_keys: tuple[str, ...] = ()
    matrices: dict[str, dict[str, MatrixSpec]] = field(default_factory=dict)
    caches: Path | None = None
    strict_inputs: bool = False
    gate: GateSpec = field(default_factory=GateSpec)
    report: ReportSpec = field(default_factory=ReportSpec)

    @property
    def shared_folder(self) -> Path:
        """Folder of what all runs share, whatever store they have."""
        return self.work if self.caches is None else self.caches

    def goldens(self, suite: str) -> Path:
        """Folder of the goldens that judge a suite; one not declared any more had its own."""
        declared = self.suites.get(suite)
        return self.golden / (suite if declared is None else declared.judged_by)
