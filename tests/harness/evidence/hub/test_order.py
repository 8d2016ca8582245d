"""Latest and newest follow the ledgers, not the clocks that named the hubs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.evidence.hub import layout
from harness.evidence.hub.store import HubStore
from harness.evidence.ledger.log import Ledger

A, B, C, D = (f"2026010{day}T000000Z-aaaaaa" for day in range(1, 5))


def make_store(
    root: Path,
    *,
    sealed: Sequence[tuple[str, str]],
    there: Sequence[str],
    is_published: bool = False,
) -> HubStore:
    """Make a store with seals of names and verdicts in this order, and these folders."""
    hubs, work = root / "hubs", root / ".harness"
    ledger = Ledger((hubs if is_published else work) / layout.LEDGER)
    for name, verdict in sealed:
        suite, run_id = name.split("/")
        ledger.append("seal", name, {"suite": suite, "run_id": run_id, "verdict": verdict})
    for name in there:
        (hubs / name).mkdir(parents=True)
    return HubStore(hubs, work)


ORDERS: list[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = [
    # Sealed, in this order; folders; hubs from oldest to newest.
    ((A, B, C), (A, B, C), (A, B, C)),
    ((C, B, A), (A, B, C), (C, B, A)),  # a clock that was set back twice
    ((B, C, A), (A, B, C), (B, C, A)),
    ((B, C, A), (A, C), (C, A)),
    ((), (B, A), (A, B)),
    ((C, B), (A, B, C), (A, C, B)),  # never sealed, of an earlier name: before all
    ((C, B), (B, C, D), (C, B, D)),  # of a later name: not hidden behind an older one
    ((C, B), (A, B, C, D), (A, C, B, D)),
]


@pytest.mark.parametrize("is_published", [False, True])
@pytest.mark.parametrize(("sealed", "there", "order"), ORDERS)
def test_hubs_are_ordered_by_the_ledgers(
    tmp_path: Path,
    sealed: Sequence[str],
    there: Sequence[str],
    order: Sequence[str],
    *,
    is_published: bool,
) -> None:
    """The last that was sealed is the newest, whatever its name says of the time."""
    store = make_store(
        tmp_path,
        sealed=[(f"tiny/{one}", "green") for one in sealed],
        there=[f"tiny/{one}" for one in there],
        is_published=is_published,
    )
    assert [hub.name for hub in store.hubs("tiny")] == list(order)


def test_runs_of_two_suites_stand_in_one_order(tmp_path: Path) -> None:
    """Without a suite all are given; what was never sealed is late for its own suite."""
    sealed = [(f"b/{C}", "green"), (f"a/{A}", "green"), (f"b/{B}", "green")]
    store = make_store(tmp_path, sealed=sealed, there=[name for name, _ in sealed] + [f"a/{B}"])
    assert [f"{hub.parent.name}/{hub.name}" for hub in store.hubs()] == [
        f"b/{C}",
        f"a/{A}",
        f"b/{B}",
        f"a/{B}",
    ]
    assert [hub.name for hub in store.hubs("a")] == [A, B]


GONE: list[tuple[list[tuple[str, str]], list[str], str | None]] = [
    ([], [A], None),
    ([(A, "red")], [A], None),
    ([(A, "red")], [], A),
    ([(A, "inconclusive")], [], A),
    ([(A, "green")], [], None),
    ([(A, "red"), (B, "green")], [], None),
    ([(A, "green"), (B, "red")], [A], B),
    ([(B, "green"), (A, "red")], [B], A),  # the last by the ledger, not by its name
    ([(B, "red"), (A, "green")], [A], None),
    ([(A, "red"), (B, "red")], [B], None),
]


@pytest.mark.parametrize(("sealed", "there", "gone"), GONE)
def test_a_sealed_run_whose_folder_is_gone_still_counts(
    tmp_path: Path, sealed: list[tuple[str, str]], there: list[str], gone: str | None
) -> None:
    """Who removes the hub of a red run does not bring the green one before it back."""
    store = make_store(
        tmp_path,
        sealed=[(f"tiny/{name}", verdict) for name, verdict in sealed] + [(f"x/{D}", "red")],
        there=[f"tiny/{name}" for name in there],
    )
    newest = store.newest_gone("tiny")
    assert (newest.run_id if newest else None) == gone


def test_ledgers_are_read_again_when_they_change(tmp_path: Path) -> None:
    """Another command may have sealed meanwhile."""
    store = make_store(tmp_path, sealed=[(f"tiny/{B}", "green")], there=[f"tiny/{A}"])
    assert set(store.runs()) == {f"tiny/{B}"}
    Ledger(tmp_path / ".harness" / layout.LEDGER).append(
        "seal", f"tiny/{A}", {"verdict": "green"}
    )
    assert list(store.runs()) == [f"tiny/{B}", f"tiny/{A}"]
