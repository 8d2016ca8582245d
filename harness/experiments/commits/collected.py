"""The tests of another commit, planned there without being run.

The commit is checked out outside of the user's tree, and pytest plans its session: marks that
skip are looked at, no fixture and no test runs. Only a base that is trusted is asked so.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.config import placeholders, stage_environment
from harness.config.project import Project, StageSpec, SuiteSpec
from harness.errors import EvidenceMissingError
from harness.evidence.hub import digest
from harness.experiments.commits import scratch
from harness.judgement.gate import tests_rules
from harness.runner.stages import child
from harness.runner.stages.child import ChildSpec, Stop
from harness.runner.stages.log_stream import LogStream

_LARGEST = 64 << 20
_GRACE_S = 10.0


def plan_tests(
    project: Project, commit: str, suite: SuiteSpec, stop: Stop
) -> Mapping[str, str]:
    """Return the tests that a suite's stages choose at a commit: ``chosen`` or ``skipped``.

    Raises:
        EvidenceMissingError: Pytest came to no end there.
        HarnessError: The commit cannot be checked out.
    """
    outcomes: dict[str, str] = {}
    with scratch.worktree(project, commit, "tests") as root:
        for stage in suite.stages:
            if stage.kind == "pytest":
                outcomes |= _plan_stage(suite, stage, root, stop)
    words = {tests_rules.PASSED: tests_rules.CHOSEN}
    return {id_: words.get(outcome, outcome) for id_, outcome in outcomes.items()}


def _plan_stage(suite: SuiteSpec, stage: StageSpec, root: Path, stop: Stop) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="harness-plan-") as folder:
        junit = Path(folder, "planned.xml")
        values = {
            **suite.parameters,
            **{f"dataset:{d.role}": str(Path(folder, d.file)) for d in suite.datasets},
            "python": sys.executable,
            "root": str(root),
            "work": folder,
        }
        selectors = [placeholders.fill(word, values) for word in stage.selectors]
        ours = ["--setup-plan", f"--junit-xml={junit}", "-p", "no:cacheprovider"]
        spec = ChildSpec(
            argv=(sys.executable, "-m", "pytest", *selectors, *ours),
            cwd=root,
            environment=stage_environment.select_variables(suite.environment, os.environ),
            timeout_s=stage.timeout_s,
            mark=f"plan-{root}",
            grace_s=_GRACE_S,
        )
        lines: list[str] = []
        log = LogStream(Path(folder) / "plan.log", bytes, lines.append, overlap=0)
        ended = child.run_child(spec, log, stop)
        log.close()
        if not junit.is_file():
            raise EvidenceMissingError(
                f"tests of stage {stage.id} at the base",
                found=f"no plan ({ended.ended}, {ended.exit_code}): {' '.join(lines[-2:])}",
                expected="a planned session",
                remedy="Name a hub of the base with --base-hub.",
            )
        return tests_rules.parse(digest.read_bytes(junit, _LARGEST), junit.name)
