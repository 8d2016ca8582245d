"""The placeholders in a stage's arguments, and the arguments with their values filled in.

Only {name} and {dataset:role} are placeholders, and {{name}} is the text {name}; every other
brace is left alone, so that inline Python and JSON stay readable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from harness.config.project import SuiteSpec

WORDS = ("python", "root", "work")  # that every stage may use
_PLACEHOLDER = re.compile(r"\{\{([A-Za-z_][\w:.-]*)\}\}|\{([A-Za-z_][\w:.-]*)\}")


def names(item: str) -> Iterator[str]:
    """Yield the names of the placeholders of one argument."""
    for match in _PLACEHOLDER.finditer(item):
        if match[2]:
            yield match[2]


def fill(item: str, values: Mapping[str, str]) -> str:
    """Replace the placeholders of one argument."""
    return _PLACEHOLDER.sub(lambda m: values[m[2]] if m[2] else f"{{{m[1]}}}", item)


def argvs(suite: SuiteSpec) -> tuple[tuple[str, ...], ...]:
    """Return the arguments of each stage with the suite's parameters filled in, places left."""

    def fill_item(item: str) -> str:
        return fill(
            item, {name: suite.parameters.get(name, f"{{{name}}}") for name in names(item)}
        )

    return tuple(tuple(map(fill_item, stage.argv)) for stage in suite.stages)
