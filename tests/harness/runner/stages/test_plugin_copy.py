"""The plugin that a session is handed is one file, of its own, and gone afterwards."""

from __future__ import annotations

import ast
import os
import sys
from collections import Counter
from pathlib import Path

from harness.runner.stages import plugin_copy
from tests.builders import sessions

_GOOD = "def test_a(): pass\n"


def _names(body: list[ast.stmt]) -> list[str]:
    names = []
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [one.id for one in node.targets if isinstance(one, ast.Name)]
    return names


def test_file_imports_nothing_of_the_harness() -> None:
    """It needs the standard library and pytest, in the words of Python 3.9."""
    tree = ast.parse(plugin_copy.compose(), feature_version=(3, 9))

    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).partition(".")[0])
    assert imported - sys.stdlib_module_names == {"pytest", "_pytest"}


def test_no_part_hides_a_name_of_another() -> None:
    """The parts share one namespace, so each name stands for one thing."""
    names = Counter(_names(ast.parse(plugin_copy.compose()).body))

    assert [name for name, count in names.items() if count > 1] == []


def test_folder_is_private_and_gone(tmp_path: Path) -> None:
    """Nobody else may read the key, and nothing stays behind."""
    with plugin_copy.hand_over(tmp_path, {"PYTHONPATH": "/a"}, {"quarantine": []}) as handed:
        folder = Path(handed.environment["PYTHONPATH"].split(os.pathsep)[0])
        mode = folder.stat().st_mode & 0o777

    assert (folder.parent, mode) == (tmp_path, 0o700)
    assert handed.environment["PYTHONPATH"] == f"{folder}{os.pathsep}/a"
    assert not folder.exists()


def test_names_differ_between_sessions(tmp_path: Path) -> None:
    """A repository cannot hold a module of the name that the plugin will have."""
    names = set()
    for _ in range(3):
        with plugin_copy.hand_over(tmp_path, {}, {}) as handed:
            names.add(handed.name)

    assert len(names) == 3


def test_command_that_is_told_can_be_pasted(tmp_path: Path) -> None:
    """The recorded arguments name nothing that is gone after the run."""
    result, said = sessions.run(tmp_path, {"test_it.py": _GOOD})

    assert result.outcome == "passed", said
    assert not [word for word in result.argv if "session" in word]
