"""Short trainings on one thread: two would spend their time waiting for each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.builders import bundles


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scan of 24 points."""
    return bundles.write_scan(tmp_path_factory.mktemp("scan"))


@pytest.fixture(scope="session")
def usual(scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with the usual short settings."""
    folder = tmp_path_factory.mktemp("usual")
    assert bundles.train(scan, folder) == 0
    return folder
