"""Goldens of one metric, made for the data and the environment of a run."""

from __future__ import annotations

from typing import Any

from harness.judgement.golden import store
from harness.judgement.golden.store import GoldenSet, GoldenValue
from harness.records import HubRecord


def golden_set(record: HubRecord, metric: str, **changes: Any) -> GoldenSet:
    """Make a golden of one metric of a run; ``mean``, ``sd`` and ``scale`` may be given."""
    seeds = tuple(str(seed) for seed in range(12))
    value = GoldenValue(
        **{
            "metric": metric,
            "mean": 2.0,
            "sd": 0.5,
            "n": len(seeds),
            "scale": "linear",
            "sides": "two",
            "coverage": 0.95,
            "confidence": 0.95,
            "low": None,
            "high": None,
            "environment": record.environment,
            "datasets": {d.role: d.sha256 for d in record.datasets},
            "hubs": (),
            "seeds": seeds,
            "reason": "made for a test",
            "author": "Tess",
            "date": "2026-01-02T03:04:05Z",
            "commit": "0" * 40,
            **changes,
        }
    )
    return GoldenSet(values=(store.recompute_bounds(value),))
