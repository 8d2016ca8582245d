"""Every page in a real browser: no complaint, no network, open to machines and phones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofs.browser import chromium
from tests.browser.conftest import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.long]

_SIZES = [(1280, 800), (390, 844)]


def _pages(site: Path) -> list[Path]:
    """One page of each kind."""
    kinds = ("index.html", "trends/*.html", "blockers/*.html", "hubs/*/*.html")
    judged = max(site.glob("models/*.html"), key=lambda path: path.stat().st_size)
    return [*(next(iter(sorted(site.glob(kind)))) for kind in kinds), judged]


def test_pages_open_in_silence(running: Any, green: Path, red: Path, site: Path) -> None:
    """Nothing complains on the console and nothing asks the network."""
    for path in (green, red, *_pages(site)):
        with chromium.visit(running) as seen:
            seen.open(path)
            seen.page.wait_for_timeout(50)

            assert seen.complaints == []
            assert seen.network == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_barrier(
    running: Any, green: Path, red: Path, site: Path, scheme: str
) -> None:
    """Axe finds no serious accessibility violation, in light and in dark."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe here")

    for path in (green, red, *_pages(site)):
        with chromium.visit(running, scheme=scheme) as seen:
            seen.open(path)
            seen.page.evaluate(
                "document.querySelectorAll('details').forEach(d => d.open = true)"
            )
            violations = axe.Axe().run(seen.page).response["violations"]
            serious = [
                (v["id"], [n["html"][:120] for n in v["nodes"][:3]])
                for v in violations
                if v["impact"] in {"serious", "critical"}
            ]

            assert serious == [], path.name


@pytest.mark.parametrize(("width", "height"), _SIZES)
def test_blocker_is_seen_at_once(running: Any, red: Path, width: int, height: int) -> None:
    """A red page shows what is wrong and its root cause without scrolling."""
    with chromium.visit(running, width, height) as seen:
        seen.open(red)
        for name in (".blocker h3", ".blocker pre"):
            box = seen.page.locator(name).first.bounding_box()

            assert box["y"] + box["height"] <= height, name


@pytest.mark.parametrize(("width", "height"), _SIZES)
def test_pages_never_scroll_sideways(
    running: Any, green: Path, red: Path, site: Path, width: int, height: int
) -> None:
    """Wide tables scroll within themselves; the page does not."""
    for path in (green, red, *_pages(site)):
        with chromium.visit(running, width, height) as seen:
            seen.open(path)

            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, (
                path.name
            )


def test_hostile_content_stays_text(running: Any, hostile: Path) -> None:
    """Markup in names, logs, branches and blockers is shown, and nothing of it runs."""
    for path in sorted(hostile.rglob("*.html")):
        with chromium.visit(running) as seen:
            seen.open(path)
            seen.page.wait_for_timeout(50)

            assert seen.dialogs == []
            assert seen.complaints == []
            assert seen.network == []
            assert seen.page.locator("img[onerror]").count() == 0
            assert HOSTILE in seen.page.evaluate("document.documentElement.textContent")


def test_printed_report_keeps_the_verdict(running: Any, red: Path) -> None:
    """On paper there is no navigation, and verdict and blocker are there."""
    with chromium.visit(running) as seen:
        seen.page.emulate_media(media="print")
        seen.open(red)

        assert not seen.page.locator("nav").is_visible()
        assert seen.page.locator("h1").is_visible()
        assert seen.page.locator(".blocker").first.is_visible()
        assert seen.page.pdf()[:5] == b"%PDF-"
