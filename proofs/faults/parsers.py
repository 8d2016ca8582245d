"""Whatever bytes a parser of the harness is given, it answers or raises an error of ours."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from harness import files
from harness.cli import verify as verify_command
from harness.config import config_file
from harness.errors import HarnessError
from harness.evidence.hub import blockers, inventory, layout, plan, seal, store
from harness.evidence.ledger import canonical, checkpoint, keys, log, merkle
from harness.judgement.declaration import load_project
from harness.judgement.golden import store as golden
from harness.judgement.guards import metrics, png
from harness.judgement.guards.readers import (
    arrays,
    events,
    hdf5,
    json_lines,
    tables,
    yaml_text,
)
from harness.judgement.guards.readers.base import FormatError
from harness.judgement.verify import structure
from harness.records import HubRecord, decode
from harness.runner.stages import pytest_run
from proofs.faults.caches import CACHES, SEEDS, Parser, put
from proofs.faults.figures import Campaign, Scale
from tests.builders import sealed

ALLOWED = (
    *(HarnessError, canonical.CanonicalError, merkle.ProofError, png.ImageError),
    FormatError,
)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["schema", "kind", "../x", "\x1b[2J", "green", "2026-01-02T03:04:05Z"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _text(content: bytes) -> str:
    return content.decode(errors="replace")


def _golden(folder: Path, content: bytes) -> object:
    return golden.load(put(folder, "golden/a.json", content) / "golden")


def _record(_folder: Path, content: bytes) -> object:
    return decode(HubRecord, canonical.loads(content), "hub.json")


PARSERS: Mapping[str, Parser] = {
    "canonical JSON": lambda _, c: canonical.loads(c),
    "ledger line": lambda _, c: log.parse(c, "line 1"),
    "ledger": lambda f, c: log.Ledger(put(f, "l.jsonl", c) / "l.jsonl").check(),
    "checkpoint": lambda _, c: checkpoint.read_checkpoint(c, "checkpoint"),
    "public key": lambda _, c: keys.read_public(_text(c)),
    "secret key": lambda _, c: keys.read_secret("PRIVATE+KEY+" + _text(c)),
    "manifest": lambda f, c: inventory.read_manifest(put(f, inventory.MANIFEST, c)),
    "inventory": lambda f, c: inventory.read_sizes(put(f, inventory.INVENTORY, c)),
    "hub.json": lambda f, c: store.read_record(put(f, layout.RECORD, c)),
    "records": _record,
    "plan.json": lambda f, c: plan.read_plan(put(f, layout.PLAN, c)),
    "blocker": lambda f, c: blockers.read_note(put(f, "B-1.md", c) / "B-1.md"),
    "intent of a seal": lambda f, c: seal.resume(
        put(f, ".sealing-x.json", c), log.Ledger(f / "seals.jsonl"), {}
    ),
    "golden": _golden,
    "PNG": lambda _, c: png.decode(c),
    "CSV": lambda _, c: tables.read_csv(c),
    "JSON Lines": lambda _, c: json_lines.read(c),
    "YAML": lambda _, c: yaml_text.read(c),
    "NPY or NPZ": lambda _, c: arrays.read(c),
    "HDF5": lambda _, c: hdf5.read(c),
    "TensorBoard events": lambda _, c: events.read(c),
    "metric expression": lambda _, c: metrics.parse(_text(c)),
    "JUnit": lambda f, c: pytest_run.count(put(f, "junit.xml", c) / "junit.xml"),
    "harness.toml": lambda f, c: load_project(put(f, config_file.FILE, c)),
    "time": lambda _, c: structure.moment(_text(c)),
    "sample": lambda _, c: verify_command._read_fraction(_text(c)),
    "path in a hub": lambda _, c: files.path_fault(_text(c)),
    **CACHES,
}


def _seeds(folder: Path) -> list[bytes]:
    """Collect true files of every format, to be bent."""
    made = sealed.make(folder / "project")
    names = (made.root / "harness.toml", made.ledger.path, *made.hub.rglob("*"))
    contents = [path.read_bytes() for path in names if path.is_file()]
    pinned = checkpoint.write(checkpoint.take(made.ledger.leaves(), "small"))
    image = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\2\0\0\0\2\x08\0\0\0\0"
    xml = b'<testsuites><testsuite tests="1" failures="x"/></testsuites>'
    lines = contents[1].splitlines()
    return [*contents, *lines, *SEEDS, pinned.encode(), image, xml, b"a:b[0].c"]


def _bent(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """Return true files with some bytes changed, cut out or doubled."""

    def bend(content: bytes, number: int) -> bytes:
        chance = random.Random(number)  # noqa: S311 - repeatable, no secret
        changed = bytearray(content)
        for _ in range(chance.randint(0, 4)):
            place = chance.randint(0, len(changed))
            piece = chance.choice(
                [b"\0", b"\xff", b"-", b"9" * 20, b"NaN", b'"', b"[" * 300, b"\n", b"1e999"]
            )
            changed[place : place + chance.randint(0, 9)] = piece
        return bytes(changed)

    return st.builds(bend, st.sampled_from(seeds), st.integers(0, 1 << 30))


def campaign(folder: Path, scale: Scale) -> Campaign:
    """Give every parser bytes, JSON and bent files, and count what escapes."""
    made = Campaign(
        fault=f"{len(PARSERS)} parsers × {scale.examples} property-based inputs (hypothesis):"
        " bytes, JSON values, bent true files",
        target="0 exceptions other than ours",
        details=list(PARSERS),
    )
    dumped = _JSON.map(lambda value: json.dumps(value).encode())
    inputs = st.binary(max_size=200) | dumped | _bent(_seeds(folder))
    for name, parser in PARSERS.items():
        place = folder / name.replace(" ", "-")
        place.mkdir()
        _try(made, name, lambda content, p=parser, at=place: p(at, content), inputs, scale)
    return made


def _try(
    made: Campaign,
    name: str,
    parse: Callable[[bytes], object],
    inputs: st.SearchStrategy[bytes],
    scale: Scale,
) -> None:
    @settings(
        max_examples=scale.examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs)
    def one(content: bytes) -> None:
        made.require(*judged(name, parse, content))

    one()


def judged(name: str, parse: Callable[[bytes], Any], content: bytes) -> tuple[bool, str]:
    """Say whether a parser answered or raised an error of ours, and else what it raised."""
    try:
        parse(content)
    except ALLOWED:
        return True, ""
    except Exception as error:  # noqa: BLE001 - any other one is what is counted
        return False, f"{name}: {type(error).__name__} {error} on {content[:60]!r}"
    return True, ""
