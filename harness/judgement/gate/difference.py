"""One difference between two sets of rules, and the ways in which values are compared.

A comparison takes what was and what is, and returns a class with its reason. What cannot be
shown to be as strict as before is weaker: a change explains itself, or somebody waives it.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from harness.frozen import dataclass

_LONGEST = 160
ABSENT = "—"


class Change(enum.StrEnum):
    """What a difference does to the gate, from best to worst."""

    EQUAL = "equal"
    STRICTER = "stricter"
    OTHER = "other"
    WEAKER = "weaker"


Classed = tuple[Change, str]
Compare = Callable[[Any, Any], Classed]
SAME: Classed = (Change.EQUAL, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one rule was and is.

    ``rule`` is its path, such as ``suites.quick.guards.floor.min``: a waiver names it so.
    """

    rule: str
    was: str
    now: str
    change: Change
    why: str


def describe(value: Any) -> str:
    """Write a value in one line that is another for every other value, long ones by digest."""
    if value is None:
        return ABSENT
    if value == "":
        return '""'
    text = value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    if text == value and len(text) <= _LONGEST:
        return text
    if len(text) <= _LONGEST and not isinstance(value, str):
        return text
    digest = hashlib.sha256(json.dumps(_plain(value)).encode()).hexdigest()
    return f"{text[: _LONGEST - 20]}… ({digest[:12]})"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key]) for key in sorted(value)}
    if isinstance(value, frozenset | set):
        return sorted(_plain(item) for item in value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str | bool | int | float) or value is None:
        return value
    return str(value)


def make_difference(rule: str, was: Any, now: Any, classed: Classed) -> Difference:
    """Put a classed comparison under the name of its rule."""
    change, why = classed
    return Difference(rule=rule, was=describe(was), now=describe(now), change=change, why=why)


def mark_removed(rule: str, was: Any, why: str) -> Difference:
    """Say that a rule is gone, which is weaker."""
    return make_difference(rule, was, None, (Change.WEAKER, why))


def mark_added(rule: str, now: Any, why: str, change: Change = Change.STRICTER) -> Difference:
    """Say that a rule is new."""
    return make_difference(rule, None, now, (change, why))


def compare_tables(
    prefix: str,
    rules: Mapping[str, Compare],
    was: Mapping[str, Any],
    now: Mapping[str, Any],
) -> Iterator[Difference]:
    """Compare two tables key by key; a key that no rule knows is weaker when it differs."""
    for key in sorted({*was, *now}):
        before, after = was.get(key), now.get(key)
        if is_same(before, after):
            continue
        compare = rules.get(key, compare_unknown)
        classed = compare(before, after)
        if classed[0] is not Change.EQUAL:
            yield make_difference(f"{prefix}.{key}", before, after, classed)


def is_same(was: Any, now: Any) -> bool:
    """Say whether two values are one: true is not 1, a list is its tuple."""
    # To Python True == 1, in a rule they are two values.
    if isinstance(was, bool) is not isinstance(now, bool):
        return False
    if isinstance(was, list | tuple) and isinstance(now, list | tuple):
        return len(was) == len(now) and all(map(is_same, was, now))
    return bool(was == now)


def compare_unknown(_was: Any, _now: Any) -> Classed:
    """Class a difference of which nothing says that it is as strict."""
    return Change.WEAKER, "nothing shows that it is as strict"


def compare_words(_was: Any, _now: Any) -> Classed:
    """Class a difference that only people read."""
    return Change.OTHER, "words for people"


def make_order(*, default: float, is_floor: bool, what: str = "bound") -> Compare:
    """Make the comparison of a number: of a floor more is stricter, of a ceiling less.

    Args:
        default: What holds where the key is absent.
        is_floor: Whether a larger number is the stricter one.
        what: Its name in the reason.
    """

    def compare(was: Any, now: Any) -> Classed:
        before, after = (default if value is None else value for value in (was, now))
        if not (_is_number(before) and _is_number(after)):
            return compare_unknown(was, now)
        # Compared with NaN nothing is weaker, and every bound would pass for one as strict.
        if math.isnan(before) or math.isnan(after):
            return compare_unknown(was, now)
        if before == after:
            return SAME
        word = "raised" if after > before else "lowered"
        is_stricter = (after > before) is is_floor
        return (Change.STRICTER if is_stricter else Change.WEAKER), f"the {what} is {word}"

    return compare


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def make_floor(default: float, what: str = "least") -> Compare:
    """Make the comparison of a lower bound."""
    return make_order(default=default, is_floor=True, what=what)


def make_ceiling(default: float, what: str = "most") -> Compare:
    """Make the comparison of an upper bound."""
    return make_order(default=default, is_floor=False, what=what)


def make_identity(what: str, default: Any = None) -> Compare:
    """Make the comparison of what a rule looks at: anything else is another rule."""

    def compare(was: Any, now: Any) -> Classed:
        before, after = (default if value is None else value for value in (was, now))
        if is_same(before, after):
            return SAME
        return Change.WEAKER, f"another {what}: the old one is not looked at any more"

    return compare


def make_extra(what: str) -> Compare:
    """Make the comparison of a further demand: new is stricter, other or gone is weaker."""

    def compare(was: Any, _now: Any) -> Classed:
        if was is None:
            return Change.STRICTER, f"{what} is asked for as well"
        return Change.WEAKER, f"{what} is another one, or not asked for any more"

    return compare


def make_rank(order: Sequence[str], default: str) -> Compare:
    """Make the comparison of a choice by its place in an order, the strictest last."""

    def compare(was: Any, now: Any) -> Classed:
        before, after = (default if value is None else value for value in (was, now))
        if before == after:
            return SAME
        if before not in order or after not in order:
            return compare_unknown(was, now)
        if order.index(after) > order.index(before):
            return Change.STRICTER, f"{after} asks more than {before}"
        return Change.WEAKER, f"{after} asks less than {before}"

    return compare


def make_demands(what: str) -> Compare:
    """Make the comparison of a list each item of which is a demand."""

    def compare(was: Any, now: Any) -> Classed:
        return compare_sets(was or (), now or (), more=Change.STRICTER, what=what)

    return compare


def make_allowances(what: str) -> Compare:
    """Make the comparison of a list each item of which allows something."""

    def compare(was: Any, now: Any) -> Classed:
        return compare_sets(was or (), now or (), more=Change.WEAKER, what=what)

    return compare


def compare_sets(
    was: Collection[Any], now: Collection[Any], *, more: Change, what: str
) -> Classed:
    """Compare lists as sets; ``more`` is what one more item does."""
    gone = [item for item in was if item not in now]
    new = [item for item in now if item not in was]
    if not gone and not new:
        return SAME
    less = Change.WEAKER if more is Change.STRICTER else Change.STRICTER
    # One weaker half makes the whole weaker, whatever the other half adds.
    is_weaker = bool(gone if less is Change.WEAKER else new)
    words = []
    if gone:
        words.append(f"{what} without {', '.join(map(describe, gone[:3]))}")
    if new:
        words.append(f"{what} with {', '.join(map(describe, new[:3]))}")
    return (Change.WEAKER if is_weaker else Change.STRICTER), "; ".join(words)
