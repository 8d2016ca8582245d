"""What every guard is given and what it gives back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from harness.config import GuardSpec
    from harness.records import ArtifactRecord, DatasetRecord, GuardResult, StageRecord


class Evidence(Protocol):
    """The files of one run, read alike while it is judged and when it is verified."""

    @property
    def root(self) -> Path:
        """Folder of the hub (temporary name while the run is being judged)."""

    @property
    def stages(self) -> dict[str, StageRecord]:
        """Stages by id."""

    @property
    def artifacts(self) -> dict[str, ArtifactRecord]:
        """Collected artifacts by id; a declared one that is missing is not in here."""

    @property
    def datasets(self) -> dict[str, DatasetRecord]:
        """Datasets by role."""

    @property
    def environment(self) -> dict[str, str]:
        """Environment key parts of the run: python, torch, device class, platform."""

    def read(self, artifact: str, limit: int = 64 << 20) -> bytes:
        """Return the bytes of an artifact; EvidenceMissingError when it is not there."""

    def json(self, artifact: str) -> Any:
        """Return the parsed JSON of an artifact; NaN and ±inf literals are kept as floats."""

    def log(self, stage: str) -> str:
        """Return the complete log of a stage."""


class Guard(Protocol):
    """One kind of rule. Kinds are found by name in ``guards.registry``."""

    kind: str

    def check_spec(self, spec: GuardSpec) -> None:
        """Raise ConfigError when the declaration lacks or misnames a parameter."""

    def judge(self, spec: GuardSpec, evidence: Evidence) -> GuardResult:
        """Judge the evidence; trouble with the evidence is a verdict, not an exception."""
