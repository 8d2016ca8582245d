"""The reading of ``[gate]``: who may waive a weaker rule."""

from __future__ import annotations

from harness.config.project import GateSpec
from harness.config.toml_table import Table


def read(table: Table) -> GateSpec:
    """Read the table.

    Raises:
        ConfigError: A key is unknown or of another type.
    """
    spec = GateSpec(
        signers=table.texts("signers"),
        unsigned_waivers=table.take("unsigned_waivers", bool, default=False),
    )
    table.close()
    return spec
