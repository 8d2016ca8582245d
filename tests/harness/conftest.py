"""A wish to stop that nobody has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.runner.stages.child import Stop


@pytest.fixture
def stop() -> Iterator[Stop]:
    """Nobody asks to stop, unless a test does."""
    stop_ = Stop()
    yield stop_
    stop_.close()
