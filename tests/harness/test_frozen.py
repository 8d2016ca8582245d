"""Quickly made frozen records are what the standard library makes, and no slower to make."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.frozen import dataclass

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A record of every kind of field."""

    first: int
    second: tuple[str, ...] = ("a",)
    third: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def total(self) -> float:
        """Sum of what it holds."""
        return self.first + sum(self.third.values())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """The same, by the standard library."""

    first: int
    second: tuple[str, ...] = ("a",)
    third: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def total(self) -> float:
        """Sum of what it holds."""
        return self.first + sum(self.third.values())


@dataclass(frozen=True, slots=True)
class Pair:
    """A record by position; only fields that can be hashed."""

    left: int
    right: str = "b"


@dataclasses.dataclass(frozen=True, slots=True)
class TheirPair:
    """The same, by the standard library."""

    left: int
    right: str = "b"


@dataclass(frozen=True, slots=True)
class Finished:
    """A record that puts its field right when it is made."""

    left: int

    def __post_init__(self) -> None:
        """Let nothing be negative."""
        object.__setattr__(self, "left", max(0, self.left))


@dataclass(frozen=True, slots=True)
class Empty:
    """A record without fields."""


@dataclass(frozen=True, slots=True)
class Written:
    """A record with methods of its own."""

    left: int

    def __hash__(self) -> int:
        """Tell all of them apart by nothing."""
        return 7

    def __repr__(self) -> str:
        """Say the same of each."""
        return "mine"


BOTH = pytest.mark.parametrize("cls", [Ours, Theirs])
PAIRS = pytest.mark.parametrize("pair", [Pair, TheirPair])


@BOTH
def test_fields_are_those_of_the_class(cls: type[Any]) -> None:
    """Defaults, factories, slots and copies with changes are as in the standard library."""
    one, other = cls(first=1), cls(first=1)
    one.third["x"] = 2.0

    assert [f.name for f in dataclasses.fields(cls)] == ["first", "second", "third"]
    assert (one.total, other.total) == (3.0, 1)
    assert dataclasses.replace(one, first=4).total == 6.0
    assert dataclasses.asdict(one) == {"first": 1, "second": ("a",), "third": {"x": 2.0}}
    assert not hasattr(one, "__dict__")
    assert one != other
    assert repr(one) == f"{cls.__name__}(first=1, second=('a',), third={{'x': 2.0}})"


@BOTH
@pytest.mark.parametrize(
    ("arguments", "names"), [({}, "first"), ({"first": 1, "other": 2}, "other")]
)
def test_wrong_arguments_are_refused(
    cls: type[Any], arguments: dict[str, int], names: str
) -> None:
    """A missing field and one that there is none of raise, naming class and field."""
    with pytest.raises(TypeError, match=rf"{cls.__name__}\.__init__\(\).*'{names}'"):
        cls(**arguments)
    with pytest.raises(TypeError, match="positional"):
        cls(1)


@PAIRS
def test_values_by_place_are_those_of_the_fields(pair: type[Any]) -> None:
    """Values are given by place, by name or both, and none of them twice or beyond."""
    assert pair(1, "x") == pair(left=1, right="x") == pair(1, right="x")
    for values, names in (((1, "x", 2), {}), ((1,), {"left": 2}), ((), {"right": "x"})):
        with pytest.raises(TypeError, match=rf"{pair.__name__}\.__init__\(\)"):
            pair(*values, **names)


@PAIRS
def test_nothing_of_a_record_changes(pair: type[Any]) -> None:
    """No field is set again, none is deleted, and there is no place for another."""
    one = pair(1)

    for name in ("left", "other"):
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
            setattr(one, name, 2)
    with pytest.raises(dataclasses.FrozenInstanceError, match="'left'"):
        del one.left
    assert one == pair(1)


@PAIRS
def test_equal_records_are_one_key(pair: type[Any]) -> None:
    """Equality is of class and values, and the hash is that of the values."""
    assert pair(1) == pair(1, "b")
    assert pair(1) != pair(2)
    assert pair(1) != (1, "b")
    assert len({pair(1), pair(1), pair(2)}) == 2
    assert hash(pair(3)) == hash((3, "b"))
    assert Pair(1) != TheirPair(1)


@pytest.mark.parametrize("record", [Pair(1), Ours(first=2, third={"a": 1.0}), Empty()])
def test_copies_are_equal(record: object) -> None:
    """What is sent to another process, or copied, is the same record."""
    assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301 - our own bytes
    assert copy.copy(record) == record
    assert copy.deepcopy(record) == record


def test_matching_by_position() -> None:
    """A record without names is taken apart in the order of its fields."""
    match Pair(1, "x"):
        case Pair(left, right):
            assert (left, right) == (1, "x")
        case _:
            pytest.fail("no match")


def test_methods_of_its_own_stay() -> None:
    """What a class defines itself is not replaced."""
    assert repr(Written(1)) == "mine"
    assert hash(Written(1)) == 7
    assert Written(1) == Written(1)


def test_a_record_may_extend_another() -> None:
    """The fields of both are set, and none of them changes."""

    @dataclass(frozen=True, slots=True)
    class More(Pair):
        third: int = 3

    one = More(1)

    assert (one.left, one.right, one.third) == (1, "b", 3)
    assert repr(one).endswith("More(left=1, right='b', third=3)")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.left = 2  # type: ignore[misc]


def test_a_shared_list_as_a_default_is_refused() -> None:
    """What all objects would share is no default."""
    with pytest.raises(ValueError, match="default_factory"):

        @dataclass(frozen=True, slots=True)
        class Sharing:
            items: list[int] = []  # noqa: RUF012


def test_making_a_class_compiles_nothing() -> None:
    """What made a start slow is gone: no function is written for a class."""
    compiled = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "compile" and is_counting:
            compiled.append(arguments)

    is_counting = False
    sys.addaudithook(hook)
    counts = []
    for make in (dataclass, dataclasses.dataclass):
        compiled.clear()
        is_counting = True
        make(frozen=True, slots=True)(
            type(
                "Made",
                (),
                {"__annotations__": {"a": "int"}, "__module__": __name__, "__doc__": "."},
            )
        )
        is_counting = False
        counts.append(len(compiled))

    assert counts[0] == 0 < counts[1]


def test_every_frozen_record_is_made_so() -> None:
    """No module of the harness goes back to the slow way unseen."""
    slow = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "harness").rglob("*.py")
        # What other interpreters load has the standard library alone.
        if "child_plugin" not in path.parts and path.name != "frozen.py"
        if re.search(
            r"^from dataclasses import .*\bdataclass\b", text := path.read_text(), re.MULTILINE
        )
        and re.search(r"^@dataclass\(frozen=True, slots=True", text, re.MULTILINE)
    ]

    assert not slow


def test_record_is_finished_when_it_is_made() -> None:
    """As a class of the standard library is."""
    assert [
        Finished(-1).left,
        Finished(2).left,
        dataclasses.replace(Finished(2), left=-3).left,
    ] == [
        0,
        2,
        0,
    ]


@pytest.mark.parametrize("rule", [{"compare": False}, {"repr": False}, {"init": False}])
def test_field_with_a_rule_of_its_own_is_refused(rule: dict[str, bool]) -> None:
    """What the shared methods do not know must not be lost in silence."""
    with pytest.raises(TypeError, match="left has a rule"):

        @dataclass(frozen=True, slots=True)
        class _Odd:
            left: int = dataclasses.field(default=0, **rule)  # type: ignore[call-overload]
