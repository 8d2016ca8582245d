"""Shape checking for the whole run: only what is first imported under the hook is checked.

Arrays of tests are small: two threads would spend their time waiting for each other, and the
numbers of threads of parallel sessions would multiply. What the user has set stays.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from tests.builders import sealed
from tests.builders.sealed import Store

# Commands that decide something refuse in CI; the tests act as a person, at a desk and there.
os.environ.pop("CI", None)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is loaded, which is later
# What a machine computes is asked once for all tests, wherever they think their home is.
os.environ.setdefault("HARNESS_CACHE", str(Path("~/.cache/ptycho-harness/tests").expanduser()))

# The harness is tested alike where the model's packages are not installed.
if importlib.util.find_spec("jaxtyping") and importlib.util.find_spec("beartype"):
    from jaxtyping import install_import_hook

    from tests.laws import shapes

    install_import_hook("ptycho_torch", f"{shapes.__name__}.checked")


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a sealed hub, made once by a real run, that no test may change."""
    return sealed.make(tmp_path_factory.mktemp("pristine") / "project")


@pytest.fixture
def store(pristine: Store, tmp_path: Path) -> Store:
    """Return a store of this test's own."""
    return sealed.copy(pristine, tmp_path / "project")
