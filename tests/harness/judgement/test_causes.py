"""Causes: planted failures each leave one blocker, and the first cause is what was planted."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.evidence.hub.blockers import Register
from harness.judgement.declaration import load_project
from harness.judgement.verify import verify
from harness.reporting import screen, terminal
from harness.runner.workflow import RunOutcome
from harness.verdict import Verdict
from tests.builders import hubs

# A pipeline like the project's own: `train` feeds `parity` and `inference`; `other` stands
# alone. What is planted stands in plant.json, which each stage reads.
CODE = """
import json, sys
from pathlib import Path
name, out = sys.argv[1], Path(sys.argv[2])
plant = json.loads(Path("source/plant.json").read_text()).get(name, {})
before = [json.loads(Path(p).read_text()) for p in sys.argv[3:]]
exec(plant.get("do", ""))
values = {"mean": 1.0, "spread": 0.5, "error": 0.0}
for made in before:
    values["mean"] *= made["mean"]
    values["spread"] = min(values["spread"], made["spread"])
values.update(plant.get("set", {}))
if not plant.get("silent"):
    out.write_text(json.dumps(values))
print("done with", name)
"""
NAMES = ("train", "parity", "inference", "other")
CHECKED = """
import json
from pathlib import Path


def test_gain():
    assert json.loads(Path("source/plant.json").read_text()).get("gain", 1) == 1
"""


def stage(name: str, *needs: str) -> dict[str, Any]:
    made = ["{work}/" + f"{need}.json" for need in needs]
    artifact = {"id": name, "path": f"{name}.json"}
    return hubs.command(
        name,
        CODE,
        name,
        f"{{work}}/{name}.json",
        *made,
        needs=list(needs),
        artifacts=[artifact],
    )


def guards(*only: str) -> list[dict[str, Any]]:
    declared = []
    for name in only or NAMES:
        for key, bounds in (
            ("mean", {"min": 0.5, "max": 2.0}),
            ("spread", {"min": 0.1}),
            ("error", {"max": 1e-3}),
        ):
            declared.append(
                {
                    "id": f"{name}-{key}",
                    "kind": "bound",
                    "metric": f"{name}:{key}",
                    "remedy": f"Look at {key} of {name}.",
                    **bounds,
                }
            )
    return declared


TESTS = {"id": "tests", "kind": "pytest", "selectors": ["source/test_gain.py"], "timeout_s": 60}
STAGES = (stage("train"), stage("parity", "train"), stage("inference", "train"), stage("other"))


def declare(root: Path, plant: dict[str, Any], *, tests: bool = False) -> Any:
    stages = ((TESTS,) if tests else ()) + STAGES
    full = hubs.suite(*stages, guards=guards())
    part = hubs.suite(*stages[:-1], guards=guards(*NAMES[:-1]))
    made = hubs.declare(root, full=full, part=part)
    (made / "source/plant.json").write_text(json.dumps(plant))
    (made / "source/test_gain.py").write_text(CHECKED)
    return load_project(made)


@dataclass(frozen=True)
class Planted:
    """What is planted, what the first causes are, and whether tests run before."""

    plant: dict[str, Any]
    causes: tuple[str, ...]
    tests: bool = False
    follows: tuple[str, ...] = field(default=())


def crash(words: str = "shape") -> dict[str, str]:
    return {"do": f"raise ValueError({words!r})"}


def values(**fields: object) -> dict[str, Any]:
    return {"set": fields}


PLANTED = [
    Planted({"train": crash()}, ("stage train",), follows=("stage parity", "stage inference")),
    Planted({"parity": crash()}, ("stage parity",)),
    Planted({"inference": crash()}, ("stage inference",)),
    Planted({"other": crash()}, ("stage other",)),
    Planted({"train": {"do": "sys.exit(7)"}}, ("stage train",)),
    Planted({"inference": {"do": "import os; os.kill(os.getpid(), 11)"}}, ("stage inference",)),
    Planted({"train": {"silent": True}}, ("stage train",)),
    Planted({"inference": {"silent": True}}, ("stage inference",)),
    Planted({"other": {"do": "out.write_text(''); sys.exit(0)"}}, ("stage other",)),
    Planted({"train": values(spread=0.0)}, ("guard train-spread",)),
    Planted({"train": values(mean=9.0)}, ("guard train-mean",)),
    Planted({"train": values(mean=0.0)}, ("guard train-mean",)),
    Planted({"train": values(error=1.0)}, ("guard train-error",)),
    Planted({"train": values(mean=float("nan"))}, ("guard train-mean",)),
    Planted({"train": values(mean=9.0, spread=0.0, error=1.0)}, ("guard train-mean",)),
    Planted({"parity": values(error=1.0)}, ("guard parity-error",)),
    Planted({"parity": values(mean=9.0)}, ("guard parity-mean",)),
    Planted({"inference": values(spread=0.0)}, ("guard inference-spread",)),
    Planted({"inference": values(mean=-3.0)}, ("guard inference-mean",)),
    Planted({"other": values(spread=0.0)}, ("guard other-spread",)),
    # One defect seen on two roads below the same stage.
    Planted(
        {"parity": values(error=1.0), "inference": values(spread=0.0)},
        ("guard parity-error",),
        follows=("inference-spread",),
    ),
    # A number that broke upstream, and what broke off because of it.
    Planted(
        {"train": values(spread=0.0), "inference": crash()},
        ("guard train-spread",),
        follows=("stage inference",),
    ),
    # One defect that two programs below the same stage refuse, each in its own words.
    Planted(
        {"parity": crash("not equal"), "inference": crash("no numbers")},
        ("stage parity",),
        follows=("stage inference",),
    ),
    Planted(
        {"parity": crash(), "inference": values(spread=0.0)},
        ("stage parity",),
        follows=("inference-spread",),
    ),
    # The same error in two stages that do not need each other.
    Planted({"train": crash(), "other": crash()}, ("stage train",), follows=("stage other",)),
    # A test that fails, and numbers that move after it.
    Planted({"gain": 2}, ("stage tests",), tests=True),
    Planted(
        {"gain": 2, "train": values(mean=9.0)},
        ("stage tests",),
        tests=True,
        follows=("train-mean",),
    ),
    # Two things that have nothing to do with each other are two.
    Planted({"train": crash(), "other": crash("key")}, ("stage train", "stage other")),
    Planted(
        {"train": values(mean=9.0), "other": values(spread=0.0)},
        ("guard train-mean", "guard other-spread"),
    ),
    Planted(
        {"train": values(error=1.0), "other": crash()}, ("guard train-error", "stage other")
    ),
    Planted({"gain": 2, "other": crash()}, ("stage tests", "stage other"), tests=True),
]


def run(root: Path, planted: Planted) -> tuple[Any, RunOutcome]:
    project = declare(root, planted.plant, tests=planted.tests)
    return project, hubs.run(project, "full")


@pytest.mark.parametrize("planted", PLANTED)
def test_one_cause_is_one_blocker(tmp_path: Path, planted: Planted) -> None:
    """Each planted failure opens one blocker; its sentence names what was planted."""
    project, outcome = run(tmp_path, planted)

    record = outcome.record
    sentences = [cause.sentence.partition(":")[0] for cause in record.causes]
    open_ = [b for b in Register(project.hubs).entries() if b.status == "open"]
    assert record.verdict is Verdict.RED
    assert sentences == list(planted.causes)
    assert len(open_) == len(planted.causes)
    assert len(list((outcome.hub / "red").glob("blocked_*.md"))) == len(planted.causes)
    assert record.reason.startswith(planted.causes[0])
    assert set(planted.follows) <= {name for c in record.causes for name in c.also}
    lines = screen.final(record, "hubs/full/x", terminal.Palette(is_on=False)).splitlines()
    assert sum(1 + len(line) // 100 for line in lines) <= 24


def test_everything_red_is_explained(tmp_path: Path) -> None:
    """Whatever is not green is a cause, follows from one, or was not judged because of one."""
    _, outcome = run(tmp_path, Planted({"train": crash()}, ()))

    (cause,) = outcome.record.causes
    guards_ = {g.id for g in outcome.record.guards if g.verdict is not Verdict.GREEN}
    stages_ = {f"stage {s.id}" for s in outcome.record.stages if s.verdict is not Verdict.GREEN}
    assert guards_ == set(cause.unjudged)
    assert stages_ == {"stage train", *cause.follows}


@pytest.mark.parametrize("plant", [{"train": values(spread=0.0)}, {"inference": crash()}])
def test_one_defect_in_two_suites_is_one_blocker(tmp_path: Path, plant: dict[str, Any]) -> None:
    """The same defect met in another suite is the same blocker; both have to be green again."""
    project = declare(tmp_path, plant)
    hubs.run(project, "full")
    hubs.run(project, "part")

    (blocker,) = Register(project.hubs).entries()
    assert (blocker.occurrences, blocker.suites) == (2, ("full", "part"))

    (tmp_path / "source/plant.json").write_text("{}")
    for name in ("full", "full", "full", "part", "part"):
        assert hubs.run(project, name).record.verdict is Verdict.GREEN
    assert Register(project.hubs).entries()[0].status == "open"
    hubs.run(project, "part")
    assert Register(project.hubs).entries()[0].status == "closed"


def test_another_direction_is_another_blocker(tmp_path: Path) -> None:
    """Too small and too large are two defects of one guard."""
    project = declare(tmp_path, {"train": values(mean=9.0)})
    hubs.run(project, "full")
    (tmp_path / "source/plant.json").write_text(json.dumps({"train": values(mean=0.1)}))
    hubs.run(project, "full")

    assert len(Register(project.hubs).entries()) == 2


def test_verify_folds_what_follows(tmp_path: Path) -> None:
    """A verification has one row for the guards of a cause, and no remedy for the rest."""
    project, outcome = run(tmp_path, Planted({"train": crash()}, ()))

    rows = [row for row in verify(project, outcome.hub).rows if row.check == "guards"]

    assert len(rows) == 1
    assert rows[0].remedy == ""
    assert "stage train" in rows[0].found


def test_remedy_says_what_was_found(tmp_path: Path) -> None:
    """A remedy is filled from the evidence; what is not there is said so."""
    remedy = "It is {train:mean}; look at {train:first_stage} and {gone:x}."
    guard = {**guards("train")[0], "remedy": remedy}
    suite = hubs.suite(stage("train"), guards=[guard])
    project = load_project(hubs.declare(tmp_path, tiny=suite))
    plant = {"train": values(mean=9.0, first_stage="illuminate\n")}
    (tmp_path / "source/plant.json").write_text(json.dumps(plant))

    (cause,) = hubs.run(project).record.causes

    assert cause.remedy == "It is 9; look at illuminate  and (no gone:x)."


def test_remedy_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A placeholder that is no path is a mistake of the declaration."""
    guard = {**guards("train")[0], "remedy": "Look at {train:mean[}."}

    with pytest.raises(ConfigError):
        load_project(hubs.declare(tmp_path, tiny=hubs.suite(stage("train"), guards=[guard])))


DISK = "raise OSError(28, 'No space left on device')"


def test_full_disk_is_no_blocker(tmp_path: Path) -> None:
    """A stage that met a full disk proves nothing: inconclusive, sealed, no blocker."""
    project, outcome = run(tmp_path, Planted({"train": {"do": DISK}}, ()))

    assert outcome.record.verdict is Verdict.INCONCLUSIVE
    assert outcome.record.stages[0].outcome == "interrupted"
    assert Register(project.hubs).entries() == ()
    assert verify(project, outcome.hub).exit_code == 3
    assert len(verify(project, outcome.hub).rows) <= 13


def test_an_error_handled_before_is_no_full_disk(tmp_path: Path) -> None:
    """Where another error ended the stage, a full disk met before is no excuse."""
    handled = f"try:\n    {DISK}\nexcept OSError as error:\n    print('OSError:', error)\n"
    do = handled + "raise ValueError('x')"

    _, outcome = run(tmp_path, Planted({"train": {"do": do}}, ()))

    assert outcome.record.verdict is Verdict.RED
