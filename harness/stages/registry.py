"""The kinds of stages, by name."""

from __future__ import annotations

from harness.config import StageSpec
from harness.stages.base import StageKind
from harness.stages.command import CommandStage


def kind_of(spec: StageSpec) -> StageKind:
    """Return the kind that runs a stage; pytest's is imported when it is asked for."""
    if spec.kind == "pytest":
        # Its XML reader is not needed where only commands run.
        from harness.stages.pytest_run import PytestStage  # noqa: PLC0415

        return PytestStage()
    return CommandStage()
