"""The guard kinds, their options, the aggregates and the default rules, from the registry."""

from __future__ import annotations

import inspect

from harness.config import keys
from harness.judgement.guards import defaults, metrics, registry
from proofs.docs import configuration, regions


def kinds() -> str:
    """Write a section per guard kind: what it says of itself, and its options."""
    parts = []
    for kind, guard in registry.built_in().items():
        paragraphs = (
            inspect.cleandoc(type(guard).__doc__ or "").replace("``", "`").split("\n\n")
        )
        text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        rows = map(configuration.row, keys.keys_of(guard.options))
        table = regions.table(configuration.HEAD, rows)
        parts.append(f"### Kind `{kind}`\n\n{text}\n\n{table}")
    return "\n".join(parts)


def aggregates() -> str:
    """Write the table of aggregates."""
    rows = [(f"`{name}`", one.meaning) for name, one in metrics.AGGREGATES.items()]
    return regions.table(("aggregate", "gives"), rows)


def rules() -> str:
    """Write the table of default rules."""
    rows = [(f"`{name}`", meaning) for name, meaning in defaults.RULES.items()]
    return regions.table(("rule", "is broken by"), rows)
