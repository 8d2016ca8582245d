"""A stage that runs one command: exit code 0 passes, another is red.

Told to stop, or on a machine whose disk is full, it is interrupted, which proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.config.placeholders import fill
from harness.config.project import StageSpec
from harness.evidence.hub import causes
from harness.runner.stages import base


class CommandStage:
    """Runs an argument vector in the project's root; its log streams to ``cli/``."""

    kind = "command"

    def argv(self, spec: StageSpec, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the argument vector with its placeholders filled."""
        return tuple(fill(item, dict(values)) for item in spec.argv)

    def run(self, spec: StageSpec, context: base.StageContext) -> base.StageResult:
        """Run the command to its end."""
        argv = self.argv(spec, context.values)
        log = context.hub / "cli" / f"{spec.id}.log"
        exit_ = base.start(spec, argv, context, log)
        outcome, reason = base.describe_ending(exit_, spec) or ("passed", "exit code 0")
        if outcome == "passed" and exit_.exit_code != 0:
            said = base.describe_failure(log)
            outcome, reason = "failed", f"exit code {exit_.exit_code}: {said}"
        lost = causes.lost_ground(log) if outcome == "failed" else ""
        if lost:
            outcome, reason = "interrupted", f"the machine failed, not the stage: {lost}"
        return base.StageResult(
            argv=argv,
            outcome=outcome,
            verdict=base.verdict_of(outcome),
            reason=reason,
            exit=exit_,
            log=log,
        )
