"""Everything before the first stage: stamp, inputs, datasets, golden, and the frozen plan."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from harness.config import interpreters, stage_environment
from harness.config.config_file import FILE
from harness.config.project import Project, StageSpec, SuiteSpec
from harness.evidence.hub import inputs, layout, plan, redact, stamp
from harness.evidence.hub.constancy import Watched
from harness.evidence.hub.plan import Plan
from harness.evidence.hub.redact import Redactor
from harness.files import real_path
from harness.frozen import dataclass
from harness.judgement import freshness
from harness.judgement.golden import store as golden_store
from harness.judgement.golden.store import GoldenSet
from harness.records import DatasetRecord, QuarantineRecord, StageRecord
from harness.runner import expectation, quarantine_checks, run_stage
from harness.runner.options import RunOptions
from harness.runner.stages import dataset_log, datasets, registry
from harness.runner.stages.base import StageContext
from harness.runner.workspace import RunWorkspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the stages and the end of a run need.

    ``environment`` is the record of the machine, ``declared`` the variables that the suite
    passes on, ``failed`` the record of a dataset that could not be generated, ``quarantine``
    how what is in quarantine stands before the run, ``start`` names its entry of the ledger,
    ``expects`` the class of answer that was declared, and who declared it, ``watched`` the
    files that must stay what they are.
    """

    plan: Plan
    context: StageContext
    golden: GoldenSet
    redactor: Redactor
    environment: Mapping[str, str]
    declared: Mapping[str, str]
    failed: StageRecord | None
    quarantine: tuple[QuarantineRecord, ...] = ()
    start: str | None = None
    expects: tuple[str, str] = ("", "")
    watched: tuple[Watched, ...] = ()


def prepare(
    project: Project, suite: SuiteSpec, options: RunOptions, workspace: RunWorkspace
) -> Prepared:
    """Freeze the plan of a run into its hub.

    Raises:
        ConfigError: A given dataset or an input cannot be used.
        StorageError: The disk refused.
    """
    datasets.check_given(suite.datasets, options.datasets)
    quarantine_ = quarantine_checks.quarantine_status(project, suite, datetime.now(UTC).date())
    files = {role: real_path(path) for role, path in options.datasets.items()}
    redactor = redact.for_run(project.root, os.environ, files)
    declared = {n: os.environ[n] for n in suite.environment if n in os.environ}
    context = _context(project, suite, options, workspace, redactor)
    cache = freshness.cache_of(project)
    digests = freshness.digests_now(project, suite, cache)
    stores = (project.hubs, project.work, project.shared_folder)
    context = replace(context, own=stores, is_strict=project.strict_inputs)
    by_role, failed = _datasets(project, suite, files, (context, redactor, cache), options)
    cache.save()
    places = {f"dataset:{role}": str(item.path) for role, item in by_role.items()}
    known = (*stores, project.golden, project.root / FILE)
    context = replace(
        context,
        declared=frozenset(digests),
        own=(*known, *(item.path for item in by_role.values())),
    )
    values = {**context.values, **places, **quarantine_checks.values(suite, quarantine_)}
    context = replace(context, values=values)
    golden = _freeze_golden(project, suite, workspace.places.hub)
    frozen = plan.new(
        suite,
        workspace.run_id,
        stamp.take(project.root, (project.hubs, project.work)),
        {} if failed else _argvs(suite, context, redactor),
        digests,
    )
    frozen = replace(
        frozen,
        datasets=tuple(item.record for item in by_role.values()),
        golden_sha256=None if golden.is_empty else golden.digest,
        report=project.report,
    )
    if frozen.stamp.commit == stamp.NONE:
        options.observer.note(
            f"no commit vouches for this run: {stamp.tell_missing(project.root)}"
        )
    plan.write(workspace.places.hub, frozen)
    recorded = stamp.environment_of(suite, project.root, may_start=True)
    recorded |= {f"env.{name}": redactor.text(value) for name, value in declared.items()}
    return Prepared(
        plan=frozen,
        context=context,
        golden=golden,
        redactor=redactor,
        environment=recorded,
        declared=declared,
        failed=failed,
        quarantine=quarantine_,
        expects=expectation.find_expectation(project.root, suite, options.expects),
        watched=(
            *Watched.of_inputs(project.root, digests),
            *(
                Watched.of_dataset(role, item.path, item.record.sha256)
                for role, item in by_role.items()
            ),
        ),
    )


def _context(
    project: Project,
    suite: SuiteSpec,
    options: RunOptions,
    workspace: RunWorkspace,
    redactor: Redactor,
) -> StageContext:
    python = interpreters.locate(suite.python, project.root)
    return StageContext(
        root=project.root,
        work=workspace.places.work,
        hub=workspace.places.hub,
        python=python,
        stage_python={
            s.id: interpreters.locate(s.python, project.root) for s in suite.stages if s.python
        },
        values={
            **suite.parameters,
            "python": interpreters.join(python),
            "root": str(project.root),
            "work": str(workspace.places.work),
        },
        environment=stage_environment.select_variables(suite.environment, os.environ),
        clean=redactor.log,
        clean_xml=redactor.xml,
        overlap=redactor.longest,
        stop=workspace.stop,
        on_line=options.observer.log_line,
        grace_s=options.grace_s,
    )


def _argvs(
    suite: SuiteSpec, context: StageContext, redactor: Redactor
) -> dict[str, tuple[str, ...]]:
    return {
        stage.id: tuple(
            redactor.text(item) for item in _argv(stage, context.for_stage(stage.id))
        )
        for stage in suite.stages
    }


def _argv(stage: StageSpec, context: StageContext) -> tuple[str, ...]:
    argv = registry.kind_of(stage).argv(stage, context.values)
    return interpreters.splice(argv, context.python)


def _datasets(
    project: Project,
    suite: SuiteSpec,
    files: Mapping[str, Path],
    tools: tuple[StageContext, Redactor, inputs.DigestCache],
    options: RunOptions,
) -> tuple[dict[str, datasets.Dataset], StageRecord | None]:
    context, redactor, cache = tools
    by_role: dict[str, datasets.Dataset] = {}
    proven = dataset_log.read_log(project.shared_folder)
    for spec in suite.datasets:
        if spec.role in files:
            by_role[spec.role] = datasets.record_given(
                spec.role, files[spec.role], cache.digest
            )
            continue
        recipe = freshness.recipe_of(project, spec, cache)
        digest = datasets.digest_of(project.root, cache.digest)
        ready = datasets.find_cached(project.shared_folder, spec, recipe, proven, digest)
        if ready is None:
            options.observer.note(f"making dataset {spec.role}")
            started = layout.instant(datetime.now(UTC))
            try:
                ready = datasets.generate(project.shared_folder, spec, recipe, context)
            except datasets.GenerationFailedError as error:
                failed = run_stage.settle(error.stage, error.result, context, redactor, started)
                return by_role, failed
        _tell_undeclared(ready.record, options)
        by_role[spec.role] = ready
    return by_role, None


def _tell_undeclared(record: DatasetRecord, options: RunOptions) -> None:
    """Say what a dataset was made from and its inputs do not name, made now or before."""
    if record.undeclared:
        names = ", ".join(record.undeclared)
        options.observer.note(f"dataset {record.role}: read, not declared: {names}")


def _freeze_golden(project: Project, suite: SuiteSpec, hub: Path) -> GoldenSet:
    golden = golden_store.load(project.goldens(suite.name))
    if not golden.is_empty:
        golden_store.save(hub / plan.GOLDEN, golden)
    return golden
