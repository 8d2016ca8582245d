"""Real pytest sessions, each judged: what looks like success and is none is never green."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.builders import session_cases as cases
from tests.builders import session_cases_changed as changed
from tests.builders import session_cases_healthy as healthy
from tests.builders import session_cases_left_out as left_out
from tests.builders import session_cases_unreached as unreached
from tests.builders import sessions
from tests.builders.session_cases import Case

pytestmark = [pytest.mark.road, pytest.mark.slow]
CASES = [
    *(*cases.OPTIONS, *cases.ENDINGS, *changed.CHANGED),
    *(*left_out.LEFT_OUT, *unreached.UNREACHED, *left_out.MEDDLED, *healthy.HEALTHY),
]


def _name(case: Case) -> str:
    return re.sub(r"[^a-z0-9]+", "-", case.name.lower())


_EVERY = 3  # the others take their minutes in test-long


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=_name(case), marks=[pytest.mark.long] if index % _EVERY else [])
        for index, case in enumerate(CASES)
    ],
)
def test_session_is_judged_rightly(tmp_path: Path, case: Case) -> None:
    """Each session is what it is, whatever its exit code says, and the reason says why."""
    result, said = sessions.run(
        tmp_path, case.files, case.selectors, environment=case.environment, **case.keys
    )

    assert str(result.verdict) in case.verdict.split(" or "), f"{result.reason}\n{said}"
    assert case.word in result.reason
    assert (result.outcome == "passed") == (case.verdict == cases.GREEN)


def test_the_table_is_large_enough() -> None:
    """At least 45 sessions must not be green, and ten that look odd must be."""
    healthy_ones = [case for case in CASES if case.verdict == cases.GREEN]

    assert len(CASES) - len(healthy_ones) >= 45
    assert len(healthy_ones) >= 10
    assert len({_name(case) for case in CASES}) == len(CASES)
