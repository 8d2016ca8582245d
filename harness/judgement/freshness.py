"""Whether recorded evidence still speaks of the work tree: computed from digests, never typed.

``fresh`` means that inputs, declaration, golden, datasets and environment have the same
digests now as at the run. Otherwise each cause is named, with its cure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.config.project import DatasetSpec, Project, SuiteSpec
from harness.errors import ConfigError, HarnessError
from harness.evidence.hub import code_digest, inputs, layout, plan, stamp
from harness.evidence.hub.store import HubStore
from harness.files import json_bytes, sha256_bytes
from harness.frozen import dataclass
from harness.judgement.golden import digest as golden_digest
from harness.records import HubRecord

# Causes that a person can accept.
ENVIRONMENT = "environment"
ACCEPTABLE = ("source", "config", "golden", "dataset", ENVIRONMENT)
_NAMED = 5
_CLOCKS_DIFFER = timedelta(minutes=5)  # those of two machines that are set right


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason why evidence is stale.

    ``kind`` is ``source``, ``config``, ``golden``, ``dataset``, ``environment``, ``age``,
    ``quarantine`` or ``newer-run``; ``items`` are the files or keys that changed, ``state``
    the digest of what there is now, by which a person can accept it; empty where that makes
    no sense.
    """

    kind: str
    what: str
    cure: str
    items: tuple[str, ...] = ()
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The answer: fresh where there is no cause but those that a person ``accepted``."""

    causes: tuple[Cause, ...]
    accepted: tuple[Cause, ...] = ()

    @property
    def is_fresh(self) -> bool:
        """Whether the evidence still speaks of the work tree."""
        return not self.causes


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """What is not in the declaration: read once, compared with many hubs.

    ``golden_sha256`` and ``datasets`` (SHA-256 by role, of files given for this comparison)
    are compared only where they are said.
    """

    instant: datetime
    golden_sha256: str | None = None
    is_golden_known: bool = False
    datasets: Mapping[str, str] | None = None


def now(project: Project, suite: SuiteSpec, datasets: Mapping[str, str] | None = None) -> Now:
    """Read what a suite would be compared with now.

    Args:
        project: The project.
        suite: One of its suites.
        datasets: SHA-256 by role of files given for this comparison.

    Raises:
        IntegrityError: A golden is damaged.
    """
    return Now(
        instant=datetime.now(UTC),
        golden_sha256=golden_digest.digest_goldens(project.goldens(suite.name)),
        is_golden_known=True,
        datasets=datasets,
    )


def cache_of(project: Project) -> inputs.DigestCache:
    """Open the project's cache of digests."""
    return inputs.DigestCache(project.shared_folder / "digests.json")


def globs_of(suite: SuiteSpec) -> tuple[str, ...]:
    """Return the globs a suite depends on: its own and those of the data it generates."""
    return tuple(dict.fromkeys([*suite.inputs, *(g for d in suite.datasets for g in d.inputs)]))


def digests_now(
    project: Project,
    suite: SuiteSpec,
    cache: inputs.DigestCache,
    meaning: str = code_digest.CODE,
) -> dict[str, str]:
    """Digest the inputs of a suite as they are now, by code unless another meaning is given.

    Raises:
        ConfigError: The globs match nothing, or an input cannot be read.
    """
    own = (project.hubs, project.work)
    return inputs.take(project.root, globs_of(suite), cache, own, meaning)


def recipe_of(project: Project, spec: DatasetSpec, cache: inputs.DigestCache) -> dict[str, str]:
    """Digest the files that generate a dataset; none where it has no inputs of its own."""
    return inputs.take(project.root, spec.inputs, cache, (project.hubs, project.work))


def declared_suite(project: Project, hub: Path, record: HubRecord) -> SuiteSpec | None:
    """Return the suite as it is declared today for a hub; None where it is not any more.

    To a cell of a matrix its values along the axes are declared, and nothing else that was
    changed: a value that the matrix has no more is another declaration.
    """
    suite = project.suites.get(record.suite)
    cell_of = layout.matrix_of(project.hubs, hub)
    if suite is None or cell_of is None:
        return suite
    spec = project.matrices.get(suite.name, {}).get(cell_of)
    if spec is None:
        return None
    values = {
        name: record.parameters[name]
        for name, axis in spec.axes.items()
        if record.parameters.get(name) in axis
    }
    return replace(suite, parameters={**suite.parameters, **values})


def check(
    project: Project,
    hub: Path,
    record: HubRecord,
    moment: Now | None = None,
    cache: inputs.DigestCache | None = None,
    *,
    may_start: bool = False,
) -> Freshness:
    """Compare a hub with the work tree.

    Args:
        project: The project as declared now.
        hub: Folder of the hub; its plan names the inputs one by one.
        record: Its record.
        moment: What else there is to compare with; read now when left out.
        cache: Digests known; the project's own when left out.
        may_start: Whether interpreters that the suite declares may be started.

    Raises:
        IntegrityError: A golden is damaged.
    """
    cell_of = layout.matrix_of(project.hubs, hub)
    command = f"harness run {record.suite}" + (f" --matrix {cell_of}" if cell_of else "")
    cure = f"Run {command}."
    suite = declared_suite(project, hub, record)
    if suite is None:
        what = f"matrix {cell_of} of suite" if cell_of else "suite"
        gone = Cause(
            kind="config",
            what=f"{what} {record.suite} is not declared any more",
            cure="Declare it again, or keep the hub as an archive.",
        )
        return Freshness(causes=(gone,))
    moment = moment or now(project, suite)
    cache = cache or cache_of(project)
    causes = [
        *_source(project, suite, hub, record, cache, cure),
        *_config(suite, record, cure),
        *_golden(record, moment, cure),
        *_datasets(record, moment, cure),
        *_environment(project, suite, record, cure, may_start=may_start),
        *_age(suite, record, moment, cure),
        *_quarantine(record, moment, cure),
        *_newer(project, hub, record),
    ]
    cache.save()
    return _without_accepted(project, record.run_id, causes)


def _without_accepted(project: Project, run_id: str, causes: list[Cause]) -> Freshness:
    """Leave out what a person accepted; the ledger is read only where there is a cause."""
    if not any(cause.state for cause in causes):
        return Freshness(causes=tuple(causes))
    # The ledger's reader, which fresh evidence saves.
    from harness.judgement import acceptance  # noqa: PLC0415

    known = acceptance.of_project(project)
    mine = tuple(
        cause
        for cause in causes
        if cause.state and acceptance.Acceptance(run_id, cause.kind, cause.state) in known
    )
    return Freshness(causes=tuple(c for c in causes if c not in mine), accepted=mine)


def _source(
    project: Project,
    suite: SuiteSpec,
    hub: Path,
    record: HubRecord,
    cache: inputs.DigestCache,
    cure: str,
) -> list[Cause]:
    # Digests of different meanings never agree, and would read as a change of every file.
    if record.inputs_meaning not in code_digest.MEANINGS:
        what = f"inputs are told by {record.inputs_meaning!r}"[:80]
        return [Cause(kind="source", what=f"{what}, which this release cannot take", cure=cure)]
    try:
        digests = digests_now(project, suite, cache, record.inputs_meaning)
    except ConfigError as error:
        return [Cause(kind="source", what=f"inputs: {error.found}", cure=error.remedy)]
    # One digest first: the plan with its list is read only where something differs.
    state = inputs.summary(digests)
    if state == record.inputs_sha256:
        return []
    try:
        before = plan.read_plan(hub).inputs
    except HarnessError:
        before = {}
    changed = sorted(
        path for path in {*before, *digests} if before.get(path) != digests.get(path)
    )
    files = "1 input file" if len(changed) == 1 else f"{len(changed)} input files"
    what = f"{files} changed: {_some(changed)}"
    return [Cause(kind="source", what=what, cure=cure, items=tuple(changed), state=state)]


def _config(suite: SuiteSpec, record: HubRecord, cure: str) -> list[Cause]:
    state = plan.suite_sha256(suite)
    if state == record.config_sha256:
        return []
    what = f"the declaration of suite {suite.name} in harness.toml changed"
    return [Cause(kind="config", what=what, cure=cure, state=state)]


def _golden(record: HubRecord, moment: Now, cure: str) -> list[Cause]:
    if not moment.is_golden_known or moment.golden_sha256 == record.golden_sha256:
        return []
    state = moment.golden_sha256 or stamp.NONE
    return [Cause(kind="golden", what="the golden changed", cure=cure, state=state)]


def _datasets(record: HubRecord, moment: Now, cure: str) -> list[Cause]:
    if moment.datasets is None:
        return []
    before = {d.role: d.sha256 for d in record.datasets}
    changed = sorted(
        role for role, sha256 in moment.datasets.items() if before.get(role) != sha256
    )
    if not changed:
        return []
    what = f"another dataset: {', '.join(changed)}"
    state = _digest({role: moment.datasets[role] for role in changed})
    return [Cause(kind="dataset", what=what, cure=cure, items=tuple(changed), state=state)]


def _environment(
    project: Project, suite: SuiteSpec, record: HubRecord, cure: str, *, may_start: bool
) -> list[Cause]:
    try:
        environment = stamp.environment_of(suite, project.root, may_start=may_start)
    except ConfigError as error:
        what = f"another environment: {error.where}: {error.found}"
        return [Cause(kind=ENVIRONMENT, what=what, cure=error.remedy, state=stamp.NONE)]
    before = record.environment
    changed = [
        f"{key} {before.get(key, stamp.NONE)} → {environment.get(key, stamp.NONE)}"
        for key in stamp.differing_parts(before, environment)
    ]
    if not changed:
        return []
    what = f"another environment: {', '.join(changed)}"
    state = _digest(stamp.identity(environment))
    return [Cause(kind=ENVIRONMENT, what=what, cure=cure, items=tuple(changed), state=state)]


def _age(suite: SuiteSpec, record: HubRecord, moment: Now, cure: str) -> list[Cause]:
    if suite.max_age_days is None:
        return []
    age = moment.instant - datetime.fromisoformat(record.finished)
    days = age.total_seconds() / 86400
    if age < -_CLOCKS_DIFFER:  # by such a clock it would never be too old
        what = f"finished {-days:.1f} days from now: one of the clocks was wrong"
        return [Cause(kind="age", what=what, cure=cure)]
    if age <= timedelta(days=suite.max_age_days):
        return []
    what = f"{days:.1f} days old; at most {suite.max_age_days:g} are allowed"
    return [Cause(kind="age", what=what, cure=cure)]


def _quarantine(record: HubRecord, moment: Now, cure: str) -> list[Cause]:
    """Say that a failure was excused until a day that has passed."""
    today = moment.instant.date().isoformat()
    return [
        Cause(kind="quarantine", what=f"the quarantine of {q.kind} {q.id} expired", cure=cure)
        for q in record.quarantine
        if q.is_waived and today > q.expires
    ]


def _newer(project: Project, hub: Path, record: HubRecord) -> list[Cause]:
    if layout.matrix_of(project.hubs, hub):
        return []  # beside it lie other cells, not later runs
    try:
        known = HubStore(project.hubs, project.work).hubs(record.suite)
    except HarnessError as error:
        what = f"the order of the runs cannot be read: {error.where}: {error.found}"
        return [Cause(kind="newer-run", what=what, cure=error.remedy)]
    names = [other.name for other in known]
    # In the order of the ledger, not of the clock that named them.
    later = names[names.index(hub.name) + 1 :] if hub.name in names else []
    if not later:
        return []
    noun = "run" if len(later) == 1 else "runs"
    what = f"{len(later)} newer {noun}, the last {later[-1]}"
    cure = f"Look at hubs/{record.suite}/{later[-1]}."
    return [Cause(kind="newer-run", what=what, cure=cure, items=tuple(later))]


def _digest(value: Mapping[str, str]) -> str:
    return sha256_bytes(json_bytes(dict(value)))


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + rest
