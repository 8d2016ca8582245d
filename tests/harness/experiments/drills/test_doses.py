"""Doses of a defect, in a project whose threshold is known in closed form."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.main import group
from harness.config.project import GuardSpec, Project
from harness.errors import ConfigError
from harness.experiments.drills import dial, dose_report, doses, drill, judging, runs
from harness.experiments.drills.doses import DoseSeries
from harness.experiments.drills.drill import CAUGHT, MISSED, NOT_RUN, WRONG, Drill, DrillOutcome
from harness.judgement.golden import ensemble, tolerance
from harness.judgement.guards.base import judge_interval
from harness.runner.stages.child import Stop
from tests.builders import fingerprints, hubs
from tests.harness.experiments.drills.test_drill import CEILING, STAGE

PATCH = """\
Suite: tiny
Guard: ceiling
Defect: The gain is too large.
Dial: {dial}

diff --git a/source/model.py b/source/model.py
--- a/source/model.py
+++ b/source/model.py
@@ -1 +1 @@
-GAIN = 1
+GAIN = 1 + {size}
"""


def plant(root: Path, name: str, size: str, said: str | None = None) -> None:
    (root / "drills").mkdir(exist_ok=True)
    text = PATCH.format(dial=said or size, size=size)
    (root / "drills" / f"{name}.patch").write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A committed project whose value is three times its gain, held below 9."""
    stage = hubs.command("make", STAGE, "{work}/out.json", artifacts=[hubs.OUT])
    spec = hubs.suite(stage, parameters={"seed": "1"}, guards=[hubs.FLOOR, CEILING])
    made = hubs.project(tmp_path / "p", tiny=spec)
    hubs.commit(made.root)
    return made


@pytest.mark.slow
@pytest.mark.parametrize(("size", "expected"), [("8.0", 1 / 3), ("2.5", 1.0), ("0.5", None)])
def test_smallest_dose_is_the_closed_form(
    project: Project, stop: Stop, size: str, expected: float | None
) -> None:
    """The value 3·(1 + size·d) passes 9 where size·d > 2: the first dose below is not seen."""
    plant(project.root, "gain", size, f"{size} (800 % of the gain)")
    (planned,) = drill.select(project, None, [])
    ground = runs.ground(project)

    (series,) = doses.measure(
        [planned], lambda ds: [runs.run_drill(ground, d, stop) for d in ds]
    )

    tried = [dose for dose in doses.DOSES if float(size) * dose > 2]
    assert len(series.outcomes) == len(tried) + 1
    smallest = series.smallest
    assert (None if smallest is None else smallest.drill.dose) == expected
    if smallest is not None:
        value = 3 * (1 + float(size) * smallest.drill.dose)
        assert smallest.part == pytest.approx(value / 9)
        assert smallest.part_by == "ceiling"
    assert series.outcomes[-1].outcome == MISSED
    # The whole dose is the drill itself: what is kept of one serves the other.
    assert runs.load_outcome(ground, planned).outcome == series.outcomes[0].outcome


@pytest.mark.slow
def test_command_tells_and_keeps_the_doses(project: Project) -> None:
    """The page lists the smallest dose in the unit of the defect, and a second call too."""
    plant(project.root, "gain", "8.0", "8.0 (800 % of the gain)")
    hubs.commit(project.root)
    page = project.root / "page.md"
    words = ["-C", str(project.root), "drill", "--doses", "--report", str(page), "--json"]

    first = CliRunner().invoke(group, words)
    again = CliRunner().invoke(group, [*words, "--kept"])

    assert first.exit_code == again.exit_code == 0, first.output
    (listed,) = json.loads(first.output)["doses"]
    assert [one["outcome"] for one in listed["doses"]] == [CAUGHT, CAUGHT, MISSED]
    assert json.loads(again.output)["doses"] == [listed]
    row = next(line for line in page.read_text().splitlines() if "| 1/3 |" in line)
    assert "267 % of the gain" in row
    assert "`ceiling`" in row
    assert "Median smallest dose of 1 drills: 33.33% of the defect" in page.read_text()


def test_the_median_is_that_of_what_ran_to_its_end(project: Project) -> None:
    """A drill whose next dose has not run says nothing of its smallest one yet."""
    plant(project.root, "gain", "8.0", "8.0 (800 % of the gain)")
    (planned,) = drill.select(project, None, [])

    def series(*outcomes: str) -> DoseSeries:
        made = [
            DrillOutcome(
                drill=replace(planned, dose=dose), outcome=one, red=("ceiling",), duration_s=1.0
            )
            for dose, one in zip(doses.DOSES, outcomes, strict=False)
        ]
        return DoseSeries(drill=planned, outcomes=tuple(made))

    page = dose_report.section(
        project, [series(CAUGHT, CAUGHT, MISSED), series(CAUGHT, NOT_RUN)]
    )

    assert "Median smallest dose of 1 drills: 33.33% of the defect" in page
    assert "1 others have not run to their end" in page


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ("8", "8.0"),
        ("8.0", "8.0 * 8.0"),
        ("9.0", "8.0"),
        ("-8.0", "8.0"),
        ("0.0", "0.0"),
        ("x", "8.0"),
        ("8.0 of it", "8.0"),
        ("1e999", "1e999"),
    ],
)
def test_a_dial_names_one_number(project: Project, said: str, size: str) -> None:
    """A number that is not there, is there twice, or is no size is a mistake before any run."""
    plant(project.root, "gain", size, said)

    with pytest.raises(ConfigError) as caught:
        drill.select(project, None, [])

    assert "Dial" in caught.value.where


def test_a_dose_changes_its_number_alone() -> None:
    """Other digits, removed lines and the header stay; the full dose is the patch itself."""
    text = PATCH.format(dial="0.01", size="0.01 * 20.01 + x0.01")
    read = dial.read_dial("0.01 (1 % of the rate)", text, "x")

    dosed = dial.write_dose(text, read, 0.1)

    assert dial.write_dose(text, read, 1.0) == text
    assert "+GAIN = 1 + 0.001 * 20.01 + x0.01" in dosed
    assert "Dial: 0.01" in dosed
    assert read.describe(1 / 3) == "0.333 % of the rate"


def outcome(planned: Drill, kind: str, part: float | None = None, by: str = "") -> DrillOutcome:
    return DrillOutcome(
        drill=planned, outcome=kind, red=(by,), duration_s=1.0, part=part, part_by=by
    )


def test_doses_stop_where_nothing_is_red() -> None:
    """Another guard that is red has seen the dose; one that was not run has not."""
    planned = Drill(name="gain", suite="tiny", guard="ceiling")
    answers = [CAUGHT, WRONG, NOT_RUN, CAUGHT, CAUGHT]
    tried: list[float] = []

    def perform(drills: list[Drill]) -> list[DrillOutcome]:
        tried.extend(one.dose for one in drills)
        return [outcome(one, answers[len(tried) - 1]) for one in drills]

    (series,) = doses.measure([planned], perform)  # type: ignore[arg-type]

    assert tried == list(doses.DOSES[:3])
    assert series.smallest is not None
    assert series.smallest.drill.dose == doses.DOSES[1]


def test_median_counts_what_is_never_seen() -> None:
    """A defect that is not even seen whole is no small dose."""
    planned = Drill(name="a", suite="tiny", guard="ceiling")
    seen = DoseSeries(drill=planned, outcomes=(outcome(planned, CAUGHT),))
    blind = DoseSeries(drill=planned, outcomes=(outcome(planned, MISSED),))

    assert doses.find_median([seen, seen, blind]) == 1.0
    assert doses.find_median([seen, blind, blind]) == math.inf
    assert doses.find_median([]) is None
    assert "not seen whole" in dose_report.section(None, [blind, blind])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "bounds", "options", "expected"),
    [
        (12.0, (None, 9.0), {}, 12 / 9),
        (2.0, (4.0, None), {}, 2.0),
        (7.0, (1.0, 5.0), {}, 2.0),
        (1000.0, (1.0, 100.0), {"scale": "log10"}, 2.0),
        (-1.0, (1.0, 100.0), {"scale": "log10"}, None),
        (1.0, (None, 0.0), {}, None),
    ],
)
def test_parts_of_limits(
    value: float,
    bounds: tuple[float | None, float | None],
    options: dict[str, str],
    expected: float | None,
) -> None:
    """From the middle of an interval on its scale, or the ratio to the only bound."""
    spec = GuardSpec(id="g", kind="golden" if options else "bound", remedy="x", options=options)

    part = judging.measure(spec, judge_interval(spec, "m", value, bounds))

    assert part == (None if expected is None else pytest.approx(expected))


def test_margin_is_what_members_scatter(tmp_path: Path) -> None:
    """99 of 100 clean members of an ensemble stay below the margin, and 1 is its most."""
    golden = fingerprints.store_ensemble(tmp_path)
    about = golden.fingerprints[0].about
    margin = doses._scatter_of_members(about.distances, about.limits)
    parts = [
        max(one / limit for one, limit in zip(row, about.limits, strict=True))
        for row in about.distances
    ]

    assert max(parts) <= margin <= 1
    assert len(parts) >= ensemble.LEAST_MEMBERS
    assert tolerance.normal_quantile(0.99) == pytest.approx(2.326, abs=1e-3)
