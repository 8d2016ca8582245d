"""What people type all day, and what a stage costs beyond its command."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import machine
from benchmarks.evidence_figures import (
    HARNESS,
    Row,
    median,
    missing,
    program,
    side_by_side,
    spoken,
    within,
)
from benchmarks.measured import Measured
from tests.builders import stores

_HUBS = 200
_STAGES = 20
_SETTLED_S = 2.1  # what is younger is proved anew by each call
_HEAD = 'schema = 1\nname = "bench"\n'
_SUITE = """
[suites.{suite}]
description = "Stages that do nothing."
inputs = ["harness.toml"]
"""
_STAGE = """
[[suites.{suite}.stages]]
id = "stage-{number}"
kind = "command"
argv = ["true"]
timeout_s = 10
"""
_START = "harness --version"
_VERSIONS = ("dvc", "mlflow", "reframe", "snakemake", "git")


def _declare(root: Path, **stage_counts: int) -> Path:
    root.mkdir(parents=True)
    text = _HEAD
    for suite, count in stage_counts.items():
        text += _SUITE.format(suite=suite)
        text += "".join(_STAGE.format(suite=suite, number=n) for n in range(count))
    (root / "harness.toml").write_text(text)
    return root


def start_rows(place: Path, repeats: int, peers: Path | None = None) -> list[Row]:
    """Measure the start of the program, and the state of a project with many hubs.

    Args:
        place: Where the project is made.
        repeats: Turns.
        peers: Folder of the other programs; else they are looked for on the path.
    """
    root = _declare(place / "many", **{"forward-parity": 1, "quick": 1})
    stores.fill(root / "hubs", _HUBS)
    for suite in stores.SUITES:  # the newest ones, which decide, are sealed
        program([HARNESS, "-C", str(root), "run", suite, "-q"])()
    time.sleep(_SETTLED_S)
    calls: dict[str, Callable[[], object]] = {
        _START: program([HARNESS, "--version"]),
        f"harness status, {_HUBS} hubs": program([HARNESS, "-C", str(root), "status"]),
        "python -c pass": program([sys.executable, "-c", "pass"]),
    }
    for name in _VERSIONS:
        program_path = machine.program(name, peers)
        if program_path and machine.read_version([program_path]):
            calls[f"{name} --version"] = program([program_path, "--version"])
    took = side_by_side(calls, repeats)
    limits = {_START: 0.08, f"harness status, {_HUBS} hubs": 0.2}
    rows = [within(name, took[name], limit) for name, limit in limits.items()]
    floor = took["python -c pass"]
    rows.append(Row("python -c pass", spoken(floor)))
    for name in (f"{peer} --version" for peer in _VERSIONS):
        if name in took:
            figure = Measured(
                what=_START,
                value=took[_START],
                unit="s",
                peer=name,
                beside=took[name],
                floor=floor,
            )
            rows.append(Row(name, spoken(took[name]), figure=figure))
        else:
            rows.append(missing(name, _START, took[_START], name))
    return rows


def stage_rows(place: Path, repeats: int) -> list[Row]:
    """Measure a run of one stage and one of many; the difference is what each costs."""
    root = _declare(place / "stages", one=1, many=1 + _STAGES)
    bare = median(program(["true"]), 5 * repeats)
    calls = {
        name: program([HARNESS, "-C", str(root), "run", name, "-q"]) for name in ("one", "many")
    }
    took = side_by_side(calls, repeats)
    each = (took["many"] - took["one"]) / _STAGES
    return [
        Row("the command true by itself", spoken(bare)),
        Row("harness run with one stage of it, sealed", spoken(took["one"])),
        within("a stage more, beyond the command itself", each - bare, 0.03),
    ]
