"""The layers of both packages, from the contracts that are checked, and what each module is."""

from __future__ import annotations

import ast
import inspect
import tomllib
from collections.abc import Iterator

from proofs.docs import regions

_ROOT = regions.DOCS.parent


def model() -> str:
    """Write the layers of the model package, from the programs down."""
    return _layers("ptycho_torch")


def harness() -> str:
    """Write the layers of the harness, from the command line down."""
    return _layers("harness")


def _layers(package: str) -> str:
    declared = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = declared["tool"]["importlinter"]["contracts"]
    (contract,) = (one for one in contracts if one.get("containers") == [package])
    return regions.table(("module", "what it is"), _rows(package, contract["layers"]))


def _rows(package: str, layers: list[str]) -> Iterator[tuple[str, ...]]:
    """Name each module once; those of one layer, which know nothing of each other, by ``·``."""
    for layer in layers:
        for index, name in enumerate(layer.split(" | ")):
            yield f"{'· ' if index else ''}`{name}`", _about(package, name)


def _about(package: str, name: str) -> str:
    """Return the first sentence that a module says of itself."""
    path = _ROOT / package / name
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = inspect.cleandoc(ast.get_docstring(ast.parse(source.read_text("utf-8"))) or "")
    return " ".join(text.split("\n\n")[0].split()).replace("``", "`")
