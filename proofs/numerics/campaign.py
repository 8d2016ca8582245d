"""Runs of suite smoke on other instruction sets and threads, and with planted doses.

Each case is one run without the tests, of which all numbers are kept, so that a second call
goes on where the first was stopped. Stages are forked from a Python that has torch imported,
one for each set of variables, which torch reads when it is imported.
"""

from __future__ import annotations

import functools
import itertools
import json
import queue
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness import files
from harness.evidence.hub import layout
from harness.evidence.hub.evidence import HubEvidence
from harness.evidence.hub.store import HubStore
from harness.experiments.drills import drill as drills
from harness.judgement.golden import ensemble
from harness.judgement.guards import numbers
from proofs.causes import clone, warm
from proofs.causes.clone import Clone, find_socket

SUITE, KIND = "smoke", "fingerprint"
NAMES = "names.json"  # of the numbers, in their order
DOSES = (
    *("rate-a-percent-lower", "group-dropped", "last-batch-dropped", "group-member-exchanged"),
    *("amplitude-through-half-precision", "amplitude-a-percent-higher", "seed-off-by-one"),
    *("weight-decay-slips-in", "rate-a-thousandth-lower"),
)
# As on a processor that has no more; PyTorch's own kernels and those of oneDNN.
SETS = (
    {},
    {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
)
THREADS = ("1", "2")
MACHINES = tuple(
    {**variables, "OMP_NUM_THREADS": threads} for threads in THREADS for variables in SETS
)
# Far from the members of the ensemble, which count from 1.
_FIRST_CLEAN, _FIRST_DOSED = 1001, 2001
PERTURBED, DOSED = 20, 4  # runs beside the unperturbed one
_WORKERS, _BATCH = 2, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run: clean, on some machine and half an ulp away, or with a dose planted."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    perturb: int = 0
    dose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a case came to: all its numbers in order, and the class of its machine."""

    case: Case
    names_sha256: str
    numbers: tuple[float, ...]
    numeric_class: str
    isa: str
    seconds: float


def list_cases() -> Iterator[Case]:
    """Yield every dose and machine unperturbed, then both perturbed again and again."""
    for count in range(1 + max(PERTURBED, DOSED)):
        if count <= DOSED:
            perturb = _FIRST_DOSED + count - 1 if count else 0
            for dose in DOSES:
                name = f"{dose}-{perturb}"
                yield Case(name=name, variables=dict(MACHINES[0]), perturb=perturb, dose=dose)
        if count <= PERTURBED:
            perturb = _FIRST_CLEAN + count - 1 if count else 0
            for variables in MACHINES:
                words = "-".join([*variables.values(), str(perturb)])
                yield Case(name=f"clean-{words}", variables=dict(variables), perturb=perturb)


def run(root: Path, place: Path, minutes: float) -> None:
    """Run what has no answer yet, until the time is over."""
    place.mkdir(parents=True, exist_ok=True)
    waiting: queue.SimpleQueue[list[Case]] = queue.SimpleQueue()
    for batch in _list_batches(place):
        waiting.put(batch)
    work = functools.partial(_work, root, place, waiting, time.monotonic() + 60 * minutes)
    with ThreadPoolExecutor(_WORKERS) as pool:
        for done in [pool.submit(work, number) for number in range(_WORKERS)]:
            done.result()


def _list_batches(place: Path) -> list[list[Case]]:
    """Return what has no answer in batches of one set of variables, in turn."""
    by_machine: dict[str, list[Case]] = {}
    for case in list_cases():
        if not (place / f"{case.name}.json").exists():
            by_machine.setdefault(json.dumps(case.variables), []).append(case)
    lines = [
        [cases[start : start + _BATCH] for start in range(0, len(cases), _BATCH)]
        for cases in by_machine.values()
    ]
    rounds = itertools.zip_longest(*lines)
    return [batch for batches in rounds for batch in batches if batch is not None]


def _work(
    root: Path,
    place: Path,
    waiting: queue.SimpleQueue[list[Case]],
    deadline: float,
    number: int,
) -> None:
    """Run batches in a clone of one's own, until there is none or the time is over."""
    home = place / f"worker-{number}"
    home.mkdir(exist_ok=True)
    own: Clone | None = None
    while time.monotonic() < deadline:
        try:
            batch = waiting.get_nowait()
        except queue.Empty:
            return
        with warm.serving(find_socket(home), variables=batch[0].variables):
            own = own or Clone(root, home, is_run=False)
            for case in batch:
                if time.monotonic() < deadline:
                    answer = _run_case(root, own, case)
                    content = files.json_bytes(asdict(answer))
                    files.write_bytes(place / f"{case.name}.json", content)
                    print(f"{case.name}  {answer.seconds} s", flush=True)


def _run_case(root: Path, own: Clone, case: Case) -> Answer:
    began = time.monotonic()
    try:
        if case.dose:
            drills.apply(root / drills.FOLDER / f"{case.dose}.patch", own.tree)
        hub = own.run("--set", f"perturb={case.perturb}", variables=case.variables)
    finally:
        own.restore()
    record = HubStore(own.project.hubs, own.project.work).read(hub)
    spec = next(one for one in own.suite.guards if one.kind == KIND)
    taken = numbers.take(HubEvidence(hub, project=own.tree), spec.options["numbers"])
    files.write_bytes(own.tree.parents[1] / NAMES, files.json_bytes(taken.names))
    clone.remove(hub)
    shutil.rmtree(layout.external_folder(own.project.work, hub.name), ignore_errors=True)
    return Answer(
        case=case,
        names_sha256=taken.names_sha256,
        numbers=taken.values,
        numeric_class=record.environment["numeric_class"],
        isa=record.environment.get("numeric.isa", ""),
        seconds=round(time.monotonic() - began, 1),
    )


def read_names(place: Path) -> tuple[str, ...]:
    """Return the names of the numbers of an answer."""
    return tuple(json.loads((place / NAMES).read_text("utf-8")))


def read_answers(place: Path) -> list[Answer]:
    """Return what is kept, in the order of the cases."""
    answers = []
    for case in list_cases():
        path = place / f"{case.name}.json"
        if path.exists():
            content = json.loads(path.read_text("utf-8"))
            content["numbers"] = tuple(content["numbers"])
            answers.append(Answer(**{**content, "case": case}))
    return answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """What runs are held against."""

    reference: tuple[float, ...]
    names_sha256: str
    spread: ensemble.Spread
    limits: tuple[float, ...]

    def measure(self, answer: Answer) -> tuple[float, int]:
        """Return the distance of a run as a part of the limits, and its farthest number."""
        if answer.numbers == self.reference:
            return 0.0, 0
        if answer.names_sha256 != self.names_sha256:
            return 1e99, 0
        distance = ensemble.find_distance(answer.numbers, self.spread)
        return min(distance.measure(self.limits)[0], 1e99), distance.place


def make_ensembles(answers: Sequence[Answer], rate: float) -> Mapping[str, Ensemble]:
    """Make an ensemble of each machine's clean runs, where all are there."""
    by_machine: dict[str, list[Answer]] = {}
    for answer in answers:
        if not answer.case.dose:
            by_machine.setdefault(json.dumps(answer.case.variables), []).append(answer)
    made = {}
    for machine, members in by_machine.items():
        members.sort(key=lambda one: one.case.perturb)
        if len(members) > ensemble.LEAST_MEMBERS and members[0].case.perturb == 0:
            reference = members[0].numbers
            rows = [
                [value - was for value, was in zip(one.numbers, reference, strict=True)]
                for one in members
            ]
            made[machine] = Ensemble(
                reference=reference,
                names_sha256=members[0].names_sha256,
                spread=ensemble.measure_spread(reference, rows),
                limits=ensemble.find_limits(ensemble.list_distances(reference, rows), rate),
            )
    return made
