"""Tables of docs/quality.md on kinds of scans and on refinement, from the measured records."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from proofs.docs import regions

SCANS = regions.DOCS / "quality" / "scans.json"
REFINE = regions.DOCS / "quality" / "refine.json"
ELECTRONS = regions.DOCS / "quality" / "electrons.json"
GOOD_R = 0.985
_CORNER = "corner"
_PEER = "pty-chi LSQML, from flat"

Run = dict[str, Any]
Curve = Sequence[dict[str, float]]


def scans() -> str:
    """Write phase r of each kind of scan, before and after, and what was refused."""
    runs: list[Run] = _read(SCANS, [])
    if not runs:
        return "Not measured on this state of the code; `make scans` does."
    head = (
        "scan",
        "settings",
        "seeds",
        "ended in an error",
        "phase r, each seed",
        "median",
        "complex error beside a constant object's",
        "residual beside a constant object's",
        "refined, some seeds: phase r, error beside constant",
    )
    rows = []
    for kind in dict.fromkeys(run["scan"] for run in runs):
        for settings in ("before", "after"):
            same = [run for run in runs if (run["scan"], run["settings"]) == (kind, settings)]
            if same and kind != _CORNER:
                rows.append((kind, settings, *_cells(same)))
    refused = [run for run in runs if run["scan"] == _CORNER]
    return regions.table(head, rows) + "".join(f"\n{line}\n" for line in _refusals(refused))


def _cells(runs: Sequence[Run]) -> Iterator[str]:
    done = [run for run in runs if run["exit"] == 0]
    yield f"{len(runs)}"
    yield f"{len(runs) - len(done)}"
    if not done:
        yield from ("–",) * 5
        return
    values = [run["phase_r"] for run in done]
    yield ", ".join(f"{value:.2f}" for value in values)
    yield f"{statistics.median(values):.3f}"
    for key in ("error_beside_constant", "residual_beside_constant"):
        ratios = [run[key] for run in done]
        yield f"{min(ratios):.2f} … {max(ratios):.2f}"
    refined = [run["refined"] for run in done if "phase_r" in run.get("refined", {})]
    yield (
        ", ".join(
            f"{each['phase_r']:.3f}, {each['error_beside_constant']:.2f} "
            f"({each['sweeps']} sweeps)"
            for each in refined
        )
        or "–"
    )


def _refusals(runs: Sequence[Run]) -> Iterator[str]:
    for run in runs:
        if run["settings"] == "after":
            words = (
                "is read" if run["exit"] == 0 else f"is refused with exit code {run['exit']}"
            )
            yield f"The scan with its zero frequency in the corner {words}."


def refine() -> str:
    """Write time and sweeps of every solver to a good phase and to the error of the peer."""
    record: dict[str, Run] = _read(REFINE, {})
    if not record:
        return "Not measured on this state of the code; `make refine` does."
    head = (
        "scan",
        "solver and start",
        f"phase r ≥ {GOOD_R} after",
        "CPU-s",
        "LSQML's smallest error after",
        "CPU-s",
        "best phase r",
        "smallest error",
    )
    rows = []
    for scan, part in record.items():
        goal = min(look["complex_error"] for look in part["curves"][_PEER])
        for solver, curve in part["curves"].items():
            good = _first(curve, lambda look: look["phase_r"] >= GOOD_R)
            same = _first(curve, lambda look, goal=goal: look["complex_error"] <= goal)
            best = max(look["phase_r"] for look in curve)
            least = min(look["complex_error"] for look in curve)
            rows.append((scan, solver, *good, *same, f"{best:.3f}", f"{least:.4f}"))
    passes = ", ".join(
        f"{part['network_cpu_s']:.1f} s ({scan}, trained in {part['training_cpu_s']:.0f} s)"
        for scan, part in record.items()
    )
    about = f"The network's own pass with all of the program is not in these seconds: {passes}."
    return regions.table(head, rows) + f"\n{about}\n"


def electrons() -> str:
    """Write what sweeps make of electron scans, dose by dose."""
    runs: list[Run] = _read(ELECTRONS, [])
    if not runs:
        return "Not measured on this state of the code; `make electrons` does."
    head = (
        "electrons a pattern",
        "sweeps",
        "phase r",
        "complex error",
        "complex error beside a constant object's",
        "CPU-s",
    )
    rows = []
    for dose in dict.fromkeys(run["dose"] for run in runs):
        same = [run for run in runs if run["dose"] == dose]
        best = min(same, key=lambda run: run["complex_error"])
        for run in same:
            words = (
                f"{run['sweeps']}",
                f"{run['phase_r']:.3f}",
                f"{run['complex_error']:.4f}",
                f"{run['error_beside_constant']:.2f}",
                f"{run['cpu_s']:.1f}",
            )
            bold = (f"**{word}**" for word in words) if run is best else words
            rows.append((f"{dose:.0f}", *bold))
    return regions.table(head, rows)


def _first(curve: Curve, holds: Callable[[dict[str, float]], bool]) -> tuple[str, str]:
    """Return sweeps and seconds at which something first holds."""
    for look in curve:
        if holds(look):
            return f"{look['sweeps']} sweeps", f"{look['cpu_s']:.2f}"
    return "never", "–"


def _read(path: Any, nothing: Any) -> Any:
    return json.loads(path.read_text("utf-8")) if path.is_file() else nothing


REGIONS = {"scans": scans, "refine": refine, "electrons": electrons}
