"""The matrices of a suite: read from its table, checked, and expanded into combinations.

[suites.quick.matrix.doses]
seed = "1..12"                                    # 1, 2, … 12
epochs = ["2", "5"]
"dataset:train" = ["data/dim.npz", "data/bright.npz"]
"""

from __future__ import annotations

import itertools
import math
import re

from harness.config.project import MatrixSpec, SuiteSpec
from harness.config.toml_table import Table, kind_of, nearest

MOST_CELLS = 100_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_RANGE = re.compile(r"(\d{1,9})\.\.(\d{1,9})")
_DATASET = "dataset:"


def read(suite: str, inner: Table) -> dict[str, MatrixSpec]:
    """Read the matrices of a suite from its table ``matrix``.

    Raises:
        ConfigError: A name, an axis or a value that cannot be used.
    """
    specs = {}
    for name in inner.values:
        if not _NAME.fullmatch(name):
            raise inner.error(
                name,
                found=repr(name)[:80],
                expected="letters, digits, '_' and '-'",
                remedy="Rename the matrix.",
            )
        axes = inner.inner(name)
        spec = MatrixSpec(
            suite=suite, name=name, axes={axis: _values(axes, axis) for axis in axes.values}
        )
        _check_size(spec, inner)
        specs[name] = spec
    return specs


def _values(axes: Table, axis: str) -> tuple[str, ...]:
    value = axes.values[axis]
    if isinstance(value, str):
        match = _RANGE.fullmatch(value)
        first, last = (int(match[1]), int(match[2])) if match else (1, 0)
        if first > last or last - first >= MOST_CELLS:
            raise axes.error(
                axis,
                found=kind_of(value),
                expected="a list of strings, or a range such as '1..12'",
                remedy="Change the value.",
            )
        return tuple(str(number) for number in range(first, last + 1))
    values = axes.texts(axis, required=True)
    if len(set(values)) < len(values):
        twice = next(v for v in values if values.count(v) > 1)
        raise axes.error(
            axis, found=f"{twice!r} twice", expected="each value once", remedy="Drop one."
        )
    return values


def _check_size(spec: MatrixSpec, table: Table) -> None:
    count = math.prod(len(values) for values in spec.axes.values())
    if not spec.axes or count > MOST_CELLS:
        raise table.error(
            spec.name,
            found=f"{len(spec.axes)} axes, {count} cells" if spec.axes else "no axis",
            expected=f"at least one axis and at most {MOST_CELLS} cells",
            remedy="Change its axes.",
        )


def check(spec: MatrixSpec, suite: SuiteSpec, file: str) -> None:
    """Refuse an axis that is neither a parameter nor a dataset of the suite.

    Raises:
        ConfigError: See above; the nearest name is given.
    """
    known = [*suite.parameters, *(f"{_DATASET}{d.role}" for d in suite.datasets)]
    for axis in spec.axes:
        if axis not in known:
            table = Table(file, f"suites.{suite.name}.matrix.{spec.name}", {})
            raise table.error(
                axis,
                found="no parameter and no dataset of the suite",
                expected="a parameter, or dataset:<role>",
                remedy=nearest(axis, known),
            )


def combinations(spec: MatrixSpec) -> tuple[dict[str, str], ...]:
    """Return every combination of the values, the last axis changing fastest."""
    names = list(spec.axes)
    return tuple(
        dict(zip(names, values, strict=True))
        for values in itertools.product(*spec.axes.values())
    )


def split_combination(combination: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Part a combination into parameters and files by role."""
    parameters = {k: v for k, v in combination.items() if not k.startswith(_DATASET)}
    files = {
        k.removeprefix(_DATASET): v for k, v in combination.items() if k.startswith(_DATASET)
    }
    return parameters, files
