"""Who reads each setting while a run goes on: the records note it themselves.

A read counts when a function that computes makes it. Those that write ``config.json``, check
bounds, digest, describe or refuse do not compute, nor does one that only logs a value, puts
it into an error or throws it away: a field that nothing else reads has no effect.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

# Records read through these are read by whoever called them.
_RECORDS = ("ptycho_torch.config_model", "ptycho_torch.config_run", __name__)
# Where settings become numbers, files or processes; a new module must be added to count.
COMPUTING = (
    "ptycho_torch.backends.tensorflow",
    "ptycho_torch.backends:require",
    "ptycho_torch.cli.inference:run",
    "ptycho_torch.cli.launch",
    "ptycho_torch.cli.train:_train",
    "ptycho_torch.data",
    "ptycho_torch.network",
    "ptycho_torch.oracle",
    "ptycho_torch.patch_stats",
    "ptycho_torch.physics",
    "ptycho_torch.pinn",
    "ptycho_torch.reconstruct",
    "ptycho_torch.run_folder",
    "ptycho_torch.simulation",
    "ptycho_torch.training",
    "ptycho_torch.workflows.components:with_backend",
    "ptycho_torch.workflows.training",
)
# Among them, what only describes, digests or refuses.
BOOKKEEPING = (
    "ptycho_torch.reconstruct.outputs:portable_config",
    "ptycho_torch.simulation.recipe",
    "ptycho_torch.training.describe",
    "ptycho_torch.training.devices",
    "ptycho_torch.training.resume:digest",
)
_TALKING = ("_log", "logger", "logging", "warnings", "print")


class SettingReads:
    """The functions that have read each field of some settings records.

    Args:
        owners: Records by the name of their section.
    """

    def __init__(self, owners: Mapping[str, type]) -> None:
        self._owners = owners
        self._readers: dict[str, set[str]] = {}

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Let the records note each read of a field from now on."""
        for section, owner in self._owners.items():
            names = {field.name for field in dataclasses.fields(owner)}
            patch.setattr(owner, "__getattribute__", self._spy(section, names))

    def readers(self, key: str) -> set[str]:
        """Return the computing functions that have read ``section.field``."""
        return self._readers.get(key, set())

    def unread(self) -> list[str]:
        """List the fields that no function that computes has read."""
        keys = [
            f"{section}.{field.name}"
            for section, owner in self._owners.items()
            for field in dataclasses.fields(owner)
        ]
        return [key for key in keys if not self.readers(key)]

    def _spy(self, section: str, names: Iterable[str]) -> Any:
        def note(record: Any, name: str) -> Any:
            if name in names:
                reader = _find_reader(sys._getframe(1))
                if reader is not None:
                    self._readers.setdefault(f"{section}.{name}", set()).add(reader)
            return object.__getattribute__(record, name)

        return note


def _find_reader(frame: FrameType | None) -> str | None:
    """Name the function behind a read; None when it does not compute."""
    while frame is not None:
        module, code = str(frame.f_globals.get("__name__", "")), frame.f_code
        if not _is_wrapper(module, code) and module not in _RECORDS:
            reader = f"{module}:{code.co_qualname}"
            is_used = is_computing(reader) and not _is_idle(code, frame.f_lasti)
            return reader if is_used else None
        if code.co_name == "__post_init__":
            return None
        frame = frame.f_back
    return None


def is_computing(reader: str) -> bool:
    """Whether a function, as ``module:name``, turns settings into something."""
    return _is_listed(reader, COMPUTING) and not _is_listed(reader, BOOKKEEPING)


def _is_listed(reader: str, names: Iterable[str]) -> bool:
    return any(reader == name or reader.startswith((f"{name}.", f"{name}:")) for name in names)


def _is_wrapper(module: str, code: CodeType) -> bool:
    """Whether a frame only checks shapes around the function that is called."""
    return code.co_filename.startswith("<") or module.startswith(("jaxtyping.", "beartype."))


@functools.cache
def _is_idle(code: CodeType, offset: int) -> bool:
    """Whether the value read at an instruction is only talked about, or thrown away."""
    place = list(code.co_positions())[offset // 2]
    parents = _tree(code.co_filename)
    for node in parents:
        if isinstance(node, ast.expr) and place == (
            node.lineno,
            node.end_lineno,
            node.col_offset,
            node.end_col_offset,
        ):
            return _ends_in_talk(node, parents)
    return False


def _ends_in_talk(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool:
    """Follow a value up to the end of its statement."""
    if isinstance(parents[node], ast.Expr):
        return True
    while node in parents:
        if isinstance(node, ast.Call) and _root(node.func) in _TALKING:
            return True
        if isinstance(node, ast.Assign):
            return all(_root(target) == "_" for target in node.targets)
        if isinstance(node, ast.stmt):
            return isinstance(node, ast.Raise)
        node = parents[node]
    return False


def _root(node: ast.AST) -> str:
    """Return the first name of ``a.b.c``."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


@functools.cache
def _tree(path: str) -> dict[ast.AST, ast.AST]:
    """Map each node of a source file to the one around it."""
    tree = ast.parse(Path(path).read_bytes())
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
