"""Further runs of a verdict: seeds in, one sealed hub each, in a store beside the suites.

The store lies below the work folder and has a ledger of its own, as that of calibrations; the
hub whose verdict stands on these runs names them, with the digest of each one's manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.config import config_file, suite_rules
from harness.config.project import Project
from harness.evidence.hub import inventory
from harness.evidence.hub.evidence import Facts, HubEvidence
from harness.evidence.hub.store import HubStore
from harness.experiments.calibration import runs as calibration_runs
from harness.experiments.campaign import run as campaigns
from harness.experiments.campaign.run import Campaign, Cell, OnDone
from harness.experiments.execute.unit import Executor
from harness.files import sha256_file
from harness.judgement.guards import members
from harness.records import MemberRecord
from harness.runner.options import Draw
from harness.runner.stages.child import Stop

FOLDER = "series"


def store_of(project: Project) -> Project:
    """Return the project with the store that further runs go to."""
    work = project.work / FOLDER
    return replace(project, work=work, hubs=work / "hubs", caches=project.shared_folder)


def make_draw(
    project: Project,
    suite_name: str,
    parameters: Mapping[str, str],
    files: Mapping[str, Path],
    executor: Executor,
    on_done: OnDone,
) -> Draw:
    """Return what makes further runs of a suite, see ``runner.options.Draw``.

    Args:
        project: The project.
        suite_name: The suite.
        parameters: Those that were set for the run; the seed is another one in each.
        files: Datasets by role that were given for the run.
        executor: What carries them out.
        on_done: Called with each of them.
    """
    suite = config_file.find_suite(project, suite_name)
    reached = calibration_runs.seeded_stages(suite)
    store = store_of(project)
    campaign = Campaign(
        project=project, store=store, suite=suite.name, ignored=("golden",), is_rendered=False
    )

    def draw(run_id: str, indices: range, stop: Stop) -> tuple[MemberRecord, ...]:
        seeds = [members.draw_seed(run_id, index) for index in indices]
        cells = [
            Cell(
                name=f"seed {seed}",
                values={suite_rules.SEED: seed},
                parameters={**parameters, suite_rules.SEED: seed},
                datasets=files,
                only=reached,
            )
            for seed in seeds
        ]
        results = campaigns.run_campaign(campaign, cells, executor, stop, on_done)
        made = []
        for result in results:
            if result.hub is not None:
                record = HubStore(store.hubs, store.work).read(result.hub)
                evidence = HubEvidence(
                    result.hub, Facts.from_record(record), project=project.root
                )
                place = result.hub.relative_to(project.root).as_posix()
                manifest = sha256_file(result.hub / inventory.MANIFEST)
                made.append(members.make_member(suite, record, evidence, place, manifest))
        return tuple(made)

    return draw
