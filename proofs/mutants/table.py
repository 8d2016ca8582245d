"""The sample of mutants, which of them change nothing and why, and the figures of the page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proofs.mutants.trial import SURVIVED, Mutant

HEAD = """\
## Mutants of the judges

`make mutants` changes one token at a time in guards, verify, ledger, golden, freshness,
quarantine and physics: cosmic-ray draws the changes, at least three a module and one a place,
and the few tests that belong to the module judge each. Left out are annotations, decorators,
and numbers that only bound sizes, waits or what is shown. A mutant is killed when a test fails
or does not end.

"""
ROOT = Path(__file__).resolve().parents[2]
SAMPLE = Path(__file__).with_name("sample.json")
EQUIVALENTS = Path(__file__).with_name("equivalents.json")
FIGURES = Path(__file__).with_name("figures.json")
_PARTS = {
    "guards": "harness/judgement/guards/",
    "verify": "harness/judgement/verify/",
    "golden": "harness/judgement/golden/",
    "ledger": "harness/evidence/ledger/",
    "freshness": "harness/judgement/freshness.py",
    "quarantine": "harness/judgement/quarantine.py",
    "physics": "ptycho_torch/physics/",
}


def read_sample() -> list[Mutant]:
    """Return the mutants that were drawn."""
    listed = json.loads(SAMPLE.read_text("utf-8"))["mutants"]
    return [
        Mutant(**{**one, "old": tuple(one["old"]), "new": tuple(one["new"])}) for one in listed
    ]


def read_equivalents() -> Mapping[str, str]:
    """Return why a mutant is no other program, by its key."""
    reasons: Mapping[str, str] = json.loads(EQUIVALENTS.read_text("utf-8"))
    return reasons


def write(judged: Sequence[tuple[Mutant, str]]) -> None:
    """Keep the figures: of each part how many were drawn, killed, and the same program."""
    same = read_equivalents()
    parts: dict[str, dict[str, Any]] = {}
    for part, prefix in _PARTS.items():
        mine = [(m, outcome) for m, outcome in judged if m.module.startswith(prefix)]
        alive = [m.key for m, outcome in mine if outcome == SURVIVED]
        parts[part] = {
            "drawn": len(mine),
            "outcomes": dict(Counter(outcome for _, outcome in mine)),
            "equivalent": sorted(key for key in alive if key in same),
            "survived": sorted(key for key in alive if key not in same),
        }
    sample = json.loads(SAMPLE.read_text("utf-8"))
    value = {"places": sample["total"], "sampled": len(sample["mutants"]), "parts": parts}
    FIGURES.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")


def rows() -> str:
    """Write the table of the page, and below it what is the same program and why."""
    value = json.loads(FIGURES.read_text("utf-8"))
    same = read_equivalents()
    lines = ["| part | judged | same program | killed | alive | killed of the others |"]
    lines += ["|---|---:|---:|---:|---:|---:|"]
    sums = [0, 0, 0]
    for part, one in value["parts"].items():
        counts = [one["drawn"], len(one["equivalent"]), len(one["survived"])]
        sums = [a + b for a, b in zip(sums, counts, strict=True)]
        lines.append(_row(part, *counts))
    lines += [_row("**all**", *sums), "", _say_drawn(value, sums[0]), ""]
    every = [key for one in value["parts"].values() for key in one["equivalent"]]
    lines += ["The same program, and why:", "", *(f"- `{key}`: {same[key]}" for key in every)]
    left = [key for one in value["parts"].values() for key in one["survived"]]
    lines += ["", "Alive:", "", *(f"- `{key}`" for key in left)] if left else []
    return "\n".join(lines)


def _say_drawn(value: dict[str, Any], judged: int) -> str:
    drawn = f"{value['sampled']:,} drawn from {value['places']:,} places"
    return f"{drawn}." if judged == value["sampled"] else f"{drawn}; {judged:,} judged so far."


def _row(part: str, drawn: int, same: int, alive: int) -> str:
    killed, others = drawn - same - alive, drawn - same
    share = f"{killed / others:.1%}" if others else "—"
    return f"| {part} | {drawn} | {same} | {killed} | {alive} | {share} |"
