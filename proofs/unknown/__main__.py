"""Plant what nobody had thought of: ``python -m proofs.unknown``; goes on where it stopped.

Each judgement is kept with the commit that it is of, until it is asked for again; with
``--kind`` only one kind is planted.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from harness import files
from harness.evidence.hub import checkout
from proofs.causes import warm
from proofs.causes.clone import Clone, find_socket
from proofs.causes.planting import Ground
from proofs.docs import regions
from proofs.unknown import judges, model, page, patches
from proofs.unknown.patches import CLEAN, HARMLESS, HARNESS, MODEL, Patch

PAGE = regions.DOCS / "unknown-defects.md"
_ROOT = regions.DOCS.parent
_KINDS = (MODEL, HARMLESS, CLEAN, HARNESS)
_FIRST_SEED, _SEEDS = 4001, 30  # far from those that goldens were made of


@click.command()
@click.option("--kind", type=click.Choice(_KINDS), multiple=True)
@click.option("--suite", default=model.QUICK, show_default=True, help="That runs the model.")
@click.option("--only", default="", help="Patches whose names hold these words.")
@click.option("--again", is_flag=True, help="Plant those once more, on the commit of now.")
@click.option("--minutes", type=float, default=600.0, help="Plant nothing after this time.")
@click.option("--keep", type=click.Path(path_type=Path), default=Path(".harness/unknown"))
@click.option("-o", "--output", type=click.Path(path_type=Path), default=PAGE)
def main(
    kind: Sequence[str],
    suite: str,
    *,
    only: str,
    again: bool,
    minutes: float,
    keep: Path,
    output: Path,
) -> None:
    """Plant what has no judgement yet, and write the page."""
    commit = checkout.call(_ROOT, "rev-parse", "HEAD").decode().strip()
    place = (keep / suite).absolute()
    ends = time.monotonic() + 60 * minutes
    for each in kind or _KINDS:
        (place / each).mkdir(parents=True, exist_ok=True)
        if each == CLEAN:
            _run_clean(place, suite, commit, ends)
            continue
        waiting = [
            one
            for one in patches.list_patches(each)
            if only in one.name and (again or not _find(place, each, one).exists())
        ]
        in_time = (one for one in waiting if time.monotonic() < ends)
        if waiting and each == HARNESS:
            _judge_harness(place, commit, in_time)
        elif waiting:
            _judge_model(place, each, suite, commit, in_time)
    judged = {each: _read(place, each) for each in (MODEL, HARMLESS, HARNESS)}
    content = page.write(judged, _read_clean(place), suite)
    output.write_text(content, "utf-8")


def _judge_model(
    place: Path, kind: str, suite: str, commit: str, waiting: Iterable[Patch]
) -> None:
    tested = _clone(place / "tested", commit)
    home = place / "clone"
    home.mkdir(exist_ok=True)
    with warm.serving(find_socket(home)):
        own = Clone(_ROOT, home, Ground(name=suite, suite=suite))
        for patch in waiting:
            judged = model.judge(own, tested, patch)
            _keep(_find(place, kind, patch), judged, commit, f"{kind} {patch.name}")


def _run_clean(place: Path, suite: str, commit: str, ends: float) -> None:
    home = place / "clone"
    home.mkdir(exist_ok=True)
    waiting = [seed for seed in _list_seeds() if not _find_seed(place, seed).exists()]
    if not waiting:
        return
    with warm.serving(find_socket(home)):
        own = Clone(_ROOT, home, Ground(name=suite, suite=suite))
        for seed in waiting:
            if time.monotonic() > ends:
                return
            run = model.run_clean(own, seed)
            _keep(_find_seed(place, seed), run, commit, f"{CLEAN} {seed}")


def _list_seeds() -> range:
    return range(_FIRST_SEED, _FIRST_SEED + _SEEDS)


def _find_seed(place: Path, seed: int) -> Path:
    return place / CLEAN / f"{seed}.json"


def _read_clean(place: Path) -> list[dict[str, Any]]:
    paths = (_find_seed(place, seed) for seed in _list_seeds())
    return [json.loads(path.read_text("utf-8")) for path in paths if path.exists()]


def _judge_harness(place: Path, commit: str, waiting: Iterable[Patch]) -> None:
    tree = _clone(place / "tree", commit)
    for patch in waiting:
        judged = judges.judge(tree, patch)
        _keep(_find(place, HARNESS, patch), judged, commit, f"{HARNESS} {patch.name}")


def _keep(path: Path, judgement: Any, commit: str, name: str) -> None:
    """Write a judgement with its commit, and with what the first one of its patch was."""
    content = {**asdict(judgement), "commit": commit}
    if path.exists():
        before = json.loads(path.read_text("utf-8"))
        content["first"] = before.get("first", before.get("verdict", ""))
    files.write_bytes(path, files.json_bytes(content))
    click.echo(f"{name}: {judgement}"[:300])


def _clone(tree: Path, commit: str) -> Path:
    """Make a clone of the commit with the cached datasets, or bring it there."""
    if not (tree / ".git").is_dir():
        shutil.rmtree(tree, ignore_errors=True)
        words = ("git", "clone", "--quiet", "--shared", str(_ROOT), str(tree))
        subprocess.run(words, check=True)
        datasets = _ROOT / ".harness/datasets"
        if datasets.is_dir():
            shutil.copytree(datasets, tree / ".harness/datasets", dirs_exist_ok=True)
    for words in (
        ("git", "fetch", "--quiet", str(_ROOT), "HEAD"),
        ("git", "checkout", "--quiet", "--force", "--detach", commit),
    ):
        subprocess.run(words, cwd=tree, check=True)
    return tree


def _find(place: Path, kind: str, patch: Patch) -> Path:
    return place / kind / f"{patch.name}.json"


def _read(place: Path, kind: str) -> list[tuple[Patch, dict[str, Any]]]:
    pairs = []
    for patch in patches.list_patches(kind):
        path = _find(place, kind, patch)
        if path.exists():
            pairs.append((patch, json.loads(path.read_text("utf-8"))))
    return pairs


if __name__ == "__main__":
    main()
