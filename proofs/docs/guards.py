"""The guard kinds, their options, the aggregates and the default rules, from the registry."""

from __future__ import annotations

import inspect
from typing import Any

from harness.judgement.guards import defaults, metrics, registry
from proofs.docs import regions

_METRIC = {
    "metric": "Path expression of the number, see [Metrics](#metrics).",
    "aggregate": "Makes one number of several, see [Aggregates](#aggregates).",
    "absolute": "Take the absolute value of each number first.",
}
_BAND = {"min": "Smallest accepted value.", "max": "Largest accepted value."}
MEANING: dict[str, dict[str, str]] = {
    "bound": {
        **_METRIC,
        **_BAND,
        "missing": "Without the metric in its artifact: `inconclusive`, or `note`: only said.",
    },
    "golden": {
        **_METRIC,
        "scale": "Scale on which `harness golden` fits the spread (`linear`).",
        "sides": "Which sides are bounded (`two`).",
        "coverage": "Share of runs that the interval shall hold (0.95).",
        "confidence": "Confidence in that share (0.95).",
        "missing": "Without a golden: `inconclusive`, or `note`: said, no part of the verdict.",
    },
    "ratio": {
        "numerator": "Path expression.",
        "denominator": "Path expression; zero is red.",
        "numerator_aggregate": "Aggregate of the numerator.",
        "denominator_aggregate": "Aggregate of the denominator.",
        **_BAND,
    },
    "equal": {
        "left": "Path expression of the value judged.",
        "right": "Path expression of the reference.",
        "left_aggregate": "Aggregate of the left side.",
        "right_aggregate": "Aggregate of the right side.",
        "relative": "Tolerance as a share of the right side (1e-9).",
        "absolute": "Tolerance as a number (0); the larger of the two holds.",
    },
    "artifact": {"artifact": "Id of the artifact.", "min_size": "Least size [bytes] (1)."},
    "image": {
        "artifact": "Id of a PNG artifact.",
        "min_levels": "Least number of grey levels (8).",
        "level_share": "Least share of the pixels that a grey level covers to count (0).",
        "max_flat": "Largest share of pixels of one level (0.9).",
        "min_size": "Least width and height [px] (1).",
        "min_spread": "Least standard deviation of a tile [grey levels] (1.0).",
        "tile": "Side of a tile [px]; without it the picture is judged as a whole.",
        "separator": "Width of the lines between tiles [px] (0).",
        "tiles": "Least number of tiles (1).",
    },
    "log": {
        "stage": "Stage whose log is read.",
        "must": "Patterns, each found in at least one line.",
        "must_not": "Patterns, none found in any line.",
        "value": "Pattern with one group that captures a number.",
        "equals": "Path expression that each captured number must equal.",
        "relative": "Tolerance of `equals` (1e-9).",
        "differs": "Number that none of the captured ones may be: a default.",
    },
    "count": {
        "records": "Path expression of the records.",
        "equals": "Exact number of records.",
        "min": "Least number of records.",
        "max": "Largest number of records.",
        "unique_by": "Keys that together identify a record; no identity may occur twice.",
        "distinct": "No two records may hold the same statistics.",
    },
    "resource": {
        "stage": "Stage that is measured.",
        "measure": "`runtime` [s] or `memory` (peak) [MiB].",
        **_BAND,
        "above": "Largest accepted factor on the golden's centre, at least 1.",
        "below": "Smallest accepted factor on the golden's centre, at most 1.",
    },
    "default": {
        "artifact": "Id of the artifact.",
        "allow": "Rules that this artifact may break, see [Default guards](#default-guards).",
    },
}
AGGREGATES = {
    "min": "smallest",
    "max": "largest",
    "mean": "arithmetic mean",
    "std": "standard deviation of a sample, divided by n − 1; needs two values",
    "first": "first in the order of the artifact",
    "last": "last in the order of the artifact",
    "median": "middle value, or the mean of the two",
    "count": "number of matches, which need not be numbers",
}
RULES = {
    "non-finite": "NaN or ±infinity anywhere in a JSON or CSV file",
    "all-zero": "a mean and a spread of zero, a CSV of zeros, a black picture",
    "constant": "a spread of zero beside a mean, three or more equal CSV rows, a picture of "
    "one level or no picture at all",
    "duplicate-record": "two records of one (phase, epoch, batch_idx) or with the same numbers",
}


def kinds() -> str:
    """Write a section per guard kind: what it says of itself, and its options.

    Raises:
        KeyError: A kind or an option has no meaning here.
    """
    parts = []
    for kind, guard in registry._BUILT_IN.items():
        documented: Any = guard
        paragraphs = inspect.cleandoc(documented.__doc__ or "").replace("``", "`").split("\n\n")
        text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        rows = [
            (f"`{option.name}`", _type(option), _needed(option), MEANING[kind][option.name])
            for option in documented.options
        ]
        table = regions.table(("key", "type", "", "meaning"), rows)
        parts.append(f"### Kind `{kind}`\n\n{text}\n\n{table}")
    return "\n".join(parts)


def _type(option: Any) -> str:
    if option.choices:
        return ", ".join(f"`{choice}`" for choice in option.choices)
    return {"text": "string", "texts": "list of strings", "flag": "boolean"}.get(
        option.kind, option.kind
    )


def _needed(option: Any) -> str:
    return "required" if option.required else ""


def aggregates() -> str:
    """Write the table of aggregates."""
    rows = [(f"`{name}`", AGGREGATES[name]) for name in metrics.AGGREGATE_NAMES]
    return regions.table(("aggregate", "gives"), rows)


def rules() -> str:
    """Write the table of default rules."""
    rows = [(f"`{name}`", RULES[name]) for name in defaults.RULES]
    return regions.table(("rule", "is broken by"), rows)
