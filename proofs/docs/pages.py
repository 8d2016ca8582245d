"""Which region of which page is written by what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from proofs.docs import (
    api,
    configuration,
    exit_codes,
    formats,
    guards,
    model_cli,
    quality,
    regions,
    scaling,
    schema,
    structure,
    wings,
)
from proofs.fuzz import batches as fuzz
from proofs.models import table as models
from proofs.mutants import table as mutants
from proofs.outside import table as outside

REGIONS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "configuration.md": {"keys": configuration.tables},
    "guards.md": {
        "kinds": guards.kinds,
        "aggregates": guards.aggregates,
        "rules": guards.rules,
    },
    "formats.md": {
        "scans": formats.scans,
        "hub": formats.hub,
        "golden": formats.golden,
        "curves": formats.curves,
    },
    "model-cli.md": {"overview": model_cli.overview, "helps": model_cli.helps},
    "exit-codes.md": {"harness": exit_codes.harness, "model": exit_codes.model},
    "quality.md": quality.REGIONS,
    "scaling.md": scaling.REGIONS,
    "api.md": {"model": api.model, "harness": api.harness},
    "structure.md": {
        "figures": wings.figures,
        "harness": structure.harness,
        "model": structure.model,
    },
    "reliability.md": {
        "models": models.rows,
        "outside": outside.rows,
        "fuzz": fuzz.rows,
        "mutants": mutants.rows,
    },
}


def renewed() -> dict[Path, str]:
    """Return each page that has regions, and the schema, as the code writes them."""
    content_of = {schema.PATH: schema.text(), wings.PICTURE: wings.draw()}
    for page, writers in REGIONS.items():
        path = regions.DOCS / page
        content = {name: write() for name, write in writers.items()}
        content_of[path] = regions.renewed(path.read_text("utf-8"), content)
    return content_of
