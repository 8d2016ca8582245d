"""The road of a fingerprint: an ensemble, runs held against it, a change that is accepted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness import files
from harness.config.project import Project
from harness.errors import ConfigError, EvidenceMissingError
from harness.evidence.hub.evidence import Facts, HubEvidence
from harness.evidence.ledger.log import Ledger
from harness.experiments.calibration import fingerprints
from harness.experiments.execute.inline import InlineExecutor
from harness.judgement import verify
from harness.judgement.declaration import load_project
from harness.judgement.gate import conductor
from harness.judgement.gate import judging as gate_judging
from harness.judgement.golden import ensemble, fingerprint, store
from harness.judgement.golden.fingerprint import Fingerprint
from harness.judgement.verify import judging as verify_judging
from harness.runner.stages.child import Stop
from harness.verdict import Verdict
from tests.builders import hubs

# A curve of a chaotic map: rounding grows, and a changed constant is another curve.
PROGRAM = """
import json, sys
from source.model import RATE
x = 0.4 * (1 + int(sys.argv[2]) * 2.0**-52)
curve = []
for _ in range(25):
    x = RATE * x * (1 - x)
    curve.append(x)
json.dump({"curve": curve}, open(sys.argv[1], "w"))
"""


def declare(root: Path) -> Project:
    stage = hubs.command("make", PROGRAM, "{work}/out.json", "{perturb}", artifacts=[hubs.OUT])
    stage["argv"].remove("-I")
    suite = hubs.suite(
        stage,
        parameters={"perturb": "0"},
        fingerprint={"numbers": ["out:curve"], "parameter": "perturb"},
    )
    hubs.declare(root, tiny=suite)
    (root / "source/__init__.py").write_text("")
    (root / "source/model.py").write_text("RATE = 3.7\n")
    hubs.commit(root)
    return load_project(root)


def run_ensemble(project: Project, members: int = 20) -> tuple[str, ...]:
    stop, suite = Stop(), project.suites["tiny"]
    try:
        return fingerprints.run_ensemble(
            project, suite, members, {}, InlineExecutor(1), stop, lambda _: None
        )
    finally:
        stop.close()


def accept(project: Project, reason: str) -> fingerprints.Ensemble:
    made = fingerprints.propose(project, project.suites["tiny"], run_ensemble(project), reason)
    fingerprints.save(project, project.suites["tiny"], made)
    return made


def iterate(perturb: int, rate: float = 3.7) -> list[float]:
    """What the program computes, here."""
    x, curve = 0.4 * (1 + perturb * 2.0**-52), []
    for _ in range(25):
        x = rate * x * (1 - x)
        curve.append(x)
    return curve


def store_ensemble(project: Project) -> None:
    """Store a fingerprint without running its members, for the machine of the last run."""
    record = hubs.run(project).record
    reference = iterate(0)
    rows = [[x - r for x, r in zip(iterate(k), reference, strict=True)] for k in range(21)]
    distances = ensemble.list_distances(reference, rows)
    spread = ensemble.measure_spread(reference, rows)
    content = fingerprint.encode_array([reference, spread.centre, spread.spread])
    names = "\n".join(f"out:curve#0[{index}]" for index in range(25))
    about = Fingerprint(
        counts={"out:curve": 25},
        names_sha256=files.sha256_bytes(names.encode()),
        members=20,
        rate=0.001,
        limits=ensemble.find_limits(distances, 0.001),
        distances=distances,
        array_sha256=fingerprint.digest_array(content),
        parameter="perturb",
        parameters=record.parameters,
        environment=record.environment,
        datasets={},
        reason="first",
        author="A. Person",
        date="2026-01-02T03:04:05Z",
        commit="c" * 40,
        repeat="bit-identical",
    )
    fingerprint.save(project.golden / "tiny", about, content)


@pytest.mark.slow
def test_a_run_says_its_class(tmp_path: Path) -> None:
    """Met to the bit; missed by a changed constant, which is red until it is declared."""
    project = declare(tmp_path)
    store_ensemble(project)
    same = hubs.run(project).record
    (tmp_path / "source/model.py").write_text("RATE = 3.7 * (1 + 1e-9)\n")
    changed = hubs.run(project)
    declared = hubs.run(project, expects="changed")
    meant = declared.record
    hubs.git(tmp_path, "commit", "-qam", "Raise the rate\n\nAnswer: changed")
    said = hubs.run(project)

    assert (same.verdict, same.answer) == (Verdict.GREEN, "bit-identical")
    assert (changed.record.verdict, changed.record.answer) == (Verdict.RED, "changed")
    assert (meant.verdict, meant.answer) == (Verdict.GREEN, "changed")
    assert (meant.expects, meant.expected_by) == ("changed", "--expect")
    assert (said.record.verdict, said.record.expects) == (Verdict.GREEN, "changed")
    assert said.record.expected_by.startswith("commit ")
    notes = list(Ledger(project.work / "ledger.jsonl").walk())[-1].body
    assert (notes["answer"], notes["expects"]) == ("changed", "changed")
    rows = verify.verify(project, changed.hub, allow_stale=True).rows
    assert any("fingerprint: changed" in row.found for row in rows if row.check == "guards")
    rows = verify.verify(project, said.hub, allow_stale=True).rows
    assert all(row.outcome != "red" for row in rows if row.check == "guards")
    _is_judged_by_others(project, declared.hub)


def _is_judged_by_others(project: Project, hub: Path) -> None:
    """A gate does not hear what a change says of itself; a better class is damage."""
    suite, golden = project.suites["tiny"], store.load(project.golden / "tiny")
    proved = conductor.open_proved(project, hub)
    failures = gate_judging.judge(suite, golden, proved.record, proved.evidence)
    assert [one.subject for one in failures] == ["guard fingerprint"]

    forged = replace(proved.record, answer="rounding")
    evidence = HubEvidence(hub, Facts.from_record(forged), project=project.root)
    rows = verify_judging.check(suite, evidence, golden, forged, frozenset())
    assert [row.found for row in rows if row.outcome == "damaged"] == [
        "answer: recorded rounding"
    ]


@pytest.mark.long
def test_road_of_a_fingerprint(tmp_path: Path) -> None:
    """Made of real runs, met to the bit, missed, accepted with old and new, and verified."""
    project = declare(tmp_path)
    first = accept(project, "the first").about
    hubs.commit(tmp_path, "fingerprint")
    same = hubs.run(project).record
    (tmp_path / "source/model.py").write_text("RATE = 3.7 * (1 + 1e-9)\n")
    hubs.commit(tmp_path, "rate")
    second = accept(project, "a higher rate").about
    hubs.commit(tmp_path, "accepted")
    after = hubs.run(project)

    assert (same.verdict, same.answer) == (Verdict.GREEN, "bit-identical")
    assert second.previous_sha256 == first.digest
    assert second.previous_answer.startswith("changed, ")
    assert after.record.answer == "bit-identical"
    (guard,) = (one for one in after.record.guards if one.id == "fingerprint")
    assert "a higher rate" in guard.expected
    assert first.digest[:12] in guard.expected
    entry = list(Ledger(project.hubs / "ledger.jsonl").walk())[-1]
    assert entry.body["previous_fingerprint_sha256"] == first.digest
    assert entry.body["fingerprint_sha256"] == second.digest
    assert verify.verify(project, after.hub).exit_code == 0


def test_too_few_members_are_refused(tmp_path: Path) -> None:
    """An ensemble of a few runs knows no spread."""
    project = declare(tmp_path)

    with pytest.raises(EvidenceMissingError) as caught:
        fingerprints.propose(project, project.suites["tiny"], ["x"] * 21, "why")

    assert "19 perturbed runs" in caught.value.found


@pytest.mark.parametrize(("reason", "environ"), [("", {}), ("why", {"CI": "true"})])
def test_a_person_gives_a_reason(tmp_path: Path, reason: str, environ: dict[str, str]) -> None:
    """Without a reason, and in CI, nothing is run."""
    project = declare(tmp_path)

    with pytest.raises(ConfigError):
        fingerprints.require_person(project, "tiny", reason, environ)


def test_a_parameter_that_no_stage_uses_is_refused(tmp_path: Path) -> None:
    """An ensemble of equal runs would call every rounding a change."""
    project = declare(tmp_path)
    text = (tmp_path / "harness.toml").read_text()
    (tmp_path / "harness.toml").write_text(text.replace("{perturb}", "0"))

    with pytest.raises(ConfigError) as caught:
        fingerprints.find_guard(load_project(tmp_path).suites["tiny"])

    assert "no stage uses" in caught.value.found
    assert project.suites["tiny"].guards[-1].kind == "fingerprint"


def test_wrong_trailer_is_refused(tmp_path: Path) -> None:
    """A class that is none is a mistake, and nothing is guessed."""
    project = declare(tmp_path)
    hubs.git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x\n\nAnswer: better")

    with pytest.raises(ConfigError) as caught:
        hubs.run(project)

    assert "'better'" in caught.value.found
