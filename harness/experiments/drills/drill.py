"""Drills: a realistic defect, and the guard that must turn red; runs are in ``runs``.

``drills/<name>.patch`` begins with a header and goes on as a diff against the commit:

    Suite: quick
    Guard: intensity-scale-loaded       (or ``stage:<id>`` for a stage that must fail)
    Defect: The bundle's intensity_scale is replaced by 1.

A line ``Dial:`` more names the number that says how large the defect is, see ``dial``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from harness.config import config_file
from harness.config.project import Project
from harness.config.toml_table import nearest
from harness.errors import ConfigError, HarnessError, NothingSelectedError
from harness.evidence.hub import checkout
from harness.experiments.drills import dial as dials
from harness.experiments.drills import scope
from harness.experiments.drills.dial import Dial
from harness.files import list_inside, read_bounded, real_path
from harness.frozen import dataclass

FOLDER = "drills"
FIRST_CLEAN_SEED = 9001  # neither the suite's own nor one used for calibration
_KEYS = ("Suite", "Guard", "Defect")
_HEADER_LINES = 40
_LARGEST = 16 << 20
CAUGHT, QUIET = "caught", "quiet"
GOOD = (CAUGHT, QUIET)
MISSED, WRONG, STALE, BROKEN = "missed", "wrong guard", "stale", "broken"
ALARM, UNDECIDED = "false alarm", "inconclusive"
NOT_RUN = "not run"
# Little context, so that a patch survives edits near its place.
_APPLY = ("--recount", "-C1", "--whitespace=nowarn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """A defect and the guard that must catch it; without a patch, a clean run.

    ``dose`` is the part of the defect that is planted, where the patch has a ``dial``.
    """

    name: str
    suite: str
    guard: str = ""
    defect: str = ""
    patch: Path | None = None
    seed: str | None = None
    dial: Dial | None = None
    dose: float = dials.FULL

    @property
    def dosed_patch(self) -> str:
        """The patch as it is planted; empty for a clean run.

        Raises:
            ConfigError: It cannot be read.
        """
        if self.patch is None:
            return ""
        text = read_patch(self.patch)
        return text if self.dial is None else dials.write_dose(text, self.dial, self.dose)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillOutcome:
    """How a drill went: ``red`` lists guards and ``stage:<id>`` that were red.

    ``sides`` says of a red guard on which side its number lay, ``values`` has those numbers.
    ``is_cached`` says that the outcome was kept from an earlier call. ``part`` is how far the
    number of guard ``part_by`` lay as a part of its limit, the named guard before others; None
    where it has no such number. ``tests`` are the ids of tests that failed.
    """

    drill: Drill
    outcome: str
    red: tuple[str, ...]
    duration_s: float
    reason: str = ""
    is_cached: bool = False
    sides: dict[str, str] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    part: float | None = None
    part_by: str = ""
    tests: tuple[str, ...] = ()


class StalePatchError(HarnessError):
    """A patch that does not apply to the commit."""

    exit_code = 1


def read_patch(path: Path) -> str:
    """Read a patch whole.

    Raises:
        ConfigError: No regular file, too large, or no text.
    """
    try:
        return read_bounded(path, _LARGEST).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(path, str(error), "a patch as UTF-8 text") from error


def read_drill(path: Path) -> Drill:
    """Read the header of a drill.

    Raises:
        ConfigError: A header line is missing, or there is no diff after it.
    """
    patch = read_patch(path)
    lines = patch.splitlines()
    head: dict[str, str] = {}
    for line in lines[:_HEADER_LINES]:
        if line.startswith(("diff --git", "--- ")):
            break
        key, colon, text = line.partition(":")
        if colon and key in (*_KEYS, dials.KEY):
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
        dial=_read_dial(head, patch, path),
    )


def _read_dial(head: Mapping[str, str], patch: str, path: Path) -> Dial | None:
    text = head.get(dials.KEY)
    return None if text is None else dials.read_dial(text, patch, f"{FOLDER}/{path.name}")


def select(project: Project, suite: str | None, names: Sequence[str]) -> tuple[Drill, ...]:
    """Return the drills of a project, in the order of their names.

    Args:
        project: The project.
        suite: Drills of this suite only; a drill's name may stand here too.
        names: Drills of these names only.

    Raises:
        ConfigError: There is no such suite; or a drill cannot be read, or names a suite or
            guard that is not declared.
        NothingSelectedError: No drill, or none of a given name.
    """
    drills = [read_drill(path) for path in list_inside(project.root, FOLDER, "*.patch")]
    if suite is not None and suite not in project.suites:
        if suite not in {drill.name for drill in drills}:
            config_file.find_suite(project, suite)  # refuses it
        names, suite = (suite, *names), None
    known = {drill.name: drill for drill in drills if suite in (None, drill.suite)}
    of_suite = f" of suite {suite}" if suite else ""
    if not known:
        raise NothingSelectedError(
            FOLDER,
            found=f"no drill{of_suite}",
            expected="at least one patch",
            remedy=f"Write one into {FOLDER}/.",
        )
    for name in names:
        if name not in known:
            raise NothingSelectedError(
                f"drill {name!r}",
                found="no such drill",
                expected=f"a drill{of_suite}",
                remedy=nearest(name, known),
            )
    chosen = tuple(drill for drill in known.values() if not names or drill.name in names)
    for drill in chosen:
        _check(project, drill)
    return chosen


def clean_runs(suite: str, count: int) -> tuple[Drill, ...]:
    """Return runs without a defect, each with a fresh seed, that must raise no alarm."""
    seeds = range(FIRST_CLEAN_SEED, FIRST_CLEAN_SEED + count)
    return tuple(Drill(name=f"clean-{seed}", suite=suite, seed=str(seed)) for seed in seeds)


def idle_guards(project: Project, outcomes: Sequence[DrillOutcome]) -> tuple[str, ...]:
    """Return ``suite: guard`` of every declared guard that no defect turned red."""
    red: dict[str, set[str]] = {}
    for item in outcomes:
        if item.drill.patch is not None:
            red.setdefault(item.drill.suite, set()).update(item.red)
    return scope.undrilled_guards(project, red)


def apply(patch: Path, top: Path, *words: str) -> None:
    """Apply a drill to a work tree, or with ``--check`` only see whether it would.

    Raises:
        StalePatchError: It does not apply.
    """
    try:
        checkout.call(top, "apply", *_APPLY, *words, str(real_path(patch)))
    except checkout.GitError as error:
        raise StalePatchError(
            f"{FOLDER}/{patch.name}",
            found=f"a patch that does not apply: {error.found}"[:300],
            expected="one that fits the commit",
            remedy="Make the change again on today's code and save its diff.",
        ) from error


def _check(project: Project, drill: Drill) -> None:
    suite = config_file.find_suite(project, drill.suite)
    known = [guard.id for guard in suite.guards] + [f"stage:{s.id}" for s in suite.stages]
    known += [f"default:{a.id}" for stage in suite.stages for a in stage.artifacts]
    if drill.guard not in known:
        raise _bad(
            drill.patch or Path(drill.name),
            f"guard {drill.guard!r}",
            f"a guard of {suite.name}, stage:<id> or default:<artifact>",
        )


def _bad(path: Path, found: str, expected: str) -> ConfigError:
    return ConfigError(
        f"{FOLDER}/{path.name}", found=found[:160], expected=expected, remedy="Correct it."
    )
