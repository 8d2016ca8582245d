"""A run whose only stage is a pause: what a worker does in ``bench_cluster``.

It leaves a real hub in the store of its unit, durable, with inventory, digests and read-only
files, but has no git stamp, child process, guards or page: a worker of a cluster
has a processor of its own for those, sixty-four that are simulated on one machine have not.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from harness.config.project import Project, SuiteSpec
from harness.evidence.hub import inputs, layout, plan, seal, stamp
from harness.evidence.ledger.log import now
from harness.experiments.campaign import unit
from harness.files import json_bytes, write_bytes, write_text
from harness.judgement import freshness
from harness.judgement.declaration import load_project
from harness.records import SCHEMA, HubRecord, Stamp, encode
from harness.runner.stages.child import Stop
from harness.verdict import Verdict

TASK = f"{__name__}:perform"


def perform(payload: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """Pause as long as the parameter ``stage_s`` says, then leave a hub."""
    del stop
    project = _project(payload["root"])
    own = replace(project, hubs=Path(payload["hubs"]), work=Path(payload["work"]))
    suite = project.suites[payload["suite"]]
    suite = replace(suite, parameters={**suite.parameters, **payload["parameters"]})
    time.sleep(float(suite.parameters["stage_s"]))
    record = _record(project, suite)
    hub = layout.temporary(own.hubs, suite.name, record.run_id)
    (hub / "green").mkdir(parents=True)
    write_bytes(hub / layout.RECORD, json_bytes(encode(record)))
    write_text(hub / "green/pause.log", "paused\n")
    final = layout.final(own.hubs, suite.name, record.run_id)
    seal.stage(
        hub,
        final,
        now(),
        suite=suite.name,
        run_id=record.run_id,
        verdict=record.verdict,
    )
    return unit.describe_hub(final, record)


@cache
def _project(root: str) -> Project:
    return load_project(Path(root))


@cache
def _inputs(root: str, suite: str) -> str:
    project = _project(root)
    known = freshness.cache_of(project)
    return inputs.summary(freshness.digests_now(project, project.suites[suite], known))


@cache
def _environment(root: str, suite: str) -> dict[str, str]:
    spec = _project(root).suites[suite]
    return stamp.environment_of(spec, Path(root), may_start=True)


def _record(project: Project, suite: SuiteSpec) -> HubRecord:
    now = datetime.now(UTC)
    return HubRecord(
        schema=SCHEMA,
        suite=suite.name,
        run_id=layout.new_run_id(now),
        started=layout.instant(now),
        finished=layout.instant(now),
        duration_s=float(suite.parameters["stage_s"]),
        verdict=Verdict.GREEN,
        reason="a pause",
        stamp=Stamp(
            commit=stamp.NONE, tree=stamp.NONE, branch=None, dirty=True, diff_sha256=None
        ),
        environment=_environment(str(project.root), suite.name),
        parameters=suite.parameters,
        datasets=(),
        stages=(),
        artifacts=(),
        guards=(),
        metrics={"number": float(suite.parameters["number"])},
        config_sha256=plan.suite_sha256(suite),
        golden_sha256=None,
        inputs_sha256=_inputs(str(project.root), suite.name),
        previous=None,
    )
