"""Number files below ``golden/numbers/``: compared by pytest-regressions, reviewed as text.

A change that is meant is written with ``pytest tests/numbers --force-regen`` and read as a
diff. Goldens of suites are another thing: their bounds come from many seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

FOLDER = Path(__file__).parents[2] / "golden" / "numbers"

Table = Mapping[str, NDArray[np.generic]]
Check = Callable[[str, Table, Sequence[str], float], None]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Work is so small here that two threads would wait for each other."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


@pytest.fixture
def numbers(request: pytest.FixtureRequest) -> Check:
    """Compare a table with its file; every column has the tolerance given times its size.

    The size of a column is the largest of its numbers now. One that blows up by R is red
    all the same, since it is off by R − 1 sizes and the tolerance is below one; so is one
    that vanishes, or holds a NaN.
    """
    reason = "needs pytest-regressions and pandas: pip install -e '.[dev]'"
    for package in ("pytest_regressions", "pandas"):
        pytest.importorskip(package, reason=reason)
    regression: Any = request.getfixturevalue("num_regression")

    def check(name: str, table: Table, rows: Sequence[str], tolerance: float) -> None:
        columns = {key: np.asarray(values, np.float64) for key, values in table.items()}
        regression.check(
            columns,
            fullpath=FOLDER / f"{name}.csv",
            tolerances={
                key: {"rtol": 0.0, "atol": tolerance * float(np.abs(values).max())}
                for key, values in columns.items()
            },
            data_index=list(rows),
            fill_different_shape_with_nan=False,
        )

    return check


@pytest.fixture
def red_columns(
    numbers: Check, request: pytest.FixtureRequest
) -> Callable[[str, Table, Sequence[str], float], list[str]]:
    """List the columns in which a table differs from its file, in their order."""
    if request.config.getoption("force_regen") or request.config.getoption("regen_all"):
        pytest.skip("a planted change is never written to a number file")

    def differing(name: str, table: Table, rows: Sequence[str], tolerance: float) -> list[str]:
        try:
            numbers(name, table, rows, tolerance)
        except AssertionError as error:
            lines = str(error).splitlines()
            return [key for key in table if f"{key}:" in lines]
        return []

    return differing
