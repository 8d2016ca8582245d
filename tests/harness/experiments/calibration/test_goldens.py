"""The roads of ``harness golden``, walked with a small suite and real sealed hubs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli.main import group
from harness.config.project import Project
from harness.errors import ConfigError, EvidenceMissingError, IntegrityError
from harness.evidence.hub.store import HubStore
from harness.evidence.ledger.log import Ledger
from harness.experiments.calibration import goldens
from harness.experiments.calibration import runs as calibration_runs
from harness.experiments.calibration.runs import Runs
from harness.experiments.campaign.run import CellResult
from harness.experiments.execute.inline import InlineExecutor
from harness.judgement import verify
from harness.judgement.golden import store
from harness.judgement.golden.calibrate import CalibrationRefusedError
from harness.runner.stages.child import Stop
from tests.builders import hubs

METRIC = "out:value"
GUARD = {"id": "steady", "kind": "golden", "metric": METRIC, "remedy": "Look at the value."}
SEEDS = [str(seed) for seed in range(20, 32)]
WRITE = (
    "import json, sys; seed = int(sys.argv[2]); extra = {extra};"
    "json.dump({{'value': 5 + seed * 7 % 11 / 10 + extra}}, open(sys.argv[1], 'w'))"
)


COUNT = "import pathlib, sys; pathlib.Path(sys.argv[1]).open('a').write('run ')"


def made(root: Path, *others: Any, extra: str = "0", **keys: Any) -> Project:
    """A committed project whose only value depends on the seed and on ``extra``."""
    stage = hubs.command(
        "make",
        WRITE.format(extra=extra),
        "{work}/out.json",
        "{seed}",
        artifacts=[hubs.OUT],
    )
    spec = hubs.suite(
        stage, *others, parameters={"seed": "42"}, guards=[GUARD, hubs.FLOOR], **keys
    )
    project = hubs.project(root, tiny=spec)
    hubs.commit(root)
    return project


def calibrated(project: Project, seeds: list[str] = SEEDS) -> Runs:
    """Run all seeds and the repeat."""
    return run_seeds(project, seeds)[0]


def run_seeds(project: Project, seeds: list[str]) -> tuple[Runs, list[CellResult]]:
    """Run all seeds and the repeat, and say how each went, in the order in which it came."""
    results: list[CellResult] = []
    stop = Stop()
    try:
        runs = calibration_runs.run_seeds(
            project, "tiny", seeds, {}, InlineExecutor(1), stop, results.append
        )
    finally:
        stop.close()
    return runs, results


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a finished calibration; tests leave it as it is."""
    project = made(tmp_path_factory.mktemp("ready"))
    calibrated(project)
    return project


@pytest.mark.slow
def test_update_writes_a_logged_golden(tmp_path: Path) -> None:
    """After an update the suite is green, its golden has provenance, the ledger its digest."""
    project = made(tmp_path)
    assert hubs.run(project).record.verdict == "inconclusive"
    calibrated(project)

    golden = goldens.update(project, "tiny", "first values", {})

    (value,) = golden.values
    entry = Ledger(project.hubs / "ledger.jsonl").entries()[-1]
    assert (value.n, value.reason, set(value.seeds)) == (12, "first values", set(SEEDS))
    assert value.commit.startswith(hubs.git(tmp_path, "rev-parse", "HEAD"))
    assert (entry.kind, entry.body["golden_sha256"]) == ("golden-update", golden.digest)
    assert store.load(project.golden / "tiny").digest == golden.digest
    outcome = hubs.run(project)
    assert outcome.record.verdict == "green"
    assert verify.verify(project, outcome.hub, allow_stale=True).exit_code == 0


@pytest.mark.slow
def test_moved_value_is_red(tmp_path: Path) -> None:
    """With the golden in place a value far outside the calibrated ones is red."""
    project = made(tmp_path)
    calibrated(project)
    goldens.update(project, "tiny", "first values", {})

    moved = made(tmp_path, extra="20")

    assert hubs.run(moved).record.verdict == "red"


@pytest.mark.parametrize(
    ("reason", "environ"), [("", {}), ("  ", {}), ("a reason", {"CI": "true"})]
)
def test_update_wants_a_person_and_a_reason(
    ready: Project, reason: str, environ: dict[str, str]
) -> None:
    """No reason and continuous integration are refused, and nothing is written."""
    with pytest.raises(ConfigError):
        goldens.update(ready, "tiny", reason, environ)

    assert not (ready.golden / "tiny").exists()


def test_update_needs_a_calibration(tmp_path: Path) -> None:
    """Without runs there is nothing to make a golden of."""
    with pytest.raises(EvidenceMissingError):
        goldens.update(made(tmp_path), "tiny", "a reason", {})


def test_too_few_seeds_are_refused(tmp_path: Path) -> None:
    """Three seeds give no golden."""
    project = made(tmp_path)
    calibrated(project, SEEDS[:3])

    with pytest.raises(EvidenceMissingError) as caught:
        goldens.update(project, "tiny", "a reason", {})

    assert "3 different seeds" in caught.value.found


def test_repeat_that_differs_is_refused(tmp_path: Path) -> None:
    """A value that the seed does not decide is no basis for a golden."""
    project = made(tmp_path, extra="__import__('time').time() % 1")
    calibrated(project)

    with pytest.raises(CalibrationRefusedError) as caught:
        goldens.update(project, "tiny", "a reason", {})

    assert METRIC in caught.value.found


def test_red_guard_refuses(tmp_path: Path) -> None:
    """Runs that another guard calls red do not become the reference."""
    project = made(tmp_path, extra="-5")
    calibrated(project)

    with pytest.raises(CalibrationRefusedError) as caught:
        goldens.update(project, "tiny", "a reason", {})

    assert "floor" in caught.value.found


@pytest.mark.slow
def test_runs_of_two_codes_are_refused(tmp_path: Path) -> None:
    """Hubs made from different inputs are not one population."""
    project = made(tmp_path)
    first = calibrated(project, SEEDS[:6])
    (tmp_path / "source/model.py").write_text("GAIN = 2\n")
    second = calibrated(project, SEEDS[6:])

    runs = Runs(hubs=first.hubs + second.hubs, repeat=first.repeat)

    with pytest.raises(CalibrationRefusedError) as caught:
        goldens.propose(project, project.suites["tiny"], runs, "a reason")

    assert "inputs" in caught.value.found


@pytest.mark.slow
def test_mixed_workers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of two numeric classes are not one population; which, is said by what differs."""
    project = made(tmp_path, environment=["OPENBLAS_CORETYPE"])
    first = calibrated(project, SEEDS[:6])
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    second = calibrated(project, SEEDS[6:])
    runs = Runs(hubs=first.hubs + second.hubs, repeat=first.repeat)

    with pytest.raises(CalibrationRefusedError) as caught:
        goldens.propose(project, project.suites["tiny"], runs, "a reason")

    assert "caps none → OPENBLAS_CORETYPE=Haswell" in caught.value.found


@pytest.mark.slow
def test_damaged_hub_is_refused(tmp_path: Path) -> None:
    """A hub with one changed byte gives no numbers."""
    project = made(tmp_path)
    runs = calibrated(project)
    path = tmp_path / runs.hubs[4][1] / "analysis/make/out.json"
    path.parent.chmod(0o755)
    path.chmod(0o644)
    path.write_text('{"value": 5.55}')

    with pytest.raises(IntegrityError) as caught:
        goldens.propose(project, project.suites["tiny"], runs, "a reason")

    assert caught.value.where == runs.hubs[4][1]


@pytest.mark.slow
def test_calibration_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Runs of an earlier call are used again; after a change of code none of them is."""
    project = made(tmp_path)
    calibrated(project, SEEDS[:2])

    _, again = run_seeds(project, SEEDS[:3])
    (tmp_path / "source/model.py").write_text("GAIN = 2\n")
    _, changed = run_seeds(project, SEEDS[:3])

    cells = {(r.cell.name, r.is_reused) for r in again}
    assert cells == {
        ("seed 20", True),
        ("seed 21", True),
        ("seed 22", False),
        ("seed 20 again", True),
    }
    assert [r.is_reused for r in changed] == [False] * 4


@pytest.mark.slow
def test_stages_without_the_seed_run_once(tmp_path: Path) -> None:
    """What no seed reaches runs with the first seed only; what needs a seeded stage always."""
    once, always = tmp_path / "once", tmp_path / "always"
    tests = hubs.command("tests", COUNT, str(once))
    after = hubs.command("after", COUNT, str(always), needs=["make"])
    project = made(tmp_path / "project", tests, after)

    runs = calibrated(project)

    assert once.read_text().split() == ["run"]
    assert always.read_text().split() == ["run"] * 13
    suite = project.suites["tiny"]
    (golden,) = goldens.propose(project, suite, runs, "first").values
    assert golden.n == len(SEEDS)


def test_calibration_is_no_evidence_of_the_suite(ready: Project) -> None:
    """None of its hubs is in the store of the project, nor is its ledger."""
    assert not ready.hubs.exists()
    assert len(HubStore(calibration_runs.store_of(ready).hubs, ready.work).hubs("tiny")) == 13


def test_suite_without_seed_is_refused(tmp_path: Path) -> None:
    """A suite that takes no seed cannot be calibrated."""
    with pytest.raises(ConfigError):
        calibrated(hubs.project(tmp_path))


def cli(project: Project, *words: str) -> tuple[int, str]:
    """Call the program as a person would."""
    caught = CliRunner().invoke(group, ["-C", str(project.root), "golden", *words])
    return (caught.exit_code if not caught.exception else 99), caught.output


@pytest.mark.slow
def test_commands_tell_what_they_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibrate proposes, update writes, show lists, explain says what would be noticed."""
    monkeypatch.delenv("CI", raising=False)
    project = made(tmp_path)

    proposed = cli(project, "calibrate", "tiny", "--seeds", "12", "-q")
    updated = cli(project, "update", "tiny", "--reason", "first values")
    listing = cli(project, "show", "tiny", "--json")
    explained = cli(project, "explain", "tiny", METRIC)

    assert [code for code, _ in (proposed, updated, listing, explained)] == [0, 0, 0, 0]
    assert json.loads(listing[1])["tiny"][0]["metric"] == METRIC
    assert METRIC in proposed[1]
    assert "clean runs expected" in explained[1]
    assert "first values" in explained[1]
    assert list((project.golden / "tiny").iterdir())


WRITE_CURVE = (
    "import json, random, sys; draw = random.Random(sys.argv[2]); extra = {extra};"
    "rows = [{{'loss': 9 - i + draw.gauss(0, .1) + extra * (i == 2)}} for i in range(5)];"
    "json.dump(rows, open(sys.argv[1], 'w'))"
)
CURVE = {
    "id": "curve",
    "kind": "golden",
    "metric": "out:[*].loss",
    "aggregate": "all",
    "remedy": "Look at the losses.",
}


@pytest.mark.slow
def test_a_curve_is_held_by_one_band(tmp_path: Path) -> None:
    """A suite of a curve alone: calibrated, told, green; one value that moves is red."""

    def declare(extra: str) -> Project:
        stage = hubs.command(
            "make",
            WRITE_CURVE.format(extra=extra),
            "{work}/out.json",
            "{seed}",
            artifacts=[hubs.OUT],
        )
        spec = hubs.suite(stage, parameters={"seed": "42"}, guards=[CURVE])
        project = hubs.project(tmp_path, tiny=spec)
        hubs.commit(tmp_path)
        return project

    project = declare("0")
    calibrated(project)

    golden = goldens.update(project, "tiny", "first curves", {})

    (band,) = golden.curves
    assert (golden.values, len(band.centre), band.n) == ((), 5, 12)
    assert Ledger(project.hubs / "ledger.jsonl").entries()[-1].body["values"] == 1
    outcome = hubs.run(project)
    assert outcome.record.verdict == "green"
    assert verify.verify(project, outcome.hub, allow_stale=True).exit_code == 0
    explained = invoke_golden(project, "explain", "tiny", band.metric)
    assert "5 values" in explained
    assert f"k = {band.factor:.4g}" in explained
    assert band.metric in invoke_golden(project, "show", "tiny")

    (judged,) = [g for g in hubs.run(declare("2")).record.guards if g.id == "curve"]
    assert judged.verdict == "red"
    assert "#2" in judged.reason


def invoke_golden(project: Project, *words: str) -> str:
    """Call ``harness golden`` and return what it prints."""
    done = CliRunner().invoke(group, ["golden", *words, "--project", str(project.root)])
    assert done.exit_code == 0, done.output
    return done.output
