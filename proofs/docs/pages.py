"""Which region of which page is written by what."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from proofs.docs import (
    api,
    configuration,
    exit_codes,
    formats,
    guards,
    model_cli,
    regions,
    scaling,
    structure,
)
from proofs.outside import table as outside


def _keys() -> str:
    with tempfile.TemporaryDirectory(prefix="docs-") as folder:
        return configuration.tables(Path(folder))


REGIONS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "configuration.md": {"keys": _keys},
    "guards.md": {
        "kinds": guards.kinds,
        "aggregates": guards.aggregates,
        "rules": guards.rules,
    },
    "formats.md": {"hub": formats.hub, "golden": formats.golden},
    "model-cli.md": {"overview": model_cli.overview, "helps": model_cli.helps},
    "exit-codes.md": {"harness": exit_codes.harness, "model": exit_codes.model},
    "scaling.md": scaling.REGIONS,
    "api.md": {"model": api.model, "harness": api.harness},
    "reliability.md": {"outside": outside.rows},
    "structure.md": {"harness": structure.harness, "model": structure.model},
}


def renewed() -> dict[Path, str]:
    """Return each page that has regions, with its regions written from the code."""
    found = {}
    for page, writers in REGIONS.items():
        path = regions.DOCS / page
        content = {name: write() for name, write in writers.items()}
        found[path] = regions.renewed(path.read_text("utf-8"), content)
    return found
