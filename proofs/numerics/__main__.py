"""Measure false alarms of rounding and what doses are seen: ``python -m proofs.numerics``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from harness.files import sha256_bytes
from harness.judgement.golden import ensemble, store
from proofs.docs import regions
from proofs.numerics import campaign
from proofs.numerics.campaign import Answer

PAGE = regions.DOCS / "numerics.md"
_ROOT = regions.DOCS.parent
_HEAD = """\
# Rounding, and what is more than rounding

Written by `make numerics`. Suite `smoke` is run without its tests, once a line, and all its
numbers are held against its stored ensemble (`harness golden fingerprint smoke`): the same
seed, initial weights moved by half an ulp. A distance is that of the farthest number, as a part
of the limit; above 1 the run is no *rounding* any more.

"""


@click.command()
@click.option("--keep", type=click.Path(path_type=Path), default=Path(".harness/numerics"))
@click.option("--minutes", type=float, default=8.0, help="Start nothing after this time.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=PAGE)
def main(keep: Path, minutes: float, output: Path) -> None:
    """Run what has no answer yet, and write the page."""
    place = (keep / digest_code()).absolute()
    output.write_text(write_page(campaign.run(_ROOT, place, minutes)), "utf-8")


def digest_code() -> str:
    """Return what answers depend on: another code, declaration or ensemble answers anew."""
    paths = sorted((_ROOT / "ptycho_torch").rglob("*.py"))
    golden = store.load(_ROOT / "golden" / campaign.SUITE).fingerprints
    marks = [one.about.digest.encode() for one in golden]
    return sha256_bytes(b"\0".join([*(path.read_bytes() for path in paths), *marks]))[:12]


def write_page(answers: Sequence[Answer]) -> str:
    """Write the page from what was run."""
    (stored,) = store.load(_ROOT / "golden" / campaign.SUITE).fingerprints
    about = stored.about
    count = sum(about.counts.values())
    farthest = max(
        one / limit
        for member in about.distances
        for one, limit in zip(member, about.limits, strict=True)
    )
    limits = ", ".join(
        f"{limit:.4g} ({share:.0%})" if share else f"{limit:.4g} (the farthest)"
        for share, limit in zip(ensemble.SHARES, about.limits, strict=True)
    )
    summary = (
        f"The ensemble: {count:,} numbers of {about.members} perturbed runs; limits in spreads,"
        f" of shares of all numbers: {limits}, at a rate of {about.rate:.1%}; its farthest"
        f" member, held against the others, lies at {farthest:.2f}."
        f" Commit {about.commit[:12]}.\n"
    )
    clean = [one for one in answers if not one.case.dose]
    doses = [one for one in answers if one.case.dose]
    parts = [summary, *_write_clean(clean), *_write_doses(doses)]
    return _HEAD + "\n".join(parts) + "\n"


def _write_clean(clean: Sequence[Answer]) -> list[str]:
    alarms = sum(one.share > 1 for one in clean)
    worst = max((one.share for one in clean), default=0.0)
    lines = [
        "## Clean runs on other machines\n",
        f"{len(clean)} clean comparisons, {alarms} alarms; the farthest at {worst:.3g}.\n",
        "| set | threads | numeric class | runs | bit-identical | farthest | alarms |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    groups: dict[tuple[str, str], list[Answer]] = {}
    for one in clean:
        named = {k: v for k, v in one.case.variables.items() if k != "OMP_NUM_THREADS"}
        words = ", ".join(f"{k}={v}" for k, v in named.items()) or f"default ({one.isa})"
        groups.setdefault((words, one.threads), []).append(one)
    for (words, threads), members in groups.items():
        same = sum(one.share == 0 for one in members)
        far = max(one.share for one in members)
        red = sum(one.share > 1 for one in members)
        cells = (words, threads, f"`{members[0].numeric_class}`", len(members), same)
        lines.append(f"| {' | '.join(map(str, cells))} | {far:.3g} | {red} |")
    classes = {one.numeric_class for one in clean}
    summary = f"{len(groups)} pairs of set and threads, {len(classes)} numeric classes.\n"
    return [*lines, "", summary]


def _write_doses(doses: Sequence[Answer]) -> list[str]:
    lines = [
        "## Planted doses\n",
        "Each is a drill of this name; one run each.\n",
        "| defect | distance | answer | farthest number |",
        "| --- | --- | --- | --- |",
    ]
    for one in doses:
        answer = "more than rounding" if one.share > 1 else "**not seen**"
        cells = (one.case.dose, f"{one.share:.3g}", answer, f"`{one.farthest[:60]}`")
        lines.append(f"| {' | '.join(cells)} |")
    waiting = len(campaign.DOSES) - len(doses)
    return [*lines, "", f"{waiting} doses have not been run yet."] if waiting else lines


if __name__ == "__main__":
    main()
