"""The series of a suite in, their shifts with runs, decisions and reruns out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.config.project import Project
from harness.errors import EvidenceMissingError
from harness.evidence.numerics import numeric_class
from harness.experiments.history import points
from harness.experiments.history.level_shift import (
    GOLDEN,
    STEP,
    Confirmation,
    History,
    JudgedSeries,
    LevelShift,
)
from harness.experiments.history.points import Point, Run, Series
from harness.frozen import dataclass
from harness.judgement.golden import store
from harness.judgement.golden.store import GoldenSet, GoldenValue
from harness.judgement.shifts import acknowledgement, cusum, family
from harness.judgement.shifts.acknowledgement import Decisions
from harness.judgement.shifts.cusum import Reference
from harness.judgement.shifts.detector import LEAST_RUNS, Shift
from harness.judgement.shifts.limits import RATE
from harness.judgement.verify import reproductions
from harness.reporting import text
from harness.verdict import AnswerClass

# Steps take the rate of their series; the sum against its golden takes a quarter beside it.
_BESIDE = 0.25
_NEAR = 2  # runs by which a level's first run may look moved in a series that grew
_LINEAR, _LOGARITHMIC = store.SCALES
_HOLDING = {answer.value for answer in AnswerClass if answer.holds}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """What series are judged by."""

    project: Project
    golden: GoldenSet
    golden_suite: str
    decisions: Decisions

    def judge_group(self, alike: Sequence[Series], rate: float) -> Iterator[JudgedSeries]:
        """Judge the series of comparable runs at one rate for all of them."""
        goldens = {one.metric: self._find_golden(one) for one in alike}
        scales = {one.metric: _choose_scale(one, goldens[one.metric]) for one in alike}
        values = {one.metric: _scale(one.baseline, scales[one.metric]) for one in alike}
        each = family.share_rate(values, rate)
        steps = family.find_family(values, rate)
        for one in alike:
            shifts = [
                _describe_step(one, step, scales[one.metric]) for step in steps[one.metric]
            ]
            notes = []
            if len(one.baseline) < LEAST_RUNS:
                notes.append(f"shifts are looked for from {LEAST_RUNS} runs on")
            golden = goldens[one.metric]
            if golden is not None:
                beside, note = self._hold_against_golden(one, golden, each * _BESIDE)
                if beside is not None and not _is_same(beside, shifts):
                    shifts.append(beside)
                notes += [note] if note else []
            known = tuple(self._decide(shift, golden) for shift in shifts)
            yield JudgedSeries(series=one, shifts=known, note="; ".join(notes))

    def _find_golden(self, series: Series) -> GoldenValue | None:
        record = series.points[-1].run.record
        datasets = {dataset.role: dataset.sha256 for dataset in record.datasets}
        try:
            return self.golden.lookup(series.metric, record.environment, datasets)
        except EvidenceMissingError:
            return None

    def _hold_against_golden(
        self, series: Series, golden: GoldenValue, rate: float
    ) -> tuple[LevelShift | None, str]:
        """Return the level that lies beside the golden, and what keeps that from being said.

        Runs before the last golden update were held against another golden. Runs of one seed
        are one draw however often it is repeated: each seed counts once.
        """
        base = _since_update(series, self.decisions, self.golden_suite)
        seeds = {point.run.seed: point for point in reversed(base)}
        fresh = [point for point in base if seeds[point.run.seed] is point]
        if len(fresh) < 2:  # noqa: PLR2004 - the golden's own guard judges a single draw
            return None, "too few seeds to be summed against the golden"
        if golden.scale != _LINEAR and min(point.value for point in fresh) <= 0:
            return None, "values without a logarithm; the golden has one"
        known = Reference(mean=golden.mean, deviation=golden.sd, count=golden.n)
        drift = cusum.find_drift(_scale(fresh, golden.scale), known, rate)
        if drift is None:
            return None, ""
        level = statistics.median(_scale(fresh[drift.start :], golden.scale))
        return LevelShift(
            kind=GOLDEN,
            series=series,
            first=fresh[drift.start].run,
            seen=fresh[drift.seen].run,
            last_before=fresh[drift.start - 1].run if drift.start else None,
            first_after=fresh[drift.start].run,
            before=golden.reference,
            after=store.unscale(level, golden.scale),
            deviations=abs(drift.offset),
        ), ""

    def _decide(self, shift: LevelShift, golden: GoldenValue | None) -> LevelShift:
        """Add to a shift what was decided and run again."""
        known = _complete(shift)
        return replace(
            known,
            reason=self._find_reason(known, golden),
            confirmation=self._confirm(known),
        )

    def _find_reason(self, shift: LevelShift, golden: GoldenValue | None) -> str:
        series = shift.series
        order = [point.run.run_id for point in series.points]
        first = order.index(shift.first.run_id)
        near = set(order[max(0, first - _NEAR) : first + _NEAR + 1])
        for one in self.decisions.acknowledged:
            named = (one.suite, one.metric, one.group, one.direction)
            if (
                named == (series.suite, series.metric, series.mark, shift.direction)
                and one.run_id in near
            ):
                return f"{one.reason} ({one.time[:10]})"
        if golden is not None and shift.kind == STEP:
            update = self.decisions.find_update(self.golden_suite, shift.subject)
            if update is not None:
                return f"{update[1]} (golden update, {update[0][:10]})"
        return ""

    def _confirm(self, shift: LevelShift) -> Confirmation:
        if shift.rerun_before is None or shift.rerun_after is None:
            return Confirmation.NONE
        answers = [self._holds(run) for run in (shift.rerun_before, shift.rerun_after)]
        if answers[0] is False:
            return Confirmation.ELSEWHERE
        if answers[1] is False:
            return Confirmation.UNSTEADY
        return Confirmation.CODE if all(answers) else Confirmation.NONE

    def _holds(self, run: Run) -> bool | None:
        """Say whether the last rerun of a run gave its answer; None where there was none."""
        known = reproductions.read_reproductions(run.hub, self.project)
        valid = [one for one in known if not one.problem]
        return valid[-1].answer in _HOLDING if valid else None


def judge_suite(project: Project, suite: str, rate: float = RATE) -> History:
    """Judge the numbers of all sealed runs of a suite.

    Args:
        project: The project.
        suite: Its name.
        rate: Share of stationary suites that may raise an alarm within 100 runs.

    Raises:
        IntegrityError: A ledger or a golden is damaged.
    """
    folder = project.goldens(suite)
    judge = _Judge(
        project=project,
        golden=store.load(folder),
        golden_suite=folder.name,
        decisions=acknowledgement.read_decisions(project),
    )
    stored = points.read_series(project, suite)
    groups: dict[str, list[Series]] = {}
    for series in stored.series:
        groups.setdefault(series.group, []).append(series)
    judged = [one for alike in groups.values() for one in judge.judge_group(alike, rate)]
    return History(suite=suite, judged=tuple(judged), damaged=stored.damaged, gone=stored.gone)


def _choose_scale(series: Series, golden: GoldenValue | None) -> str:
    """Choose the golden's scale, else a logarithm for values over two decades."""
    values = [point.value for point in series.baseline]
    if not values or min(values) <= 0:
        return _LINEAR
    if golden is not None:
        return golden.scale
    return _LOGARITHMIC if text.is_logarithmic(values) else _LINEAR


def _scale(base: Sequence[Point], scale: str) -> list[float]:
    return [store.scale(point.value, scale) for point in base]


def _describe_step(series: Series, shift: Shift, scale: str) -> LevelShift:
    base = series.baseline
    before, after = (store.unscale(level, scale) for level in (shift.before, shift.after))
    return LevelShift(
        kind=STEP,
        series=series,
        first=base[shift.cut].run,
        seen=base[shift.seen].run,
        last_before=base[shift.earliest - 1].run,
        first_after=base[shift.latest].run,
        before=before,
        after=after,
        deviations=abs(shift.size) / shift.noise if shift.noise else None,
    )


def _since_update(series: Series, decisions: Decisions, golden_suite: str) -> tuple[Point, ...]:
    """Return the baseline of the runs behind the last golden update."""
    base = series.baseline
    fresh = [
        point
        for point in base
        if decisions.find_update(golden_suite, f"{series.suite}/{point.run.run_id}") is None
    ]
    return tuple(fresh)


def _is_same(beside: LevelShift, steps: Sequence[LevelShift]) -> bool:
    """Say whether a level beside the golden began with a step: one shift, one alarm."""
    order = [point.run.run_id for point in beside.series.points]
    start, seen = order.index(beside.first.run_id), order.index(beside.seen.run_id)
    cuts = [order.index(s.first.run_id) for s in steps if s.direction == beside.direction]
    return any(start - LEAST_RUNS <= cut <= seen for cut in cuts)


def _complete(shift: LevelShift) -> LevelShift:
    """Add the nearest runs of commits on both sides, and how their machines differ."""
    runs = [point.run for point in shift.series.baseline]
    names = [run.run_id for run in runs]
    start = names.index(shift.first_after.run_id)
    end = 0 if shift.last_before is None else names.index(shift.last_before.run_id) + 1
    before = next((run for run in reversed(runs[:end]) if run.is_clean), None)
    after = next((run for run in runs[start:] if run.is_clean), None)
    machine = ""
    if shift.last_before is not None:
        environments = (
            shift.last_before.record.environment,
            shift.first_after.record.environment,
        )
        machine = numeric_class.tell_difference(*environments)
    return replace(shift, rerun_before=before, rerun_after=after, machine=machine)


def size_in_words(shift: LevelShift) -> str:
    """Say how far a level moved: ``up by 0.012 (+2.2 %, 4.1 deviations)``."""
    parts = []
    if shift.before and math.isfinite(shift.size / shift.before):
        parts.append(f"{shift.size / abs(shift.before):+.2%}")
    if shift.deviations is not None:
        parts.append(f"{shift.deviations:.1f} deviations")
    beside = f" ({', '.join(parts)})" if parts else ""
    return f"{shift.direction} by {text.number(abs(shift.size))}{beside}"
