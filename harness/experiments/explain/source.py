"""Source files that changed between two runs, and for Python the functions that did."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from pathlib import Path

from harness.evidence.hub import checkout, code_digest, plan
from harness.files import read_bounded, sha256_bytes
from harness.frozen import dataclass
from harness.judgement.python_code import is_function, list_functions

_LARGEST = 64 << 20
MODULE = "<module>"
_BLOCKS = (ast.Module, ast.ClassDef, ast.If, ast.For, ast.While, ast.With, ast.Try)


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file whose bytes differ; ``functions`` are empty where nothing of it can be told."""

    path: str
    functions: tuple[str, ...]


def list_changed(root: Path, before: Path, after: Path) -> tuple[ChangedFile, ...]:
    """Return the input files that differ between two hubs, with the functions that do.

    Args:
        root: The project, to find the texts in its history and work tree.
        before: The earlier hub.
        after: The later hub.

    Raises:
        HarnessError: A plan cannot be read.
    """
    old, new = plan.read_plan(before), plan.read_plan(after)
    paths = sorted({*old.inputs, *new.inputs})
    changed = [path for path in paths if old.inputs.get(path) != new.inputs.get(path)]
    changed_files = []
    for path in changed:
        texts = [
            _read(root, run.stamp.commit, path, run.inputs.get(path), run.inputs_meaning)
            for run in (old, new)
        ]
        functions = compare_functions(*texts) if path.endswith(".py") else ()
        changed_files.append(ChangedFile(path, functions))
    return tuple(changed_files)


def compare_functions(before: str | None, after: str | None) -> tuple[str, ...]:
    """Return the functions that differ between two texts; comments and layout do not count."""
    if before is None or after is None:
        return ()
    try:
        old, new = _take_apart(before), _take_apart(after)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    names = {**new, **old}
    return tuple(sorted(name for name in names if old.get(name) != new.get(name)))


def _take_apart(text: str) -> dict[str, str]:
    """Return the code of each function by its qualified name, and of the rest."""
    tree = ast.parse(text)
    by_function = {name: ast.dump(node) for name, node in list_functions(tree)}
    for node in ast.walk(tree):
        if isinstance(node, _BLOCKS):
            node.body = [item for item in node.body if not is_function(item)]
    by_function[MODULE] = ast.dump(tree)
    return by_function


def _read(root: Path, commit: str, path: str, sha256: str | None, meaning: str) -> str | None:
    """Return the text that a run saw: of the work tree or of its commit, whichever it was."""
    suffix = Path(path).suffix
    by_code = meaning == code_digest.CODE and code_digest.has_code(Path(path))
    for content in _candidates(root, commit, path):
        same = code_digest.digest_content(suffix, content) if by_code else sha256_bytes(content)
        if same == sha256:
            return content.decode(errors="replace")
    return None


def _candidates(root: Path, commit: str, path: str) -> Iterator[bytes]:
    place = root / path
    with contextlib.suppress(OSError):  # gone since, or another kind of file now
        yield read_bounded(place, _LARGEST)
    content = checkout.ask(root, "show", f"{commit}:./{path}")
    if content is not None:
        yield content
