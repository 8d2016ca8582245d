"""Unknown defects of the model, and harmless refactorings, run by a short suite.

The suite is run without its tests first, its stages forked; what stays green is run with its
tests, which see what no number of a run shows.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.evidence.hub import store
from harness.evidence.hub.store import HubStore
from harness.judgement.declaration import load_project
from harness.verdict import Verdict
from proofs.causes import answers, clone, planting
from proofs.causes.clone import Clone
from proofs.causes.planting import Planted
from proofs.unknown import patches
from proofs.unknown.patches import Patch

QUICK = "quick"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a run said of a patch.

    ``suspect`` is the number of the changed file among those that ``explain`` suspects, 0 where
    it is none; ``with_tests`` says that only the tests of the suite saw it.
    """

    name: str
    verdict: str
    answer: str
    cause: str
    stage: str
    blockers: int
    suspect: int
    with_tests: bool
    seconds: float


def judge(own: Clone, tested: Path, patch: Patch) -> Judgement:
    """Plant a patch and run the suite, with its tests where nothing else is red.

    Args:
        own: Clone whose suite has no tests.
        tested: Work tree whose suite has them.
        patch: What to plant.
    """
    planted = Planted(
        name=patch.name,
        guard="",
        paths=(patch.file,),
        plant=lambda tree: patches.apply(patch, tree),
    )
    hub = own.run_planted(planted)
    answer = answers.read_answer(own, planted, hub)
    record = store.read_record(hub)
    clone.remove(hub.parent)
    said = Judgement(
        name=patch.name,
        verdict=answer.verdict,
        answer=record.answer or "",
        cause=answer.sentence,
        stage=answer.stage,
        blockers=answer.blockers,
        suspect=answer.place,
        with_tests=False,
        seconds=round(record.duration_s, 1),
    )
    if answer.verdict == Verdict.RED or patch.path.parent.name != patches.MODEL:
        return said
    return _judge_by_tests(own.name, tested, patch, said)


def _judge_by_tests(name: str, tested: Path, patch: Patch, said: Judgement) -> Judgement:
    """Run the tests of the suite alone."""
    patches.apply(patch, tested)
    try:
        words = [sys.executable, "-m", "harness", "run", name, "--quiet"]
        words += ["--stage", planting.TESTS]
        subprocess.run(words, cwd=tested, check=False, capture_output=True)
        project = load_project(tested)
        hub = HubStore(project.hubs, project.work).hubs(name)[-1]
        record = answers.order_causes(store.read_record(hub), hub, project.suites[name])
        clone.remove(hub)
    finally:
        patches.take_back(tested)
    if not any(one.verdict is Verdict.RED for one in record.stages):
        return said
    values = {**asdict(said), "verdict": Verdict.RED.value, "with_tests": True}
    cause = record.causes[0]
    return Judgement(**{**values, "cause": cause.sentence, "stage": cause.stage or ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanRun:
    """What a run with another seed came to, and why."""

    seed: int
    verdict: str
    answer: str
    reason: str
    seconds: float


def run_clean(own: Clone, seed: int) -> CleanRun:
    """Run the suite with nothing planted, by another seed."""
    hub = own.run("--set", f"seed={seed}")
    record = store.read_record(hub)
    clone.remove(hub)
    return CleanRun(
        seed=seed,
        verdict=record.verdict.value,
        answer=record.answer or "",
        reason=record.reason,
        seconds=round(record.duration_s, 1),
    )
