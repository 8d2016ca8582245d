"""Rows in, pages out: the index, the trends of a suite, a blocker."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from harness.frozen import dataclass
from harness.reporting import html
from harness.reporting.website import models, run_list
from harness.reporting.website import trends as lines
from harness.reporting.website.blocked import Entry
from harness.reporting.website.models import Maker, Model
from harness.reporting.website.rows import UNREADABLE, Row
from harness.reporting.website.run_list import RunPage
from harness.verdict import Verdict

_STRIP = 40  # runs in the strip of a suite
_SIDE = 8
_MODELS = 10  # newest models that the index lists
_VERDICTS = (*(v.value for v in (Verdict.GREEN, Verdict.RED, Verdict.INCONCLUSIVE)), UNREADABLE)


@dataclass(frozen=True, slots=True)
class _Suite:
    """How a suite stands; ``strip`` draws its newest runs."""

    name: str
    count: int
    green: int
    latest: Row
    streak: str
    strip: Markup


def index(
    project: str, rows: Sequence[Row], entries: Sequence[Entry], made: Sequence[Model]
) -> str:
    """Render the index: suites, open blockers, newest models, and all runs."""
    newest_first = run_list.newest_first(rows)
    environments = sorted({r.environment for r in rows if r.is_readable})
    suites = [_suite(name, newest_first) for name in sorted({r.suite for r in rows})]
    script = html.environment().get_template("site.js").render()
    return _render(
        "site_index.html.j2",
        project,
        "Runs",
        "",
        shown=newest_first[: run_list.NEWEST],
        count=len(rows),
        older=run_list.pages(rows),
        data=run_list.data(newest_first),
        suites=suites,
        environments=environments,
        verdicts=[v for v in _VERDICTS if any(r.verdict == v for r in rows)],
        open=[e for e in entries if e.head.status == "open"],
        models=made[:_MODELS],
        models_count=len(made),
        closed=[e for e in entries if e.head.status != "open"],
        script=Markup(script),  # noqa: S704 - our own file
        script_sha256=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def runs(project: str, page: RunPage) -> str:
    """Render a page of runs for readers without script."""
    title = f"Runs, page {page.number}"
    return _render("site_runs.html.j2", project, title, "../", page=page)


def trends(project: str, suite: str, rows: Sequence[Row]) -> str:
    """Render the trends of a suite, one part per group of comparable runs."""
    return _render(
        "site_trends.html.j2",
        project,
        suite,
        "../",
        suite=suite,
        count=len(rows),
        groups=lines.groups(rows),
    )


def model(project: str, model_: Model, makers: Sequence[Maker]) -> str:
    """Render the chain of evidence of a model."""
    name = Path(makers[0].artifact.path).name if makers else "A model"
    return _render(
        "site_model.html.j2",
        project,
        f"{name} {model_.sha256[:12]}…",
        "../",
        model=model_,
        makers=makers,
        today=models.today(),
    )


def blocker(project: str, entry: Entry) -> str:
    """Render the page of a blocker."""
    return _render(
        "site_blocker.html.j2",
        project,
        entry.note.title,
        "../",
        crumb=entry.head.id,
        head=entry.head,
        note=entry.note,
        seen=entry.seen,
    )


def _render(template: str, project: str, title: str, root: str, **values: object) -> str:
    helpers = {"reason": run_list.shorten_reason, "minute": run_list.shorten_time}
    context = {"crumb": title, **helpers, **values}
    made = html.environment().get_template(template)
    return made.render(project=project, title=title, root=root, **context)


def _suite(name: str, newest_first: Sequence[Row]) -> _Suite:
    rows = [row for row in newest_first if row.suite == name]
    latest = rows[0]
    same = next((i for i, row in enumerate(rows) if row.verdict != latest.verdict), len(rows))
    runs = "the last run is" if same == 1 else f"the last {same} are"
    return _Suite(
        name=name,
        count=len(rows),
        green=sum(row.verdict == Verdict.GREEN for row in rows),
        latest=latest,
        streak=f"{runs} {latest.verdict}",
        strip=Markup(_strip(rows[:_STRIP][::-1])),  # noqa: S704 - numbers and our own words
    )


def _strip(rows: Sequence[Row]) -> str:
    """Draw runs as bars, oldest first; height as well as colour says the verdict."""
    heights = {Verdict.GREEN.value: 6, Verdict.INCONCLUSIVE.value: 12}
    counts = ", ".join(f"{sum(r.verdict == v for r in rows)} {v}" for v in _VERDICTS)
    bars = []
    for i, row in enumerate(rows):
        tall = heights.get(row.verdict, 18)
        bars.append(
            f'<rect class="{row.verdict}" x="{i * _SIDE}" y="{18 - tall}" '
            f'width="{_SIDE - 2}" height="{tall}"/>'
        )
    return (
        f'<svg class="strip" role="img" aria-label="the newest {len(rows)} runs: {counts}" '
        f'viewBox="0 0 {_STRIP * _SIDE} 18">{"".join(bars)}</svg>'
    )
