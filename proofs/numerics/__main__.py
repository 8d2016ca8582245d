"""Measure false alarms of rounding and what doses are seen: ``python -m proofs.numerics``."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist

import click

from harness.files import sha256_bytes
from harness.judgement.golden import ensemble, store
from harness.judgement.golden.fingerprint import StoredFingerprint
from harness.judgement.guards import fingerprint
from proofs.docs import regions
from proofs.numerics import campaign
from proofs.numerics.campaign import Answer, Ensemble

PAGE = regions.DOCS / "numerics.md"
_ROOT = regions.DOCS.parent
_HEAD = """\
# Rounding, and what is more than rounding

Written by `make numerics`. Suite `smoke` is run without its tests, and all numbers of a run are
held against its stored ensemble (`harness golden fingerprint smoke`): the same seed, initial
weights moved by half an ulp. A distance is given as a part of its limit, the largest of four:
of the farthest number, and of those that a hundredth, a tenth and half of all numbers exceed.
Above 1 the run is no *rounding* any more.

"""
_CLEAN_HEAD = (
    *("set", "threads", "numeric class", "runs", "farthest", "alarms"),
    *("against others", "farthest", "alarms"),
)
_DOSES = """\
## Planted doses

Each is a drill of this name, run by the seed of the ensemble and by half an ulp away from it.
The chance that one run is taken for rounding is that of a normal variable with the mean and the
deviation of the logarithms of these distances.
"""
_DOSES_HEAD = ("defect", "runs", "seen", "distances", "chance to be missed", "farthest number")


@click.command()
@click.option("--keep", type=click.Path(path_type=Path), default=Path(".harness/numerics"))
@click.option("--minutes", type=float, default=120.0, help="Start nothing after this time.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=PAGE)
def main(keep: Path, minutes: float, output: Path) -> None:
    """Run what has no answer yet, and write the page."""
    place = (keep / digest_code()).absolute()
    campaign.run(_ROOT, place, minutes)
    names = campaign.read_names(place)
    output.write_text(write_page(campaign.read_answers(place), names), "utf-8")


def digest_code() -> str:
    """Return what numbers depend on: another model or another suite is run anew."""
    paths = [*sorted((_ROOT / "ptycho_torch").rglob("*.py")), _ROOT / "configs/quick.json"]
    return sha256_bytes(b"\0".join(path.read_bytes() for path in paths))[:12]


def write_page(answers: Sequence[Answer], names: Sequence[str]) -> str:
    """Write the page from what was run; ``names`` are those of its numbers."""
    (stored,) = store.load(_ROOT / "golden" / campaign.SUITE).fingerprints
    reference, spread = fingerprint.read_ensemble(stored)
    about = stored.about
    known = Ensemble(
        reference=reference,
        names_sha256=about.names_sha256,
        spread=spread,
        limits=about.limits,
    )
    clean = [one for one in answers if not one.case.dose]
    doses = [one for one in answers if one.case.dose]
    others = campaign.make_ensembles(answers, about.rate)
    parts = [
        _describe(stored),
        *_write_clean(clean, known, others),
        *_write_doses(doses, known, names),
    ]
    return _HEAD + "\n".join(parts) + "\n"


def _describe(stored: StoredFingerprint) -> str:
    about = stored.about
    rows = zip(ensemble.SHARES, about.limits, zip(*about.distances, strict=True), strict=True)
    limits = [
        f"{f'{share:.0%} of all numbers' if share else 'the farthest number'}: limit"
        f" {limit:.3g}, its own farthest member {max(members):.3g}"
        for share, limit, members in rows
    ]
    return (
        f"The ensemble: {sum(about.counts.values()):,} numbers of {about.members} perturbed"
        f" runs, commit {about.commit[:12]}, rate {about.rate:.1%}. In spreads,"
        f" {'; '.join(limits)}.\n"
    )


def _write_clean(
    clean: Sequence[Answer], known: Ensemble, others: Mapping[str, Ensemble]
) -> list[str]:
    """Write how clean runs of every machine lie to the stored ensemble and to each other's."""
    groups: dict[str, list[Answer]] = {}
    for one in clean:
        groups.setdefault(json.dumps(one.case.variables), []).append(one)
    rows, counts = [], [0, 0]
    for machine, members in groups.items():
        mine = [known.measure(one)[0] for one in members]
        crossed = [
            other.measure(one)[0]
            for name, other in others.items()
            if name != machine
            for one in members
        ]
        counts[0] += len(mine) + len(crossed)
        counts[1] += _count_alarms(mine) + _count_alarms(crossed)
        named = {k: v for k, v in members[0].case.variables.items() if k != "OMP_NUM_THREADS"}
        words = ", ".join(f"{k}={v}" for k, v in named.items()) or f"default ({members[0].isa})"
        threads = members[0].case.variables["OMP_NUM_THREADS"]
        cells = (words, threads, f"`{members[0].numeric_class}`", len(members))
        far = (f"{max(mine):.3g}", _count_alarms(mine))
        cross = (len(crossed), f"{max(crossed, default=0.0):.3g}", _count_alarms(crossed))
        rows.append(f"| {' | '.join(map(str, (*cells, *far, *cross)))} |")
    classes = len({one.numeric_class for one in clean})
    share = counts[1] / max(counts[0], 1)
    summary = (
        f"**{counts[0]:,} clean comparisons, {counts[1]} alarms** ({share:.2%}), of"
        f" {len(clean)} runs: each against the stored ensemble, and against those of the other"
        " machines, made here of their own runs.\n"
    )
    pairs = f"\n{len(groups)} pairs of set and threads, {classes} numeric classes.\n"
    return ["## Clean runs on other machines\n", summary, *_head(_CLEAN_HEAD), *rows, pairs]


def _head(names: Sequence[str]) -> tuple[str, str]:
    return f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"


def _count_alarms(parts: Iterable[float]) -> int:
    return sum(part > 1 for part in parts)


def _write_doses(doses: Sequence[Answer], known: Ensemble, names: Sequence[str]) -> list[str]:
    """Write how far planted doses lie; the chance comes from the scatter of their runs."""
    lines = [_DOSES, *_head(_DOSES_HEAD)]
    planted = dict.fromkeys(one.case.dose for one in doses)
    for name in planted:
        mine = [known.measure(one) for one in doses if one.case.dose == name]
        parts = [part for part, _ in mine]
        farthest = f"`{names[mine[0][1]]}`"
        spans = f"{min(parts):.3g} … {max(parts):.3g}"
        cells = (name, len(parts), _count_alarms(parts), spans, _chance(parts), farthest)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    waiting = len(campaign.DOSES) - len(planted)
    return [*lines, "", f"{waiting} doses have not been run yet."] if waiting else lines


def _chance(parts: Sequence[float]) -> str:
    logs = [math.log(max(part, 1e-9)) for part in parts]
    if len(logs) < 3:
        return "–"
    spread = statistics.stdev(logs)
    if not spread:
        return "0" if logs[0] > 0 else "1"
    return f"{NormalDist(statistics.fmean(logs), spread).cdf(0.0):.1g}"


if __name__ == "__main__":
    main()
