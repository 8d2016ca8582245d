"""Of the instances outside the laboratory every third is tried by default, all by test-long."""

from __future__ import annotations

from pathlib import Path

import pytest

_EVERY = 3


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark two of three as long; ``proofs.outside`` and ``make test-long`` try all."""
    mine = [item for item in items if Path(__file__).parent in item.path.parents]
    for index, item in enumerate(mine):
        if index % _EVERY:
            item.add_marker(pytest.mark.long)
