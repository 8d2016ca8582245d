"""Limits against SciPy's laws."""

from __future__ import annotations

import math
import random

import pytest
from scipy import stats

from harness.judgement.shifts import limits


@pytest.mark.parametrize("freedom", [6, 10, 30, 98])
@pytest.mark.parametrize("tail", [1e-3, 1e-5])
def test_square_is_student_s(freedom: int, tail: float) -> None:
    """The square of t lies within seven percent of the law's quantile."""
    exact = stats.t.isf(tail / 2, freedom) ** 2

    assert limits.square_of(tail, freedom) == pytest.approx(exact, rel=0.07)


def test_few_runs_have_no_limit_to_pass() -> None:
    """Without two degrees of freedom nothing is ever beyond the limit."""
    assert limits.square_of(1e-3, 1) == math.inf
    assert limits.limits_of(0.01, 10).recent[:4] == (math.inf,) * 4


@pytest.mark.parametrize(("before", "after"), [(50, 5), (20, 3), (4, 9), (12, 12), (3, 60)])
def test_order_tail_is_mann_and_whitney_s(before: int, after: int) -> None:
    """Where one side is short, the tail is the exact one, whichever side is higher."""
    chance = random.Random(before)  # noqa: S311 - repeatable, no secret
    old = [chance.gauss(0, 1) for _ in range(before)]
    for shift in (1.2, -1.2):
        new = [chance.gauss(shift, 1) for _ in range(after)]

        exact = stats.mannwhitneyu(old, new, method="exact").pvalue

        assert limits.order_tail(old, new) == pytest.approx(exact, rel=1e-9)


def test_order_tail_of_many_is_near() -> None:
    """Where both sides are long, the normal law with its correction is used."""
    chance = random.Random(3)  # noqa: S311 - repeatable, no secret
    old = [chance.gauss(0, 1) for _ in range(40)]
    new = [chance.gauss(0.9, 1) for _ in range(30)]

    near = stats.mannwhitneyu(old, new, method="asymptotic").pvalue

    assert limits.order_tail(old, new) == pytest.approx(near, rel=1e-6)


def test_equal_values_part_nothing() -> None:
    """Ties count half on each side: equal values are no order at all."""
    assert limits.order_tail([1.0] * 9, [1.0] * 4) == 1.0


def test_a_smaller_rate_has_wider_limits() -> None:
    """The rate decides, and one outside of (0, 1) is refused."""
    strict, loose = limits.limits_of(0.001, 50), limits.limits_of(0.01, 50)

    assert all(a >= b for a, b in zip(strict.recent, loose.recent, strict=True))
    assert strict.orders[50] < loose.orders[50] < loose.orders[25] == loose.orders[8]
    assert limits.golden_limit(0.001, 12) > limits.golden_limit(0.01, 12)
    for rate in (0.0, 1.0):
        with pytest.raises(ValueError, match="rate"):
            limits.limits_of(rate, 50)
