"""A small project with a base and a change, and the gate asked about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.judgement import waivers
from harness.judgement.declaration import load_project
from harness.judgement.gate import conductor
from harness.judgement.gate.difference import Change, Difference
from harness.judgement.gate.options import GateOptions
from harness.judgement.gate.report import GateReport
from harness.judgement.waivers import Waiver
from tests.builders import hubs

WIDER = {**hubs.FLOOR, "min": -5.0}


def make_base(root: Path, *, top: dict[str, Any] | None = None, **suite: Any) -> str:
    """Commit a project and return its commit."""
    hubs.declare(root, top=top, tiny={**hubs.suite(), **suite})
    return hubs.commit(root, "base")


def make_change(root: Path, *, top: dict[str, Any] | None = None, **suite: Any) -> None:
    """Commit another declaration."""
    hubs.declare(root, top=top, tiny={**hubs.suite(), **suite})
    hubs.commit(root, "change")


def ask(root: Path, base: str, *, suite: str = "tiny", **options: Any) -> GateReport:
    """Run a suite on HEAD and ask the gate about the hub that it named."""
    project = load_project(root)
    hub = hubs.run(project, suite).hub
    return conductor.judge_change(project, base, [hub], GateOptions(**options))


def weaker(report: GateReport) -> list[Difference]:
    """Return the weaker differences."""
    differences = (change.difference for change in report.changes)
    return [one for one in differences if one.change is Change.WEAKER]


def make_waiver(difference: Difference, **changes: Any) -> Waiver:
    """Make the waiver of a difference."""
    made = Waiver(
        rule=difference.rule,
        was=difference.was,
        now=difference.now,
        reason="agreed",
        author="Tess",
    )
    return replace(made, **changes)


def add_waiver(root: Path, waiver: Waiver) -> None:
    """Commit a waiver."""
    path = root / waivers.FOLDER / waiver.name
    path.parent.mkdir(exist_ok=True)
    path.write_text(waivers.write(waiver), "utf-8")
    hubs.commit(root, "waiver")


def outcomes(report: GateReport, check: str) -> list[str]:
    """Return the outcomes of a check."""
    return [row.outcome.value for row in report.rows if row.check == check]
