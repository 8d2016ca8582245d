"""Change single strings of a TOML file and leave all else as it is: comments, order, quotes.

Where a string stands is not guessed from the text around it: each candidate is changed alone,
the file is read again by the real parser, and the place that differs is where it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from harness.config import toml_text

Place = tuple[str | int, ...]
# A comment, or a string in one of TOML's four spellings; the longer quotes first.
_TOKEN = re.compile(
    # Up to two quotes may stand right before the three that close: all of them are taken.
    r'#[^\n]*|"""(?:\\.|[^\\])*?"{3,5}(?!")|\'\'\'.*?\'{3,5}(?!\')|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'',
    re.DOTALL,
)


def replace_strings(
    text: str, old: str, new: str, is_wanted: Callable[[Place], bool]
) -> tuple[str, tuple[Place, ...]]:
    """Replace a string wherever it is the value of a wanted key.

    Args:
        text: The file, valid TOML.
        old: Value to be replaced.
        new: Value in its place.
        is_wanted: Says of a place (names of tables and keys, indices) whether it is meant.

    Returns:
        The changed text, and the places that were changed, in their order.
    """
    before = toml_text.parse(text)
    changed: list[tuple[int, int, str]] = []
    places: list[Place] = []
    for start, end, token in _find_tokens(text, old):
        spelled = _spell(new, token)
        try:
            after = toml_text.parse(text[:start] + spelled + text[end:])
        except ValueError:
            continue  # a name of a table or key, which would stand twice
        places_changed = list(_compare(before, after, ()))
        if len(places_changed) == 1 and is_wanted(places_changed[0]):
            changed.append((start, end, spelled))
            places.append(places_changed[0])
    # From the end, so that the places before it stay where they were found.
    for start, end, spelled in reversed(changed):
        text = text[:start] + spelled + text[end:]
    return text, tuple(places)


def _find_tokens(text: str, value: str) -> Iterator[tuple[int, int, str]]:
    for match in _TOKEN.finditer(text):
        token = match[0]
        if not token.startswith("#") and toml_text.parse(f"x = {token}")["x"] == value:
            yield match.start(), match.end(), token


def _spell(value: str, like: str) -> str:
    """Write a string with the quotes of another one where they can hold it."""
    if like[0] == "'" and "'" not in value and value.isprintable():
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False)  # a JSON string is a TOML basic string


def _compare(before: Any, after: Any, place: Place) -> Iterator[Place]:
    """Yield the places at which two files differ; a table with other keys is one place."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key in before:
            yield from _compare(before[key], after[key], (*place, key))
    elif isinstance(before, list) and isinstance(after, list):
        for index, (one, two) in enumerate(zip(before, after, strict=True)):
            yield from _compare(one, two, (*place, index))
    elif before != after:
        yield place
