"""Captions: a field's own words come first, what suits any training is there without them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.project import ReportSpec
from harness.errors import ConfigError
from harness.evidence.hub import plan
from harness.judgement.declaration import load_project
from harness.records import ArtifactRecord
from harness.reporting import captions, html, view
from tests.builders import hubs, reports

WORDS = {"flow": "Streamlines should close.", "loss": "Falls in steps here."}


def test_declared_words_come_first() -> None:
    """A declared word says more than one that suits anybody; the first of a name decides."""
    assert captions.of_chart("val_loss", {}).startswith("Both curves should fall")
    assert captions.of_chart("val_loss", WORDS) == "Falls in steps here."
    assert captions.of_picture("mean_flow.png", WORDS) == "Streamlines should close."
    assert captions.of_picture("airflow.png", WORDS) == ""  # no word begins with it


def test_a_page_says_what_its_plan_holds(tmp_path: Path) -> None:
    """The words of a run are in its hub: its page is the same in every repository."""
    write = "import json, sys; open(sys.argv[1], 'w').write('epoch,flow\\n0,3\\n1,2\\n')"
    table = {"id": "table", "path": "table.csv"}
    stage = hubs.command("make", write, "{work}/table.csv", artifacts=[table])
    suite = hubs.suite(stage, guards=[])
    report = {"charts": {"flow": "Streamlines <should> close."}}
    declared = hubs.declare(tmp_path / "one", top={"report": report}, tiny=suite)

    hub = hubs.run(load_project(declared)).hub

    assert plan.read_plan(hub).report == ReportSpec(charts=report["charts"])
    assert "Streamlines &lt;should&gt; close." in html.render(hub)
    (chart,) = view.read_view(hub).charts
    assert chart.caption == "Streamlines <should> close."


def test_pictures_of_a_declared_word_stand_side_by_side(tmp_path: Path) -> None:
    """Without a declared word each picture is of its stage."""
    (tmp_path / "a").mkdir()
    artifacts = []
    for name in ("mean_flow.png", "flow_truth.png", "map.png"):
        (tmp_path / "a" / name).write_bytes(reports.png(8, 8))
        made = ArtifactRecord(
            id=name,
            stage="fit",
            path=f"a/{name}",
            sha256="0" * 64,
            size=9,
            external=False,
            fresh=True,
        )
        artifacts.append(made)

    def list_titles(*rows: str) -> list[str]:
        drawn = view._pictures(tmp_path, artifacts, ReportSpec(rows=rows))
        return [row.title for row in drawn]

    assert list_titles() == ["fit"]
    assert list_titles("flow") == ["fit: flow", "fit"]


def test_words_are_texts(tmp_path: Path) -> None:
    """A caption that is no text is refused by name."""
    top = {"report": {"charts": {"flow": 3}}}

    with pytest.raises(ConfigError) as caught:
        load_project(hubs.declare(tmp_path, top=top, tiny=hubs.suite()))

    assert "report.charts" in str(caught.value)


def test_other_words_leave_evidence_fresh(tmp_path: Path) -> None:
    """What a page says judges nothing: a suite's digest does not know it."""
    suite = hubs.suite()
    plain = load_project(hubs.declare(tmp_path / "a", tiny=suite))
    worded = load_project(
        hubs.declare(tmp_path / "b", top={"report": {"pictures": WORDS}}, tiny=suite)
    )

    digests = [plan.suite_sha256(p.suites["tiny"]) for p in (plain, worded)]

    assert digests[0] == digests[1]
    assert replace(worded.report, pictures={}) == plain.report
