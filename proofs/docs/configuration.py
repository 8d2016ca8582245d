"""The keys of ``harness.toml``, from their declarations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.config import keys
from harness.config.keys import Key, Kind
from harness.config.project import (
    ArtifactSpec,
    DatasetSpec,
    GateSpec,
    GuardSpec,
    ReportSpec,
    StageSpec,
)
from harness.config.tables import BoundTable, QuarantineTable, SuiteTable, TopTable
from proofs.docs import regions

TABLES: Mapping[str, type] = {
    "Top level": TopTable,
    "`[gate]`": GateSpec,
    "`[report]`": ReportSpec,
    "`[datasets.<role>]`": DatasetSpec,
    "`[suites.<name>]`": SuiteTable,
    "`[[suites.<name>.stages]]`": StageSpec,
    "`artifacts` of a stage": ArtifactSpec,
    "`[[suites.<name>.guards]]`": GuardSpec,
    "`[suites.<name>.bounds]`, by id": BoundTable,
    "`[[suites.<name>.quarantine]]`": QuarantineTable,
}
HEAD = ("key", "type", "default", "meaning")


def tables() -> str:
    """Write one table per TOML table: key, type, default, meaning."""
    parts = [
        f"### {title}\n\n" + regions.table(HEAD, map(row, keys.keys_of(record)))
        for title, record in TABLES.items()
    ]
    return "\n".join(parts)


def row(one: Key) -> tuple[str, str, str, str]:
    """Describe a key: its name, type or choices, default and meaning."""
    choices = ", ".join(f"`{choice}`" for choice in one.about.choices)
    if choices and one.kind is Kind.TEXTS:
        choices = f"list of {choices}"
    unit = f" [{one.about.unit}]" if one.about.unit else ""
    return (f"`{one.name}`", (choices or one.kind) + unit, _default(one), one.about.meaning)


def _default(one: Key) -> str:
    if one.is_required:
        return "required"
    if one.kind is Kind.RECORD:
        return "—"
    if one.about.from_name:
        return f'`"{one.about.from_name.format("<role>")}"`'
    return _write(one.default)


def _write(default: Any) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, int | float):
        return f"`{default:g}`".replace("e-0", "e-")
    return f'`"{default}"`' if default else "—"
