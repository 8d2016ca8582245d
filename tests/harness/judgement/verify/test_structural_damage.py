"""Every way of damaging a sealed hub ends with exit code 4 and the right file named."""

from __future__ import annotations

import itertools
import re

import pytest

from harness import files
from harness.evidence.hub import inventory
from harness.evidence.ledger.log import Ledger
from harness.judgement.verify import verify
from tests.builders import sealed
from tests.builders.damages import STATS
from tests.builders.history_damages import DAMAGES
from tests.builders.sealed import Store


@pytest.mark.parametrize("name", sorted(DAMAGES))
def test_a_damaged_hub_is_found_and_the_damage_named(store: Store, name: str) -> None:
    """Exit code 4, and a damaged row says where."""
    word = DAMAGES[name](store)

    verified = verify(store.project, store.hub)

    messages = [f"{r.found} {r.expected}" for r in verified.rows if r.outcome == "damaged"]
    assert verified.exit_code == 4
    assert any(word in row for row in messages), messages
    assert all(row.isprintable() for row in messages)


def test_the_undamaged_hub_verifies(store: Store) -> None:
    """The cases above start from a hub with exit code 0."""
    verified = verify(store.project, store.hub)

    assert (verified.exit_code, len(DAMAGES) >= 75) == (0, True)


def test_every_damaged_file_is_named(store: Store) -> None:
    """The comparison goes on after the first damage."""
    names = [STATS, "analysis/measure/rows.csv", "plan/plan.md", "cli/measure.log"]
    for name in names:
        sealed.write(store.hub / name, b"other")
    (store.hub / "extra").write_text("")

    rows = verify(store.project, store.hub).rows

    messages = " ".join(row.found for row in rows if row.check == "bytes")
    assert all(name in messages for name in [*names, "extra"])


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/etc/passwd",
        "a/../../x",
        "a//b",
        "./a",
        "a\x07b",
        "a\\b",
        "e\u0301x",
        "n" * 256,
        "a\x00b",
        "#a",
        "a/" * 40 + "b",
    ],
)
def test_a_manifest_with_a_path_that_leads_astray_is_damage(store: Store, path: str) -> None:
    """Paths out of the root, control characters and overlong names end at the manifest."""
    manifest = store.hub / inventory.MANIFEST
    line = f"{'0' * 64}  {path}\n"
    lines = sorted(
        [*manifest.read_text().splitlines(keepends=True), line], key=lambda x: x[66:]
    )
    sealed.write(manifest, "".join(lines).encode())

    verified = verify(store.project, store.hub)

    assert verified.exit_code == 4
    assert any(inventory.MANIFEST in row.found for row in verified.rows)


def test_a_ledger_of_hubs_that_are_elsewhere_is_no_damage_of_this_one(store: Store) -> None:
    """Entries whose folder is absent do not touch another hub."""
    Ledger(store.ledger.path).append("seal", "tiny/20200101T000000Z-000000", {})

    assert verify(store.project, store.hub).exit_code == 0


def test_a_name_that_looks_plain_has_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """The short cut for plain names never lets through what the rules refuse."""
    parts = [
        "a",
        "-",
        "_",
        ".",
        "..",
        "...",
        ".a",
        "a.",
        "",
        "#a",
        "a\\b",
        "é",
        "n" * 255,
        "n" * 256,
    ]
    names = ["/".join(pair) for pair in itertools.product(parts, repeat=3)]
    names += ["/".join("a" * count) for count in (31, 32, 33, 34)]
    quick = [files.path_fault(name) for name in names]

    monkeypatch.setattr(files, "_PLAIN", re.compile("(?!)"))

    assert quick == [files.path_fault(name) for name in names]
    assert 0 < quick.count(None) < len(quick)
