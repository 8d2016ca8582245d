"""Each byte of the records of a hub: flipped, it is found and the file is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.judgement.verify import contents, sealing
from tests.builders import sealed
from tests.builders.sealed import Store

NAMES = ("hub.json", "plan/plan.json", "artifact_inventory.txt", "analysis/guards.json")


def found_in(hub: Path) -> str:
    """Return what the checks of bytes and seal say."""
    rows = [*contents.check(hub), *sealing.check(hub, None)]
    return " ".join(row.found for row in rows if row.outcome == "damaged")


def flip_all(store: Store, name: str, step: int) -> None:
    """Flip one bit of every ``step``-th byte, one at a time."""
    path = store.hub / name
    content = path.read_bytes()
    for place in range(0, len(content), step):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        sealed.write(path, bytes(changed))
        assert Path(name).name in found_in(store.hub), place
    sealed.write(path, content)
    assert found_in(store.hub) == ""


@pytest.mark.parametrize("name", [*NAMES, "manifest-sha256.txt", "cli/measure.log"])
def test_a_flipped_byte_is_found_and_its_file_named(store: Store, name: str) -> None:
    """A stride over all bytes; the whole set is the long form below."""
    flip_all(store, name, 41)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAMES, "manifest-sha256.txt"])
def test_every_flipped_byte_is_found(store: Store, name: str) -> None:
    """All bytes of all records."""
    flip_all(store, name, 1)
