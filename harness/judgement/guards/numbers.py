"""Path expressions in, every number below them out, each with its name: what a run says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness import files
from harness.errors import EvidenceMissingError
from harness.frozen import dataclass
from harness.judgement.guards import metrics
from harness.judgement.guards.base import Evidence
from harness.judgement.guards.readers.base import to_float

MOST_NUMBERS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Numbers of a run in order; ``counts`` by expression."""

    names: tuple[str, ...]
    values: tuple[float, ...]
    counts: Mapping[str, int]

    @property
    def names_sha256(self) -> str:
        """Digest of the names: what is compared with what."""
        return files.sha256_bytes("\n".join(self.names).encode())


def take(evidence: Evidence, expressions: Sequence[str]) -> Numbers:
    """Take the numbers of all expressions; text, flags and nothing are passed over.

    Of an array that a reader describes, all values count where it holds them.

    Raises:
        EvidenceMissingError: An expression gives no number, or there are too many.
        ConfigError: An expression cannot be read.
    """
    names: list[str] = []
    values: list[float] = []
    counts: dict[str, int] = {}
    for expression in expressions:
        before = len(names)
        for index, match in enumerate(metrics.find(evidence, expression)):
            for place, value in _walk(match, ""):
                names.append(f"{expression}#{index}{place}")
                values.append(value)
            if len(names) > MOST_NUMBERS:
                raise _refuse(expression, f"over {MOST_NUMBERS:,} numbers", "fewer")
        counts[expression] = len(names) - before
        if not counts[expression]:
            raise _refuse(expression, "no number", "at least one")
    return Numbers(names=tuple(names), values=tuple(values), counts=counts)


def _walk(value: Any, place: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield place, to_float(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, f"{place}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, f"{place}[{index}]")


def _refuse(expression: str, found: str, expected: str) -> EvidenceMissingError:
    return EvidenceMissingError(
        f"fingerprint, {expression}",
        found=found,
        expected=f"{expected} by a path of the fingerprint",
        remedy="Look at the artifact, or correct the path in harness.toml.",
    )
