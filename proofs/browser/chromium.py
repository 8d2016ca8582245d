"""A real headless Chromium that opens pages from files and notes what goes wrong in them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_LOCAL = ("file:", "data:")


@dataclass(slots=True)
class Visit:
    """A page that is open, every request it made and every complaint of the console."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    @property
    def network(self) -> list[str]:
        """Addresses asked for outside the disk."""
        return [url for url in self.requests if not url.startswith(_LOCAL)]

    def open(self, path: Path, fragment: str = "") -> None:
        """Open a file and wait until it is loaded."""
        self.page.goto(path.absolute().as_uri() + fragment, wait_until="load")


def program() -> str | None:
    """Return the installed Chromium; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def browser() -> Iterator[Any]:
    """Run Chromium for as long as the block lasts."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program(), args=list(ARGUMENTS))
        try:
            yield running
        finally:
            running.close()


@contextmanager
def visit(
    running: Any, width: int = 1280, height: int = 800, scheme: str = "light"
) -> Iterator[Visit]:
    """Open a window of a size and a colour scheme."""
    context = running.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    seen = Visit(context.new_page())
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on(
        "dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss())
    )
    seen.page.on(
        "console",
        lambda said: seen.complaints.append(said.text) if said.type != "log" else None,
    )
    try:
        yield seen
    finally:
        context.close()
