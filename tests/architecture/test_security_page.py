"""Every promise of docs/security.md names the test that holds it, and that test exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "security.md").read_text("utf-8")
PROMISES = TEXT.partition("## Promises")[2].partition("\n## ")[0]
LINKS = re.findall(r"\]\(([^)#]+)(?:#(\w+))?\)", TEXT)


def test_every_promise_names_a_test() -> None:
    """A row without a link is a promise that nobody holds."""
    rows = [line for line in PROMISES.splitlines() if line.startswith("| ")][1:]

    assert len(rows) > 10
    assert [row for row in rows if "](../tests/" not in row] == []


@pytest.mark.parametrize(("path", "name"), sorted(set(LINKS)))
def test_the_linked_test_exists(path: str, name: str) -> None:
    """The file is there and defines the test."""
    content = (DOCS / path).read_text("utf-8")

    assert not name or f"def {name}(" in content
