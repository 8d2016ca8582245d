"""The order of verdicts and of answer classes, over all pairs."""

from __future__ import annotations

import itertools

import pytest

from harness.verdict import AnswerClass, Verdict, combine

# The table of the design: what two verdicts make together.
TABLE = {
    ("green", "green"): "green",
    ("green", "inconclusive"): "inconclusive",
    ("green", "red"): "red",
    ("inconclusive", "inconclusive"): "inconclusive",
    ("inconclusive", "red"): "red",
    ("red", "red"): "red",
}


@pytest.mark.parametrize(("pair", "together"), list(TABLE.items()))
def test_the_worse_of_two_verdicts_decides(pair: tuple[str, str], together: str) -> None:
    """In both orders, and however often each is there."""
    for verdicts in (pair, pair[::-1], pair * 3):
        assert combine(map(Verdict, verdicts)) is Verdict(together)


def test_nothing_judged_proves_nothing() -> None:
    """No verdict at all never looks like a pass."""
    assert combine(()) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("verdict", list(Verdict))
def test_one_verdict_stands_for_itself(verdict: Verdict) -> None:
    """Nothing is added to what one says."""
    assert combine([verdict]) is verdict


@pytest.mark.parametrize(("verdict", "code"), [("green", 0), ("red", 1), ("inconclusive", 3)])
def test_each_verdict_has_its_own_exit_code(verdict: str, code: int) -> None:
    """The codes that the design lists."""
    assert Verdict(verdict).exit_code == code


ANSWERS = ("bit-identical", "rounding", "statistically the same", "changed")


@pytest.mark.parametrize(("answer", "declared"), [*itertools.product(ANSWERS, ANSWERS)])
def test_an_answer_exceeds_what_is_less_than_it(answer: str, declared: str) -> None:
    """Bit-identical, rounding, statistically the same, changed: in this order."""
    exceeds = ANSWERS.index(answer) > ANSWERS.index(declared)
    assert AnswerClass(answer).exceeds(AnswerClass(declared)) is exceeds


@pytest.mark.parametrize("answer", ANSWERS)
def test_only_a_changed_answer_does_not_hold(answer: str) -> None:
    """Up to the statistics the first answer was reproduced."""
    assert AnswerClass(answer).holds is (answer != "changed")
