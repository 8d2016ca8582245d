"""Seeds → runs of a suite in a store of their own, and the list of them.

The store lies below the work folder and has its own ledger, so that none of its hubs becomes
the latest run of the suite. A run whose code, data and environment are still those of now is
not made again: an interrupted calibration goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import config_file, freshness, suite_rules, workflow
from harness.config import Project, SuiteSpec
from harness.errors import ConfigError, EvidenceMissingError
from harness.files import json_bytes, write_bytes
from harness.golden import store
from harness.hub import layout
from harness.hub.store import HubStore
from harness.stages import datasets
from harness.workflow import RunOptions

FIRST_SEED = 1001  # far from the seed of the suite itself: a check needs fresh ones
FOLDER = "calibration"
PARAMETER = "seed"
# What a measured value does not depend on.
_HARMLESS = ("newer-run", "golden", "age")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The hubs of one calibration, by seed, relative to the project; the repeat apart."""

    hubs: tuple[tuple[str, str], ...]
    repeat: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One run of a calibration as it ended; ``index`` counts from 1."""

    index: int
    count: int
    seed: str
    hub: Path
    duration_s: float
    is_reused: bool


def store_of(project: Project) -> Project:
    """Return the project with the store that calibrations run in."""
    work = project.work / FOLDER
    return replace(project, work=work, hubs=work / "hubs")


def seeded(suite: SuiteSpec) -> tuple[str, ...]:
    """Return the stages that a seed reaches: those that name it and those that need them.

    The others give the same with every seed, so that one run of them speaks for all.
    """
    word = f"{{{PARAMETER}}}"
    found: list[str] = []
    for stage in suite_rules.ordered(suite):
        if any(word in item for item in stage.argv) or set(stage.needs) & set(found):
            found.append(stage.id)
    return tuple(found)


def run_seeds(
    project: Project,
    suite_name: str,
    seeds: Sequence[str],
    options: RunOptions,
    on_step: Callable[[Step], None],
) -> Runs:
    """Run the suite once for each seed, and the first seed again.

    The first run is a whole one; the others leave out what no seed reaches.

    The list of hubs is written after each run, and runs of it that are still good are used
    again: an interrupted calibration goes on where it stopped.

    Raises:
        ConfigError: The suite has no parameter ``seed``.
        EvidenceMissingError: A run was interrupted.
    """
    suite = config_file.suite_of(project, suite_name)
    if PARAMETER not in suite.parameters:
        raise ConfigError(
            f"suites.{suite.name}.parameters",
            found="no seed",
            expected="a parameter named seed that its stages use",
            remedy="Add it to harness.toml.",
        )
    known = _known(project, suite.name)
    found = Runs(hubs=())
    for index, seed in enumerate((*seeds, seeds[0])):
        is_repeat = index == len(seeds)
        asked = replace(
            options,
            parameters={**options.parameters, PARAMETER: seed},
            only=seeded(suite) if index else (),
        )
        kept = _usable(project, suite, known.pop((seed, is_repeat), None), asked)
        hub, took = kept or _run_one(project, suite, asked, (index, len(seeds) + 1))
        pair = (seed, hub.relative_to(project.root).as_posix())
        found = replace(found, repeat=pair) if is_repeat else Runs(hubs=(*found.hubs, pair))
        _write_runs(project, suite.name, found, known)
        on_step(
            Step(
                index=index + 1,
                count=len(seeds) + 1,
                seed=seed,
                hub=hub,
                duration_s=took,
                is_reused=kept is not None,
            )
        )
    return found


def _run_one(
    project: Project, suite: SuiteSpec, options: RunOptions, place: tuple[int, int]
) -> tuple[Path, float]:
    outcome = workflow.run(store_of(project), suite.name, options)
    if outcome.signal is not None:
        raise EvidenceMissingError(
            f"calibration of {suite.name}",
            found=f"an interruption in run {place[0] + 1} of {place[1]}",
            expected="every run to its end",
            remedy="Call harness golden calibrate again; it goes on where it stopped.",
        )
    return outcome.hub, outcome.record.duration_s


def _usable(
    project: Project, suite: SuiteSpec, path: str | None, options: RunOptions
) -> tuple[Path, float] | None:
    """Return an earlier run and its time [s], where it is what a new one would be."""
    if path is None or not (project.root / path / layout.RECORD).is_file():
        return None
    hub, store = project.root / path, store_of(project)
    record = HubStore(store.hubs, store.work).read(hub)
    asked = replace(suite, parameters={**suite.parameters, **options.parameters})
    store = replace(store, suites={**store.suites, suite.name: asked})
    cache = freshness.cache_of(store)
    given = {
        role: datasets.given(role, file, cache.digest).record.sha256
        for role, file in options.datasets.items()
    }
    if {d.role for d in record.datasets if not d.generated} != set(given):
        return None
    moment = freshness.now(store, asked, given)
    causes = freshness.check(store, hub, record, moment, cache).causes
    if any(cause.kind not in _HARMLESS for cause in causes):
        return None
    return hub, record.duration_s


def last_runs(project: Project, suite: str) -> Runs:
    """Read which hubs the last calibration of a suite made.

    Raises:
        EvidenceMissingError: There was none, or its list cannot be read.
    """
    found = _read_runs(project, suite)
    if found is None or found.repeat is None:
        raise EvidenceMissingError(
            f"calibration of {suite}",
            found="no complete list of runs",
            expected="the runs of harness golden calibrate",
            remedy=f"Run harness golden calibrate {suite} --seeds {store.LEAST_SEEDS}.",
        )
    return found


def _list_path(project: Project, suite: str) -> Path:
    return project.work / FOLDER / f"{suite}.json"


def _write_runs(
    project: Project, suite: str, runs: Runs, waiting: Mapping[tuple[str, bool], str]
) -> None:
    """Write the runs so far, and those of an earlier call whose turn has not come."""
    path = _list_path(project, suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    later = [[seed, hub, is_repeat] for (seed, is_repeat), hub in waiting.items()]
    content = {"hubs": runs.hubs, "repeat": runs.repeat, "waiting": later}
    write_bytes(path, json_bytes(content))


def _read_runs(project: Project, suite: str) -> Runs | None:
    """Read the list of runs; None where there is none that can be read."""
    try:
        content = json.loads(_list_path(project, suite).read_bytes())
        hubs = tuple((str(seed), str(hub)) for seed, hub in content["hubs"])
        repeat = content["repeat"]
        twice = None if repeat is None else (str(repeat[0]), str(repeat[1]))
    except (OSError, ValueError, RecursionError, KeyError, TypeError, IndexError):
        return None
    return Runs(hubs=hubs, repeat=twice)


def _known(project: Project, suite: str) -> dict[tuple[str, bool], str]:
    """Return the hubs of earlier calls by seed and whether it is the repeat."""
    runs = _read_runs(project, suite)
    if runs is None:
        return {}
    known = {(seed, False): hub for seed, hub in runs.hubs}
    if runs.repeat is not None:
        known[runs.repeat[0], True] = runs.repeat[1]
    try:
        content = json.loads(_list_path(project, suite).read_bytes())
        later = {(str(seed), bool(twice)): str(hub) for seed, hub, twice in content["waiting"]}
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        later = {}
    return {**later, **known}
