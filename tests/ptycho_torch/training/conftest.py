"""Short trainings on one thread: two would spend their time waiting for each other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.builders import bundles


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scan of 24 points."""
    return bundles.write_scan(tmp_path_factory.mktemp("scan"))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch on one thread; the number of threads may change the last digit."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(count)


@pytest.fixture(scope="session")
def usual(scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with the usual short settings."""
    folder = tmp_path_factory.mktemp("usual")
    # A session's fixture is made before the autouse one above takes effect.
    with one_thread():
        assert bundles.train(scan, folder) == 0
    return folder
