"""Drills and clean runs to outcomes, each in a scratch worktree of one commit.

The user's tree is never touched, and what is committed meanwhile changes nothing: all drills
of a call stand on the commit that it began with, judged by the declaration of that commit.
Only the stages that the named guard looks at are run; the whole suite follows where it
stayed silent, to tell a defect that nobody saw from one that another guard saw. A patch that
does not apply any more is stale, which is no success. Nothing that an unchanged tree wrote
stands in for a stage: which files a program reads is not known before it ran. Outcomes are
kept by what they depend on: a second call does only what changed, or what an interruption
left undone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from harness.config import config_file
from harness.config.project import Project, SuiteSpec
from harness.errors import HarnessError
from harness.evidence.hub import causes, checkout, interpreter
from harness.experiments.commits import history, scratch
from harness.experiments.drills import judging, outcome_cache, scope
from harness.experiments.drills.dial import FULL, Dial
from harness.experiments.drills.drill import (
    ALARM,
    BROKEN,
    CAUGHT,
    NOT_RUN,
    STALE,
    Drill,
    DrillOutcome,
    StalePatchError,
    apply,
)
from harness.experiments.drills.outcome_cache import OutcomeCache
from harness.experiments.execute.unit import Answer, Executor, Unit
from harness.frozen import dataclass
from harness.judgement.declaration import load_project
from harness.records import HubRecord
from harness.runner.stages.child import Stop

TASK = f"{__name__}:perform"
_THREADS = "OMP_NUM_THREADS"
_AS_COMMITTED = "as-committed"  # a run without a defect, before any is planted


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What drills are planted in.

    Attributes:
        project: The project as the commit declares it, with the folders of the user's tree.
        commit: Where it stands.
        listing: Its files, as ``git ls-tree -r`` prints them.
        threads: What runs are told of threads, unless the environment says it.
    """

    project: Project
    commit: str
    listing: str
    threads: Mapping[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """Variables that the runs may see."""
        return {**self.threads, **os.environ}


def ground(project: Project, jobs: int = 1) -> Ground:
    """Take the commit that is checked out now as what drills are planted in.

    Args:
        project: The project as declared in the work tree.
        jobs: Runs at a time; each gets its share of the cores as threads, unless the
            environment says how many.

    Raises:
        ConfigError: There is no commit, or it declares no project.
    """
    share = str(max(1, (os.cpu_count() or 1) // jobs))
    return _scratch_at(project, history.head(project), {_THREADS: share} if jobs > 1 else {})


def _scratch_at(project: Project, commit: str, threads: Mapping[str, str]) -> Ground:
    return Ground(
        project=history.declared_at(project, commit),
        commit=commit,
        listing=os.fsdecode(checkout.call(project.root, "ls-tree", "-r", commit)),
        threads=threads,
    )


def run_all(
    place: Ground,
    drills: Sequence[Drill],
    executor: Executor,
    stop: Stop,
    on_done: Callable[[DrillOutcome], None],
) -> tuple[DrillOutcome, ...]:
    """Run the drills that are not kept, and return all outcomes in the order given."""
    outcomes = {_identity(drill): load_outcome(place, drill) for drill in drills}
    to_run = [drill for drill in drills if outcomes[_identity(drill)].outcome == NOT_RUN]
    red = _red_without_defect(place, to_run, executor, stop)
    waiting: list[Drill] = []
    for drill in drills:
        if drill in to_run and drill.patch is not None and drill.suite in red:
            outcomes[_identity(drill)] = replace(red[drill.suite], drill=drill)
        if drill in to_run and outcomes[_identity(drill)].outcome == NOT_RUN:
            waiting.append(drill)
        else:
            on_done(outcomes[_identity(drill)])
    for outcome in _perform_drills(place, waiting, executor, stop):
        outcomes[_identity(outcome.drill)] = outcome
        on_done(outcome)
    return tuple(outcomes[_identity(drill)] for drill in drills)


def _red_without_defect(
    place: Ground, drills: Sequence[Drill], executor: Executor, stop: Stop
) -> dict[str, DrillOutcome]:
    """Run each suite once in a scratch checkout as it is; where it is red, no drill counts.

    What a checkout lacks, such as a file that is not committed, would turn it red with every
    defect and without any.
    """
    suites = sorted({drill.suite for drill in drills if drill.patch is not None})
    clean = [Drill(name=_AS_COMMITTED, suite=suite) for suite in suites]
    known = [load_outcome(place, drill) for drill in clean]
    waiting = [outcome.drill for outcome in known if outcome.outcome == NOT_RUN]
    known += _perform_drills(place, waiting, executor, stop)
    red = {}
    for outcome in known:
        if outcome.outcome in (ALARM, BROKEN):
            missing = scratch.tell_missing(place.project, outcome.drill.suite)
            message = f"without a defect the suite is not green in a checkout: {outcome.reason}"
            red[outcome.drill.suite] = replace(
                outcome, outcome=BROKEN, red=(), reason=f"{message}. {missing}"
            )
    return red


def _perform_drills(
    place: Ground, drills: Sequence[Drill], executor: Executor, stop: Stop
) -> Iterator[DrillOutcome]:
    """Yield the outcomes of drills as they come."""
    waiting = {_unit(place, drill).key: drill for drill in drills}
    for answers in executor.run([_unit(place, drill) for drill in drills], stop):
        for answer in answers:
            yield _outcome_of_answer(waiting[answer.unit.key], answer)


def _unit(place: Ground, drill: Drill) -> Unit:
    payload = {
        "root": str(place.project.root),
        "commit": place.commit,
        "threads": dict(place.threads),
        "drill": {**dataclasses.asdict(drill), "patch": drill.patch and str(drill.patch)},
    }
    return Unit(
        key=_memory_key(place, drill),
        name=_identity(drill),
        task=TASK,
        payload=json.dumps(payload),
    )


def perform(payload: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """Run one drill where a worker runs, and tell of its outcome.

    Raises:
        HarnessError: The commit or its declaration cannot be read there.
    """
    project = load_project(Path(payload["root"]))
    place = _scratch_at(project, payload["commit"], payload["threads"])
    patch = payload["drill"]["patch"]
    dial = payload["drill"]["dial"]
    own = {"patch": patch and Path(patch), "dial": dial and Dial(**dial)}
    drill = Drill(**{**payload["drill"], **own})
    outcome = dataclasses.asdict(run_drill(place, drill, stop))
    return {name: value for name, value in outcome.items() if name != "drill"}


def _outcome_of_answer(drill: Drill, answer: Answer) -> DrillOutcome:
    value = answer.value
    if value is None:
        return judging.end_drill(
            drill, time.monotonic(), BROKEN, f"no worker ended it: {answer.lost}"
        )
    if "error" in value:
        error = value["error"]
        message = f"{error['where']}: found {error['found']}; expected {error['expected']}"
        return judging.end_drill(drill, time.monotonic(), BROKEN, message[:300])
    return DrillOutcome(
        drill=drill, **{**value, "red": tuple(value["red"]), "tests": tuple(value["tests"])}
    )


def run_drill(place: Ground, drill: Drill, stop: Stop) -> DrillOutcome:
    """Run one drill in a scratch worktree, which is gone afterwards.

    An outcome of the same inputs, patch and environment is given back as it was. What was
    interrupted is ``not run``, and nothing is kept of it; so is a drill whose suite lacks a
    module here.
    """
    name = _memory_key(place, drill)
    known = _load_outcome(place, drill, name)
    if known.outcome != NOT_RUN or known.reason or _is_over(stop):
        return known
    began = time.monotonic()
    suite = config_file.find_suite(place.project, drill.suite)
    try:
        with _defective(place, drill) as root:
            outcome = _judge_defect(place, drill, suite, root, stop)
        if _is_over(stop):
            return known
        _remember(place, name, outcome)
    except StalePatchError as error:
        return judging.end_drill(drill, began, STALE, str(error.found))
    except (HarnessError, OSError) as error:
        if _is_over(stop):
            return known
        return judging.end_drill(drill, began, BROKEN, " ".join(str(error).split())[:300])
    return outcome


def load_outcome(place: Ground, drill: Drill) -> DrillOutcome:
    """Return what is kept of a drill, or that it was not run."""
    return _load_outcome(place, drill, _memory_key(place, drill))


def _load_outcome(place: Ground, drill: Drill, name: str) -> DrillOutcome:
    # Where a suite cannot run, a defect is neither caught nor missed.
    suite = config_file.find_suite(place.project, drill.suite)
    absent = interpreter.absent_modules(suite, place.project.root)
    known = None if absent else outcome_cache.read(place.project, name)
    if known is None:
        return DrillOutcome(drill=drill, outcome=NOT_RUN, red=(), duration_s=0.0, reason=absent)
    return DrillOutcome(
        drill=drill,
        outcome=known.outcome,
        red=known.red,
        duration_s=known.duration_s,
        reason=known.reason,
        is_cached=True,
        sides=known.sides,
        values=known.values,
        part=known.part,
        part_by=known.part_by,
        tests=known.tests,
    )


def _is_over(stop: Stop) -> bool:
    """Whether somebody asked to stop, by now: the answer changes between two calls."""
    return stop.signal is not None


def _identity(drill: Drill) -> str:
    """Name a drill; clean runs have the same names in every suite."""
    dose = "" if drill.dose == FULL else f" × {drill.dose:.3g}"
    return f"{drill.suite}/{drill.name}{dose}"


def _judge_defect(
    place: Ground, drill: Drill, suite: SuiteSpec, root: Path, stop: Stop
) -> DrillOutcome:
    """Run what the named guard looks at; all of the suite where it saw nothing."""
    began = time.monotonic()
    words = [] if drill.seed is None else ["--set", f"seed={drill.seed}"]
    few = () if drill.patch is None else scope.stages_for(suite, drill.guard)
    if few and len(few) < len(suite.stages):
        only = [word for stage in few for word in ("--stage", stage)]
        record, tests = _run_suite(place, suite, root, stop, [*words, *only])
        outcome = judging.compare(drill, suite, record, tests, time.monotonic() - began)
        if outcome.outcome == CAUGHT or _is_over(stop):
            return outcome
    record, tests = _run_suite(place, suite, root, stop, words)
    return judging.compare(drill, suite, record, tests, time.monotonic() - began)


def _run_suite(
    place: Ground, suite: SuiteSpec, root: Path, stop: Stop, words: Sequence[str]
) -> tuple[HubRecord, tuple[str, ...]]:
    """Run a suite; return its record and the tests that failed."""
    hub, record = scratch.run_suite(
        place.project, suite.name, root, stop, words, environ=place.environ
    )
    return record, causes.list_failed_tests(record, hub)


def _memory_key(place: Ground, drill: Drill) -> str:
    suite = config_file.find_suite(place.project, drill.suite)
    planted = (drill.dosed_patch if drill.patch else str(drill.seed)).encode()
    stood = outcome_cache.digest_of_commit(place.project, suite, place.listing)
    return outcome_cache.key(stood, drill.name, drill.guard, planted)


def _remember(place: Ground, name: str, outcome: DrillOutcome) -> None:
    cache = OutcomeCache(
        schema=outcome_cache.SCHEMA,
        name=outcome.drill.name,
        outcome=outcome.outcome,
        red=outcome.red,
        duration_s=outcome.duration_s,
        reason=outcome.reason,
        sides=outcome.sides,
        values=outcome.values,
        part=outcome.part,
        part_by=outcome.part_by,
        tests=outcome.tests,
    )
    outcome_cache.keep(place.project, name, cache)


@contextlib.contextmanager
def _defective(place: Ground, drill: Drill) -> Iterator[Path]:
    """Check the commit out in a scratch worktree and apply the defect there."""
    with scratch.worktree(place.project, place.commit, "drill") as root:
        if drill.dose != FULL:
            with tempfile.TemporaryDirectory(prefix="harness-drill-") as folder:
                patch = Path(folder, f"{drill.name}.patch")
                patch.write_text(drill.dosed_patch, "utf-8", newline="")
                apply(patch, scratch.top_of(root))
        elif drill.patch is not None:
            apply(drill.patch, scratch.top_of(root))
        yield root
