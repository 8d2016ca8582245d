"""Files that only have another path: what named the old one may name the new one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import PurePosixPath

_EMPTY = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"  # git's blob of no bytes
_ROOT = "{root}/"
_PATH = re.compile(r"(?P<root>\{root\}/)?(?P<path>[^:\[\]]+?)(?P<rest>(?:::|\[).*)?")


def find_moves(was: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Return the new path of each file that is gone and stands elsewhere, byte by byte.

    Args:
        was: Blob ids by path, before.
        now: Blob ids by path, after.
    """
    new: dict[str, list[str]] = defaultdict(list)
    for path, blob in now.items():
        # All empty files are alike: a package's __init__ would have moved anywhere.
        if path not in was and blob != _EMPTY:
            new[blob].append(path)
    targets = {}
    for path, blob in was.items():
        if path in now or blob not in new:
            continue
        places = new[blob]
        named = [p for p in places if PurePosixPath(p).name == PurePosixPath(path).name]
        # Copies in several places: which of them is the file's new one must be plain, or none
        # is.
        if len(places) == 1 or len(named) == 1:
            targets[path] = (named or places)[0]
    return targets


def follow(word: str, moves: Mapping[str, str]) -> str:
    """Return an argument or selector as it reads after the moves."""
    matched = _PATH.fullmatch(word)
    if matched is None or matched["path"] not in moves:
        return word
    return f"{matched['root'] or ''}{moves[matched['path']]}{matched['rest'] or ''}"


def follow_test(test: str, moves: Mapping[str, str]) -> str:
    """Return a test's id (``tests.test_a.TestB::test_c``) as it reads after the moves."""
    group, colons, name = test.partition("::")
    for before, after in moves.items():
        module = dot(before)
        if before.endswith(".py") and (group == module or group.startswith(f"{module}.")):
            return f"{dot(after)}{group.removeprefix(module)}{colons}{name}"
    return test


def dot(path: str) -> str:
    """Write the path of a module as JUnit files name it."""
    return path.removesuffix(".py").replace("/", ".")
