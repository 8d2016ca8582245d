"""What ``harness golden`` tells of a golden with many values: a line, or all that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.judgement.golden import curve_statistics
from harness.records import encode

if TYPE_CHECKING:
    from harness.judgement.golden.curve import GoldenCurve


def describe_curve(golden: GoldenCurve) -> dict[str, Any]:
    """Return all that a golden holds, and what follows from it."""
    return {
        **encode(golden),
        "false_red_rate": golden.rate,
        "noticed": list(curve_statistics.find_noticed(golden)),
    }


def render_line(suite: str, golden: GoldenCurve) -> str:
    """Render a golden as one row of ``harness golden show``."""
    count = len(golden.centre)
    return (
        f"{suite}  {golden.metric}  {count} values in mean ± {golden.factor:.4g}·sd"
        f"  n {golden.n}  {golden.scale}  {golden.environment.get('device', '')}"
        f"  {golden.date[:10]}"
    )


def render_curve(golden: GoldenCurve) -> str:
    """Render what ``harness golden explain`` says of a golden."""
    count = len(golden.centre)
    sides = {"two": "mean ± k·sd", "low": "mean − k·sd", "high": "mean + k·sd"}[golden.sides]
    share = f"{golden.coverage:.4%} of runs with {golden.confidence:.0%} confidence"
    data = ", ".join(f"{role} {sha[:12]}" for role, sha in sorted(golden.datasets.items()))
    shifts = curve_statistics.find_noticed(golden)
    unit = "a factor" if golden.scale == "log10" else "a shift"
    noticed = f"{unit} of {min(shifts):.4g} to {max(shifts):.4g}, by the value"
    origin = f"{golden.author}, {golden.date}, commit {golden.commit[:12]}"
    independent = f"{golden.independent:.3g} of {count} values move by themselves, at most"
    farthest = f"{max(golden.farthest):.3g} sd, the farthest seed from the others"
    return "\n".join(
        [
            f"{golden.metric}: {count} values",
            f"  made of     {golden.n} seeds, {golden.scale} scale; {independent}",
            f"  band        {sides} with k = {golden.factor:.4g}, for {share}",
            f"  seeds       {farthest}",
            f"  together    {_tell_components(golden)}",
            f"  false red   {golden.rate:.2%} of clean runs at most, of all values together",
            f"  notices     {noticed}, at one value, in 99 of 100 runs",
            f"  valid for   {golden.environment.get('device', 'any')}; {data or 'no datasets'}",
            f"  because     {golden.reason} ({origin})",
        ]
    )


def _tell_components(golden: GoldenCurve) -> str:
    if not golden.components:
        return "no components are judged"
    # Each value has variance 1 in its own deviations.
    shares = [one.variance / len(golden.centre) for one in golden.components]
    return f"T² of {len(shares)} components, {sum(shares):.0%} of the variance of all values"
