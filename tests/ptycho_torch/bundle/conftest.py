"""One scan and one untouched bundle for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import bundles


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scan with two probe modes."""
    return bundles.write_scan(tmp_path_factory.mktemp("scan"), modes=2)


@pytest.fixture(scope="session")
def whole(scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untouched bundle."""
    return bundles.fresh(scan, tmp_path_factory.mktemp("bundle"))
