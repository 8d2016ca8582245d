"""A sealed hub to damage, made once by a real run, and a wish to stop that nobody has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.runner.stages.child import Stop
from tests.builders import sealed
from tests.builders.sealed import Store


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store that no test may change."""
    return sealed.make(tmp_path_factory.mktemp("pristine") / "project")


@pytest.fixture
def store(pristine: Store, tmp_path: Path) -> Store:
    """Return a store of this test's own."""
    return sealed.copy(pristine, tmp_path / "project")


@pytest.fixture
def stop() -> Iterator[Stop]:
    """Nobody asks to stop, unless a test does."""
    stop_ = Stop()
    yield stop_
    stop_.close()
