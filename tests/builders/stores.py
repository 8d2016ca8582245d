"""Stores of many synthetic hubs: several suites, verdicts, commits and environments."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.evidence.hub import blockers
from harness.records import ArtifactRecord, GuardResult, HubRecord
from harness.reporting.website.rows import Row
from harness.verdict import Verdict
from tests.builders import reports

SUITES = ("forward-parity", "quick")
_BEGIN = datetime(2025, 3, 1, 8, tzinfo=UTC)
_METRICS = 26
_GUARDS = 50


def fill(store: Path, count: int, *, first: int = 0) -> list[HubRecord]:
    """Write hubs number ``first`` to ``first + count`` of an endless, repeatable series.

    Every eleventh is red, its variance out of bounds, and every twenty-third inconclusive; the
    variance finds a new level with hub 60, 2.5 times the old one.
    """
    made = [record(number) for number in range(first, first + count)]
    register = blockers.Register(store)
    for one in made:
        reports.write(store, one)
        if one.verdict is Verdict.GREEN:
            register.note_green(one.suite, one.finished)
    return made


def bundle(number: int) -> ArtifactRecord:
    """Make the record of the bundle that a hub of the series left outside."""
    return ArtifactRecord(
        id="bundle",
        stage="train",
        path="runs/train/wts.h5.zip",
        sha256=hashlib.sha256(f"model {number}".encode()).hexdigest(),
        size=3_000_000,
        external=True,
        fresh=True,
    )


def record(number: int) -> HubRecord:
    """Make the record of a hub of the series."""
    chance = random.Random(number)  # noqa: S311 - repeatable, no secret
    begun = _BEGIN + timedelta(hours=7 * number, seconds=number % 60)
    verdict = _verdict(number)
    base = reports.red_record() if verdict is Verdict.RED else reports.record()
    metrics = dict(_metrics(number, chance))
    device = "cuda" if number % 10 == 7 else "cpu"
    digest = hashlib.sha1(f"commit {number // 2}".encode()).hexdigest()  # noqa: S324 - as git
    return replace(
        base,
        suite=SUITES[number % 3 == 2],
        run_id=f"{begun:%Y%m%dT%H%M%SZ}-{number:06x}",
        started=f"{begun:%Y-%m-%dT%H:%M:%SZ}",
        finished=f"{begun + timedelta(seconds=31):%Y-%m-%dT%H:%M:%SZ}",
        verdict=verdict,
        reason="no golden of this environment"
        if verdict is Verdict.INCONCLUSIVE
        else base.reason,
        stamp=replace(base.stamp, commit=digest, dirty=number % 6 == 0),
        environment={
            "python": "3.11.9" if number < 30 else "3.12.4",
            "torch": "2.13.0",
            "device": device,
            "platform": "linux",
            "machine": "x86_64",
        },
        artifacts=(bundle(number),),
        guards=(*base.guards, *_guards(metrics, verdict)),
        metrics=metrics,
    )


def _verdict(number: int) -> Verdict:
    if number % 11 == 4:
        return Verdict.RED
    return Verdict.INCONCLUSIVE if number % 23 == 11 else Verdict.GREEN


def _metrics(number: int, chance: random.Random) -> Iterator[tuple[str, float]]:
    """Yield a variance with a new level, a slow one with none, and others that only scatter."""
    variance = 0.018 * (2.5 if number >= 60 else 1.0) * math.exp(chance.gauss(0, 0.05))
    if _verdict(number) is Verdict.RED:
        variance *= 2 if number >= 60 else 4
    yield "max(inference-stats:[phase=inference].var_zero_mean)", variance
    yield "parity:relative_l2", 2e-7 * math.exp(chance.gauss(0, 0.3))
    for index in range(_METRICS - 2):
        name = f"mean(debug-stats:[phase=inference].quantity_{index:02d})"
        yield name, 1.0 + index + chance.gauss(0, 0.02)


def _band(index: int) -> tuple[float | None, float]:
    """Return the same bounds for every run of a metric."""
    if index < 2:
        return ((0.005, 0.06), (None, 1e-6))[index]
    return 0.9 * (index - 1), 1.1 * (index - 1)


def _guards(metrics: dict[str, float], verdict: Verdict) -> Iterator[GuardResult]:
    names = list(metrics)
    for index in range(_GUARDS):
        name = names[index % len(names)]
        value = metrics[name]
        low, high = _band(index % len(names))
        yield reports.guard(
            f"guard-{index:02d}",
            verdict if index == 0 else Verdict.GREEN,
            metric=name,
            value=value,
            low=low,
            high=high,
            found=f"{value:.4g}",
            expected="in its band",
        )


def many_rows(count: int) -> list[Row]:
    """Make rows of a site as a store of many runs has them: few words, many numbers."""
    chance = random.Random(7)  # noqa: S311 - repeatable, no secret
    times = [_BEGIN + timedelta(minutes=400 * i) for i in range(count)]
    return [
        Row(
            suite=("forward-parity", "quick")[i % 3 == 2],
            run_id=f"{times[i]:%Y%m%dT%H%M%SZ}-{i:06x}",
            digest="0" * 64,
            verdict="red" if i % 11 == 4 else "green",
            reason=f"guard-{i % 50} found {chance.random():.3g}; expected 0.001 … 0.01",
            finished=f"{times[i]:%Y-%m-%dT%H:%M}:31Z",
            duration_s=round(chance.uniform(20, 900), 1),
            commit=f"{chance.getrandbits(160):040x}",
            dirty=i % 6 == 0,
            environment=("cpu", "cuda")[i % 10 == 7] + " · torch 2.13.0 · python 3.12.4",
            green_guards=53,
            guards=54,
        )
        for i in range(count)
    ]
