"""The hubs of a run, named for whoever gates: in a file, and as outputs of a CI step."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from harness import files
from harness.cli import resolve
from harness.config.project import Project

_OUTPUT = "GITHUB_OUTPUT"
_END = "harness-hubs-end"


def forget(path: Path | None) -> None:
    """Empty the file before a run: one that names nothing must not name an older hub."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, "")


def name_hubs(project: Project, hubs: Sequence[Path], path: Path | None) -> None:
    """Name the hubs, one on a line, relative to the project.

    Where a runner of GitHub Actions asks for outputs, ``hub`` is the first and ``hubs`` all.
    Names of suites and run ids hold no line break, so no line can be another output.
    """
    names = [resolve.relative_place(hub, project) for hub in hubs]
    if path is not None:
        files.write_text(path, "".join(f"{name}\n" for name in names))
    output = os.environ.get(_OUTPUT)
    if output and names:
        lines = [f"hub={names[0]}", f"hubs<<{_END}", *names, _END]
        # The runner's own file, to which every program of a step appends.
        with Path(output).open("a", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
