"""No regular expression of the harness takes quadratic time on a long text of anybody's.

Logs, reasons and files come from strangers: a pattern that tries each place of a line of ten
megabytes to its end never comes back.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

import harness

# Quadratic: 3 · 10^7 steps and more, 0.2 s; linear: a millisecond or two.
LENGTH = 8_000
BOUND_S = 0.05
# Quadratic, on a text whose length the code that uses it bounds first.
BOUNDED = {"harness.judgement.guards.patterns._CLASS.0": "a declared pattern of a log"}
SEARCHING = ("search", "sub", "subn", "findall", "finditer", "split")
PIECES = (
    *("a", "A", "0", " ", "\t", "\n", ".", ",", "/", "-", "_", "=", ":", "|", '"', "'", "\\"),
    *("<", "[", "(", "{", "`", "#", "@", "%", "*", "é", "\x1b[", "\x1b]", "a.", "A.", "a/"),
    *("0.", "0,", "1e", "a=", "a: ", " a", "0x", "::", "##", "${", "{{", "../", "20250101T"),
    *("::echo ", "##vso", "x did not pass "),
    *(
        "secret=",
        "token: ",
        "E   ",
        'File "',
        "FAILED ",
        "a.py",
        "a.py:1",
        "Error",
        "-----BEGIN ",
    ),
)


def list_patterns() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes]]]:
    """Find the compiled patterns of all modules, those in tables too."""
    for module in pkgutil.walk_packages(harness.__path__, "harness."):
        if module.name.endswith("__main__"):
            continue
        loaded = importlib.import_module(module.name)
        source = inspect.getsource(loaded)
        for name, value in vars(loaded).items():
            for index, pattern in enumerate(_flatten(value)):
                if _is_searched(name, source) or not isinstance(value, re.Pattern):
                    yield f"{module.name}.{name}.{index}", pattern


def _is_searched(name: str, source: str) -> bool:
    """Say whether a pattern is tried at each place; a match from the start alone is linear."""
    if re.search(rf"\b{name}\.(?:{'|'.join(SEARCHING)})\(", source):
        return True
    return not re.search(rf"\b{name}\.(?:full)?match\(", source)


def _flatten(value: object) -> Iterator[re.Pattern[str] | re.Pattern[bytes]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from _flatten(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _flatten(one)


PATTERNS = {pattern: name for name, pattern in list_patterns() if name not in BOUNDED}


def measure_s(pattern: re.Pattern[str] | re.Pattern[bytes], piece: str) -> float:
    """Return the processor time of one pass over a long text, in seconds."""
    text = piece * (LENGTH // len(piece)) + "!"
    subject = text if isinstance(pattern.pattern, str) else text.encode()
    began = time.process_time()
    for _ in pattern.finditer(subject):  # type: ignore[arg-type]
        pass
    return time.process_time() - began


def test_there_are_patterns() -> None:
    """The search for patterns looks where they are."""
    assert len(PATTERNS) > 25


@pytest.mark.parametrize("pattern", PATTERNS, ids=PATTERNS.get)
def test_time_is_linear(pattern: re.Pattern[str] | re.Pattern[bytes]) -> None:
    """Whatever a long text repeats, a pattern passes it in a moment."""
    slow = [piece for piece in PIECES if measure_s(pattern, piece) > BOUND_S]

    assert not slow


def test_a_quadratic_pattern_is_seen() -> None:
    """The measure tells the pattern that once stopped a report."""
    assert measure_s(re.compile(r"(\S+) did not pass"), "a") > BOUND_S
