"""Seeds → runs of a suite in a store of their own, and the list of them.

The store lies below the work folder and has its own ledger, so that none of its hubs becomes
the latest run of the suite. A run whose code, data and environment are still those of now is
not made again: an interrupted calibration goes on where it stopped, whoever carried it out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.config import config_file, suite_rules
from harness.config.project import Project, SuiteSpec
from harness.errors import ConfigError, EvidenceMissingError
from harness.experiments.campaign import run as campaigns
from harness.experiments.campaign.run import Campaign, Cell, CellResult, OnDone
from harness.experiments.execute.unit import Executor
from harness.files import json_bytes, read_bounded, write_bytes
from harness.frozen import dataclass
from harness.judgement.golden import store
from harness.runner.stages.child import Stop

FIRST_SEED = 1001  # far from the seed of the suite itself: a check needs fresh ones
FOLDER = "calibration"
PARAMETER = "seed"
_LARGEST = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The hubs of one calibration, by seed, relative to the project; the repeat apart."""

    hubs: tuple[tuple[str, str], ...]
    repeat: tuple[str, str] | None = None


def store_of(project: Project) -> Project:
    """Return the project with the store that calibrations run in."""
    work = project.work / FOLDER
    return replace(project, work=work, hubs=work / "hubs", caches=project.shared_folder)


def seeded_stages(suite: SuiteSpec, parameter: str = PARAMETER) -> tuple[str, ...]:
    """Return the stages that a seed reaches: those that name it, and those that need them.

    What these need is run with them. The others give the same with every seed, so that one run
    of them speaks for all. So it is with any other ``parameter``.
    """
    word = f"{{{parameter}}}"
    names: list[str] = []
    for stage in suite_rules.order_stages(suite):
        if any(word in item for item in stage.argv) or set(stage.needs) & set(names):
            names.append(stage.id)
    order = suite_rules.order_stages(suite)
    for stage in reversed(order):
        if stage.id in names:
            names += [need for need in stage.needs if need not in names]
    return tuple(stage.id for stage in order if stage.id in names)


def require_own(suite: SuiteSpec) -> None:
    """Refuse to make goldens for a suite that another one's judge.

    Raises:
        ConfigError: It says ``goldens_of``.
    """
    if suite.goldens_of:
        raise ConfigError(
            f"suites.{suite.name}.goldens_of",
            found=f"goldens of suite {suite.goldens_of}",
            expected="a suite with goldens of its own",
            remedy=f"Use harness golden with {suite.goldens_of}.",
        )


def require_decision(
    suite: SuiteSpec, where: str, doing: str, reason: str, environ: Mapping[str, str]
) -> None:
    """Require that a person changes the goldens of a suite, and says why.

    Args:
        suite: The suite.
        where: The command, ``golden update``.
        doing: Its verb, for the advice: ``Update``.
        reason: Why, as it was given.
        environ: Environment of the process.

    Raises:
        ConfigError: ``CI`` is set, no reason is given, or another suite's goldens judge it.
    """
    if environ.get("CI"):
        raise ConfigError(
            where,
            found="CI is set",
            expected="a person's decision",
            remedy=f"{doing} where you can look at it.",
        )
    if not reason.strip():
        raise ConfigError(
            where, found="no reason", expected="a sentence", remedy="Say why with --reason."
        )
    require_own(suite)


def run_seeds(
    project: Project,
    suite_name: str,
    seeds: Sequence[str],
    files: Mapping[str, Path],
    executor: Executor,
    stop: Stop,
    on_done: OnDone,
) -> Runs:
    """Run the suite once for each seed, and the first seed again.

    The first run is a whole one; the others leave out what no seed reaches. ``files`` are
    datasets by role. What is done already is not run again, see ``campaign.run``.

    Raises:
        ConfigError: The suite has no parameter ``seed``, or another suite's goldens.
        EvidenceMissingError: The runs were interrupted, or one left no hub.
    """
    suite = config_file.find_suite(project, suite_name)
    require_own(suite)
    if PARAMETER not in suite.parameters:
        raise ConfigError(
            f"suites.{suite.name}.parameters",
            found="no seed",
            expected="a parameter named seed that its stages use",
            remedy="Add it to harness.toml.",
        )
    wanted = cells(suite, seeds, files)
    campaign = Campaign(
        project=project,
        store=store_of(project),
        suite=suite.name,
        ignored=("golden",),  # a measured value does not depend on it
        is_rendered=False,
    )
    # Before the first run: what an interrupted calibration leaves must not look like a whole
    # one.
    _list_path(project, suite.name).unlink(missing_ok=True)
    results = campaigns.run_campaign(campaign, wanted, executor, stop, on_done)
    pairs = tuple(_pair(project, suite, result) for result in results)
    if len(pairs) < len(wanted):
        raise EvidenceMissingError(
            f"calibration of {suite.name}",
            found=f"an interruption after {len(pairs)} of {len(wanted)} runs",
            expected="every run to its end",
            remedy="Call harness golden calibrate again; it goes on where it stopped.",
        )
    runs = Runs(hubs=pairs[:-1], repeat=pairs[-1])
    _write_runs(project, suite.name, runs)
    return runs


def cells(suite: SuiteSpec, seeds: Sequence[str], files: Mapping[str, Path]) -> list[Cell]:
    """Return the runs of a calibration, the repeat of the first seed last."""
    made = []
    for index, seed in enumerate((*seeds, seeds[0])):
        is_repeat = index == len(seeds)
        made.append(
            Cell(
                name=f"seed {seed}{' again' if is_repeat else ''}",
                values={PARAMETER: seed},
                parameters={PARAMETER: seed},
                datasets=files,
                only=seeded_stages(suite) if index else (),
                salt="again" if is_repeat else "",
            )
        )
    return made


def _pair(project: Project, suite: SuiteSpec, result: CellResult) -> tuple[str, str]:
    if result.hub is None:
        raise EvidenceMissingError(
            f"calibration of {suite.name}, {result.cell.name}",
            found=result.reason,
            expected="a sealed run",
            remedy="Mend that, then call harness golden calibrate again.",
        )
    hub = result.hub.relative_to(project.root).as_posix()
    return result.cell.values[PARAMETER], hub


def last_runs(project: Project, suite: str) -> Runs:
    """Read which hubs the last calibration of a suite made.

    Raises:
        EvidenceMissingError: There was none, or its list cannot be read.
    """
    runs = _read_runs(project, suite)
    if runs is None or runs.repeat is None:
        raise EvidenceMissingError(
            f"calibration of {suite}",
            found="no complete list of runs",
            expected="the runs of harness golden calibrate",
            remedy=f"Run harness golden calibrate {suite} --seeds {store.LEAST_SEEDS}.",
        )
    return runs


def _list_path(project: Project, suite: str) -> Path:
    return project.work / FOLDER / f"{suite}.json"


def _write_runs(project: Project, suite: str, runs: Runs) -> None:
    path = _list_path(project, suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, json_bytes({"hubs": runs.hubs, "repeat": runs.repeat}))


def _read_runs(project: Project, suite: str) -> Runs | None:
    """Read the list of runs; None where there is none that can be read."""
    try:
        content = json.loads(read_bounded(_list_path(project, suite), _LARGEST))
        hubs = tuple((str(seed), str(hub)) for seed, hub in content["hubs"])
        seed, hub = content["repeat"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return Runs(hubs=hubs, repeat=(str(seed), str(hub)))
