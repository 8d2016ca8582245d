"""A verdict over several runs: drawn from the run's id, judged by their mean, proved again."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.config.project import Project
from harness.errors import ConfigError
from harness.evidence.hub import inventory
from harness.evidence.hub.store import HubStore
from harness.evidence.ledger.log import Ledger
from harness.experiments import series
from harness.experiments.execute.inline import InlineExecutor
from harness.files import sha256_file
from harness.judgement.declaration import load_project
from harness.judgement.golden import store as goldens
from harness.judgement.guards import members
from harness.judgement.verify import Outcome, verify
from harness.runner import workflow
from harness.runner.options import RunOptions, RunOutcome
from harness.verdict import Verdict
from tests.builders import hubs
from tests.builders.goldens import golden_set

METRIC = "out:value"
GUARD = {"id": "steady", "kind": "golden", "metric": METRIC, "remedy": "Look at the value."}
WRITE = (
    "import json, random, sys; seed = int(sys.argv[2]); r = random.Random(seed);"
    "value = {{'value': r.gauss(5.0, 0.02) + {shift}, 'is_other': int(seed != 42)}};"
    "json.dump(value, open(sys.argv[1], 'w'))"
)
GREEN, RED = Verdict.GREEN, Verdict.RED


def make(root: Path, *, shift: str = "0.0", **keys: Any) -> Project:
    """A project whose value is normal over seeds, well within a golden of deviation 0.2."""
    code = WRITE.format(shift=shift)
    stage = hubs.command("make", code, "{work}/out.json", "{seed}", artifacts=[hubs.OUT])
    keys = {"guards": [GUARD], "parameters": {"seed": "42"}, "runs": 3, **keys}
    return hubs.project(root, tiny=hubs.suite(stage, **keys))


def calibrate(project: Project) -> None:
    """Store a golden about the true mean, through its door."""
    record = hubs.run(project).record
    made = golden_set(record, METRIC, mean=5.0, sd=0.2)
    goldens.save(project.golden / "tiny", made)
    body = {"golden_sha256": made.digest}
    Ledger(project.hubs / "ledger.jsonl").append(goldens.LOGGED, "tiny", body)


def run(project: Project, runs: int | None = None, **options: Any) -> RunOutcome:
    """Run the suite with further runs."""
    draw = series.make_draw(project, "tiny", {}, {}, InlineExecutor(1), lambda _done: None)
    settings = {"grace_s": 0.3, "draw": draw, "runs": runs, **options}
    return workflow.run_suite(project, "tiny", RunOptions(**settings))


def values(outcome: RunOutcome, shift: float = 0.0) -> list[float]:
    """What the runs of a verdict gave, by the generator itself."""
    seeds = [42, *(int(member.seed) for member in outcome.record.members)]
    return [random.Random(seed).gauss(5.0, 0.02) + shift for seed in seeds]  # noqa: S311


def rows(project: Project, outcome: RunOutcome) -> list[tuple[Outcome, str]]:
    checked = verify(project, outcome.hub, allow_stale=True).rows
    return [(row.outcome, row.found) for row in checked if row.check == "runs"]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, RunOutcome]:
    """A clean suite and a verdict of it over three runs; tests leave both as they are."""
    project = make(tmp_path_factory.mktemp("clean"))
    calibrate(project)
    return project, run(project)


def test_mean_of_the_runs_is_judged(clean: tuple[Project, RunOutcome]) -> None:
    """By the bounds of such a mean, and the record says which runs it stands on."""
    project, outcome = clean
    record = outcome.record
    (golden,) = goldens.load(project.golden / "tiny").values
    judged, whole = (guard for guard in record.guards if guard.id in ("steady", members.GUARD))

    assert (record.verdict, record.runs, len(record.members)) == (GREEN, 3, 2)
    assert judged.value == pytest.approx(sum(values(outcome)) / 3, rel=1e-12)
    assert (judged.low, judged.high) == goldens.bounds(golden, 3)
    assert "over 3 runs" in record.reason
    assert whole.found == "3 runs"
    for index, member in enumerate(record.members, 1):
        assert member.seed == members.draw_seed(record.run_id, index)
        manifest = project.root / member.hub / inventory.MANIFEST
        assert member.manifest_sha256 == sha256_file(manifest)
    # The calibrated run and this one: no member is a run of the suite.
    assert HubStore(project.hubs, project.work).hubs("tiny")[1:] == [outcome.hub]


def test_it_is_proved_again(clean: tuple[Project, RunOutcome]) -> None:
    """The numbers of each member are taken from its artifacts once more."""
    project, outcome = clean

    assert rows(project, outcome) == [(Outcome.PASSED, "3 runs, their files and numbers hold")]
    assert verify(project, outcome.hub, allow_stale=True).exit_code == 0


@pytest.mark.slow
def test_what_one_run_does_not_see_three_do(tmp_path: Path) -> None:
    """Moved by 0.5 a run lies within its bounds of ± 0.63; the mean of three must not."""
    project = make(tmp_path)
    calibrate(project)
    moved = make(tmp_path, shift="0.5")

    alone, three = hubs.run(moved), run(moved)

    assert next(g for g in alone.record.guards if g.id == "steady").verdict is GREEN
    assert three.record.verdict is RED
    assert len(three.record.members) == 5  # drawn once more before it blames
    judged = next(guard for guard in three.record.guards if guard.id == "steady")
    assert judged.value == pytest.approx(sum(values(three, 0.5)) / 6)
    assert "in the mean of 6 runs" in judged.reason
    assert verify(moved, three.hub, allow_stale=True).exit_code == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shift", "verdict", "drawn"),
    [
        ("0.0", GREEN, 0),
        ("(0.9 if seed == 42 else 0.0)", GREEN, 2),  # a seed that went astray
        ("0.9", RED, 2),  # a defect is there with every seed
    ],
)
def test_a_golden_red_over_one_run_asks_two_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: str, verdict: Verdict, drawn: int
) -> None:
    """Before anything is blamed, and only where nothing but goldens is red."""
    calibrate(make(tmp_path, runs=1))
    project = make(tmp_path, shift=shift, runs=1)
    monkeypatch.chdir(tmp_path)

    code = main(["run", "tiny", "--quiet"])

    hub = HubStore(project.hubs, project.work).hubs("tiny")[-1]
    record = HubStore(project.hubs, project.work).read(hub)
    assert (code, record.verdict, len(record.members)) == (verdict.exit_code, verdict, drawn)
    checked = verify(project, hub, allow_stale=True)
    assert checked.exit_code == verdict.exit_code
    assert [row.outcome for row in checked.rows if row.check == "runs"] == (
        [Outcome.PASSED] if drawn else []
    )


@pytest.mark.slow
@pytest.mark.parametrize("obstacle", ["no seed", "another guard"])
def test_nothing_more_is_drawn_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    """Without a seed every run is the same one; what another guard says stays red."""
    calibrate(make(tmp_path, runs=1))
    bound = {"id": "top", "kind": "bound", "metric": METRIC, "max": 5.5, "remedy": "Look."}
    project = make(tmp_path, shift="0.9", runs=1, guards=[GUARD, bound])
    if obstacle == "no seed":
        stage = hubs.command("make", WRITE.format(shift="0.9"), "{work}/out.json", "42")
        stage["artifacts"] = [hubs.OUT]
        project = hubs.project(tmp_path, tiny=hubs.suite(stage, guards=[GUARD]))
    monkeypatch.chdir(tmp_path)

    assert main(["run", "tiny", "--quiet"]) == 1

    hub = HubStore(project.hubs, project.work).hubs("tiny")[-1]
    assert HubStore(project.hubs, project.work).read(hub).members == ()


@pytest.mark.slow
def test_verdict_of_one_run_says_that_more_are_declared(tmp_path: Path) -> None:
    """A run of a campaign stands on itself alone, and proves no more than that."""
    project = make(tmp_path)
    calibrate(project)

    outcome = hubs.run(project)

    assert (outcome.record.runs, outcome.record.members) == (1, ())
    assert rows(project, outcome) == [
        (Outcome.INCONCLUSIVE, "stands on 1 run of 3 that are declared")
    ]


@pytest.mark.slow
def test_what_no_seed_may_change_must_hold_in_each(tmp_path: Path) -> None:
    """A bound that another seed breaks is red, and says which; nothing more is drawn."""
    bound = {
        "id": "top",
        "kind": "bound",
        "metric": "out:is_other",
        "max": 0,
        "remedy": "Look.",
    }
    project = make(tmp_path, guards=[GUARD, bound])
    calibrate(project)

    outcome = run(project, 5)

    others = outcome.record.members
    assert outcome.record.verdict is RED
    assert [member.failed for member in others] == [("top",)] * 4
    whole = next(guard for guard in outcome.record.guards if guard.id == members.GUARD)
    assert whole.reason == f"seed {others[0].seed}: guard top: out:is_other is 1, above 0"
    assert f"harness run tiny --set seed={others[0].seed}" in whole.remedy


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["number", "absent", "seed", "bytes"])
def test_members_that_are_not_those_are_seen(tmp_path: Path, damage: str) -> None:
    """Another number, seed or file is damage; a hub that is elsewhere is said to be."""
    project = make(tmp_path)
    calibrate(project)
    outcome = run(project)
    (first, second) = outcome.record.members
    if damage == "absent":
        shutil.rmtree(project.root / first.hub)
    elif damage == "bytes":
        (project.root / first.hub / "analysis/make/out.json").write_text('{"value": 5.0}')
    else:
        changed = dataclasses.replace(first, **_CHANGES[damage])
        record = dataclasses.replace(outcome.record, members=(changed, second))
        path = outcome.hub / "hub.json"
        content = json.loads(path.read_text())
        content["members"][0] = dataclasses.asdict(changed)
        path.write_text(json.dumps(content))
        outcome = dataclasses.replace(outcome, record=record)

    (row, *_) = rows(project, outcome)

    assert row[0] is (Outcome.NOTE if damage == "absent" else Outcome.DAMAGED)


_CHANGES: dict[str, dict[str, Any]] = {
    "number": {"values": {METRIC: 5.0}},
    "seed": {"seed": "1000001"},
}


def test_seeds_follow_from_the_run(clean: tuple[Project, RunOutcome]) -> None:
    """Different runs and places have different ones, none of which a person would type."""
    run_id = clean[1].record.run_id
    seeds = {members.draw_seed(run_id, index) for index in range(1, 100)}

    assert len(seeds) == 99
    assert min(map(int, seeds)) >= 1_000_000
    assert members.draw_seed(run_id, 1) != members.draw_seed(run_id[:-1] + "x", 1)


def test_several_runs_want_a_seed(tmp_path: Path) -> None:
    """Without one that a stage uses they would all be the same run."""
    with pytest.raises(ConfigError, match="without a seed"):
        hubs.project(tmp_path, tiny={**hubs.suite(), "runs": 2})


@pytest.mark.slow
def test_command_line_asks_for_more_and_never_fewer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--runs` may go beyond what is declared; options of many runs are taken with it."""
    project = make(tmp_path, runs=2)
    calibrate(project)
    monkeypatch.chdir(tmp_path)

    assert main(["run", "tiny", "--runs", "1"]) == 2
    assert "at least 2" in capsys.readouterr().err
    assert main(["run", "tiny", "--runs", "3", "--jobs", "1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)["record"]
    assert (record["runs"], len(record["members"])) == (3, 2)
    assert main(["run", "tiny", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["record"]["members"]) == 1
    assert load_project(tmp_path).suites["tiny"].runs == 2
