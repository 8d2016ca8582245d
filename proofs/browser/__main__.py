"""Take the pictures of the documentation: ``make screenshots``.

The green hub is the newest green one of the project's own store where there is one, else a
small synthetic one; the red one and the site are synthetic and always the same.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.evidence.hub.store import HubStore
from harness.reporting import html
from harness.reporting.website import build
from harness.verdict import Verdict
from proofs.browser import chromium
from tests.builders import reports, stores

_ROOT = Path(__file__).parents[2]
_PICTURES = _ROOT / "docs" / "pictures"
_LARGEST = 300_000
_RUNS = 93  # the newest one is red


def main() -> int:
    """Write the three pictures; the exit code says whether each is small enough."""
    if chromium.program() is None:
        sys.stderr.write("screenshots: found no chromium; expected one on the path.\n")
        return 2
    _PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="screenshots-") as name,
        chromium.browser() as running,
    ):
        folder = Path(name)
        hub = _red_hub(folder / "red")
        store = HubStore(folder / "many", folder / "work")
        stores.fill(store.root, _RUNS)
        build.build("ptycho-harness", store, folder / "site")
        sizes = [
            _take(running, _page(_green_hub(folder), folder / "green.html"), "report-green"),
            _take(running, _page(hub, folder / "red.html"), "report-red"),
            _take(running, folder / "site" / "index.html", "site"),
            _take(running, folder / "site/trends/forward-parity.html", "site-trends"),
        ]
    return 0 if max(sizes) <= _LARGEST else 1


def _page(hub: Path, path: Path) -> Path:
    path.write_text(html.render(hub))
    return path


def _red_hub(store: Path) -> Path:
    return reports.write(store, reports.red_record())


def _green_hub(folder: Path) -> Path:
    """Return the newest green hub of the first suite that has one."""
    store = HubStore(_ROOT / "hubs", folder / "work")
    for suite in store.suites():
        try:
            hub = store.latest(suite, Verdict.GREEN)
        except HarnessError:
            continue
        if hub is not None:
            return hub
    return reports.write(folder / "green", reports.record())


def _take(running: Any, page: Path, name: str) -> int:
    """Photograph the first screen of a page; returns the size of the picture in bytes."""
    path = _PICTURES / f"{name}.png"
    with chromium.visit(running, height=900) as seen:
        seen.open(page)
        seen.page.screenshot(path=path, animations="disabled")
    size = path.stat().st_size
    sys.stdout.write(f"{path.relative_to(_ROOT)}  {size / 1000:.0f} kB\n")
    return size


if __name__ == "__main__":
    sys.exit(main())
