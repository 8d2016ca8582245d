"""The files for people that every hub gets, rendered just before its seal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from harness.evidence.hub import layout
from harness.records import HubRecord
from harness.reporting import markdown, view


def _summary(hub: Path, record: HubRecord, previous: HubRecord | None) -> str:
    return markdown.of_view(view.of_run(hub, record, previous))


def _page(hub: Path, record: HubRecord, previous: HubRecord | None) -> str:
    from harness.reporting import html  # noqa: PLC0415 - jinja2, when a page is rendered

    return html.page(view.of_run(hub, record, previous))


FILES: Mapping[str, Callable[[Path, HubRecord, HubRecord | None], str]] = {
    layout.SUMMARY: _summary,
    layout.REPORT: _page,
}
