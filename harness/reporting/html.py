"""A hub as one self-contained page: no network, no script, light, dark and print."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from harness.frozen import dataclass
from harness.judgement import quarantine
from harness.records import GuardResult, HubRecord, StageRecord
from harness.reporting import reasons, svg, text, view
from harness.reporting.view import HubView
from harness.verdict import Verdict

_TEMPLATES = Path(__file__).parent / "templates"
_WORDS = {
    Verdict.GREEN: "Every stage and every guard passed.",
    Verdict.INCONCLUSIVE: "Something could not be judged: this is not a pass.",
    Verdict.RED: "A stage or a guard failed.",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a page stands in a site: links to its index, its suite's trends, its blockers.

    ``blockers`` and ``models`` are pairs of name and link. In a site there are no files of the
    hub beside the page, so none are linked.
    """

    index: str
    trends: str
    blockers: tuple[tuple[str, str], ...] = ()
    models: tuple[tuple[str, str], ...] = ()


def render(hub: Path) -> str:
    """Render the page of a hub, sealed or about to be.

    The same hub always gives the same page.

    Raises:
        NotAProjectError: The folder is no hub.
        IntegrityError: Its record is damaged.
    """
    return page(view.read_view(hub))


def page(view_: HubView, around: Surroundings | None = None) -> str:
    """Render a page from what was read of a hub; all foreign text is escaped.

    Args:
        view_: The hub.
        around: The site the page is part of; without, it lies in its hub.
    """
    record = view_.record
    guards, rest = text.fold(_worst_first(record))
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            view=view_,
            site=around,
            record=record,
            verdict=record.verdict.value,
            beside=quarantine.standing_out(record),
            quarantine=[(e, quarantine.status_of(e)) for e in record.quarantine],
            flaky=quarantine.flaky(record),
            headline=record.reason or _WORDS[record.verdict],
            reasons=reasons.list_reasons(record),
            explained=reasons.followers(record),
            unjudged=reasons.list_unjudged(record),
            red=[(g, _draw_guard(g)) for g in guards if g.verdict is Verdict.RED],
            green=[(g, _draw_guard(g)) for g in guards if g.verdict is Verdict.GREEN],
            folded=text.describe_folded(rest),
            stages=_timeline(record),
            selection=text.list_selection(record.stages),
            counts=_counts(record),
            excerpts=_open_first(view_),
        )
    )


@cache
def environment() -> jinja2.Environment:
    """Return the templates with their filters; foreign text is escaped by default."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        counts=text.counts,
        number=text.number,
        said=text.describe_reason,
        sentences=text.sentences,
        size=text.size,
        duration=text.duration,
        visible=text.visible,
        chart=lambda drawn: Markup(svg.chart(drawn)),  # noqa: S704 - svg escapes its texts
    )
    made.globals.update(
        allowed=text.interval, marks={v.value: m for v, m in text.MARKS.items()}
    )
    return made


def _worst_first(record: HubRecord) -> list[GuardResult]:
    order = (Verdict.RED, Verdict.INCONCLUSIVE, Verdict.GREEN)
    return sorted(record.guards, key=lambda guard: order.index(guard.verdict))


def _draw_guard(guard: GuardResult) -> Markup:
    if guard.value is None or (guard.low is None and guard.high is None):
        return Markup("")
    drawn = svg.interval(guard.value, guard.low, guard.high, guard.verdict)
    return Markup(drawn)  # noqa: S704 - svg escapes its texts


def _timeline(record: HubRecord) -> list[tuple[StageRecord, Markup]]:
    rows = []
    for stage in record.stages:
        start = max(0.0, _seconds_between(record.started, stage.started))
        drawn = svg.span(start, start + stage.duration_s, record.duration_s, stage.verdict)
        rows.append((stage, Markup(drawn)))  # noqa: S704 - svg escapes its texts
    return rows


def _seconds_between(first: str, second: str) -> float:
    try:
        return (text.moment(second) - text.moment(first)).total_seconds()
    except ValueError:
        return 0.0


def _counts(record: HubRecord) -> list[tuple[str, str]]:
    guards = sum(g.verdict is Verdict.GREEN for g in record.guards)
    stages = sum(s.verdict is Verdict.GREEN for s in record.stages)
    tests = sum(s.tests.get("passed", 0) for s in record.stages)
    counted = [
        ("guards green", f"{guards} of {len(record.guards)}"),
        ("stages passed", f"{stages} of {len(record.stages)}"),
        ("duration", text.duration(record.duration_s)),
        ("commit", record.stamp.commit[:10] + (" + changes" if record.stamp.dirty else "")),
    ]
    return [*counted, ("tests passed", str(tests))] if tests else counted


def _open_first(view_: HubView) -> list[tuple[view.Excerpt, bool]]:
    """Pair each log excerpt with whether it is unfolded: those of stages that did not pass."""
    failed: dict[str, Any] = {s.id: s.verdict is not Verdict.GREEN for s in view_.record.stages}
    return sorted(
        ((e, bool(failed.get(e.stage))) for e in view_.excerpts), key=lambda pair: not pair[1]
    )
