"""The plan of a run, frozen before its first stage, and read again when it is verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.config.project import ReportSpec, StageSpec, SuiteSpec
from harness.evidence.hub import code_digest, inputs, layout, store
from harness.files import json_bytes, sha256_bytes, write_bytes, write_text
from harness.frozen import dataclass
from harness.records import DatasetRecord, Stamp, decode, encode

SCHEMA = 1
GOLDEN = "plan/golden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is going to run and to be judged.

    ``suite`` is the declaration with inheritance resolved, ``argv`` the expanded argument
    vectors by stage, ``inputs`` the digests by path, ``inputs_meaning`` what those stand for
    (``code_digest``). The golden used lies in ``plan/golden`` of the hub; ``golden_sha256`` is
    its digest. ``report`` is what the pages say in the words of the field: it judges nothing.
    """

    schema: int
    suite: SuiteSpec
    run_id: str
    stamp: Stamp
    argv: dict[str, tuple[str, ...]]
    inputs: dict[str, str]
    inputs_sha256: str
    config_sha256: str
    datasets: tuple[DatasetRecord, ...]
    golden_sha256: str | None
    inputs_meaning: str = code_digest.BYTES
    report: ReportSpec = ReportSpec()


# Keys that joined the declaration later; where they are not used, old digests hold.
_LATER: dict[str, Any] = {
    "min_collected": 1,
    "retries": 0,
    "test_retries": 0,
    "test_timeout_s": None,
    "quarantine": [],
    "requires": {},
    "goldens_of": "",
    "python": [],
    "packages": [],
    "runs": 1,
}


def suite_sha256(suite: SuiteSpec) -> str:
    """Digest what a suite declares; another suite's declaration does not change it."""
    declared = _without_defaults(encode(suite))
    declared["stages"] = [_without_defaults(stage) for stage in declared["stages"]]
    return sha256_bytes(json_bytes(declared))


def _without_defaults(table: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in table.items() if k not in _LATER or v != _LATER[k]}


def write(hub: Path, plan: Plan) -> None:
    """Write ``plan/plan.json`` and ``plan/plan.md``."""
    write_bytes(hub / layout.PLAN, json_bytes(encode(plan)))
    write_text(hub / layout.PLAN_TEXT, text(plan))


def read_plan(hub: Path) -> Plan:
    """Read the plan of a hub.

    Raises:
        NotAProjectError: There is none.
        IntegrityError: It is damaged.
    """
    return decode(Plan, store.read_json(hub, layout.PLAN), layout.PLAN)


def new(
    suite: SuiteSpec,
    run_id: str,
    stamp: Stamp,
    argv: dict[str, tuple[str, ...]],
    digests: dict[str, str],
) -> Plan:
    """Make a plan; datasets and golden are added when they are known."""
    return Plan(
        schema=SCHEMA,
        suite=suite,
        run_id=run_id,
        stamp=stamp,
        argv=argv,
        inputs=digests,
        inputs_sha256=inputs.summary(digests),
        config_sha256=suite_sha256(suite),
        datasets=(),
        golden_sha256=None,
        inputs_meaning=code_digest.CODE,
    )


def text(plan: Plan) -> str:
    """Write the plan for people."""
    dirty = ", with changes that are not committed" if plan.stamp.dirty else ""
    lines = [
        f"# Plan of {plan.suite.name} {plan.run_id}",
        "",
        plan.suite.description,
        "",
        f"Commit {plan.stamp.commit}{dirty}.",
        "",
        "## Datasets",
        "",
        *[f"- {d.role}: {d.name}, {d.size:,} bytes, SHA-256 {d.sha256}" for d in plan.datasets],
        *([] if plan.datasets else ["None."]),
        "",
        "## Stages",
        "",
    ]
    for stage in plan.suite.stages:
        lines += [f"- **{stage.id}** ({stage.kind}, at most {stage.timeout_s:g} s)", ""]
        lines += ["      " + " ".join(plan.argv.get(stage.id, ())), ""]
        lines += [f"    - {detail}" for detail in _patience(stage)]
        lines += [f"    - promises {a.id}: `{a.path}`" for a in stage.artifacts]
        lines += [""] if stage.artifacts or _patience(stage) else []
    lines += ["## Guards", ""]
    if plan.suite.goldens_of:
        lines += [f"Goldens are those of suite {plan.suite.goldens_of}.", ""]
    for guard in plan.suite.guards:
        options = ", ".join(f"{key} = {value!r}" for key, value in guard.options.items())
        lines.append(f"- **{guard.id}** ({guard.kind}): {options}")
    if plan.suite.quarantine:
        lines += ["", "## Quarantine", ""]
    for entry in plan.suite.quarantine:
        detail = f"until {entry.expires} or {entry.clean_runs} clean runs in a row"
        lines.append(f"- {entry.kind} **{entry.id}**, {detail}; {entry.owner}: {entry.reason}")
    lines += [
        "",
        "## Inputs",
        "",
        f"{len(plan.inputs)} files ({plan.inputs_meaning}), SHA-256 {plan.inputs_sha256}",
        "",
        *[f"- `{glob}`: {detail}" for glob, detail in _count_named(plan).items()],
        "",
    ]
    return "\n".join(lines)


def _count_named(plan: Plan) -> dict[str, str]:
    """Say how many files each glob named."""
    globs = [*plan.suite.inputs, *(g for d in plan.suite.datasets for g in d.inputs)]
    counts = {g: sum(inputs.names(g, path) for path in plan.inputs) for g in globs}
    return {g: f"{count} file{'' if count == 1 else 's'}" for g, count in counts.items()}


def _patience(stage: StageSpec) -> list[str]:
    """Say what a stage is granted besides one attempt."""
    parts = []
    if stage.retries:
        parts.append(f"run again at most {stage.retries}×")
    if stage.test_retries:
        parts.append(f"each failed test run again at most {stage.test_retries}×")
    if stage.test_timeout_s is not None:
        parts.append(f"each phase of a test at most {stage.test_timeout_s:g} s")
    return parts
