"""The index of a site under the hands of a reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.verdict import Verdict
from proofs.browser import chromium
from tests.browser.conftest import RUNS
from tests.builders import stores

pytestmark = [pytest.mark.browser, pytest.mark.long]


def _count_rows(seen: chromium.Visit) -> int:
    return int(seen.page.locator(".runs tbody tr:visible").count())


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
        seen.page.wait_for_function(
            "document.querySelectorAll('.runs tr[hidden]').length === 0"
        )
        form.locator("[name=commit]").fill(commit[:8])
        assert _count_rows(seen) == sum(r.stamp.commit == commit for r in records)

        form.locator("[name=commit]").fill("")
        form.locator("[name=environment]").select_option(index=1)
        fitting = {r.environment["device"] + r.environment["python"] for r in records}
        assert 0 < _count_rows(seen) < RUNS
        assert len(fitting) == form.locator("[name=environment] option").count() - 1
        assert seen.complaints == []


def test_filters_are_in_the_address(running: Any, site: Path) -> None:
    """A filtered view can be sent as a link, and nothing that fits is said so."""
    with chromium.visit(running) as seen:
        seen.open(site / "index.html", "#verdict=red&commit=zzzz")

        assert _count_rows(seen) == 0
        assert seen.page.locator("#none").is_visible()
        seen.page.locator("#clear").click()
        seen.page.wait_for_function(
            "document.querySelectorAll('.runs tr[hidden]').length === 0"
        )
        seen.page.locator("#filters [name=suite]").select_option("quick")
        assert seen.page.url.endswith("#suite=quick")
        assert seen.complaints == []


def test_keyboard_reaches_filters_and_runs(running: Any, site: Path) -> None:
    """Tab walks from the skip link over the filters to the runs."""
    reached = []
    with chromium.visit(running) as seen:
        seen.open(site / "index.html")
        for _ in range(16):
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
