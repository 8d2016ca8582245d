"""A suite judged by another one's goldens: never by none, and never the maker of any."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli.main import group
from harness.config.project import Project
from harness.errors import ConfigError
from harness.evidence.hub import plan
from harness.evidence.ledger.log import Ledger
from harness.experiments.calibration import goldens as calibration
from harness.experiments.drills import outcome_cache
from harness.judgement import freshness, verify
from harness.judgement.declaration import load_project
from harness.judgement.golden import store
from harness.reporting import changes
from tests.builders import goldens, hubs

METRIC = "out:value"
STEADY = {"id": "steady", "kind": "golden", "metric": METRIC, "remedy": "Look at the value."}


def made(root: Path, **keys: Any) -> Project:
    """A suite with a golden guard, and a second one that does the same another way."""
    other = {"extends": "tiny", "description": "The other way.", "goldens_of": "tiny", **keys}
    tiny = hubs.suite(guards=[STEADY, hubs.FLOOR])
    return load_project(hubs.declare(root, tiny=tiny, other=other))


@pytest.fixture
def judged(tmp_path: Path) -> Project:
    """The two suites, and a logged golden of the first: the value is 2 give or take 2."""
    project = made(tmp_path)
    record = hubs.run(project).record
    golden = goldens.golden_set(record, METRIC)
    store.save(project.golden / "tiny", golden)
    body = {"golden_sha256": golden.digest}
    Ledger(project.hubs / "ledger.jsonl").append(store.LOGGED, "tiny", body)
    return project


@pytest.mark.parametrize(("value", "verdict"), [("3", "green"), ("9", "red")])
def test_the_lender_judges(judged: Project, value: str, verdict: str) -> None:
    """Inside the interval of the other suite is green, outside is red, and both verify."""
    outcome = hubs.run(judged, "other", parameters={"value": value})

    assert outcome.record.verdict == verdict
    assert outcome.record.golden_sha256 == store.load(judged.golden / "tiny").digest
    assert "Goldens are those of suite tiny." in plan.text(plan.read_plan(outcome.hub))
    rows = {row.check: row for row in verify.verify(judged, outcome.hub).rows}
    assert "entry" in rows["golden"].found


def test_a_suite_without_goldens_stays_undecided(tmp_path: Path) -> None:
    """Where the other suite has none, nothing is compared, and nothing is green."""
    assert hubs.run(made(tmp_path), "other").record.verdict == "inconclusive"


def test_a_moved_golden_makes_both_stale(judged: Project) -> None:
    """Evidence of either suite is old once the goldens of the one changed."""
    outcomes = [hubs.run(judged, name) for name in ("tiny", "other")]
    moved = goldens.golden_set(outcomes[0].record, METRIC, mean=2.5)
    store.save(judged.golden / "tiny", moved)

    for outcome in outcomes:
        state = freshness.check(judged, outcome.hub, outcome.record)
        assert [cause.kind for cause in state.causes] == ["golden"]


def test_drills_depend_on_the_lender(judged: Project) -> None:
    """A kept outcome of a drill is of no use once the borrowed goldens changed."""
    before, same, after = (
        outcome_cache.digest_of_commit(judged, judged.suites["other"], listing)
        for listing in (
            "100644 blob aa\tgolden/tiny/cpu.json\n100644 blob bb\tgolden/other/cpu.json",
            "100644 blob aa\tgolden/tiny/cpu.json\n100644 blob cc\tgolden/other/cpu.json",
            "100644 blob dd\tgolden/tiny/cpu.json\n100644 blob bb\tgolden/other/cpu.json",
        )
    )

    assert before == same != after


def test_the_borrower_makes_none(judged: Project) -> None:
    """Calibrating and updating are refused, and the suite to turn to is named."""
    with pytest.raises(ConfigError, match="Use harness golden with tiny"):
        cli(judged, "golden", "calibrate", "other")
    with pytest.raises(ConfigError, match="goldens of suite tiny"):
        calibration.update(judged, "other", "a reason", {})


def test_commands_show_whose_they_are(judged: Project) -> None:
    """Show names the lender, explain knows its metrics, all of them are told once."""
    listing = cli(judged, "golden", "show", "other", "--json")
    listed = cli(judged, "golden", "show", "--json")
    explained = cli(judged, "golden", "explain", "other", METRIC)

    assert [code for code, _ in (listing, listed, explained)] == [0, 0, 0]
    assert list(json.loads(listing[1])) == list(json.loads(listed[1])) == ["tiny"]
    assert "made for a test" in explained[1]


def test_a_run_is_told_beside_the_borrowed_golden(judged: Project) -> None:
    """The difference to the golden is found for the suite that has none of its own."""
    record = hubs.run(judged, "other").record

    known = changes.references(store.load(judged.goldens("other")), record)
    code, said = cli(judged, "diff", "golden", "other:latest")

    assert set(known) == {METRIC}
    assert (code, METRIC in said) == (0, True)


def test_a_suite_gone_had_its_own(judged: Project) -> None:
    """A hub of a suite that is not declared any more is compared with its own folder."""
    assert judged.goldens("gone") == judged.golden / "gone"
    assert judged.goldens("other") == judged.golden / "tiny"


@pytest.mark.parametrize("lender", ["other", "tinny", "third"])
def test_who_has_none_lends_none(tmp_path: Path, lender: str) -> None:
    """A suite cannot borrow from itself, from nobody, or from one that borrows."""
    third = {"extends": "tiny", "goldens_of": "tiny"}
    other = {"extends": "tiny", "goldens_of": lender}
    tiny = hubs.suite(guards=[STEADY])

    with pytest.raises(ConfigError) as caught:
        load_project(hubs.declare(tmp_path, tiny=tiny, third=third, other=other))

    assert caught.value.where == "harness.toml: suites.other.goldens_of"
    assert "tiny" in caught.value.remedy


def test_declarations_without_it_keep_their_digest(tmp_path: Path) -> None:
    """The key joined later: hubs of suites that do not use it stay fresh."""
    suites = made(tmp_path).suites
    digests = {name: plan.suite_sha256(suite) for name, suite in suites.items()}
    own = made(tmp_path, goldens_of="").suites["other"]

    assert "goldens_of" not in plan._without_defaults({"goldens_of": ""})
    assert digests["other"] != plan.suite_sha256(own)


def cli(project: Project, *words: str) -> tuple[int, str]:
    """Call the program as a person would."""
    call = ["-C", str(project.root), *words]
    caught = CliRunner().invoke(group, call, catch_exceptions=False)
    return caught.exit_code, caught.output
