"""The first cause: where the subject was made, and the guard whose words say most."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.judgement import causes
from harness.judgement.roads import Roads
from harness.records import GuardResult
from harness.verdict import Verdict
from tests.builders import reports

ORDER = ("train", "parity", "recount")
ROADS = Roads(
    order=ORDER,
    needs={"train": frozenset(), "parity": frozenset({"train"}), "recount": frozenset()},
    reads={"offsets": frozenset({"train", "recount"}), "error": frozenset({"parity"})},
    makers={},
    subjects={"offsets": frozenset({"train"})},
)


def red(id_: str, kind: str, **keys: Any) -> GuardResult:
    plain = {"kind": kind, "value": 0.0, "low": 1.0}
    return reports.guard(id_, Verdict.RED, **{**plain, **keys})


@pytest.mark.parametrize("breaks_off", [True, False])
def test_subject_of_an_early_stage_leads_before_a_later_stage(
    breaks_off: bool,  # noqa: FBT001
) -> None:
    """Training has other offsets than the file: that parity broke off later follows from it."""
    failed = {"verdict": Verdict.RED, "outcome": "failed", "exit_code": 1}
    stages = tuple(
        reports.stage(id_, 0, **(failed if breaks_off and id_ == "parity" else {}))
        for id_ in ORDER
    )
    guards = (red("error", "bound"), red("offsets", "equal", value=None))
    run_results = causes.RunResults(stages=stages, guards=guards)

    (cause,) = causes.find_causes(run_results, ROADS)

    assert (cause.stage, cause.guards) == ("train", ("offsets",))
    assert {*cause.follows} == {"error", *(["stage parity"] if breaks_off else [])}
    assert cause.verdict is Verdict.RED


@pytest.mark.parametrize(
    ("declared", "lead"),
    [
        ([red("grid", "image"), red("mean", "golden")], "mean"),
        ([red("slow", "resource"), red("grid", "image")], "grid"),
        ([red("mean", "golden"), red("floor", "bound")], "floor"),
        ([red("records", "count"), red("ratio", "ratio")], "ratio"),
        ([red("floor", "bound"), red("words", "log", value=None)], "words"),
        ([red("floor", "bound"), red("old", "artifact", value=None)], "old"),
        ([red("floor", "bound"), red("nan", "bound", value=None, found="nan")], "nan"),
        ([red("theirs", "of-another-package"), red("grid", "image")], "grid"),
        ([red("default:made", "default"), red("grid", "image")], "default:made"),
        ([red("default:made", "default"), red("mean", "golden")], "mean"),
        ([red("first", "bound"), red("second", "equal")], "first"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_the_guard_that_says_most_leads(declared: list[GuardResult], lead: str) -> None:
    """Of one stage, words of the program and numbers come before what is drawn of them."""
    ids = [guard.id for guard in declared]
    roads = Roads(
        order=("train",),
        needs={"train": frozenset()},
        reads=dict.fromkeys(ids, frozenset({"train"})),
        makers={"made": "train"},
    )
    run_results = causes.RunResults(stages=(reports.stage("train", 0),), guards=(*declared,))

    (cause,) = causes.find_causes(run_results, roads)

    assert cause.sentence.startswith(f"guard {lead}: ")
    assert {*cause.also, lead} == {*ids}


def test_a_reason_that_says_no_more_than_what_was_found_is_completed() -> None:
    """'1 records' alone tells nobody what is wrong."""
    counted = reports.guard("n", Verdict.RED, found="1 records", expected="2 records")

    for reason in ("", "1 records"):
        words = causes.describe(replace(counted, reason=reason))
        assert words == "1 records; expected 2 records"
    assert causes.describe(replace(counted, reason="2 alike")) == "2 alike"


@pytest.mark.parametrize("kind", ["equal", "ratio"])
def test_a_nan_leads_before_what_was_held_against_it(kind: str) -> None:
    """An early number that equals no NaN is well: the later one, which is NaN, is not."""
    stages = tuple(reports.stage(id_, 0) for id_ in ORDER)
    reads = {"offsets": frozenset({"train", "parity"}), "error": frozenset({"parity"})}
    against = red("offsets", kind, value=None, reason="a:v against b:v: 2 is not nan")
    guards = (against, red("error", "bound", value=None, found="nan"))
    run_results = causes.RunResults(stages=stages, guards=guards)

    (cause,) = causes.find_causes(run_results, replace(ROADS, reads=reads))

    assert (cause.stage, cause.guards) == ("parity", ("error", "offsets"))
