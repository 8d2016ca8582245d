"""The remembered numbers of earlier runs are those of the records, or are read again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.evidence.hub.metrics_cache import MetricsCache
from tests.builders import hubs


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, Path]:
    """A sealed run and the place of a cache that knows it."""
    hub = hubs.run(hubs.project(tmp_path / "p")).hub
    place = tmp_path / "cache" / "trends.json"
    first = MetricsCache(place)
    assert first.numbers(hub)["floor"] == 3.0
    first.save()
    return hub, place


def test_known_record_is_not_read(
    run: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the file is the same, the number comes from the cache."""
    hub, place = run
    monkeypatch.setattr("harness.evidence.hub.metrics_cache.read_record", None)

    assert MetricsCache(place).numbers(hub)["floor"] == 3.0


def test_edited_record_is_read_again(run: tuple[Path, Path]) -> None:
    """An edit of the same size, with its time set back, is seen."""
    hub, place = run
    path = hub / "hub.json"
    before = path.stat()
    hub.chmod(0o755)
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"value": 3.0', '"value": 7.0'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert path.stat().st_size == before.st_size
    assert MetricsCache(place).numbers(hub)["floor"] == 7.0


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "[" * 100_000, '{"schema": 1, "hubs": 3}', '{"schema": 2}']
)
def test_damaged_cache_is_empty(run: tuple[Path, Path], content: str) -> None:
    """Whatever stands in the cache, the number is that of the record."""
    hub, place = run
    place.write_text(content)

    assert MetricsCache(place).numbers(hub)["floor"] == 3.0


@pytest.mark.parametrize("entry", [3, {}, {"numbers": {"floor": "9"}}, {"numbers": [9]}])
def test_damaged_entry_is_read_again(run: tuple[Path, Path], entry: object) -> None:
    """An entry that holds no numbers is not believed, even for the right file."""
    hub, place = run
    cache = json.loads(place.read_text())
    known = cache["hubs"][str(hub)]
    cache["hubs"][str(hub)] = {**known, **entry} if isinstance(entry, dict) and entry else entry
    place.write_text(json.dumps(cache))

    assert MetricsCache(place).numbers(hub)["floor"] == 3.0


def test_run_that_is_gone_has_no_numbers(run: tuple[Path, Path], tmp_path: Path) -> None:
    """A hub that is not there any more gives nothing, cache or not."""
    hub, place = run
    hub.rename(tmp_path / "elsewhere")

    assert MetricsCache(place).numbers(hub) == {}
