"""Histories of sealed runs: what is in a baseline, what a shift lies between, who decided."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from harness.evidence.hub import layout
from harness.evidence.ledger.log import Ledger
from harness.experiments.history import confirming, judging, points
from harness.experiments.history.level_shift import (
    GOLDEN,
    STEP,
    Confirmation,
    History,
    LevelShift,
)
from harness.judgement.golden import store as golden_store
from harness.judgement.shifts import acknowledgement
from harness.judgement.verify import reproductions
from harness.sharing import publish
from harness.verdict import Verdict
from tests.builders import goldens, histories, hubs
from tests.builders.histories import METRIC, SUITE, Growing

OLD, NEW = "a" * 40, "b" * 40


def _values(count: int, level: float, seed: int = 1) -> list[float]:
    chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
    return [level + 0.1 * chance.gauss(0, 1) for _ in range(count)]


@pytest.fixture(scope="module")
def shifted(tmp_path_factory: pytest.TempPathFactory) -> Growing:
    """Return a history with one shift, behind a red run, that no test may change."""
    made = histories.begin(tmp_path_factory.mktemp("history") / "p")
    made.extend(_values(15, 3.0), commit=OLD)
    made.extend([0.5], verdict=Verdict.RED)
    made.extend(_values(6, 3.6, 2), commit=NEW, environment={"numeric.isa": "AVX2"})
    return made


@pytest.fixture
def own(shifted: Growing, tmp_path: Path) -> Growing:
    """Return a copy of that history for a test of its own."""
    return histories.copy(shifted, tmp_path / "p")


def _judge(made: Growing) -> History:
    return judging.judge_suite(made.project, SUITE)


def _only_shift(made: Growing) -> LevelShift:
    (one,) = _judge(made).judged
    (shift,) = one.shifts
    return shift


def test_one_shift_with_its_commits(shifted: Growing) -> None:
    """A step is one shift: its first run, the commits around it, direction, size, machine."""
    shift = _only_shift(shifted)

    assert (shift.kind, shift.direction, shift.is_open) == (STEP, "up", True)
    assert shift.first.run_id == shifted.runs[16]
    assert shift.commits == (OLD, NEW)
    assert shift.size == pytest.approx(0.6, abs=0.1)
    assert shift.deviations is not None
    assert shift.deviations > 3
    assert shift.machine.startswith("isa ")
    assert shift.machine.endswith("→ AVX2")
    assert "up by" in judging.size_in_words(shift)


def test_red_values_are_in_no_baseline(shifted: Growing) -> None:
    """A red value is a point of the series, but of none of its levels."""
    (series,) = points.read_series(shifted.project, SUITE).series

    assert [p.run.run_id for p in series.points if p.is_red] == [shifted.runs[15]]
    assert [p.value for p in series.points] == [
        *_values(15, 3.0),
        0.5,
        *_values(6, 3.6, 2),
    ]
    assert 0.5 not in [p.value for p in series.baseline]


def test_damaged_hub_is_named_and_left_out(own: Growing) -> None:
    """A hub with a changed byte gives no number; it is named."""
    record = own.project.hubs / SUITE / own.runs[4] / layout.RECORD
    record.chmod(0o644)
    record.write_text(record.read_text().replace('"seed": "4"', '"seed": "5"'))

    history = _judge(own)

    (one,) = history.judged
    assert list(history.damaged) == [f"{SUITE}/{own.runs[4]}"]
    assert own.runs[4] not in [p.run.run_id for p in one.series.points]


def test_gone_hub_is_counted(own: Growing) -> None:
    """A sealed run whose hub was removed is counted, not forgotten."""
    shutil.rmtree(own.project.hubs / SUITE / own.runs[3])

    assert _judge(own).gone == 1


def test_other_data_are_another_series(own: Growing) -> None:
    """Runs with another parameter than the seed are not compared with the others."""
    own.record = histories.change_parameter(own.record, "value", "4")
    own.extend(_values(10, 9.0, 3))

    assert [len(one.series.points) for one in _judge(own).judged] == [22, 10]
    assert [len(one.shifts) for one in _judge(own).judged] == [1, 0]


def test_acknowledged_shift_stays_so_when_runs_come(own: Growing) -> None:
    """A reason covers the shift also when more runs show its first run more exactly."""
    shift = _only_shift(own)
    accepted = acknowledgement.Acknowledgement(
        suite=SUITE,
        metric=METRIC,
        group=shift.series.mark,
        run_id=own.runs[17],
        direction="up",
        reason="the gain is another",
    )
    acknowledgement.append(own.project, accepted, judging.size_in_words(shift))
    own.extend(_values(5, 3.6, 7), commit=NEW)

    assert _only_shift(own).reason.startswith("the gain is another")
    assert not _judge(own).open_shifts


@pytest.mark.parametrize(
    "change",
    [
        {"direction": "down"},
        {"metric": "out:other"},
        {"group": "00000000"},
        {"suite": "else"},
        {"run": 5},
    ],
)
def test_reason_for_something_else_covers_nothing(own: Growing, change: dict[str, str]) -> None:
    """Another metric, group, suite, direction or run is another decision."""
    shift = _only_shift(own)
    names = {
        "suite": SUITE,
        "metric": METRIC,
        "group": shift.series.mark,
        "direction": "up",
        "run_id": own.runs[int(change.pop("run", 16))],
    }
    accepted = acknowledgement.Acknowledgement(**{**names, **change}, reason="not this one")
    acknowledgement.append(own.project, accepted, "")

    assert _only_shift(own).is_open


def _store_golden(made: Growing, mean: float, deviation: float = 0.1, count: int = 30) -> None:
    record = points.read_series(made.project, SUITE).series[0].points[-1].run.record
    seeds = tuple(map(str, range(count)))
    golden = goldens.golden_set(record, METRIC, mean=mean, sd=deviation, n=count, seeds=seeds)
    golden_store.save(made.project.golden / SUITE, golden)


def test_golden_update_after_a_shift_covers_it(own: Growing) -> None:
    """A golden that was calibrated anew after a shift has a reason of its own."""
    assert _only_shift(own).is_open

    _store_golden(own, 3.6)
    ledger = Ledger(own.project.hubs / layout.LEDGER)
    ledger.append(golden_store.LOGGED, SUITE, {"reason": "the level of the new loss"})

    assert _only_shift(own).reason.startswith("the level of the new loss (golden update")


def test_level_beside_the_golden(own: Growing) -> None:
    """A level that never was the golden's is told once, with its distance."""
    _store_golden(own, 3.2)
    shifts = _judge(own).judged[0].shifts

    (beside,) = [shift for shift in shifts if shift.kind == GOLDEN]
    assert beside.direction == "down"
    assert beside.first.run_id in own.runs[:3]
    assert beside.before == pytest.approx(3.2)


def test_step_away_from_the_golden_is_one_alarm(own: Growing) -> None:
    """A step that leaves the golden is one shift, not two."""
    _store_golden(own, 3.0)

    assert [shift.kind for shift in _judge(own).judged[0].shifts] == [STEP]


def test_one_seed_is_one_draw(tmp_path: Path) -> None:
    """Runs of one seed are not summed: repeated, one draw is still one."""
    made = histories.begin(tmp_path / "p")
    made.extend([3.3] * 9, seed="42")
    _store_golden(made, 3.0)

    (one,) = _judge(made).judged
    assert one.shifts == ()
    assert "too few seeds" in one.note


def _log_rerun(made: Growing, index: int, answer: str) -> None:
    hub = made.project.hubs / SUITE / made.runs[index]
    body = {"answer": answer, "manifest_sha256": histories.manifest_digest(hub)}
    subject = f"{SUITE}/{made.runs[index]}"
    Ledger(made.project.work / layout.LEDGER).append(reproductions.KIND, subject, body)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("bit-identical", "rounding", Confirmation.CODE),
        ("changed", "bit-identical", Confirmation.ELSEWHERE),
        ("statistically the same", "changed", Confirmation.UNSTEADY),
        ("bit-identical", None, Confirmation.NONE),
    ],
)
def test_reruns_decide_before_blame(
    own: Growing, before: str, after: str | None, expected: Confirmation
) -> None:
    """The code is to blame where both commits give their answers again, and not else."""
    shift = _only_shift(own)
    runs = [run.run_id for run in confirming.list_reruns([shift])]
    assert runs == [own.runs[14], shift.first_after.run_id]

    _log_rerun(own, 14, before)
    if after is not None:
        _log_rerun(own, own.runs.index(runs[1]), after)

    again = _only_shift(own)
    assert again.confirmation is expected
    assert bool(confirming.list_reruns([again])) is (expected is Confirmation.NONE)


def test_dirty_runs_cannot_be_run_again(tmp_path: Path) -> None:
    """Where no run of a commit lies behind a shift, no rerun is named."""
    made = histories.begin(tmp_path / "p")
    made.extend([3.0] * 8, commit=OLD)
    made.extend([4.0] * 4, commit=OLD, dirty=True)

    shift = _only_shift(made)

    assert shift.rerun_before is not None
    assert shift.rerun_after is None
    assert confirming.list_reruns([shift]) == ()


def test_reason_is_published_with_its_run(own: Growing) -> None:
    """A clone that gets the hub gets what was accepted of its level."""
    shift = _only_shift(own)
    accepted = acknowledgement.Acknowledgement(
        suite=SUITE,
        metric=METRIC,
        group=shift.series.mark,
        run_id=shift.first.run_id,
        direction="up",
        reason="the gain is another",
    )
    acknowledgement.append(own.project, accepted, "")
    hubs.commit(own.root)

    publish.publish_hub(own.project, shift.first.hub)

    published = Ledger(own.project.hubs / layout.LEDGER).walk()
    assert [e.body["reason"] for e in published if e.kind == acknowledgement.KIND] == [
        "the gain is another"
    ]
