"""Guards that are red today become blockers, once for each hub, with a command to retry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.evidence.hub.blockers import Register
from harness.judgement.verify import VerifyReport, blocking, verify
from tests.builders import sealed
from tests.builders.sealed import Store


@pytest.fixture
def red(store: Store) -> VerifyReport:
    """A hub that today's bound turns red."""
    store.declare("min = 0.5", "min = 0.9")
    return verify(store.project, store.hub)


def test_place_is_relative_inside_the_project(store: Store, tmp_path: Path) -> None:
    """And whole outside of it."""
    assert blocking.relative_place(store.project, store.hub) == f"hubs/tiny/{store.hub.name}"
    assert blocking.relative_place(store.project, tmp_path / "x") == str(tmp_path / "x")


def test_hub_is_counted_once(store: Store, red: VerifyReport) -> None:
    """The same hub again changes nothing; another hub, or a closed blocker, counts."""
    blocking.write(store.project, red, "c" * 40)
    register = Register(store.project.hubs)
    (first,) = register.entries()
    assert (first.guard, first.suite, first.occurrences) == ("variance-floor", "tiny", 1)
    assert (first.commit, first.dirty, first.status) == ("c" * 40, False, "open")

    blocking.write(store.project, red, "d" * 40)
    assert register.entries() == (first,)
    store.declare("min = 0.9", "min = 0.5")
    later = sealed.run(store.root)
    store.declare("min = 0.5", "min = 0.9")
    blocking.write(store.project, verify(store.project, later.hub), "e" * 40)
    (second,) = register.entries()
    assert (second.occurrences, second.commit) == (2, "e" * 40)

    (path,) = register.folder.glob("*.md")
    for status in ("closed", "withdrawn"):  # the second as a later release may write it
        path.write_text(path.read_text().replace('status: "open"', f'status: "{status}"'))
        before = register.entries()[0]
        blocking.write(store.project, verify(store.project, later.hub), "f" * 40)
        (again,) = register.entries()
        assert (before.status, again.status) == (status, "open")
        assert again.occurrences == before.occurrences + 1


def test_text_is_told_where_nothing_can_be_written(store: Store, red: VerifyReport) -> None:
    """A file stands where the register should be."""
    project = replace(store.project, hubs=store.root / "source.py")

    (text,) = blocking.write(project, red, "c" * 40)

    assert "variance-floor" in text
    assert f"harness verify --hub hubs/tiny/{store.hub.name}" in text
    assert "harness run tiny" in text
