"""Plant what nobody had thought of: ``python -m proofs.unknown``; goes on where it stopped.

Judgements are kept as long as the commit is the same; with ``--kind`` only one kind is planted.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from harness.evidence.hub import checkout
from proofs.causes import warm
from proofs.causes.clone import Clone, find_socket
from proofs.docs import regions
from proofs.unknown import judges, model, page, patches
from proofs.unknown.patches import HARMLESS, HARNESS, MODEL, Patch

PAGE = regions.DOCS / "unknown-defects.md"
_ROOT = regions.DOCS.parent


@click.command()
@click.option("--kind", type=click.Choice((MODEL, HARNESS, HARMLESS)), multiple=True)
@click.option("--suite", default=model.QUICK, show_default=True, help="That runs the model.")
@click.option("--only", default="", help="Patches whose names hold these words.")
@click.option("--minutes", type=float, default=600.0, help="Plant nothing after this time.")
@click.option("--keep", type=click.Path(path_type=Path), default=Path(".harness/unknown"))
@click.option("-o", "--output", type=click.Path(path_type=Path), default=PAGE)
def main(
    kind: Sequence[str], suite: str, *, only: str, minutes: float, keep: Path, output: Path
) -> None:
    """Plant what has no judgement yet, and write the page."""
    commit = checkout.call(_ROOT, "rev-parse", "HEAD").decode().strip()
    place = (keep / f"{suite}-{commit[:12]}").absolute()
    ends = time.monotonic() + 60 * minutes
    for each in kind or (MODEL, HARMLESS, HARNESS):
        (place / each).mkdir(parents=True, exist_ok=True)
        waiting = [
            one
            for one in patches.list_patches(each)
            if only in one.name and not _find(place, each, one).exists()
        ]
        in_time = (one for one in waiting if time.monotonic() < ends)
        if waiting and each == HARNESS:
            _judge_harness(place, each, in_time)
        elif waiting:
            _judge_model(place, each, suite, in_time)
    judged = {each: _read(place, each) for each in (MODEL, HARMLESS, HARNESS)}
    content = page.write(judged, suite, commit)
    output.write_text(content, "utf-8")


def _judge_model(place: Path, kind: str, suite: str, waiting: Iterable[Patch]) -> None:
    tested = _clone(place / "tested")
    home = place / "clone"
    home.mkdir(exist_ok=True)
    with warm.serving(find_socket(home)):
        own = Clone(_ROOT, home, suite)
        _judge_each(place, kind, waiting, lambda patch: model.judge(own, tested, patch))


def _judge_harness(place: Path, kind: str, waiting: Iterable[Patch]) -> None:
    tree = _clone(place / "tree")
    _judge_each(place, kind, waiting, lambda patch: judges.judge(tree, patch))


def _judge_each(
    place: Path, kind: str, waiting: Iterable[Patch], judge: Callable[[Patch], Any]
) -> None:
    for patch in waiting:
        judgement = judge(patch)
        model.keep(_find(place, kind, patch), judgement)
        click.echo(f"{kind} {patch.name}: {judgement}"[:300])


def _clone(tree: Path) -> Path:
    """Make a clone of the commit with the cached datasets, unless it is there."""
    if not (tree / ".git").is_dir():
        shutil.rmtree(tree, ignore_errors=True)
        words = ("git", "clone", "--quiet", "--shared", str(_ROOT), str(tree))
        subprocess.run(words, check=True)
        datasets = _ROOT / ".harness/datasets"
        if datasets.is_dir():
            shutil.copytree(datasets, tree / ".harness/datasets", dirs_exist_ok=True)
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
