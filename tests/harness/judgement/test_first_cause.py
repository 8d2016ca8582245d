"""The first cause stands where the subject was made, not where its reference was worked out."""

from __future__ import annotations

import pytest

from harness.judgement import causes
from harness.verdict import Verdict
from tests.builders import reports
from tests.harness.judgement.test_causes import red

ORDER = ("train", "parity", "recount")
ROADS = causes.Roads(
    order=ORDER,
    needs={"train": frozenset(), "parity": frozenset({"train"}), "recount": frozenset()},
    reads={"offsets": frozenset({"train", "recount"}), "error": frozenset({"parity"})},
    makers={},
    subjects={"offsets": frozenset({"train"})},
)


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
