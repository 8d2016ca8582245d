"""The order of things that need each other: as declared, each after what it needs."""

from __future__ import annotations

import graphlib
import heapq
from collections.abc import Collection, Mapping


class CycleError(ValueError):
    """Things that need each other in a ring.

    Attributes:
        ring: Their names, each needing the next, the first also at the end.
    """

    def __init__(self, ring: tuple[str, ...]) -> None:
        """Keep the ring."""
        super().__init__(" → ".join(ring))
        self.ring = ring


def order_by_need(needs: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Return the names, each after those that it needs, else in the order of the mapping.

    Args:
        needs: What each name needs; every need is itself a name.

    Raises:
        CycleError: Some need each other; the ring begins with the one declared first.
    """
    places = {name: place for place, name in enumerate(needs)}
    names, order = tuple(needs), []
    sorter = graphlib.TopologicalSorter(needs)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        raise CycleError(_turn(error.args[1], places)) from error
    ready: list[int] = []
    # The sorter hands out whole generations; the heap keeps to the declared order among them.
    while sorter.is_active():
        for name in sorter.get_ready():
            heapq.heappush(ready, places[name])
        first = names[heapq.heappop(ready)]
        order.append(first)
        sorter.done(first)
    return tuple(order)


def _turn(cycle: list[str], places: Mapping[str, int]) -> tuple[str, ...]:
    """Turn the sorter's ring, which goes from need to needing, to begin with the first name."""
    ring = cycle[:0:-1]
    first = min(range(len(ring)), key=lambda index: places[ring[index]])
    return (*ring[first:], *ring[:first], ring[first])
