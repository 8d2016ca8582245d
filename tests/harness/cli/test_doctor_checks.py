"""What is out of order is found, with its cure, and nothing is changed by looking."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from harness.cli.main import main
from harness.evidence.ledger import keys, lock
from tests.builders.sealed import Store


def diagnose(store: Store, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    """Return the exit code and the verdict of each check."""
    code = main(["-C", str(store.root), "doctor", "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert all(each["remedy"] for each in findings if each["verdict"] == "red")
    return code, {each["check"]: each["verdict"] for each in findings}


def test_a_store_in_order_has_no_red_finding(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Clock, keys, locks and leftovers are looked at and in order; no file is touched."""
    before = sorted(str(path) for path in store.root.rglob("*"))

    code, verdicts = diagnose(store, capsys)

    names = ("clock", "keys", "locks", "leftovers", "ledger", "disk", "hubs of tiny")
    assert (code, {verdicts[name] for name in names}) == (0, {"green"})
    assert sorted(str(path) for path in store.root.rglob("*")) == before


def _future(store: Store) -> None:
    item = ("note", "later", {}, "2999-01-01T00:00:00Z")
    store.ledger.append_all([item])


def _unreadable_key(store: Store) -> None:
    store.declare('name = "small"', 'name = "small"\ntrusted_keys = ["ci+00000000+AAAA"]')


def _unsigned(store: Store) -> None:
    key = keys.new("ci").public.encode()
    store.declare('name = "small"', f'name = "small"\ntrusted_keys = ["{key}"]')


def _intent(store: Store) -> None:
    (store.root / "hubs/.sealing-20260102T030405Z-a1b2c3.json").write_text("{}")


def _linked_lock(store: Store) -> None:
    (store.root / "hubs/.ledger.jsonl.lock").symlink_to("/nowhere")


@pytest.mark.parametrize(
    ("spoil", "check", "verdict"),
    [
        (_future, "clock", "red"),
        (_unreadable_key, "keys", "red"),
        (_unsigned, "checkpoint", "inconclusive"),
        (_intent, "leftovers", "inconclusive"),
        (_linked_lock, "locks", "red"),
    ],
)
def test_what_is_out_of_order_is_found(
    store: Store,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Store], None],
    check: str,
    verdict: str,
) -> None:
    """One thing wrong at a time; broken ones end with exit code 2."""
    spoil(store)

    code, verdicts = diagnose(store, capsys)

    assert (verdicts.get(check), code) == (verdict, 2 if verdict == "red" else 0)


def test_a_lock_that_is_held_is_told(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """A living writer is no fault, but worth a line."""
    with lock.hold(store.root / "hubs/.ledger.jsonl.lock"):
        assert diagnose(store, capsys)[1]["locks"] == "inconclusive"
