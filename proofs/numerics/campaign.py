"""Runs of suite smoke on other instruction sets and threads, and with planted doses.

Each case is one run in a scratch worktree of the commit, held against the stored ensemble of
the suite; its answer is kept, so that a second call goes on where the first was stopped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness import files
from harness.evidence.hub.evidence import HubEvidence
from harness.evidence.hub.store import HubStore
from harness.experiments.commits import history, scratch
from harness.experiments.drills import drill as drills
from harness.judgement.declaration import load_project
from harness.judgement.golden import ensemble, store
from harness.judgement.guards import fingerprint, numbers

SUITE, KIND = "smoke", "fingerprint"
STAGES = ("train", "parity", "inference")
DOSES = (
    *("rate-a-percent-lower", "group-dropped", "last-batch-dropped", "group-member-exchanged"),
    *("amplitude-through-half-precision", "amplitude-a-percent-higher", "seed-off-by-one"),
    *("weight-decay-slips-in", "rate-a-thousandth-lower"),
)
SETS = (
    {},
    {"ATEN_CPU_CAPABILITY": "avx2"},
    {"ATEN_CPU_CAPABILITY": "default"},
    {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    {"ONEDNN_MAX_CPU_ISA": "SSE41"},
)
THREADS = ("1", "2")
# Far from the members of the ensemble, which count from 1.
FIRST_PERTURBATION, MOST_PERTURBATIONS = 1001, 60
AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run: clean, on some machine and half an ulp away, or with a dose planted."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    perturb: int = 0
    dose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a case went: its distance as a part of the limit, and the class of its machine."""

    case: Case
    share: float
    farthest: str
    numeric_class: str
    isa: str
    threads: str
    seconds: float


def list_cases() -> Iterator[Case]:
    """Yield doses, then every machine unperturbed, then perturbed again and again."""
    for dose in DOSES:
        yield Case(name=f"dose-{dose}", variables={"OMP_NUM_THREADS": "1"}, dose=dose)
    for number in (0, *range(FIRST_PERTURBATION, FIRST_PERTURBATION + MOST_PERTURBATIONS)):
        for threads in THREADS:
            for variables in SETS:
                words = "-".join([*variables.values(), f"{threads}-threads", str(number)])
                yield Case(
                    name=f"clean-{words}",
                    variables={**variables, "OMP_NUM_THREADS": threads},
                    perturb=number,
                )


def run(root: Path, place: Path, minutes: float) -> list[Answer]:
    """Run what has no answer yet until the time is over; return all answers."""
    place.mkdir(parents=True, exist_ok=True)
    known = {answer.case.name: answer for answer in read_answers(place)}
    waiting = [case for case in list_cases() if case.name not in known]
    deadline = time.monotonic() + minutes * 60

    def perform(case: Case) -> Answer | None:
        return run_case(root, case) if time.monotonic() < deadline else None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in as_completed([pool.submit(perform, case) for case in waiting]):
            if (answer := done.result()) is not None:
                content = files.json_bytes(asdict(answer))
                files.write_bytes(place / f"{answer.case.name}.json", content)
                print(f"{answer.case.name}  {answer.share:.4g} of the limit", flush=True)
    return read_answers(place)


def read_answers(place: Path) -> list[Answer]:
    """Return what is kept, in the order of the cases."""
    order = {case.name: index for index, case in enumerate(list_cases())}
    answers = []
    for path in place.glob("*.json"):
        content = json.loads(path.read_text("utf-8"))
        answers.append(Answer(**{**content, "case": Case(**content["case"])}))
    return sorted(answers, key=lambda one: order.get(one.case.name, len(order)))


def run_case(root: Path, case: Case) -> Answer:
    """Run one case in a worktree of its own, which is gone afterwards."""
    project = load_project(root)
    commit = history.head(project)
    began = time.monotonic()
    with scratch.worktree(project, commit, "numerics") as tree:
        if case.dose:
            drills.apply(root / drills.FOLDER / f"{case.dose}.patch", scratch.top_of(tree))
        words = [word for stage in STAGES for word in ("--stage", stage)]
        subprocess.run(
            [
                *(sys.executable, "-m", "harness", "-C", str(tree), "run", SUITE, "--quiet"),
                *("--set", f"perturb={case.perturb}", *words),
            ],
            cwd=tree,
            env={**os.environ, **case.variables},
            stdout=subprocess.DEVNULL,
            check=False,
        )
        hub = HubStore(tree / "hubs", tree / ".harness").hubs(SUITE)[-1]
        return measure(root, hub, case, time.monotonic() - began)


def measure(root: Path, hub: Path, case: Case, seconds: float) -> Answer:
    """Hold the numbers of a hub against the ensemble of the suite."""
    (stored,) = store.load(root / "golden" / SUITE).fingerprints
    reference, spread = fingerprint.read_ensemble(stored)
    record = HubStore(hub.parents[1], hub.parents[2] / ".harness").read(hub)
    evidence = HubEvidence(hub, project=hub.parents[2])
    # In the order of the declaration: JSON has sorted the counts of the text.
    spec = next(one for one in load_project(root).suites[SUITE].guards if one.kind == KIND)
    taken = numbers.take(evidence, spec.options["numbers"])
    if taken.names_sha256 != stored.about.names_sha256:
        part, where = 1e99, "other numbers"
    else:
        distance = ensemble.find_distance(taken.values, spread)
        where = taken.names[distance.place]
        part = 0.0 if taken.values == reference else distance.measure(stored.about.limits)[0]
    environment = record.environment
    return Answer(
        case=case,
        share=min(part, 1e99),
        farthest=where,
        numeric_class=environment["numeric_class"],
        isa=environment.get("numeric.isa", ""),
        threads=environment.get("numeric.threads", ""),
        seconds=round(seconds, 1),
    )
