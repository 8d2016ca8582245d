"""A pytest stage on a small repository, run by the harness to its outcome, without a hub."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.config import stage_environment
from harness.config.project import StageSpec
from harness.runner.stages import child
from harness.runner.stages.base import StageContext, StageResult
from harness.runner.stages.pytest_run import PytestStage


def run(
    root: Path,
    files: Mapping[str, str],
    selectors: tuple[str, ...] = ("test_it.py",),
    *,
    environment: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    python: str = sys.executable,
    **keys: Any,
) -> tuple[StageResult, str]:
    """Write a repository, run one stage on it, and return how it went and what it said."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    if not (root / "pytest.ini").exists():  # a file above must not decide
        (root / "pytest.ini").write_text("[pytest]\n")
    work, hub = root / ".harness/work", root / ".harness/hub"
    for folder in (work, hub):
        folder.mkdir(parents=True, exist_ok=True)
    stop = child.Stop()
    usual = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # half of a child's start
    context = StageContext(
        root=root,
        work=work,  # its processes are found by it
        hub=hub,
        values={"python": python, "root": str(root), "work": str(work), **(values or {})},
        environment={
            **stage_environment.select_variables((), os.environ),
            **usual,
            **(environment or {}),
        },
        clean=bytes,
        clean_xml=bytes,
        overlap=0,
        stop=stop,
        on_line=lambda _stage, _line: None,
    )
    keys = {"timeout_s": 60.0, **keys}
    spec = StageSpec(id="tests", kind="pytest", selectors=selectors, **keys)
    try:
        result = PytestStage().run(spec, context)
    finally:
        stop.close()
    return result, result.log.read_text(errors="replace")
