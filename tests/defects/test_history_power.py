"""The campaign behind `docs/history-power.md`, in a short form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from proofs.history import campaign, judges, page, real, series
from proofs.history.campaign import HARNESS, OTAVA, Cell, Sizes
from proofs.history.judges import Call, Harness
from proofs.history.series import Step

_SMALL = Sizes(timed=60, steady=10, steps=40, otava=0)
_CELL = Cell(
    judge=OTAVA,
    what="normal",
    tail=1e-3,
    count=100,
    alarms=5,
    in_time=0,
    once=0,
    seconds=1.0,
    wall=1.0,
)


def test_short_campaign_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each cell is counted once, steps are noticed and called once, and the page says so."""
    monkeypatch.setattr(campaign, "find_spec", lambda _: None)  # without Otava
    monkeypatch.setattr(real, "judge_trainings", lambda *_: iter(()))
    cells = campaign.run(tmp_path / "cells.json", _SMALL, minutes=5, jobs=1)
    text = page.write_page(cells, orders=1)

    big = next(cell for cell in cells if cell.what == "5 sd after 50 runs")
    steady = next(cell for cell in cells if cell.what == "normal")
    assert (steady.count, big.count) == (60, 40)
    assert steady.alarms <= 3
    assert big.in_time >= 38
    assert big.once >= 38
    assert f"| 5 sd after 50 runs | {big.in_time / 40:.1%} | {big.once / 40:.1%} |" in text
    again = campaign.run(tmp_path / "cells.json", _SMALL, minutes=0, jobs=1)
    assert set(again) == set(cells)


def test_judges_answer_by_the_runs_so_far() -> None:
    """The one pass of the harness's judge gives what asking after each run gives."""
    values = next(iter(series.draw_steps(Step(50, 5.0), 1)))
    judge = Harness()
    calls: Sequence[Call] = [
        call
        for runs in range(1, len(values) + 1)
        for call in judge.call(values[:runs])
        if call.seen == runs - 1
    ]

    assert calls == judge.call(values)
    assert judges.is_in_time(calls, 50)
    assert judges.is_one_alarm(calls, 50)


def test_otava_is_tried_where_it_alarms_as_seldom() -> None:
    """The largest p-value counts at which at most one steady series in a hundred alarms."""
    fitting = [replace(_CELL, tail=1e-5, alarms=1), replace(_CELL, tail=1e-6, alarms=0)]

    assert campaign.choose_tail([_CELL, *fitting]) == 1e-5
    assert campaign.choose_tail(fitting, least=101) is None
    assert campaign.choose_tail([_CELL]) is None
    assert campaign.choose_tail([replace(_CELL, judge=HARNESS, alarms=0)]) is None


def test_the_nile_fell_with_1899() -> None:
    """The level of the river is found where it fell, once, within a decade."""
    (call,) = real.judge_nile(Harness())

    assert real.NILE_FIRST + call.cut == real.NILE_SHIFT
    assert call.seen - call.cut < 10
