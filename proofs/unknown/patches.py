"""Patches that somebody wrote who had read neither guards nor drills, with what they say."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).parent
MODEL, HARNESS, HARMLESS = "model", "harness", "harmless"
CLEAN = "clean"  # no patch: other seeds of the suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A change and its header.

    ``touches`` says whether the usual road of a training and an inference meets it; ``promise``
    which promise of the harness it breaks.
    """

    name: str
    path: Path
    file: str
    what: str
    touches: bool
    promise: str


def list_patches(kind: str) -> tuple[Patch, ...]:
    """Return the patches of a kind in their order."""
    return tuple(_read(path) for path in sorted((HOME / kind).glob("*.patch")))


def _read(path: Path) -> Patch:
    head: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        if not line.startswith("# "):
            break
        key, _, words = line.removeprefix("# ").partition(": ")
        head[key] = words
    return Patch(
        name=path.stem.partition("-")[2],
        path=path,
        file=head["file"],
        what=head["what"],
        touches=head.get("touches", "").startswith("yes"),
        promise=head.get("promise", ""),
    )


def take_back(tree: Path) -> None:
    """Undo what is changed in a work tree."""
    words = ("git", "checkout", "--quiet", ".")
    subprocess.run(words, cwd=tree, check=True)


def apply(patch: Patch, tree: Path) -> None:
    """Plant a patch in a work tree.

    Raises:
        AssertionError: It does not fit any more.
    """
    words = ("git", "apply", "--recount", "-C1", "--whitespace=nowarn", str(patch.path))
    done = subprocess.run(words, cwd=tree, check=False, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{patch.name}: {done.stderr}")
