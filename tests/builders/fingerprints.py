"""A fingerprint of a small run, and runs near it."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import Any

from harness.evidence.hub.evidence import HubEvidence
from harness.judgement.golden import ensemble, fingerprint
from harness.judgement.golden.fingerprint import Fingerprint
from harness.judgement.golden.store import GoldenSet, GoldenValue
from harness.judgement.guards import numbers
from tests.builders.evidence import DATASETS, ENVIRONMENT, evidence

EXPRESSIONS = ("x:curve", "x:layers")
PARAMETERS = {"seed": "42", "perturb": "0"}
HERE = {"numeric_class": "aaaa", "numeric.isa": "AVX512"}


def values(shift: float = 0.0, seed: int = 0, count: int = 100) -> dict[str, Any]:
    """What the run says: a curve and norms by layer, half an ulp away for each seed."""
    rng, noise = random.Random(1), random.Random(seed)  # noqa: S311 - noise, not a secret
    size = 1e-6 if seed else 0.0
    curve = [rng.uniform(1, 2) * (1 + noise.gauss(0, size)) for _ in range(count)]
    curve[count // 2] *= 1 + shift
    layers = {name: rng.uniform(1, 2) * (1 + noise.gauss(0, size)) for name in "abc"}
    return {"curve": curve, "layers": layers, "note": "text", "flag": True, "none": None}


def take_run(folder: Path, content: Any, **facts: Any) -> HubEvidence:
    """Return the evidence of a run with the parameters and the machine of the ensemble."""
    folder.mkdir(parents=True, exist_ok=True)
    run = evidence(folder, {"x.json": content})
    facts = {"parameters": PARAMETERS, "environment": ENVIRONMENT | HERE, **facts}
    run._facts = dataclasses.replace(run._facts, **facts)
    return run


def store_ensemble(
    folder: Path, values_: tuple[GoldenValue, ...] = (), count: int = 100, **changes: Any
) -> GoldenSet:
    """Write a fingerprint of 20 members into ``folder`` and return what is read again."""
    runs = [
        numbers.take(take_run(folder / "runs", values(seed=k, count=count)), EXPRESSIONS)
        for k in range(21)
    ]
    reference = runs[0].values
    rows = [[v - r for v, r in zip(run.values, reference, strict=True)] for run in runs]
    distances = ensemble.list_distances(reference, rows)
    spread = ensemble.measure_spread(reference, rows)
    content = fingerprint.encode_array([reference, spread.centre, spread.spread])
    about = Fingerprint(
        counts=dict(runs[0].counts),
        names_sha256=runs[0].names_sha256,
        members=20,
        rate=0.001,
        limits=ensemble.find_limits(distances, 0.001),
        distances=distances,
        array_sha256=fingerprint.digest_array(content),
        parameter="perturb",
        parameters=PARAMETERS,
        environment=ENVIRONMENT | HERE,
        datasets=DATASETS,
        reason="first",
        author="A. Person",
        date="2026-01-02T03:04:05Z",
        commit="c" * 40,
        repeat="bit-identical",
    )
    fingerprint.save(folder, dataclasses.replace(about, **changes), content)
    return GoldenSet(values=values_, fingerprints=fingerprint.load(folder))
