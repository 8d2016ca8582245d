"""The runs of an index as data: whole, small, and safe within a page."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from harness.reporting.website import pages, run_list
from harness.reporting.website.rows import Row
from harness.verdict import Verdict
from tests.builders.stores import many_rows

_MARKUP = "</script><b>\u2028 & x"


def read(listed: list[Row]) -> dict[str, Any]:
    """Read the data as the script does."""
    value: dict[str, Any] = json.loads(run_list.data(listed))
    return value


def decoded(value: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Put the words back in their places."""
    words = value["words"]
    return [
        (r[0], *(words[place] for place in r[1:6]), *r[6:10], *(words[p] for p in r[10:]))
        for r in value["rows"]
    ]


def test_every_run_is_in_the_data_as_the_table_shows_it() -> None:
    """Suite, verdict, commit, duration, environment, guards, flags and reason of each."""
    listed = many_rows(40)

    for row, data in zip(listed, decoded(read(listed)), strict=True):
        assert data[:4] == (row.run_id, row.suite, row.verdict, row.commit[:12])
        assert data[5:10] == (row.environment, 0, 53, 54, 1 + 2 * row.dirty)
        assert data[10:] == ((row.reason, "") if row.verdict == "red" else ())


@pytest.mark.parametrize(
    ("finished", "minutes"),
    [("2025-03-01T10:15:59Z", 135), ("2025-03-01T07:59:00Z", None), ("", None), ("?", None)],
)
def test_the_end_of_a_run_is_kept(finished: str, minutes: int | None) -> None:
    """As minutes after its beginning where it has such, and else as the text it is."""
    row = replace(many_rows(1)[0], run_id="20250301T080000Z-0a0b0c", finished=finished)

    value = read([row])

    ended = value["rows"][0][6]
    assert (ended if minutes is not None else value["words"][-ended]) == (
        minutes if minutes is not None else run_list.shorten_time(finished)
    )


def test_words_of_others_end_no_script() -> None:
    """Whatever a hub says is text: the data close no tag and open none."""
    row = replace(many_rows(1)[0], suite=_MARKUP, reason=_MARKUP, verdict="red", beside=_MARKUP)

    written = run_list.data([row])

    assert not set(written) & set("<>&\u2028\u2029")
    assert json.loads(written)["words"][1].startswith("</script><b>")


def test_an_index_of_ten_thousand_runs_is_small() -> None:
    """At most a megabyte, with another reason for each red run and a commit for every run."""
    made = pages.index("project", many_rows(10_000), [], [])

    assert len(made.encode()) <= 1_000_000


def test_pages_hold_every_run_once_and_change_at_the_end_only() -> None:
    """A further run is on the last page; runs that the index shows all of need none."""
    listed = many_rows(1201)

    before, after = run_list.pages(listed[:-1]), run_list.pages(listed)

    assert run_list.pages(listed[: run_list.NEWEST]) == []
    assert sorted(r.run_id for p in after for r in p.rows) == sorted(r.run_id for r in listed)
    assert [one.rows == two.rows for one, two in zip(before, after, strict=True)] == [
        True,
        True,
        False,
    ]
    assert after[-1].rows[0].run_id == max(r.run_id for r in listed)


def test_marks_are_those_of_the_pages() -> None:
    """The script draws the same marks as the table that it replaces."""
    assert read([])["marks"].keys() == {verdict.value for verdict in Verdict}
