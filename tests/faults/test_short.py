"""The short form of every campaign of docs/reliability.md; the full one is ``make faults``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import campaigns
from tests.faults.figures import SHORT

_MEASURED = Path(__file__).parents[2] / "docs" / "reliability.md"


@pytest.mark.slow
@pytest.mark.parametrize("name", list(campaigns.CAMPAIGNS))
def test_every_try_of_a_campaign_holds(name: str, tmp_path: Path) -> None:
    """The same code as in full, at fewer places."""
    made = campaigns.run(name, tmp_path, SHORT)

    assert made.tried > 0
    assert made.failures == []


def test_the_published_table_has_a_row_for_each_campaign() -> None:
    """The page is written by the campaigns, and none is missing from it."""
    rows = [line for line in _MEASURED.read_text("utf-8").splitlines() if line[:2] == "| "]

    assert len(rows) == 1 + len(campaigns.CAMPAIGNS)
