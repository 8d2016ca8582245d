"""The index of a site under the hands of a reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.reporting.website import pages, run_list
from harness.verdict import Verdict
from proofs.browser import chromium
from tests.browser.conftest import RUNS
from tests.builders import stores
from tests.builders.stores import many_rows

pytestmark = [pytest.mark.browser, pytest.mark.long]


def _count_rows(seen: chromium.Visit) -> int:
    return int(seen.page.locator(".runs tbody tr:visible").count())


def _wait_for_all(seen: chromium.Visit) -> None:
    """Wait until a reset has answered."""
    whole = f"{RUNS} of {RUNS} runs"
    seen.page.wait_for_function(f"document.getElementById('count').textContent === {whole!r}")


def test_filters_show_what_fits(running: Any, site: Path) -> None:
    """Suite, verdict, commit and environment each leave the runs that fit, also together."""
    records = [stores.record(number) for number in range(RUNS)]
    commit = records[20].stamp.commit
    with chromium.visit(running) as seen:
        seen.open(site / "index.html")
        form = seen.page.locator("#filters")
        assert _count_rows(seen) == RUNS

        form.locator("[name=verdict]").select_option("red")
        assert _count_rows(seen) == sum(r.verdict is Verdict.RED for r in records)
        form.locator("[name=suite]").select_option("quick")
        both = [r for r in records if r.verdict is Verdict.RED and r.suite == "quick"]
        assert _count_rows(seen) == len(both) > 0
        assert seen.page.locator("#count").inner_text() == f"{len(both)} of {RUNS} runs"

        form.locator("button").click()
        _wait_for_all(seen)
        form.locator("[name=commit]").fill(commit[:8])
        assert _count_rows(seen) == sum(r.stamp.commit == commit for r in records)

        form.locator("[name=commit]").fill("")
        form.locator("[name=environment]").select_option(index=1)
        fitting = {r.environment["device"] + r.environment["python"] for r in records}
        assert 0 < _count_rows(seen) < RUNS
        assert len(fitting) == form.locator("[name=environment] option").count() - 1
        assert seen.complaints == []


def test_the_script_draws_what_the_table_showed(running: Any, site: Path) -> None:
    """Drawn again from the data, every cell and every link is the one of the page."""
    read = (
        "rows => rows.map(row => [row.innerText, row.className, row.querySelector('a').href])"
    )
    with chromium.visit(running) as seen:
        seen.open(site / "index.html")
        before = seen.page.eval_on_selector_all(".runs tbody tr", read)
        seen.page.locator("#filters [name=verdict]").select_option("red")
        seen.page.locator("#filters button").click()
        _wait_for_all(seen)

        assert len(before) == RUNS
        assert seen.page.eval_on_selector_all(".runs tbody tr", read) == before


def test_a_long_list_is_drawn_in_parts(running: Any, tmp_path: Path) -> None:
    """The newest runs first, the rest by a button; filters see all of them."""
    rows = many_rows(run_list.NEWEST + 7)
    page = tmp_path / "index.html"
    page.write_text(pages.index("project", rows, [], []))
    with chromium.visit(running) as seen:
        seen.open(page)
        assert _count_rows(seen) == run_list.NEWEST
        seen.page.locator("#more button").click()
        assert _count_rows(seen) == len(rows)
        assert seen.page.locator("#more").is_hidden()
        oldest = min(rows, key=lambda row: row.run_id)
        seen.page.locator("[name=commit]").fill(oldest.commit)
        assert oldest.run_id in seen.page.locator(".runs tbody tr").inner_text()
        assert seen.complaints == []


def test_filters_are_in_the_address(running: Any, site: Path) -> None:
    """A filtered view can be sent as a link, and nothing that fits is said so."""
    with chromium.visit(running) as seen:
        seen.open(site / "index.html", "#verdict=red&commit=zzzz")

        assert _count_rows(seen) == 0
        assert seen.page.locator("#none").is_visible()
        seen.page.locator("#clear").click()
        _wait_for_all(seen)
        seen.page.locator("#filters [name=suite]").select_option("quick")
        assert seen.page.url.endswith("#suite=quick")
        assert seen.complaints == []


def test_keyboard_reaches_filters_and_runs(running: Any, site: Path) -> None:
    """Tab walks from the skip link over the filters to the runs."""
    reached = []
    with chromium.visit(running) as seen:
        seen.open(site / "index.html")
        for _ in range(32):
            seen.page.keyboard.press("Tab")
            reached.append(
                seen.page.evaluate(
                    "document.activeElement.name || document.activeElement.className"
                )
            )

    assert reached[0] == "skip"
    assert [name for name in reached if name in {"suite", "verdict", "commit", "environment"}]
    assert "scroll" in reached


def test_every_link_of_the_site_leads_somewhere(running: Any, site: Path) -> None:
    """Links between pages exist on disk."""
    for path in sorted(site.rglob("*.html"))[:12]:
        with chromium.visit(running) as seen:
            seen.open(path)
            links = seen.page.eval_on_selector_all("a, link", "found => found.map(a => a.href)")
            targets = {link.split("#")[0].removeprefix("file://") for link in links}

            assert [name for name in targets if not Path(name).is_file()] == []
