"""The rows of a verification: which declaration judges, and what staleness does to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.evidence.hub.store import read_record
from harness.judgement import acceptance, freshness
from harness.judgement.freshness import Cause
from harness.judgement.verify import conductor, judging, verify
from harness.judgement.verify.report import Outcome, Row
from tests.builders.sealed import Store


def rows_of(store: Store, check: str, **options: Any) -> list[tuple[Outcome, str]]:
    """Return outcome and text of the rows of a check."""
    project = options.pop("project", store.project)
    rows = verify(project, store.hub, **options).rows
    return [(row.outcome, row.found) for row in rows if row.check == check]


def test_unchanged_declaration_is_not_judged_again(store: Store) -> None:
    """Today's guards have one row: as recorded; another bound has its own."""
    assert rows_of(store, judging.TODAY) == [(Outcome.PASSED, "as recorded")]

    store.declare("min = 0.5", "min = 0.25")
    # With the two that hold for every artifact: numbers of the JSON and of the CSV.
    assert rows_of(store, judging.TODAY) == [(Outcome.PASSED, "4 of 4 green")]
    store.declare("min = 0.25", "min = 0.9")
    ((outcome, text),) = rows_of(store, judging.TODAY)
    assert (outcome, text.startswith("variance-floor: 0.75")) == (Outcome.RED, True)
    assert [o for o, _ in rows_of(store, judging.TODAY, allow_stale=True)] == [Outcome.NOTE]


def test_outside_a_project_only_the_hub_is_judged(store: Store) -> None:
    """Freshness is open then, or for an archive not asked."""
    assert rows_of(store, judging.TODAY, project=None) == [(Outcome.NOTE, "not in a project")]
    assert rows_of(store, "freshness", project=None) == [(Outcome.INCONCLUSIVE, "no project")]
    archive = {"project": None, "allow_stale": True}
    assert rows_of(store, "freshness", **archive) == [(Outcome.NOTE, "no project")]
    assert verify(None, store.hub).exit_code == 3
    assert verify(None, store.hub, allow_stale=True).exit_code == 0


def test_suite_that_is_gone_is_stale(store: Store) -> None:
    """There is no declaration of today to judge by."""
    project = replace(store.project, suites={})

    assert rows_of(store, judging.TODAY, project=project) == [
        (Outcome.NOTE, "suite tiny is not declared any more")
    ]
    assert [o for o, _ in rows_of(store, "freshness", project=project)] == [Outcome.STALE]


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ({}, Outcome.STALE),
        ({"require_fresh": True}, Outcome.STALE),
        ({"allow_stale": True}, Outcome.NOTE),
        ({"allow_stale": True, "require_fresh": True}, Outcome.NOTE),
    ],
)
def test_changed_source_is_stale_but_for_an_archive(
    store: Store, options: dict[str, bool], outcome: Outcome
) -> None:
    """One row that names the file."""
    (store.root / "source.py").write_text("changed = 1\n")

    (row,) = rows_of(store, "freshness", **options)

    assert row == (outcome, "1 input file changed: source.py")


@pytest.mark.parametrize(
    ("options", "outcomes"),
    [
        ({}, [Outcome.PASSED, Outcome.NOTE, Outcome.NOTE]),
        ({"require_fresh": True}, [Outcome.STALE, Outcome.STALE]),
        ({"allow_stale": True}, [Outcome.NOTE, Outcome.NOTE]),
    ],
)
def test_another_machine_is_told_or_stale(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, bool],
    outcomes: list[Outcome],
) -> None:
    """Versions and numeric class have a line each; proving evidence needs neither."""
    cause = Cause(
        kind=freshness.ENVIRONMENT,
        what="another environment: torch 1 → 2, numeric.isa A → B",
        cure="Run it here.",
        items=("torch 1 → 2", "numeric.isa A → B"),
    )
    state = freshness.Freshness(causes=(cause,))
    monkeypatch.setattr(freshness, "check", lambda *_arguments: state)

    rows = rows_of(store, "freshness", **options)

    assert [outcome for outcome, _ in rows] == outcomes
    assert [text for _, text in rows[-2:]] == [
        "another environment: torch 1 → 2",
        "another numeric class: numeric.isa A → B",
    ]
    assert rows[0][1].endswith("same inputs, declaration") is (outcomes[0] is Outcome.PASSED)


@pytest.mark.parametrize(
    ("items", "lines"),
    [
        (("torch 1 → 2",), ["as a whole"]),
        (("numeric.isa A → B",), ["another numeric class: numeric.isa A → B"]),
        ((), ["as a whole"]),
    ],
)
def test_numeric_class_has_a_line_of_its_own(items: tuple[str, ...], lines: list[str]) -> None:
    """Where it differs; else the cause says itself what it is."""
    cause = Cause(kind=freshness.ENVIRONMENT, what="as a whole", cure="", items=items)

    assert conductor._lines(cause) == lines
    source = replace(cause, kind="source", items=("numeric.py",))
    assert conductor._lines(source) == ["as a whole"]


def test_accepted_change_is_told_and_fresh(store: Store) -> None:
    """Which kinds were accepted stands in the row; nothing accepted, nothing told."""
    fresh = "fresh: same inputs, declaration, environment"
    assert rows_of(store, "freshness") == [(Outcome.PASSED, fresh)]
    (store.root / "source.py").write_text("changed = 1\n")
    record = read_record(store.hub)
    (cause,) = freshness.check(store.project, store.hub, record).causes
    body = {"cause": cause.kind, "state": cause.state, "reason": "words", "items": []}
    store.ledger.append(acceptance.KIND, record.run_id, body)

    assert rows_of(store, "freshness") == [
        (Outcome.NOTE, "fresh but for what was accepted: another source")
    ]


def test_verdict_has_its_row_and_its_remedy(store: Store) -> None:
    """Green needs none."""

    def row_of() -> Row:
        return next(r for r in verify(store.project, store.hub).rows if r.check == "verdict")

    green = row_of()
    assert (green.outcome, green.remedy) == (Outcome.PASSED, "")
    assert green.found.startswith("recorded green")


def test_sample_reads_what_it_judges(store: Store) -> None:
    """Whatever part was asked for, no verdict rests on bytes that nobody proved."""
    texts = [text for _, text in rows_of(store, "bytes", fraction=1e-9)]
    assert "2 files judged, all read" in texts

    assert not [t for _, t in rows_of(store, "bytes") if "files judged" in t]
