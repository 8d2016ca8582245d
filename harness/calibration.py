"""The roads of ``harness golden``: seeds → runs → samples → goldens and a ledger entry.

``calibrate`` runs a suite with one seed after the other, and the first seed twice; which
hubs these are is kept in the work folder, so that ``update`` can be called later. ``update``
takes its numbers from the artifacts of those hubs, proved first, never from a report.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from harness import config_file, verify, workflow
from harness.config import GuardSpec, Project, SuiteSpec
from harness.errors import ConfigError, EvidenceMissingError, IntegrityError
from harness.files import json_bytes, write_bytes
from harness.golden import calibrate, store
from harness.golden.calibrate import CalibrationRefusedError, Provenance, Sample, Target
from harness.golden.store import GoldenSet, GoldenValue
from harness.guards import metrics, resources
from harness.hub.evidence import HubEvidence
from harness.hub.store import HubStore
from harness.ledger.log import Ledger
from harness.records import HubRecord
from harness.verdict import Verdict
from harness.workflow import RunOptions

FIRST_SEED = 1001  # far from the seed of the suite itself: a check needs fresh ones
KIND = "golden-update"
_PARAMETER = "seed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The hubs of one calibration, by seed, relative to the project; the repeat apart."""

    hubs: tuple[tuple[str, str], ...]
    repeat: tuple[str, str] | None = None


def run_seeds(
    project: Project,
    suite_name: str,
    seeds: Sequence[str],
    options: RunOptions,
    on_hub: Callable[[str, Path], None],
) -> Runs:
    """Run the suite once for each seed, and the first seed again.

    The list of hubs is written after each run.

    Raises:
        ConfigError: The suite has no parameter ``seed``.
        EvidenceMissingError: A run was interrupted.
    """
    suite = config_file.suite_of(project, suite_name)
    if _PARAMETER not in suite.parameters:
        raise ConfigError(
            f"suites.{suite.name}.parameters",
            found="no seed",
            expected="a parameter named seed that its stages use",
            remedy="Add it to harness.toml.",
        )
    found = Runs(hubs=())
    for index, seed in enumerate((*seeds, seeds[0])):
        parameters = {**options.parameters, _PARAMETER: seed}
        outcome = workflow.run(project, suite.name, replace(options, parameters=parameters))
        if outcome.signal is not None:
            raise EvidenceMissingError(
                f"calibration of {suite.name}",
                found=f"an interruption in run {index + 1} of {len(seeds) + 1}",
                expected="every run to its end",
                remedy="Call harness golden calibrate again.",
            )
        pair = (seed, outcome.hub.relative_to(project.root).as_posix())
        is_repeat = index == len(seeds)
        found = replace(found, repeat=pair) if is_repeat else Runs(hubs=(*found.hubs, pair))
        _write_runs(project, suite.name, found)
        on_hub(seed, outcome.hub)
    return found


def last_runs(project: Project, suite: str) -> Runs:
    """Read which hubs the last calibration of a suite made.

    Raises:
        EvidenceMissingError: There was none, or its list cannot be read.
    """
    path = _list_path(project, suite)
    try:
        content = json.loads(path.read_bytes())
        hubs = tuple((str(seed), str(hub)) for seed, hub in content["hubs"])
        repeat = (str(content["repeat"][0]), str(content["repeat"][1]))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise EvidenceMissingError(
            f"calibration of {suite}",
            found="no complete list of runs",
            expected="the runs of harness golden calibrate",
            remedy=f"Run harness golden calibrate {suite} --seeds {store.LEAST_SEEDS}.",
        ) from error
    return Runs(hubs=hubs, repeat=repeat)


def targets(suite: SuiteSpec) -> tuple[Target, ...]:
    """Return what the guards of a suite compare with goldens, each metric once."""
    found: dict[str, Target] = {}
    for spec in suite.guards:
        if spec.kind == "golden":
            name = metrics.key(spec.options)
        elif _is_relative(spec):
            name = resources.name(spec.options["stage"], spec.options["measure"])
        else:
            continue
        found.setdefault(name, calibrate.target(spec, name))
    return tuple(found.values())


def propose(project: Project, suite: SuiteSpec, runs: Runs, reason: str) -> GoldenSet:
    """Make goldens of the runs, without writing anything.

    Raises:
        EvidenceMissingError: Nothing to calibrate, a hub that is missing or too few seeds.
        IntegrityError: A hub that is damaged.
        CalibrationRefusedError: A red guard, runs of different code, data or machine, a
            repeat that disagrees, or values that cannot be used.
    """
    wanted = targets(suite)
    if not wanted:
        raise EvidenceMissingError(
            f"suites.{suite.name}.guards",
            found="no guard that compares with a golden",
            expected="at least one of kind golden, or resource with above or below",
            remedy="Declare one in harness.toml.",
        )
    records = [_proved(project, suite, hub) for _, hub in runs.hubs]
    _require_alike(records)
    samples = [_sample(project, suite, seed, hub) for seed, hub in runs.hubs]
    if runs.repeat is not None:
        repeat = _sample(project, suite, *runs.repeat)
        _proved(project, suite, runs.repeat[1])
        if trouble := calibrate.disagreement(samples[0], repeat, wanted):
            raise _refuse(f"seed {repeat.seed} run twice", trouble, "the same values twice")
    provenance = _provenance(project, records[0], reason)
    made = tuple(calibrate.make(target, samples, provenance) for target in wanted)
    return store.load(project.golden / suite.name).replace(made)


def update(
    project: Project, suite_name: str, reason: str, environ: Mapping[str, str]
) -> GoldenSet:
    """Make the runs of the last calibration the goldens of the suite; log it.

    Raises:
        ConfigError: ``CI`` is set, or no reason is given.
        EvidenceMissingError: As ``propose``.
        IntegrityError: As ``propose``.
        CalibrationRefusedError: As ``propose``.
    """
    suite = config_file.suite_of(project, suite_name)
    if environ.get("CI"):
        raise _misuse("CI is set", "a person's decision", "Update where you can look at it.")
    if not reason.strip():
        raise _misuse("no reason", "a sentence", "Say why with --reason.")
    folder = project.golden / suite.name
    before = store.load(folder).digest
    golden = propose(project, suite, last_runs(project, suite.name), reason.strip())
    store.save(folder, golden)
    body = {
        "golden_sha256": golden.digest,
        "previous_sha256": before,
        "reason": reason.strip(),
        "values": len(golden.values),
    }
    Ledger(project.hubs / "ledger.jsonl").append(KIND, suite.name, body)
    return golden


def find(golden: GoldenSet, metric: str) -> tuple[GoldenValue, ...]:
    """Return the values of a metric, one per environment and datasets.

    Raises:
        EvidenceMissingError: There is none.
    """
    found = tuple(value for value in golden.values if value.metric == metric)
    if not found:
        known = ", ".join(sorted({value.metric for value in golden.values})) or "none"
        raise EvidenceMissingError(
            f"golden of {metric}",
            found="no such golden",
            expected=f"one of {known}",
            remedy="List them with harness golden show.",
        )
    return found


def _sample(project: Project, suite: SuiteSpec, seed: str, hub: str) -> Sample:
    evidence = HubEvidence(project.root / hub, project=project.root)
    values: dict[str, float] = {}
    for spec in suite.guards:
        if spec.kind == "golden":
            values[metrics.key(spec.options)] = metrics.take(evidence, spec.options)
        elif _is_relative(spec):
            stage, measure = spec.options["stage"], spec.options["measure"]
            values[resources.name(stage, measure)] = resources.measure(evidence, stage, measure)
    return Sample(seed=seed, hub=hub, values=values)


def _proved(project: Project, suite: SuiteSpec, hub: str) -> HubRecord:
    report = verify.verify(project, project.root / hub, allow_stale=True)
    if report.exit_code == IntegrityError.exit_code:
        raise IntegrityError(
            hub,
            found="evidence that does not verify",
            expected="the hub as it was sealed",
            remedy=f"See harness verify --hub {hub}.",
        )
    record = HubStore(project.hubs, project.work).read(project.root / hub)
    failed = [stage.id for stage in record.stages if stage.verdict is not Verdict.GREEN]
    # An old golden may be red in the very runs that replace it.
    golden = {spec.id for spec in suite.guards if spec.kind == "golden" or _is_relative(spec)}
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


def _require_alike(records: Sequence[HubRecord]) -> None:
    def facts(record: HubRecord) -> dict[str, object]:
        others = {k: v for k, v in record.parameters.items() if k != _PARAMETER}
        return {
            "inputs": record.inputs_sha256,
            "datasets": {d.role: d.sha256 for d in record.datasets},
            "environment": record.environment,
            "parameters": others,
        }

    first = facts(records[0])
    for record in records[1:]:
        for name, value in facts(record).items():
            if value != first[name]:
                found = f"{name} that differ from those of {records[0].run_id}"
                raise _refuse(record.run_id, found, f"the same {name} in every run")


def _provenance(project: Project, record: HubRecord, reason: str) -> Provenance:
    import git  # noqa: PLC0415 (a third of a second that only an update needs)

    try:
        reader = git.Repo(project.root, search_parent_directories=True).config_reader()
        author = str(reader.get_value("user", "name", "unknown"))
    except git.InvalidGitRepositoryError:
        author = "unknown"
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


def _list_path(project: Project, suite: str) -> Path:
    return project.work / "calibration" / f"{suite}.json"


def _write_runs(project: Project, suite: str, runs: Runs) -> None:
    path = _list_path(project, suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, json_bytes({"hubs": runs.hubs, "repeat": runs.repeat}))


def _refuse(where: str, found: str, expected: str) -> CalibrationRefusedError:
    remedy = "Look at that run, then calibrate again."
    return CalibrationRefusedError(where, found=found, expected=expected, remedy=remedy)


def _misuse(found: str, expected: str, remedy: str) -> ConfigError:
    return ConfigError("golden update", found=found, expected=expected, remedy=remedy)
