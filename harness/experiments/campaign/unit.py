"""One run of a campaign, where a worker runs: asked as plain data, told as plain data.

The run has a small store of its own. Called again after a worker was lost, it gives back the
hub that is staged there already, or clears what is half done and runs again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.config.project import Project
from harness.errors import HarnessError
from harness.evidence.hub import seal
from harness.evidence.hub.store import HubStore, remove
from harness.experiments.campaign import work_key
from harness.judgement.declaration import load_project
from harness.records import HubRecord, encode
from harness.reporting import rendering
from harness.runner import workflow
from harness.runner.options import RunOptions
from harness.runner.stages.child import Stop

TASK = f"{__name__}:perform"


def perform(payload: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """Carry a run out and tell of its staged hub; see ``describe_hub``.

    An interrupted run leaves nothing and is told as ``interrupted`` with its signal.

    Raises:
        HarnessError: The run cannot be made.
    """
    project = load_project(Path(payload["root"]))
    own = replace(
        project,
        hubs=Path(payload["hubs"]),
        work=Path(payload["work"]),
        caches=project.shared_folder,
    )
    workflow.tidy(own)
    earlier = _find_earlier_hub(own, payload)
    if earlier is not None:
        return describe_hub(*earlier)
    options = RunOptions(
        datasets={role: Path(path) for role, path in payload["datasets"].items()},
        parameters=payload["parameters"],
        only=tuple(payload["only"]),
        renderers=rendering.FILES if payload["is_rendered"] else {},
        stop=stop,
        is_staged=True,
    )
    outcome = workflow.run_suite(own, payload["suite"], options)
    if outcome.signal is not None:
        remove(outcome.hub)  # and nothing else: another attempt may be under way here
        return {"interrupted": outcome.signal}
    return describe_hub(outcome.hub, outcome.record)


def _find_earlier_hub(
    own: Project, payload: Mapping[str, Any]
) -> tuple[Path, HubRecord] | None:
    """Find the hub of an earlier attempt; one of another state of the code is removed."""
    store = HubStore(own.hubs, own.work)
    for hub in store.hubs(payload["suite"]):
        try:
            record = store.read(hub)
        except HarnessError:
            record = None
        if record is not None and _is_of(record, payload):
            return hub, record
        remove(hub)
    return None


def _is_of(record: HubRecord, payload: Mapping[str, Any]) -> bool:
    made = work_key.digest_facts(
        work_key.facts_recorded(record), payload["salt"], ignored=tuple(payload["ignored"])
    )
    return made == str(payload["key"])


def describe_hub(hub: Path, record: HubRecord) -> dict[str, Any]:
    """Tell what there is to know of a staged hub.

    Returns:
        Its folder, what its seal says and when, what it depended on, and its result.
    """
    promised = seal.read_staged(hub)
    return {
        "hub": str(hub),
        "body": dict(promised.body),
        "time": promised.time,
        "facts": dict(work_key.facts_recorded(record)),
        "verdict": record.verdict.value,
        "reason": record.reason,
        "duration_s": record.duration_s,
        "metrics": encode(record.metrics),
    }
