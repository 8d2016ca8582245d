"""Trends: which runs share a line, and what a line says."""

from __future__ import annotations

import re
from dataclasses import replace

from harness.records import DatasetRecord
from harness.reporting.website import rows, trends
from harness.reporting.website.rows import Row
from tests.builders import reports


def _row(number: int, value: float, **changes: object) -> Row:
    row = Row(
        suite="quick",
        run_id=f"20260102T0304{number:02d}Z-00000a",
        digest="ab",
        verdict="green",
        reason="",
        finished=f"2026-01-02T03:04:{number:02d}Z",
        group="a",
        metrics={"loss": value},
        bands={"loss": (0.5, 2.0)},
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def test_only_comparable_runs_share_a_line() -> None:
    """Other data, another device or another parameter is another line; another seed is not."""
    base = reports.record(parameters={"epochs": "10", "seed": "1"})
    other_data = DatasetRecord(
        role="train", name="x", sha256="01" * 32, size=1, generated=False
    )

    same = rows.group(replace(base, parameters={"epochs": "10", "seed": "2"}))
    others = [
        rows.group(replace(base, parameters={"epochs": "2", "seed": "1"})),
        rows.group(replace(base, datasets=(other_data,))),
        rows.group(replace(base, environment={**base.environment, "device": "cuda"})),
    ]

    assert same == rows.group(base)
    assert len({rows.group(base), *others}) == 4


def test_groups_are_apart_and_the_newest_is_first() -> None:
    """Numbers of two groups never stand in one trend."""
    made = [_row(i, 1.0 + i, group="old" if i < 4 else "new") for i in range(8)]

    groups = trends.groups(made)

    assert [(g.name, g.count) for g in groups] == [("new", 4), ("old", 4)]
    assert [len(g.trends[0].rows) for g in groups] == [4, 4]


def test_a_change_names_its_run_and_levels() -> None:
    """A new level is told with the run that began it and both medians."""
    made = [_row(i, 1.0 if i < 10 else 1.5) for i in range(20)]

    [change] = trends.groups(made)[0].trends[0].changes

    assert change.row.run_id == made[10].run_id
    assert (change.before, change.after) == (1.0, 1.5)


def test_the_band_is_that_of_each_run() -> None:
    """A bound that moved is drawn as two rectangles, one where the runs were judged so."""
    made = [_row(i, 1.0, bands={"loss": (0.5, 2.0 if i < 3 else 1.5)}) for i in range(8)]

    drawing = trends.groups(made)[0].trends[0].drawing

    widths = [float(w) for w in re.findall(r'class="band".*?width="([\d.]+)"', drawing)]
    assert len(widths) == 2
    assert widths[1] > widths[0]


def test_runs_outside_their_band_are_marked() -> None:
    """Each run outside is a red mark, and a metric that is outside now comes first."""
    made = [_row(i, 3.0 if i in {2, 5} else 1.0) for i in range(6)]
    mixed = [replace(r, metrics={**r.metrics, "a": float(i)}) for i, r in enumerate(made)]

    first, second = trends.groups(mixed)[0].trends

    assert (first.metric, first.is_outside) == ("loss", True)
    assert first.drawing.count('class="mark red"') == 2
    assert not second.is_outside


def test_a_zero_bound_fits_a_logarithmic_scale() -> None:
    """A floor of zero below values over many decades is the lower edge."""
    made = [_row(i, 10.0**-i, bands={"loss": (0.0, 5.0)}) for i in range(6)]

    assert 'class="band"' in trends.groups(made)[0].trends[0].drawing


def test_guards_of_one_metric_narrow_the_band() -> None:
    """A floor and a ceiling that two guards declare make one band."""
    guards = (
        reports.guard("floor", metric="m", low=1.0, high=None),
        reports.guard("ceiling", metric="m", low=None, high=9.0),
        reports.guard("golden", metric="m", low=2.0, high=10.0),
    )

    assert rows.bands(reports.record(guards=guards)) == {"m": (2.0, 9.0)}


def test_names_of_metrics_are_escaped() -> None:
    """Markup in the name of a metric is text in the drawing."""
    made = [_row(i, 1.0, metrics={"<script>": float(i)}, bands={}) for i in range(3)]

    drawing = trends.groups(made)[0].trends[0].drawing

    assert "<script>" not in drawing
    assert "&lt;script&gt;" in drawing
