"""A matrix in, one sealed hub per cell out, in a store beside the suites.

The store is ``hubs/matrix/<suite>@<name>/`` with a ledger of its own, so that no cell becomes
the latest run of the suite. Each call that adds hubs leaves one entry in the project's ledger
that names size and root of the matrix's: what is proved there is proved here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.config import config_file, matrix
from harness.config.project import MatrixSpec, Project
from harness.config.toml_table import nearest
from harness.errors import ConfigError, HarnessError, IntegrityError
from harness.evidence.hub import layout
from harness.experiments.campaign import run as campaigns
from harness.experiments.campaign import store as stores
from harness.experiments.campaign.run import Campaign, Cell, CellResult, OnDone
from harness.experiments.execute.unit import Executor
from harness.frozen import dataclass
from harness.runner import workflow
from harness.runner.stages.child import Stop
from harness.verdict import Verdict, combine

KIND = "matrix"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixStatus:
    """Where a matrix stands: how many cells it has, and the verdicts of those that are done.

    ``problem`` says why that cannot be told, ``is_damaged`` that the evidence is to blame.
    """

    spec: MatrixSpec
    count: int
    verdicts: Mapping[str, int]
    problem: str = ""
    is_damaged: bool = False

    @property
    def exit_code(self) -> int:
        """Exit code that it is worth: a cell that is not done is missing evidence."""
        if self.is_damaged:
            return IntegrityError.exit_code
        words = [Verdict.RED.value, Verdict.GREEN.value]
        verdicts = [Verdict(word) for word in words if self.verdicts.get(word)]
        if self.problem or self.verdicts.get(Verdict.GREEN.value, 0) < self.count:
            verdicts.append(Verdict.INCONCLUSIVE)
        return combine(verdicts).exit_code


def find_matrix(project: Project, suite: str, name: str) -> MatrixSpec:
    """Return a matrix by its suite and name.

    Raises:
        ConfigError: There is no such suite, or no such matrix of it.
    """
    known = project.matrices.get(config_file.find_suite(project, suite).name, {})
    if name in known:
        return known[name]
    raise ConfigError(
        f"matrix {name!r}",
        found=f"no such matrix of suite {suite}",
        expected=f"a table [suites.{suite}.matrix.{name}] in {config_file.FILE}",
        remedy=nearest(name, known),
    )


def store_of(project: Project, spec: MatrixSpec) -> Project:
    """Return the project with the store that the cells of a matrix go to."""
    name = layout.matrix_name(spec.suite, spec.name)
    return replace(
        project,
        hubs=project.hubs / layout.MATRICES / name,
        work=project.work / layout.MATRICES / name,
        caches=project.shared_folder,
    )


def cells(
    project: Project,
    spec: MatrixSpec,
    parameters: Mapping[str, str],
    files: Mapping[str, Path],
) -> tuple[Cell, ...]:
    """Return the cells of a matrix; what is given holds for all of them.

    Raises:
        ConfigError: A parameter that the suite has not, or one that is an axis.
    """
    suite = config_file.find_suite(project, spec.suite)
    for name in parameters:
        if name not in suite.parameters:
            actual, remedy = "no such parameter", nearest(name, suite.parameters)
            raise _misuse(f"--set {name}", actual, f"a parameter of {suite.name}", remedy)
    for name in (*parameters, *(f"dataset:{role}" for role in files)):
        if name in spec.axes:
            remedy = "Leave it out, or change the axis."
            raise _misuse(name, f"an axis of matrix {spec.name}", "what is no axis", remedy)
    made = []
    for combination in matrix.combinations(spec):
        own, paths = matrix.split_combination(combination)
        made.append(
            Cell(
                name=" ".join(f"{axis}={value}" for axis, value in combination.items()),
                values=combination,
                parameters={**parameters, **own},
                datasets={**files, **{r: project.root / path for r, path in paths.items()}},
            )
        )
    return tuple(made)


def run_matrix(
    project: Project,
    spec: MatrixSpec,
    wanted: Sequence[Cell],
    executor: Executor,
    stop: Stop,
    on_done: OnDone,
) -> tuple[CellResult, ...]:
    """Carry out the cells that are not done; see ``campaign.run``."""
    campaign = _campaign(project, spec)
    results = campaigns.run_campaign(campaign, wanted, executor, stop, on_done)
    _note(project, campaign.store, spec)
    return results


def matrix_status(project: Project, spec: MatrixSpec) -> MatrixStatus:
    """Say how much of a matrix is done as the work tree is now."""
    campaign = _campaign(project, spec)
    verdicts: dict[str, int] = {}
    count, problem, is_damaged = len(matrix.combinations(spec)), "", False
    try:
        known = stores.finished_units(campaign.store)
        planned = (
            campaigns.plan(campaign, cells(project, spec, {}, {}), may_start=False)
            if known
            else ()
        )
        for item in planned:
            if item.key in known:
                verdict = known[item.key].verdict
                verdicts[verdict] = verdicts.get(verdict, 0) + 1
    except HarnessError as error:
        problem = f"{error.where}: {error.found}"
        is_damaged = isinstance(error, IntegrityError)
    return MatrixStatus(
        spec=spec, count=count, verdicts=verdicts, problem=problem, is_damaged=is_damaged
    )


def _campaign(project: Project, spec: MatrixSpec) -> Campaign:
    return Campaign(project=project, store=store_of(project, spec), suite=spec.suite)


def _note(project: Project, store: Project, spec: MatrixSpec) -> None:
    """Tell the project's ledger how far the matrix's has come."""
    health = workflow.ledger_of(store).check()
    body = {"size": health.size, "root": health.root}
    ledger, name = workflow.ledger_of(project), layout.matrix_name(spec.suite, spec.name)
    bodies = [e.body for e in ledger.walk() if (e.kind, e.subject) == (KIND, name)]
    if health.size and (not bodies or bodies[-1] != body):
        ledger.append(KIND, name, body)


def _misuse(where: str, found: str, expected: str, remedy: str) -> ConfigError:
    return ConfigError(where, found=found, expected=expected, remedy=remedy)
