"""The record of ``make quality`` as figures: time to the same phase error, and the errors.

The record (docs/quality/results.json) holds ``rows`` (scan, method, training_cpu_s or null,
cpu_s, metrics) and ``curves`` (scan, solver, points of cpu_s, complex_error, phase_rmse).
Times are CPU seconds of one thread.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from benchmarks.measured import MISSING, Measured

SOLVERS = ("pty-chi LSQML", "ePIE")


def phase_error(metrics: dict[str, Any]) -> float:
    """Return the root mean square error of the phase of protocol m1 [rad]."""
    return math.sqrt(metrics["phase"]["mse"])


def figures(record: dict[str, Any]) -> Iterator[Measured]:
    """Put the best training of each network, once trained, beside each solver."""
    for (scan, _), row in _best_networks(record["rows"]).items():
        error = phase_error(row["metrics"])
        for solver in SOLVERS:
            points = _points(record, scan, solver)
            yield _time(row, error, solver, points)
            if points:
                yield Measured(
                    what=f"{scan}: {row['method']}, phase error",
                    value=error,
                    unit="rad",
                    peer=f"{solver}, its best",
                    beside=min(point["phase_rmse"] for point in points),
                )


def _best_networks(rows: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return by scan and network the row of the training with the smallest phase error."""
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if row["training_cpu_s"] is None:
            continue
        key = row["scan"], row["method"].partition(",")[0]
        if key not in best or phase_error(row["metrics"]) < phase_error(best[key]["metrics"]):
            best[key] = row
    return best


def _points(record: dict[str, Any], scan: str, solver: str) -> list[dict[str, float]]:
    for curve in record["curves"]:
        if (curve["scan"], curve["solver"]) == (scan, solver):
            points: list[dict[str, float]] = curve["points"]
            return points
    return []


def _time(
    row: dict[str, Any], error: float, solver: str, points: list[dict[str, float]]
) -> Measured:
    """Return the network's time beside the solver's to an error that is not larger."""
    reached = [point["cpu_s"] for point in points if point["phase_rmse"] <= error]
    return Measured(
        what=f"{row['scan']}: {row['method']}, once trained",
        value=row["cpu_s"],
        unit="CPU-s",
        peer=f"{solver} to the same phase error",
        beside=min(reached, default=None),
        absent="never reached" if points else MISSING,
        note=f"{error:.3g} rad; training took {row['training_cpu_s']:.0f} CPU-s before",
    )
