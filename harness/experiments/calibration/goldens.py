"""The roads of ``harness golden``: seeds → runs → samples → goldens and a ledger entry.

``calibrate`` runs a suite with one seed after the other, and the first seed twice. ``update``
takes its numbers from the artifacts of those hubs, proved first, never from a report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.config import config_file
from harness.config.project import GuardSpec, Project, SuiteSpec
from harness.errors import EvidenceMissingError, IntegrityError
from harness.evidence.hub import checkout, inventory, layout
from harness.evidence.hub.evidence import HubEvidence
from harness.evidence.hub.store import HubStore
from harness.evidence.ledger.log import Ledger
from harness.evidence.numerics import numeric_class
from harness.experiments.calibration import curves
from harness.experiments.calibration.runs import (
    PARAMETER,
    Runs,
    last_runs,
    require_decision,
    seeded_stages,
    store_of,
)
from harness.files import sha256_file
from harness.judgement import verify
from harness.judgement.golden import band, calibrate, store
from harness.judgement.golden.calibrate import (
    CalibrationRefusedError,
    Provenance,
    Sample,
    Target,
)
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.golden.store import GoldenSet, GoldenValue
from harness.judgement.guards import metrics, resources
from harness.records import HubRecord
from harness.verdict import Verdict

KIND = store.LOGGED


def targets(suite: SuiteSpec) -> tuple[Target, ...]:
    """Return what the guards of a suite compare with goldens, each metric once."""
    by_name: dict[str, Target] = {}
    for spec in suite.guards:
        if curves.is_curve(spec):
            continue
        if spec.kind == "golden":
            name = metrics.key(spec.options)
        elif _is_relative(spec):
            name = resources.name(spec.options["stage"], spec.options["measure"])
        else:
            continue
        by_name.setdefault(name, calibrate.target(spec, name))
    return tuple(by_name.values())


def propose(project: Project, suite: SuiteSpec, runs: Runs, reason: str) -> GoldenSet:
    """Make goldens of the runs, without writing anything.

    Raises:
        EvidenceMissingError: Nothing to calibrate, a hub that is missing or too few seeds.
        IntegrityError: A hub that is damaged.
        CalibrationRefusedError: A red guard, runs of different code, data or machine, a
            repeat that disagrees, or values that cannot be used.
    """
    wanted = targets(suite)
    if not wanted and not curves.targets(suite):
        raise EvidenceMissingError(
            f"suites.{suite.name}.guards",
            found="no guard that compares with a golden",
            expected="at least one of kind golden, or resource with above or below",
            remedy="Declare one in harness.toml.",
        )
    whole = tuple(stage.id for stage in suite.stages)
    needed = [whole, *([seeded_stages(suite)] * (len(runs.hubs) - 1))]
    records = [
        prove_hub(project, suite, hub, stages)
        for (_, hub), stages in zip(runs.hubs, needed, strict=True)
    ]
    require_alike(records)
    samples = [_sample(project, suite, seed, hub) for seed, hub in runs.hubs]
    if runs.repeat is not None:
        repeat = _sample(project, suite, *runs.repeat)
        prove_hub(project, suite, runs.repeat[1], seeded_stages(suite))
        if problem := calibrate.disagreement(samples[0], repeat, wanted):
            raise _refuse(f"seed {repeat.seed} run twice", problem, "the same values twice")
    provenance = tell_provenance(project, records[0], reason)
    made = tuple(calibrate.make(target, samples, provenance) for target in wanted)
    bands = curves.propose(project, suite, runs, provenance, records[0].parameters)
    return store.load(project.golden / suite.name).replace(made, bands)


def tell_reach(suite: SuiteSpec, golden: GoldenSet) -> tuple[str, ...]:
    """Say which goldens have an open side that their guard asks for, and which are too wide.

    Args:
        suite: The suite that they judge.
        golden: Its goldens.
    """
    lines = []
    for wanted in targets(suite):
        for value in golden.values:
            if value.metric != wanted.metric or not wanted.repeatable:
                continue
            if value.sides != wanted.sides:
                side = "high" if value.sides == "low" else "low"
                lines.append(
                    f"{value.metric}: the {side} side is open, no value could leave it"
                )
            if calibrate.is_wide(wanted, value):
                width = band.find_width(value, wanted.ends)
                lines.append(
                    f"{value.metric}: wide by a factor {width:.3g} (over {band.WIDEST:g}) and "
                    "blind to less; say why with wide_because, or judge over several runs"
                )
    return tuple(lines)


def tell_outliers(project: Project, suite: SuiteSpec, runs: Runs) -> tuple[str, ...]:
    """Say which seeds lie far from the others: the stated rates are those of normal values.

    Args:
        project: The project.
        suite: The suite that was calibrated.
        runs: Its runs.
    """
    samples = [_sample(project, suite, seed, hub) for seed, hub in runs.hubs]
    lines = []
    for wanted in targets(suite):
        scaled = [store.scale(one.values[wanted.metric], wanted.scale) for one in samples]
        outlier = calibrate.find_outlier(scaled) if wanted.repeatable else None
        if outlier is not None:
            sample, distance = samples[outlier[0]], outlier[1]
            value = sample.values[wanted.metric]
            lines.append(
                f"{wanted.metric}: {value:.4g} of seed {sample.seed} lies {distance:.2g} "
                "deviations off; where seeds stray now and then, more clean runs are red than "
                "is said"
            )
    return tuple(lines)


def update(
    project: Project, suite_name: str, reason: str, environ: Mapping[str, str]
) -> GoldenSet:
    """Make the runs of the last calibration the goldens of the suite; log it.

    Raises:
        ConfigError: ``CI`` is set, no reason is given, or another suite's goldens judge it.
        EvidenceMissingError: As ``propose``.
        IntegrityError: As ``propose``.
        CalibrationRefusedError: As ``propose``.
    """
    suite = config_file.find_suite(project, suite_name)
    require_decision(suite, "golden update", "Update", reason, environ)
    folder = project.golden / suite.name
    before = store.load(folder).digest
    runs = last_runs(project, suite.name)
    golden = propose(project, suite, runs, reason.strip())
    store.save(folder, golden)
    body = {
        "evidence": {
            Path(hub).name: sha256_file(project.root / hub / inventory.MANIFEST)
            for _, hub in runs.hubs
        },
        "golden_sha256": golden.digest,
        "previous_sha256": before,
        "reason": reason.strip(),
        "values": len(golden.references),
    }
    project.hubs.mkdir(parents=True, exist_ok=True)
    Ledger(project.hubs / layout.LEDGER).append(KIND, suite.name, body)
    return golden


def find(golden: GoldenSet, metric: str) -> tuple[GoldenValue | GoldenCurve, ...]:
    """Return the values or curves of a metric, one per environment and datasets.

    Raises:
        EvidenceMissingError: There is none.
    """
    values = tuple(value for value in golden.references if value.metric == metric)
    if not values:
        known = ", ".join(sorted({value.metric for value in golden.references})) or "none"
        raise EvidenceMissingError(
            f"golden of {metric}",
            found="no such golden",
            expected=f"one of {known}",
            remedy="List them with harness golden show.",
        )
    return values


def _sample(project: Project, suite: SuiteSpec, seed: str, hub: str) -> Sample:
    evidence = HubEvidence(project.root / hub, project=project.root)
    values: dict[str, float] = {}
    for spec in suite.guards:
        if curves.is_curve(spec):
            continue
        if spec.kind == "golden":
            values[metrics.key(spec.options)] = metrics.take(evidence, spec.options)
        elif _is_relative(spec):
            stage, measure = spec.options["stage"], spec.options["measure"]
            values[resources.name(stage, measure)] = resources.measure(evidence, stage, measure)
    return Sample(seed=seed, hub=hub, values=values)


def prove_hub(project: Project, suite: SuiteSpec, hub: str, stages: Sequence[str]) -> HubRecord:
    """Verify a hub of a calibration; its stages passed and no guard but a reference's is red.

    Raises:
        IntegrityError: It is damaged.
        CalibrationRefusedError: A stage or a guard is red.
    """
    own = store_of(project)
    report = verify.verify(own, project.root / hub, allow_stale=True)
    if report.exit_code == IntegrityError.exit_code:
        raise IntegrityError(
            hub,
            found="evidence that does not verify",
            expected="the hub as it was sealed",
            remedy=f"See harness verify --hub {hub}.",
        )
    record = HubStore(own.hubs, own.work).read(project.root / hub)
    passed = {stage.id for stage in record.stages if stage.verdict is Verdict.GREEN}
    failed = [id_ for id_ in stages if id_ not in passed]
    # An old golden may be red in the very runs that replace it.
    kinds = ("golden", "fingerprint")
    golden = {spec.id for spec in suite.guards if spec.kind in kinds or _is_relative(spec)}
    red = [
        result.id
        for result in record.guards
        if result.verdict is Verdict.RED
        and result.severity == "fail"
        and result.id not in golden
    ]
    if failed or red:
        raise _refuse(hub, f"not green: {', '.join([*failed, *red][:4])}", "green runs")
    return record


def require_alike(records: Sequence[HubRecord], parameter: str = PARAMETER) -> None:
    """Refuse runs that differ in more than one parameter.

    Raises:
        CalibrationRefusedError: In what a run differs, the class of its machine first.
    """

    def facts(record: HubRecord) -> dict[str, object]:
        others = {k: v for k, v in record.parameters.items() if k != parameter}
        return {
            "inputs": record.inputs_sha256,
            "datasets": {d.role: d.sha256 for d in record.datasets},
            "environment": record.environment,
            "parameters": others,
        }

    first = facts(records[0])
    for record in records[1:]:
        between = (records[0].environment, record.environment)
        if difference := numeric_class.tell_difference(*between):
            actual = f"another numeric class than {records[0].run_id}: {difference}"
            raise _refuse(record.run_id, actual, "runs of one class of machines")
        for name, value in facts(record).items():
            if value != first[name]:
                actual = f"{name} that differ from those of {records[0].run_id}"
                raise _refuse(record.run_id, actual, f"the same {name} in every run")


def tell_provenance(project: Project, record: HubRecord, reason: str) -> Provenance:
    """Say what the runs of a calibration share, and who made what of them, when and why."""
    named = checkout.ask(project.root, "config", "--get", "user.name") or b""
    author = named.decode(errors="replace").strip() or "unknown"
    return Provenance(
        environment=record.environment,
        datasets={dataset.role: dataset.sha256 for dataset in record.datasets},
        reason=reason,
        author=author,
        date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        commit=record.stamp.commit + ("+dirty" if record.stamp.dirty else ""),
    )


def _is_relative(spec: GuardSpec) -> bool:
    return spec.kind == "resource" and ("above" in spec.options or "below" in spec.options)


def _refuse(where: str, found: str, expected: str) -> CalibrationRefusedError:
    remedy = "Look at that run; without its folder, calibrating again makes it anew."
    return CalibrationRefusedError(where, found=found, expected=expected, remedy=remedy)
