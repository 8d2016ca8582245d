"""The road of ``harness golden fingerprint``: perturbed runs → an ensemble and a ledger entry.

The runs lie in the store of calibrations; one whose code, data and environment are still those
of now is not made again, so that an interrupted ensemble goes on where it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.config import config_file
from harness.config.project import GuardSpec, Project, SuiteSpec
from harness.errors import ConfigError, EvidenceMissingError
from harness.evidence.hub import inventory, layout
from harness.evidence.hub.evidence import HubEvidence
from harness.evidence.ledger.log import Ledger
from harness.experiments.calibration import goldens
from harness.experiments.calibration.runs import (
    require_decision,
    require_own,
    seeded_stages,
    store_of,
)
from harness.experiments.campaign import run as campaigns
from harness.experiments.campaign.run import Campaign, Cell, OnDone
from harness.experiments.execute.unit import Executor
from harness.files import sha256_file
from harness.frozen import dataclass
from harness.judgement.golden import ensemble, fingerprint, store
from harness.judgement.golden.calibrate import CalibrationRefusedError
from harness.judgement.golden.fingerprint import Fingerprint, StoredFingerprint
from harness.judgement.guards import fingerprint as kind
from harness.judgement.guards import numbers, options
from harness.judgement.guards.fingerprint import FingerprintOptions
from harness.judgement.guards.numbers import Numbers
from harness.records import HubRecord
from harness.runner.stages.child import Stop
from harness.verdict import AnswerClass

KIND = "fingerprint"
MEMBERS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """A fingerprint that was made, its array, and the hubs that it rests on."""

    about: Fingerprint
    content: bytes
    hubs: tuple[str, ...]


def find_guard(suite: SuiteSpec) -> GuardSpec:
    """Return the guard that a suite's fingerprint stands for.

    Raises:
        ConfigError: The suite has none, or perturbs by a parameter that it does not have.
    """
    spec = next((one for one in suite.guards if one.kind == KIND), None)
    if spec is None:
        raise ConfigError(
            f"suites.{suite.name}",
            found="no fingerprint",
            expected="[suites.NAME.fingerprint] with numbers and parameter",
            remedy="Declare it in harness.toml.",
        )
    name = options.read(FingerprintOptions, spec).parameter
    if name not in suite.parameters or not seeded_stages(suite, name):
        raise ConfigError(
            f"suites.{suite.name}.fingerprint.parameter",
            found=f"{name!r}, which no stage uses",
            expected="a parameter of the suite that a stage uses",
            remedy="Declare it with the value 0, and hand it to the program.",
        )
    return spec


def run_ensemble(
    project: Project,
    suite: SuiteSpec,
    members: int,
    files: Mapping[str, Path],
    executor: Executor,
    stop: Stop,
    on_done: OnDone,
) -> tuple[str, ...]:
    """Run a suite unperturbed, perturbed by each number, and unperturbed again.

    Returns:
        The hubs in this order, relative to the project.

    Raises:
        ConfigError: The suite has no fingerprint, or another suite's goldens.
        EvidenceMissingError: The runs were interrupted, or one left no hub.
    """
    require_own(suite)
    cells = list_cells(suite, members, files)
    campaign = Campaign(
        project=project,
        store=store_of(project),
        suite=suite.name,
        ignored=("golden",),
        is_rendered=False,
    )
    results = campaigns.run_campaign(campaign, cells, executor, stop, on_done)
    hubs = []
    for result in results:
        if result.hub is None:
            raise _interrupt(suite, f"{result.cell.name}: {result.reason}")
        hubs.append(result.hub.relative_to(project.root).as_posix())
    if len(hubs) < len(cells):
        raise _interrupt(suite, f"{len(hubs)} of {len(cells)} runs")
    return tuple(hubs)


def list_cells(suite: SuiteSpec, members: int, files: Mapping[str, Path]) -> list[Cell]:
    """Return the runs of an ensemble, the repeat of the unperturbed one last."""
    name = options.read(FingerprintOptions, find_guard(suite)).parameter
    cells = []
    for index in range(members + 2):
        value = str(index % (members + 1))
        is_repeat = index > members
        cells.append(
            Cell(
                name=f"{name} {value}{' again' if is_repeat else ''}",
                values={name: value},
                parameters={name: value},
                datasets=files,
                only=seeded_stages(suite, name),
                salt="again" if is_repeat else "",
            )
        )
    return cells


def propose(project: Project, suite: SuiteSpec, hubs: Sequence[str], reason: str) -> Ensemble:
    """Make a fingerprint of the runs, without writing anything.

    Args:
        project: The project.
        suite: Its suite.
        hubs: From `run_ensemble`.
        reason: Why.

    Raises:
        EvidenceMissingError: Too few runs, or a number that a run does not have.
        IntegrityError: A hub that is damaged.
        CalibrationRefusedError: Runs that are red, are not alike, or do not repeat.
    """
    wanted = options.read(FingerprintOptions, find_guard(suite))
    if len(hubs) < ensemble.LEAST_MEMBERS + 2:
        raise EvidenceMissingError(
            f"fingerprint of {suite.name}",
            found=f"{len(hubs) - 2} perturbed runs",
            expected=f"at least {ensemble.LEAST_MEMBERS}",
            remedy="Ask for more with --members.",
        )
    stages = seeded_stages(suite, wanted.parameter)
    records = [goldens.prove_hub(project, suite, hub, stages) for hub in hubs]
    goldens.require_alike(records, wanted.parameter)
    runs = [_take(project, hub, wanted) for hub in hubs]
    _require_same_names(runs, hubs)
    reference = runs[0].values
    rows = [
        tuple(value - was for value, was in zip(run.values, reference, strict=True))
        for run in runs[:-1]
    ]
    distances = ensemble.list_distances(reference, rows)
    limits = ensemble.find_limits(distances, wanted.rate)
    spread = ensemble.measure_spread(reference, rows)
    content = fingerprint.encode_array([reference, spread.centre, spread.spread])
    about = _describe(project, records[0], runs[0], wanted, reason, content)
    about = replace(about, members=len(rows) - 1, distances=distances, limits=limits)
    about = replace(about, repeat=_compare_repeat(runs[0], runs[-1], spread, limits))
    before = store.load(project.golden / suite.name).fingerprints
    old = next((one for one in before if one.about.file_name == about.file_name), None)
    if old is not None:
        share = _tell_share(old, runs[0])
        about = replace(about, previous_sha256=old.about.digest, previous_answer=share)
    return Ensemble(about=about, content=content, hubs=tuple(hubs))


def save(project: Project, suite: SuiteSpec, made: Ensemble) -> tuple[Path, ...]:
    """Write a fingerprint, log old and new, and return its files.

    Raises:
        StorageError: The disk refused.
    """
    folder = project.golden / suite.name
    before = store.load(folder).digest
    paths = fingerprint.save(folder, made.about, made.content)
    body = {
        "answer": made.about.previous_answer,
        "evidence": {
            Path(hub).name: sha256_file(project.root / hub / inventory.MANIFEST)
            for hub in made.hubs
        },
        "fingerprint_sha256": made.about.digest,
        "golden_sha256": store.load(folder).digest,
        "previous_fingerprint_sha256": made.about.previous_sha256,
        "previous_sha256": before,
        "reason": made.about.reason,
    }
    project.hubs.mkdir(parents=True, exist_ok=True)
    Ledger(project.hubs / layout.LEDGER).append(store.LOGGED, suite.name, body)
    return paths


def require_person(
    project: Project, suite_name: str, reason: str, environ: Mapping[str, str]
) -> SuiteSpec:
    """Require a reason and a person who gives it, before anything is run.

    Raises:
        ConfigError: ``CI`` is set, no reason is given, or the suite has no fingerprint.
    """
    suite = config_file.find_suite(project, suite_name)
    require_decision(suite, "golden fingerprint", "Do it", reason, environ)
    find_guard(suite)
    return suite


def _take(project: Project, hub: str, wanted: FingerprintOptions) -> Numbers:
    run = numbers.take(HubEvidence(project.root / hub, project=project.root), wanted.numbers)
    if not all(map(math.isfinite, run.values)):
        raise _refuse(hub, "a number that is not finite", "finite numbers")
    return run


def _require_same_names(runs: Sequence[Numbers], hubs: Sequence[str]) -> None:
    for run, hub in zip(runs, hubs, strict=True):
        if run.names != runs[0].names:
            raise _refuse(hub, f"{len(run.names)} numbers", "the numbers of the first run")


def _describe(
    project: Project,
    record: HubRecord,
    run: Numbers,
    wanted: FingerprintOptions,
    reason: str,
    content: bytes,
) -> Fingerprint:
    shared = goldens.tell_provenance(project, record, reason.strip())
    return Fingerprint(
        counts=dict(run.counts),
        names_sha256=run.names_sha256,
        members=0,
        rate=wanted.rate,
        limits=(),
        distances=(),
        array_sha256=fingerprint.digest_array(content),
        parameter=wanted.parameter,
        parameters=record.parameters,
        environment=shared.environment,
        datasets=shared.datasets,
        reason=shared.reason,
        author=shared.author,
        date=shared.date,
        commit=shared.commit,
        repeat="",
    )


def _compare_repeat(
    first: Numbers, repeat: Numbers, spread: ensemble.Spread, limits: tuple[float, ...]
) -> str:
    """Class the repeat of the unperturbed run.

    Raises:
        CalibrationRefusedError: It is farther away than rounding.
    """
    if repeat.values == first.values:
        return AnswerClass.IDENTICAL
    distance = ensemble.find_distance(repeat.values, spread)
    if distance.measure(limits)[0] > 1:
        place = distance.place
        what = f"{first.names[place]} {first.values[place]!r}, then {repeat.values[place]!r}"
        raise _refuse("the unperturbed run twice", what, "the same within rounding")
    return AnswerClass.ROUNDING


def _tell_share(old: StoredFingerprint, run: Numbers) -> str:
    """Say how a run's numbers stand to an older fingerprint."""
    if run.names_sha256 != old.about.names_sha256:
        return f"{AnswerClass.CHANGED}, other numbers"
    reference, spread = kind.read_ensemble(old)
    if run.values == reference:
        return AnswerClass.IDENTICAL
    part, _ = ensemble.find_distance(run.values, spread).measure(old.about.limits)
    answer = AnswerClass.ROUNDING if part <= 1 else AnswerClass.CHANGED
    return f"{answer}, {part:.3g} of the limit"


def _interrupt(suite: SuiteSpec, found: str) -> EvidenceMissingError:
    return EvidenceMissingError(
        f"ensemble of {suite.name}",
        found=found,
        expected="every run to its end",
        remedy="Mend that, then call it again; it goes on where it stopped.",
    )


def _refuse(where: str, found: str, expected: str) -> CalibrationRefusedError:
    remedy = "Look at that run; without its folder, it is made anew."
    return CalibrationRefusedError(where, found=found, expected=expected, remedy=remedy)
