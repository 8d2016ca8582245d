"""Judge the sampled mutants: ``python -m proofs.mutants``; goes on where it was stopped.

``make mutants`` draws the sample first, with cosmic-ray in an environment of its own. What was
judged is taken from ``.harness/mutants`` as long as module and tests are the same; survivors
are judged again at each call, since a test may have been added that kills them.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

import click

from harness import files
from proofs.mutants import coverage, table, trial
from proofs.mutants.trial import KILLED, SURVIVED, Mutant

_OUTCOMES = table.ROOT / ".harness" / "mutants" / "outcomes.json"
_COPIED = (
    "harness",
    "ptycho_torch",
    "tests",
    "proofs",
    "drills",
    "golden",
    "docs",
    "examples",
    "hubs",
)
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a copy that is written to before each trial


@click.command()
@click.option("--minutes", type=float, help="Begin no trial after so long.")
@click.option("--only", help="Only modules whose path holds this.")
def main(*, minutes: float | None, only: str | None) -> None:
    """Judge what is not judged yet, name the survivors, and keep the figures."""
    mutants = [one for one in table.read_sample() if only is None or only in one.module]
    known = _read_known()
    same = table.read_equivalents()
    waiting = [
        one
        for one in mutants
        if known.get(one.key) not in {KILLED, trial.ENDLESS}
        and not (known.get(one.key) == SURVIVED and one.key in same)
    ]
    # Survivors first, for whose sake tests are added; then of each module one after the other:
    # a part of the sample is then a sample too.
    turn = {
        one.key: number for _, each in _by_module(mutants) for number, one in enumerate(each)
    }
    waiting.sort(key=lambda one: (known.get(one.key) != SURVIVED, turn[one.key]))
    ends = time.monotonic() + 60 * minutes if minutes else None
    _load_others(any(one.module.startswith("ptycho_torch") for one in waiting))
    top = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="mutants-", dir=top) as folder:
        tree = _copy(Path(folder))
        for mutant, outcome in _judge_all(tree, waiting, known, ends):
            known[mutant.key] = outcome
            _OUTCOMES.parent.mkdir(parents=True, exist_ok=True)
            files.write_bytes(_OUTCOMES, files.json_bytes(known))
    judged = [(one, known[one.key]) for one in mutants if one.key in known]
    survivors = [one for one, outcome in judged if outcome == SURVIVED]
    unexplained = [one for one in survivors if one.key not in same]
    click.echo(f"{len(judged)} of {len(mutants)} judged, {len(survivors)} survived")
    for one in unexplained:
        old, new = (" | ".join(part).strip() for part in (one.old, one.new))
        click.echo(f"  {one.module}:{one.line} {old}\n    → {new}")
    if only is None:
        table.write(judged)


def _by_module(mutants: Sequence[Mutant]) -> Iterator[tuple[str, Iterator[Mutant]]]:
    return groupby(mutants, key=lambda one: one.module)


def _judge_all(
    tree: Path, mutants: Sequence[Mutant], known: dict[str, str], ends: float | None
) -> Iterator[tuple[Mutant, str]]:
    """Yield the outcome of each trial; the tests of a module must pass without one first."""
    for tests, group in groupby(mutants, key=lambda one: coverage.tests_of(one.module)):
        if ends is not None and time.monotonic() > ends:
            return
        unsound = _find_unsound(tree, tests, known)
        if unsound:  # these tests say nothing here: nobody is judged by them
            click.echo(f"{unsound}: {known[_mark(unsound)]} without any change")
            continue
        for mutant in group:
            if ends is not None and time.monotonic() > ends:
                return
            try:
                yield mutant, trial.judge(tree, mutant, tests)
            except (
                LookupError
            ) as error:  # the module has changed: it is drawn anew with the next
                known.pop(mutant.key, None)  # what it came to was of another module
                click.echo(f"{error}")


def _find_unsound(tree: Path, tests: Sequence[str], known: dict[str, str]) -> str:
    """Return tests that do not pass without a change; each is run once for all modules."""
    for one in tests:
        if known.get(_mark(one)) != SURVIVED:
            known[_mark(one)] = trial.run_tests(tree, [one])
        if known[_mark(one)] != SURVIVED:
            return one
    return ""


def _mark(tests: str) -> str:
    return f"unchanged {_source()}: {tests}"


@cache
def _source() -> str:
    """Digest what tests judge, and the tests."""
    tops = ("harness", "ptycho_torch", "tests")
    paths = sorted(path for top in tops for path in (table.ROOT / top).rglob("*.py"))
    parts = "".join(f"{path} {files.sha256_file(path)}\n" for path in paths)
    return files.sha256_bytes(parts.encode())[:12]


def _copy(folder: Path) -> Path:
    for name in _COPIED:
        skipped = shutil.ignore_patterns("__pycache__")
        if (table.ROOT / name).is_dir():
            shutil.copytree(table.ROOT / name, folder / name, ignore=skipped, symlinks=True)
    for path in table.ROOT.glob("*.*"):
        if path.is_file():
            shutil.copy(path, folder / path.name)
    return folder


def _load_others(with_model: bool) -> None:  # noqa: FBT001 - a private switch
    """Load what tests load of others, once for all forks; nothing of ours but this proof."""
    names = [
        "hypothesis",
        "click",
        "rfc8785",
        "jinja2",
        "cryptography.hazmat.primitives.asymmetric.ed25519",
    ]
    names += ["torch", "scipy.ndimage", "jaxtyping", "beartype"] if with_model else []
    for name in names:
        __import__(name)
    for name in [one for one in sys.modules if one == "harness" or one.startswith("harness.")]:
        del sys.modules[name]  # the fork loads it from the copy


def _read_known() -> dict[str, str]:
    known: Mapping[str, str] = json.loads(_OUTCOMES.read_bytes()) if _OUTCOMES.is_file() else {}
    return dict(known)


if __name__ == "__main__":
    main()
