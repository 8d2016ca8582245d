"""Drills: a realistic defect in a scratch worktree, and which guard turned red.

``drills/<name>.patch`` begins with a header and goes on as a diff against the commit:

    Suite: quick
    Guard: intensity-scale-loaded       (or ``stage:<id>`` for a stage that must fail)
    Defect: The bundle's intensity_scale is replaced by 1.

The user's tree is never touched: each drill is a checkout of HEAD of its own, outside of it.
Only the stages that the named guard looks at are run; the whole suite follows where it
stayed silent, to tell a defect that nobody saw from one that another guard saw. A patch that
does not apply any more is stale, which is no success. Outcomes are kept by what they depend
on, so that a second call does only what changed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import git

from harness import config_file, drill_memory, drill_scope, scratch
from harness.config import Project, SuiteSpec
from harness.drill_memory import Kept
from harness.errors import ConfigError, HarnessError, NothingSelectedError
from harness.records import HubRecord
from harness.stages.child import Stop
from harness.verdict import Verdict

FOLDER = "drills"
FIRST_CLEAN_SEED = 9001  # neither the suite's own nor one used for calibration
_KEYS = ("Suite", "Guard", "Defect")
_HEADER_LINES = 40
CAUGHT, QUIET = "caught", "quiet"
GOOD = (CAUGHT, QUIET)
_MISSED, _WRONG, _STALE, _BROKEN = "missed", "wrong guard", "stale", "broken"
_ALARM, _UNDECIDED = "false alarm", "inconclusive"
# Little context, so that a patch survives edits near its place.
_APPLY = ("--recount", "-C1", "--whitespace=nowarn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """A defect and the guard that must catch it; without a patch, a clean run."""

    name: str
    suite: str
    guard: str = ""
    defect: str = ""
    patch: Path | None = None
    seed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillOutcome:
    """How a drill went: ``red`` lists guards and ``stage:<id>`` that were red.

    ``is_recalled`` says that it was kept from an earlier call.
    """

    drill: Drill
    outcome: str
    red: tuple[str, ...]
    duration_s: float
    reason: str = ""
    is_recalled: bool = False


class StalePatchError(HarnessError):
    """A patch that does not apply to the commit."""

    exit_code = 1


def read(path: Path) -> Drill:
    """Read the header of a drill.

    Raises:
        ConfigError: A header line is missing, or there is no diff after it.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(path, str(error), "a patch as UTF-8 text") from error
    head: dict[str, str] = {}
    for line in lines[:_HEADER_LINES]:
        if line.startswith(("diff --git", "--- ")):
            break
        key, colon, text = line.partition(":")
        if colon and key in _KEYS:
            head[key] = text.strip()
    if missing := [key for key in _KEYS if not head.get(key)]:
        raise _bad(path, f"no line {missing[0]}:", "a header with Suite, Guard and Defect")
    if not any(line.startswith("@@") for line in lines):
        raise _bad(path, "no change", "a diff after the header")
    return Drill(
        name=path.stem,
        suite=head["Suite"],
        guard=head["Guard"],
        defect=head["Defect"],
        patch=path,
    )


def select(project: Project, suite: str | None, names: Sequence[str]) -> tuple[Drill, ...]:
    """Return the drills of a project, in the order of their names.

    Raises:
        ConfigError: A drill cannot be read, or names a suite or guard that is not declared.
        NothingSelectedError: No drill, or none of a given name.
    """
    paths = sorted((project.root / FOLDER).glob("*.patch"))
    found = [drill for drill in map(read, paths) if suite in (None, drill.suite)]
    for name in names:
        if name not in {drill.name for drill in found}:
            listed = ", ".join(drill.name for drill in found) or "none"
            raise NothingSelectedError(
                f"drill {name}",
                found="no such drill",
                expected=f"one of {listed}",
                remedy=f"Look into {FOLDER}/.",
            )
    chosen = tuple(drill for drill in found if not names or drill.name in names)
    if not chosen:
        raise NothingSelectedError(
            FOLDER, found="no drill", expected="at least one patch", remedy="Write one."
        )
    for drill in chosen:
        _check(project, drill)
    return chosen


def clean_runs(suite: str, count: int) -> tuple[Drill, ...]:
    """Return runs without a defect, each with a fresh seed, that must raise no alarm."""
    seeds = range(FIRST_CLEAN_SEED, FIRST_CLEAN_SEED + count)
    return tuple(Drill(name=f"clean-{seed}", suite=suite, seed=str(seed)) for seed in seeds)


def run_all(
    project: Project,
    drills: Sequence[Drill],
    jobs: int,
    stop: Stop,
    on_done: Callable[[DrillOutcome], None],
) -> tuple[DrillOutcome, ...]:
    """Run drills, some at a time, and return their outcomes in the order given."""
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        waiting = {pool.submit(run, project, drill, stop): drill for drill in drills}
        done: dict[str, DrillOutcome] = {}
        for future in as_completed(waiting):
            outcome = future.result()
            done[outcome.drill.name] = outcome
            on_done(outcome)
    return tuple(done[drill.name] for drill in drills)


def run(project: Project, drill: Drill, stop: Stop) -> DrillOutcome:
    """Run one drill in a scratch worktree of HEAD, which is gone afterwards.

    An outcome of the same commit, patch and environment is given back as it was.
    """
    began = time.monotonic()
    if stop.signal is not None:
        return _ended(drill, began, _BROKEN, "interrupted")
    suite = config_file.suite_of(project, drill.suite)
    try:
        name = _memory_key(project, drill, suite)
        known = drill_memory.recall(project, name)
        if known is None:
            with _defective(project, drill) as root:
                outcome = _judged(project, drill, suite, root, stop)
            if stop.signal is None:
                _remember(project, name, outcome)
            return outcome
    except StalePatchError as error:
        return _ended(drill, began, _STALE, str(error.found))
    except (HarnessError, git.GitError, OSError) as error:
        return _ended(drill, began, _BROKEN, " ".join(str(error).split())[:300])
    return DrillOutcome(
        drill=drill,
        outcome=known.outcome,
        red=known.red,
        duration_s=known.duration_s,
        reason=known.reason,
        is_recalled=True,
    )


def idle_guards(project: Project, outcomes: Sequence[DrillOutcome]) -> tuple[str, ...]:
    """Return ``suite: guard`` of every declared guard that no defect turned red."""
    red: dict[str, set[str]] = {}
    for item in outcomes:
        if item.drill.patch is not None:
            red.setdefault(item.drill.suite, set()).update(item.red)
    return drill_scope.undrilled(project, red)


def apply(patch: Path, top: Path, *words: str) -> None:
    """Apply a drill to a work tree, or with ``--check`` only see whether it would.

    Raises:
        StalePatchError: It does not apply.
    """
    try:
        git.Git(str(top)).apply(*_APPLY, *words, str(patch.resolve()))
    except git.GitCommandError as error:
        said = " ".join(str(error.stderr).split())
        raise StalePatchError(
            f"{FOLDER}/{patch.name}",
            found=f"a patch that does not apply: {said}"[:300],
            expected="one that fits the commit",
            remedy="Make the change again on today's code and save its diff.",
        ) from error


def _judged(
    project: Project, drill: Drill, suite: SuiteSpec, root: Path, stop: Stop
) -> DrillOutcome:
    """Run what the named guard looks at; all of the suite where it saw nothing."""
    began = time.monotonic()
    words = [] if drill.seed is None else ["--set", f"seed={drill.seed}"]
    few = () if drill.patch is None else drill_scope.stages_for(suite, drill.guard)
    if few and len(few) < len(suite.stages):
        only = [word for stage in few for word in ("--stage", stage)]
        _, record = scratch.run_suite(project, drill.suite, root, stop, (*words, *only))
        outcome = _compare(drill, suite, record, time.monotonic() - began)
        if outcome.outcome == CAUGHT or stop.signal is not None:
            return outcome
    _, record = scratch.run_suite(project, drill.suite, root, stop, words)
    return _compare(drill, suite, record, time.monotonic() - began)


def _memory_key(project: Project, drill: Drill, suite: SuiteSpec) -> str:
    listing = git.Git(str(project.root)).ls_tree("-r", "HEAD")
    planted = drill.patch.read_bytes() if drill.patch else str(drill.seed).encode()
    stood = drill_memory.committed(project, suite, listing)
    return drill_memory.key(stood, drill.name, drill.guard, planted)


def _remember(project: Project, name: str, outcome: DrillOutcome) -> None:
    kept = Kept(
        schema=drill_memory.SCHEMA,
        name=outcome.drill.name,
        outcome=outcome.outcome,
        red=outcome.red,
        duration_s=outcome.duration_s,
        reason=outcome.reason,
    )
    drill_memory.keep(project, name, kept)


def _check(project: Project, drill: Drill) -> None:
    suite = config_file.suite_of(project, drill.suite)
    known = [guard.id for guard in suite.guards] + [f"stage:{s.id}" for s in suite.stages]
    known += [f"default:{a.id}" for stage in suite.stages for a in stage.artifacts]
    if drill.guard not in known:
        raise _bad(
            drill.patch or Path(drill.name),
            f"guard {drill.guard!r}",
            f"a guard of {suite.name}, stage:<id> or default:<artifact>",
        )


@contextlib.contextmanager
def _defective(project: Project, drill: Drill) -> Iterator[Path]:
    """Check HEAD out in a scratch worktree and apply the defect there."""
    with scratch.worktree(project, "HEAD", "drill") as root:
        if drill.patch is not None:
            top = git.Repo(root, search_parent_directories=True).working_tree_dir
            apply(drill.patch, Path(str(top)))
        yield root


def _compare(
    drill: Drill, suite: SuiteSpec, record: HubRecord, duration_s: float
) -> DrillOutcome:
    stages = [f"stage:{s.id}" for s in record.stages if s.verdict is Verdict.RED]
    guards = [g.id for g in record.guards if g.verdict is Verdict.RED]
    red = (*stages, *guards)
    is_red = record.verdict is Verdict.RED
    # A guard of severity warn promises a warning, not a red run.
    warns = {spec.id for spec in suite.guards if spec.severity == "warn"}
    if drill.patch is None:
        quiet = QUIET if record.verdict is Verdict.GREEN else _UNDECIDED
        outcome = _ALARM if is_red else quiet
    elif drill.guard in red and (is_red or drill.guard in warns):
        outcome = CAUGHT
    else:
        outcome = _WRONG if is_red else _MISSED
    return DrillOutcome(
        drill=drill, outcome=outcome, red=red, duration_s=duration_s, reason=record.reason
    )


def _ended(drill: Drill, began: float, outcome: str, reason: str) -> DrillOutcome:
    spent = time.monotonic() - began
    return DrillOutcome(drill=drill, outcome=outcome, red=(), duration_s=spent, reason=reason)


def _bad(path: Path, found: str, expected: str) -> ConfigError:
    return ConfigError(
        f"{FOLDER}/{path.name}", found=found[:160], expected=expected, remedy="Correct it."
    )
