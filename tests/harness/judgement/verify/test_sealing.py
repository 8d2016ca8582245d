"""A hub against its seal: each field, each ledger, and what is missing from a store."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from harness.evidence.hub.store import read_record
from harness.evidence.ledger import keys
from harness.evidence.ledger.log import Ledger
from harness.judgement.verify import sealing
from harness.judgement.verify.report import Outcome, Row
from harness.records import HubRecord
from harness.verdict import Verdict
from tests.builders import sealed
from tests.builders.sealed import Store


def rows_of(store: Store, record: HubRecord | None = None) -> list[Row]:
    """Return the rows of a hub as it stands, but for those of its start."""
    rows = sealing.check(store.hub, record, project=store.project)
    return [row for row in rows if row.check == sealing.CHECK]


def in_seconds(seconds: float) -> str:
    """Write a time from now as a record does."""
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)).isoformat()


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("suite", "suite"),
        ("run_id", "run_id"),
        ("verdict", "verdict"),
        ("stamp", "commit"),
        ("finished", "finished"),
    ],
)
def test_record_says_what_was_sealed(store: Store, name: str, key: str) -> None:
    """Each field that the seal holds, and nothing else."""
    record = read_record(store.hub)
    values: dict[str, Any] = {
        "suite": "zzz",
        "run_id": "0",
        "verdict": Verdict.RED,
        "stamp": replace(record.stamp, commit="0" * 40),
        "finished": "2999-01-01T00:00:00Z",
    }
    (seal,) = sealed.seals(store)
    digest = seal.body["manifest_sha256"]
    assert list(sealing.faults(seal, digest, record)) == []

    ((actual, wanted),) = sealing.faults(seal, digest, replace(record, **{name: values[name]}))

    assert actual.startswith(f"hub.json: {key} ")
    assert "seal" in wanted


@pytest.mark.parametrize("digest", ["0" * 64, "f" * 64])
def test_manifest_is_the_sealed_one(store: Store, digest: str) -> None:
    """Never sealed, or another hub's that is shown again."""
    (seal,) = sealed.seals(store)

    ((never, wanted),) = sealing.faults(seal, digest, None)
    ((replayed, _),) = sealing.faults(seal, digest, None, other="tiny/other")

    assert never.endswith(f"{digest[:12]}…, never sealed")
    assert wanted == f"{seal.body['manifest_sha256'][:12]}…"
    assert replayed.endswith("that of tiny/other, replayed")


@pytest.mark.parametrize(
    ("time", "is_damage"),
    [
        (in_seconds(-5), False),
        (in_seconds(300), False),
        (in_seconds(3600), True),
        ("2026-01-02", True),
        ("soon", True),
    ],
    ids=["past", "near", "an hour ahead", "day only", "word"],
)
def test_time_of_a_seal_has_come(store: Store, time: str, is_damage: bool) -> None:  # noqa: FBT001
    """Within what clocks may differ, and written as a time."""
    (seal,) = sealed.seals(store)
    wrong = list(sealing.faults(replace(seal, time=time), seal.body["manifest_sha256"], None))

    assert [wanted for _, wanted in wrong] == (["a time that has come"] if is_damage else [])


@pytest.mark.parametrize(("late_s", "is_damage"), [(0, False), (599, False), (601, True)])
def test_run_ends_before_its_seal(store: Store, late_s: float, is_damage: bool) -> None:  # noqa: FBT001
    """But for what clocks may differ."""
    record = read_record(store.hub)
    (seal,) = sealed.seals(store)
    start = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    finished = (start + dt.timedelta(seconds=late_s)).isoformat()

    wrong = list(
        sealing.faults(
            replace(seal, time=start.isoformat()),
            seal.body["manifest_sha256"],
            replace(record, finished=finished),
        )
    )

    assert bool(wrong) is is_damage


def test_seal_stands_once(store: Store) -> None:
    """Where it stands is said; twice, or not at all, it proves nothing."""
    (seal,) = sealed.seals(store)
    (row,) = rows_of(store, read_record(store.hub))
    assert row.outcome is Outcome.PASSED
    assert row.found.startswith("local: entry 1 of 2, included; plan, rules and golden logged")

    store.ledger.append(seal.kind, seal.subject, seal.body)
    (twice,) = rows_of(store)
    assert twice.found == f"2 seals of {seal.subject}"
    store.ledger.path.unlink()
    store.ledger.append("note", seal.subject, seal.body)
    (never,) = rows_of(store)
    assert never.found == f"no seal of {seal.subject}"
    store.ledger.path.unlink()
    (nothing,) = rows_of(store)
    assert nothing.found == "no ledger"
    assert {r.outcome for r in (twice, never, nothing)} == {Outcome.DAMAGED}


def test_each_ledger_must_say_the_same(store: Store) -> None:
    """A seal in the published one too; one that differs, or cannot be read, is told."""
    (seal,) = sealed.seals(store)
    published = Ledger(store.root / "hubs/ledger.jsonl")
    published.append(
        seal.kind,
        seal.subject,
        seal.body,
    )
    words = [row.found.partition(":")[0] for row in rows_of(store)]
    assert words == ["local", "published"]

    published.path.write_bytes(b"{}\n")
    assert [row.outcome for row in rows_of(store)] == [Outcome.PASSED, Outcome.INCONCLUSIVE]
    store.ledger.path.unlink()
    assert [row.outcome for row in rows_of(store)] == [Outcome.DAMAGED]
    published.path.unlink()
    published.append(seal.kind, seal.subject, {**seal.body, "manifest_sha256": "0" * 64})
    (row,) = rows_of(store)
    assert (row.outcome, "in the published ledger.jsonl line 1" in row.expected) == (
        Outcome.DAMAGED,
        True,
    )


def test_store_is_proved_as_a_whole(store: Store) -> None:
    """Its ledgers, and each sealed hub that is not there, some of them by name."""
    (seal,) = sealed.seals(store)
    present = [seal.subject]
    (row,) = sealing.check_store(store.project, present)
    assert row.found.startswith("local: 2 entries hold, root ")

    names = [f"tiny/2030010{n}T000000Z-abcdef" for n in range(1, 8)]
    for name in names:
        store.ledger.append("seal", name, {})
    store.ledger.append("gc", names[0], {})
    with store.ledger.path.open("ab") as stream:
        stream.write(b"torn")

    whole, absent = sealing.check_store(store.project, present)

    assert whole.found.endswith("; a torn tail of 4 bytes")
    assert absent.outcome is Outcome.NOTE
    some = ", ".join(names[1:6])
    assert absent.found == f"6 sealed hubs are not here: {some} and 1 more"
    (_, five) = sealing.check_store(store.project, [*present, names[6]])
    assert five.found == f"5 sealed hubs are not here: {some}"


def test_store_with_a_damaged_ledger_is_damaged(store: Store) -> None:
    """No ledger at all is one that is to come."""
    store.ledger.path.write_bytes(b"{}\n")
    (row,) = sealing.check_store(store.project, [])
    assert row.outcome is Outcome.DAMAGED

    store.ledger.path.unlink()
    (none,) = sealing.check_store(store.project, [])
    assert (none.outcome, none.found) == (Outcome.PASSED, "none yet")


def test_with_trusted_keys_a_seal_without_a_signature_does_not_pass(store: Store) -> None:
    """No checkpoint at all is no signature."""
    key = keys.SecretKey("ada", bytes(32)).public.encode()
    rows = sealing.check(store.hub, read_record(store.hub), [key], store.project)
    without = sealing.check(store.hub, read_record(store.hub), (), store.project)
    assert {row.outcome for row in without} == {Outcome.PASSED}
    assert {row.outcome for row in rows} == {Outcome.PASSED, Outcome.DAMAGED}


@pytest.mark.parametrize("sealed_digest", [None, "", 7, "0" * 64])
def test_a_seal_vouches_for_one_manifest(store: Store, sealed_digest: object) -> None:
    """One that names none vouches for none."""
    (seal,) = sealed.seals(store)
    body = {k: v for k, v in seal.body.items() if k != "manifest_sha256"}
    if sealed_digest is not None:
        body["manifest_sha256"] = sealed_digest
    digest = seal.body["manifest_sha256"]
    assert len(list(sealing.faults(replace(seal, body=body), digest, None))) == 1


def test_a_plan_that_is_not_the_logged_one_has_its_row(store: Store) -> None:
    """What was logged before the first stage is held against the hub beside its seal."""
    sealed.write(store.hub / "plan/plan.json", b"{}")
    rows = sealing.check(store.hub, None, (), store.project)
    assert Outcome.DAMAGED in {row.outcome for row in rows if row.check != sealing.CHECK}
