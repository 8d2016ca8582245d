"""Fit a line to simulated points and write the record of the fit.

python -m line_fit.fit OUTPUT.json --seed 1
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

SLOPE, INTERCEPT, NOISE = 2.5, -1.0, 0.1


def simulate(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x in [0, 1) and noisy y of a known line."""
    draw = np.random.default_rng(seed)
    x = draw.random(count)
    return x, SLOPE * x + INTERCEPT + NOISE * draw.standard_normal(count)


def fit(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept of the least-squares line."""
    design = np.stack([x, np.ones_like(x)], axis=1)
    (slope, intercept), *_ = np.linalg.lstsq(design, y, rcond=None)
    return float(slope), float(intercept)


def main() -> None:
    """Fit and write the record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--perturb", type=int, default=0)
    arguments = parser.parse_args()
    x, y = simulate(200, arguments.seed)
    if arguments.perturb:  # half an ulp, by a stream of its own
        draw = np.random.default_rng(arguments.perturb)
        y *= 1 + 2.0**-52 * draw.integers(2, size=len(y))
    slope, intercept = fit(x, y)
    residual = y - slope * x - intercept
    record = {
        "slope_error": abs(slope - SLOPE),
        "residual_std": float(residual.std()),
        "points": len(x),
    }
    arguments.output.write_text(json.dumps(record))
    print(f"slope {slope:.3f}, intercept {intercept:.3f}")


if __name__ == "__main__":
    main()
