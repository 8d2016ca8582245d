"""An age that no calendar holds is a mistake in the declaration, not an error of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ConfigError
from tests.builders import hubs


@pytest.mark.parametrize("days", [-1, 36_501, 10**400, 1e300])
def test_age_beyond_all_calendars_is_refused(tmp_path: Path, days: float) -> None:
    """Named with the key and what is allowed."""
    with pytest.raises(ConfigError, match="max_age_days"):
        hubs.project(tmp_path, tiny=hubs.suite(max_age_days=days))


@pytest.mark.parametrize("days", [0, 1, 0.5, 36_500])
def test_every_age_within_a_century_is_allowed(tmp_path: Path, days: float) -> None:
    """Both ends are allowed."""
    assert (
        hubs.project(tmp_path, tiny=hubs.suite(max_age_days=days)).suites["tiny"].max_age_days
        == days
    )
