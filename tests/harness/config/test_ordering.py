"""The order of things that need each other: valid, as declared where it can be, or a ring."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import ordering

NAMES = "abcdefg"
ACYCLIC = st.permutations(NAMES).flatmap(
    lambda hidden: st.fixed_dictionaries(
        {
            name: st.sets(st.sampled_from(hidden[: hidden.index(name)] or [name]))
            for name in NAMES
        }
    ).map(lambda needs: {name: sorted(required - {name}) for name, required in needs.items()})
)


@given(ACYCLIC)
def test_each_comes_after_what_it_needs(needs: dict[str, list[str]]) -> None:
    """Every name once, none before its needs; an order that is valid already stays."""
    order = ordering.order_by_need(needs)

    assert sorted(order) == sorted(needs)
    for name, needed in needs.items():
        assert all(order.index(other) < order.index(name) for other in needed)
    declared = {name: needs[name] for name in order}
    assert ordering.order_by_need(declared) == order


def test_what_is_free_keeps_its_place() -> None:
    """Only a need moves a name; among those that are ready the first declared comes first."""
    assert ordering.order_by_need({"a": ["c"], "b": [], "c": [], "d": ["a"]}) == (*"bcad",)
    assert ordering.order_by_need({"a": [], "b": ["a"], "c": []}) == (*"abc",)


def test_ring_is_told_from_its_first_name() -> None:
    """Each name of the ring needs the next."""
    with pytest.raises(ordering.CycleError) as caught:
        ordering.order_by_need({"x": [], "b": ["c"], "c": ["d", "x"], "d": ["b"]})

    assert caught.value.ring == (*"bcdb",)
