"""The plugin of a session, made one file and handed to pytest's process in a private folder.

The process may be of another Python, in an environment without the harness, in a repository
with a package of the same name: the file imports nothing but the standard library and pytest,
and its name is new in every session.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from harness.frozen import dataclass
from harness.runner import child_plugin
from harness.runner.child_plugin import journal

_PARTS = ("journal", "outcomes", "patience", "reach", "selection", "plugin")
_JOURNAL = "journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedPlugin:
    """A plugin that waits for its session: its name, its environment, its journal, its key."""

    name: str
    environment: Mapping[str, str]
    journal: BinaryIO
    key: bytes


@cache
def compose() -> str:
    """Write the parts of the plugin as one module; imports among them are left out."""
    # pytest leaves a module of these words as it is: rewriting it costs a tenth of a second.
    title = "The pytest plugin of a regression harness, for one session. PYTEST_DONT_REWRITE"
    pieces = [f'"""{title}"""\n']
    for part in _PARTS:
        text = (Path(child_plugin.__path__[0]) / f"{part}.py").read_text("utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if is_docstring or _is_own_import(node):
                span = range(node.lineno - 1, node.end_lineno or node.lineno)
                for index in span:
                    lines[index] = ""
        pieces.append("\n".join(lines))
    future = "from __future__ import annotations\n"
    return "\n".join((pieces[0], future, *pieces[1:])) + "\n"


def _is_own_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and (
        node.module == "__future__" or str(node.module).startswith("harness.")
    )


@contextlib.contextmanager
def hand_over(
    work: Path, environment: Mapping[str, str], settings: Mapping[str, Any]
) -> Iterator[HandedPlugin]:
    """Lay the plugin and its wishes into a folder of its own, which is gone afterwards.

    Args:
        work: Working folder of the run.
        environment: Variables of pytest's process; the folder is added to ``PYTHONPATH``.
        settings: What the plugin is asked for.
    """
    # A folder whose path holds the separator of paths could not be named in the variable.
    place = work if os.pathsep not in str(work) else Path(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix=".session-", dir=place))
    name, key = f"session_notes_{secrets.token_hex(4)}", secrets.token_bytes(32)
    try:
        (folder / f"{name}.py").write_text(compose(), "utf-8")
        (folder / journal.KEY).write_bytes(key)
        path = folder / _JOURNAL
        wishes = {**settings, "journal": str(path)}
        (folder / journal.SETTINGS).write_text(json.dumps(wishes), "utf-8")
        paths = [str(folder), *filter(None, [environment.get("PYTHONPATH", "")])]
        # Held open from before the first test: whoever deletes the file deletes a name.
        with path.open("x+b") as stream:
            yield HandedPlugin(
                name=name,
                environment={**environment, "PYTHONPATH": os.pathsep.join(paths)},
                journal=stream,
                key=key,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
