"""Judgements of unknown defects in, the page of docs/ out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from proofs.unknown import patches
from proofs.unknown.patches import HARMLESS, HARNESS, MODEL, Patch

Pairs = Sequence[tuple[Patch, dict[str, Any]]]
_HEAD = """\
# Defects that nobody here had thought of

Written by `make unknown-defects`; measured on one of the commits {commits} each. The
patches in `proofs/unknown` were written by somebody who had read the model and what the harness
promises, but neither guards, drills nor tests: slips of the hand along the whole road, promises
of the harness broken, and refactorings that change at most the rounding. Those of the model are
run by suite `{suite}`, without its tests first, then with them; those of the harness by its
tests.
"""
_MODEL = ("defect", "touches", "verdict", "answer", "first cause", "suspect")
_HARMLESS = ("refactoring", "verdict", "answer")
_HARNESS = ("defect", "promise", "test that failed")
_OVER = re.compile(r" over \d+ runs")


def write(judged: Mapping[str, Pairs], clean: Sequence[Mapping[str, Any]], suite: str) -> str:
    """Write the page."""
    every = [*clean, *(one for pairs in judged.values() for _, one in pairs)]
    commits = dict.fromkeys(one["commit"][:7] for one in every)
    parts = [
        _HEAD.format(suite=suite, commits=", ".join(commits)),
        *_write_model(judged[MODEL]),
        *_write_harmless(judged[HARMLESS]),
        *_write_clean(clean),
        *_write_harness(judged[HARNESS]),
    ]
    return "\n".join(parts) + "\n"


def _write_model(pairs: Pairs) -> list[str]:
    touching = [one for patch, one in pairs if patch.touches]
    red = [one for one in touching if one["verdict"] == "red"]
    by_tests = sum(one["with_tests"] for one in red)
    taught = [one["name"] for one in red if one.get("first", "red") != "red"]
    blockers = sum(one["blockers"] == 1 for one in red if not one["with_tests"])
    suspected = sum(one["suspect"] > 0 for one in red if not one["with_tests"])
    rows = [
        (
            one["name"],
            "yes" if patch.touches else "no",
            f"{one['verdict']}{' by tests' if one['with_tests'] else ''}",
            one["answer"],
            one["cause"][:110],
            one["suspect"] or "–",
        )
        for patch, one in pairs
    ]
    summary = (
        f"**{len(red)} of {len(touching)}** that touch the road of the suite are red,"
        f" {by_tests} of them only by its tests. Of the others {blockers} open one blocker"
        f" each, and {suspected} have the changed file among the suspects."
        f"{_tell_waiting(MODEL, pairs)}"
        f"{_tell_taught(taught)}\n"
    )
    return ["## The model\n", summary, *_table(_MODEL, rows)]


def _tell_taught(names: Sequence[str]) -> str:
    """Say which were not red when they were first planted."""
    listed = ", ".join(names)
    words = f"{len(names)} of them were green when first planted, and taught what is there now"
    return f" {words}: {listed}." if names else ""


def _write_harmless(pairs: Pairs) -> list[str]:
    changed = sum(one["verdict"] == "red" for _, one in pairs)
    rows = [(one["name"], one["verdict"], one["answer"]) for _, one in pairs]
    summary = f"**{changed} of {len(pairs)}** were taken for a change."
    head = f"{summary}{_tell_waiting(HARMLESS, pairs)}\n"
    return ["\n## Harmless refactorings\n", head, *_table(_HARMLESS, rows)]


def _write_clean(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write what runs with nothing planted came to, by seeds that no golden was made of."""
    if not runs:
        return []
    alarms = [run for run in runs if run["verdict"] != "green"]
    seeds = f"{runs[0]['seed']} … {runs[-1]['seed']}"
    summary = f"**{len(alarms)} of {len(runs)}** runs with other seeds ({seeds}) are not green."
    if drawn := [str(run["seed"]) for run in runs if _OVER.search(run["reason"])]:
        words = "by a golden over the first run alone, and were judged over further ones, too."
        summary += f"\n{', '.join(drawn)} were red {words}"
    listed = [f"- {run['seed']}: {run['verdict']}, {run['reason']}" for run in alarms]
    return ["\n## Nothing planted\n", summary, *listed]


def _write_harness(pairs: Pairs) -> list[str]:
    killed = sum(bool(one["test"]) for _, one in pairs)
    rows = [
        (one["name"], patch.promise, f"`{one['test']}`" if one["test"] else "**none**")
        for patch, one in pairs
    ]
    return [
        "\n## The harness\n",
        f"**{killed} of {len(pairs)}** make a test fail.{_tell_waiting(HARNESS, pairs)}\n",
        *_table(_HARNESS, rows),
    ]


def _tell_waiting(kind: str, pairs: Pairs) -> str:
    waiting = len(patches.list_patches(kind)) - len(pairs)
    return f" {waiting} have not been run yet." if waiting else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *cells]
    return [f"| {' | '.join(line)} |" for line in lines]
