"""What ``harness.toml`` declares: the project, its datasets, suites, stages and guards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactSpec:
    """A file that a stage promises, relative to the working folder of the run.

    An ``external`` artifact stays outside the hub and is recorded by digest, size and path.
    """

    id: str
    path: str
    external: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpec:
    """One step: pytest selectors or an argument vector, never a shell string.

    ``min_tests`` must pass; ``min_collected`` must be there, skipped ones included, so that a
    test that went is missed also where more pass than must.
    ``retries`` are further attempts of the whole stage, ``test_retries`` of a single test that
    failed; ``test_timeout_s`` bounds each phase of a test [s].
    """

    id: str
    kind: str
    argv: tuple[str, ...] = ()
    selectors: tuple[str, ...] = ()
    min_tests: int = 1
    min_collected: int = 1
    needs: tuple[str, ...] = ()
    timeout_s: float = 900.0
    artifacts: tuple[ArtifactSpec, ...] = ()
    retries: int = 0
    test_retries: int = 0
    test_timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSpec:
    """One rule; ``options`` are the parameters that its kind declares."""

    id: str
    kind: str
    severity: str = "fail"
    policies: tuple[str, ...] = ()
    remedy: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """A dataset by role: given on the command line, else generated and cached by digest.

    ``file`` is the name of the generated file; its ending says its format.
    """

    role: str
    generate: tuple[str, ...]
    inputs: tuple[str, ...]
    file: str = "dataset.npz"


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

    signers: tuple[str, ...] = ()
    unsigned_waivers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A repository that keeps a ``harness.toml``; folders are absolute.

    ``matrices`` are the matrices of each suite by name; ``caches`` is where digests and
    generated datasets lie when ``work`` is not the project's own.
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
    gate: GateSpec = field(default_factory=GateSpec)

    @property
    def shared(self) -> Path:
        """Folder of what all runs share, whatever store they have."""
        return self.work if self.caches is None else self.caches

    def goldens(self, suite: str) -> Path:
        """Folder of the goldens that judge a suite; one not declared any more had its own."""
        declared = self.suites.get(suite)
        return self.golden / (suite if declared is None else declared.judged_by)
