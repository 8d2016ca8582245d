"""A stage sees what is allowed and what its suite declares, and nothing else."""

from __future__ import annotations

import pytest

from harness.config import stage_environment

# What a machine has set, and whether every stage sees it.
NAMES = [
    *((name, True) for name in ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SHELL")),
    *((name, True) for name in ("LD_LIBRARY_PATH", "LC_ALL", "LC_NUMERIC")),
    *((name, False) for name in ("PYTHONPATH", "PYTHONSTARTUP", "PYTHONOPTIMIZE", "PYTHON")),
    *((name, False) for name in ("PYTHONWARNINGS", "PYTEST_ADDOPTS", "CUDA_VISIBLE_DEVICES")),
    *((name, False) for name in ("LD_PRELOAD", "LC", "XLC_ALL", "lc_all", "path", "PATHS")),
    *((name, False) for name in ("API_TOKEN", "AWS_SECRET_ACCESS_KEY", "USER", "CI", "")),
    *((name, False) for name in ("HTTP_PROXY", "OMP_NUM_THREADS", "VIRTUAL_ENV", "HOMEDRIVE")),
]


@pytest.mark.parametrize(("name", "is_inherited"), NAMES)
def test_variables_are_inherited_by_an_allow_list(name: str, *, is_inherited: bool) -> None:
    """What is not on the list reaches a stage only where its suite declares it."""
    made = stage_environment.select_variables((), {name: "of the machine"})
    assert (made.get(name) == "of the machine") is is_inherited
    declared = stage_environment.select_variables((name,), {name: "of the machine"})
    assert declared[name] == "of the machine"


@pytest.mark.parametrize("source", [{}, {"TERM": "xterm", "NO_COLOR": "", "COLUMNS": "7"}])
@pytest.mark.parametrize("variable", ["PYTHONHASHSEED", "PYTHONUNBUFFERED", "NO_COLOR"])
def test_what_makes_runs_alike_is_set(source: dict[str, str], variable: str) -> None:
    """Hashes, buffering and colours are the same everywhere, whatever the machine has set."""
    made = stage_environment.select_variables((), source)
    plain = {"PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    assert made[variable] == plain[variable]
    assert made["TERM"] == "dumb"


def test_a_declared_variable_that_is_not_set_stays_unset() -> None:
    """And one that is fixed may be declared, to be the machine's."""
    assert "SEED" not in stage_environment.select_variables(("SEED",), {})
    made = stage_environment.select_variables(("PYTHONHASHSEED",), {"PYTHONHASHSEED": "7"})
    assert made["PYTHONHASHSEED"] == "7"
