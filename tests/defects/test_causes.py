"""The campaign of planted defects: each can be planted, and its page counts what was said."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.files import json_bytes, sha256_bytes
from harness.judgement.roads import Roads
from harness.records import ArtifactRecord, CauseRecord, encode
from harness.verdict import Verdict
from proofs.causes import __main__ as page
from proofs.causes import answers, defects, planting, warm
from proofs.causes.answers import Answer
from proofs.causes.campaign import Campaign
from proofs.causes.truth import Truth
from tests.builders import reports

_ROOT = Path(__file__).parents[2]


def test_there_are_enough_of_them() -> None:
    """Every drill in one ground, and at least twenty defects more, each of its own name."""
    planted = [
        one for ground in planting.GROUNDS for one in planting.list_planted(_ROOT, ground)
    ]
    names = [one.name for one in planted]

    assert len(defects.ALL) >= 20
    assert sorted(names) == sorted(
        [path.stem for path in (_ROOT / "drills").glob("*.patch")]
        + [one.name for one in defects.ALL]
    )
    assert all((_ROOT / path).is_file() for one in planted for path in one.paths)


@pytest.mark.parametrize("one", defects.ALL, ids=lambda one: one.name)
def test_defect_can_be_planted(one: defects.Defect) -> None:
    """The line is there once, and what is planted is another one, and is Python."""
    text = (_ROOT / one.path).read_text("utf-8")

    assert text.count(one.before) == 1
    changed = text.replace(one.before, one.after)
    assert changed != text
    compile(changed, one.path, "exec")


def _answer(name: str, **keys: object) -> Answer:
    plain = {
        "ground": "smoke",
        "guard": "floor",
        "paths": ("a.py",),
        "verdict": "red",
        "blockers": 1,
        "causes": 1,
        "first": ("floor",),
        "follows": (),
        "stage": "train",
        "sentence": "guard floor: 0; expected ≥ 1",
        "place": 1,
        "red": {"floor": "below"},
        "seconds": 1.0,
        "acts": "train",
        "names_guard": True,
    }
    return Answer(name=name, **{**plain, **keys})  # type: ignore[arg-type]


def test_page_counts_what_was_said() -> None:
    """What is not red counts for nothing; a second blocker or a lost file is a miss."""
    answers = (
        _answer("right"),
        _answer("other", guard="roof", follows=("roof",), blockers=2, names_guard=False),
        _answer("stopped", guard="stage:train", place=0),
        _answer("refused", guard="roof", stage="test"),
        _answer("unseen", verdict="green", blockers=0, place=0, acts="", names_guard=False),
        _answer("more", guard="", place=3, acts="test", names_guard=False),
        _answer("missed", guard="roof", acts="test", names_guard=False),
    )
    ranks = {"right": [("", 1), ("floor", 1)], "other": [("", 1), ("floor", 2)]}
    waiting = ("a", "b")
    made = Campaign(answers=answers, hubs={}, known=ranks, commit="0" * 40, waiting=waiting)

    text = page.write_page(made)

    assert "7 of 9\ndefects" in text
    assert "6 were red, 5 of them drills" in text
    assert "| exactly one open blocker | 5 of 6 |" in text
    assert "| first cause is the drill's guard, or the stage it reads | 3 of 5 |" in text
    assert "| first cause is in the stage that the defect changes first | 3 of 6 |" in text
    assert "| one or the other | 4 of 6 |" in text
    assert "| the drill's guard is the first cause or follows from it | 4 of 5 |" in text
    assert "| planted file among three suspects | 5 of 6 |" in text
    assert "| drill the likest, all guards there | 2 of 2 |" in text
    assert "| drill the likest, one guard left out | 1 of 2 |" in text


@pytest.mark.parametrize(
    ("guard", "guards", "stage", "is_named"),
    [
        ("floor", ("floor",), "train", True),
        ("roof", ("floor",), "test", False),  # another one is to blame
        ("stage:train", (), "train", True),
        ("roof", (), "test", True),  # what it reads broke off
        ("roof", (), "train", False),
    ],
)
def test_first_cause_that_is_the_guard(
    guard: str, guards: tuple[str, ...], stage: str, *, is_named: bool
) -> None:
    """A guard that is red, or the stage it reads; not what only follows."""
    roads = Roads(
        order=("train", "test"),
        needs={},
        reads={"floor": frozenset({"train"}), "roof": frozenset({"test"})},
        makers={},
    )
    cause = CauseRecord(
        verdict=Verdict.RED,
        stage=stage,
        guards=guards,
        sentence="",
        remedy="",
        follows=(),
        unjudged=(),
    )

    assert answers.names_guard(cause, guard, roads) is is_named


def _hub(place: Path, **traces: str) -> Path:
    """Write a hub of two stages, each with a log and a file, and what is said of them."""
    artifacts = []
    for stage in ("train", "test"):
        log = place / f"cli/{stage}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(traces.get(f"{stage}_log", "20260102T030405Z-a1b2c3 done"))
        digest = sha256_bytes(traces.get(f"{stage}_file", "").encode())
        made_file = ArtifactRecord(
            id=stage,
            stage=stage,
            path=f"{stage}.json",
            sha256=digest,
            size=0,
            external=False,
            fresh=True,
        )
        artifacts.append(made_file)
    stages = tuple(reports.stage(name, 0, log=f"cli/{name}.log") for name in ("train", "test"))
    made = replace(reports.record(), stages=stages, artifacts=tuple(artifacts))
    (place / "hub.json").write_bytes(json_bytes(encode(made)))
    return place


@pytest.mark.parametrize(
    ("traces", "stage"),
    [
        ({}, ""),
        ({"train_log": "20270102T030405Z-ffffff done"}, ""),  # another run, the same words
        ({"train_log": "loss 3"}, "train"),
        ({"test_file": "x"}, "test"),
        ({"test_file": "x", "train_log": "y"}, "train"),
        ({"train_file": "tells of its source"}, ""),  # so it differs without a defect
    ],
)
def test_first_stage_that_left_something_else(
    traces: dict[str, str], stage: str, tmp_path: Path
) -> None:
    """Where a defect acts first is read from what stages left; what differs anyway is not."""
    clean = _hub(tmp_path / "clean")
    control = _hub(tmp_path / "control", train_file="of another source")

    assert Truth(clean, control).find_stage(_hub(tmp_path / "hub", **traces)) == stage


def test_a_stage_is_forked_from_a_warm_python(tmp_path: Path) -> None:
    """It has its own arguments, folder, environment and exit code; others are plain Pythons."""
    (tmp_path / "ptycho_torch").mkdir()
    (tmp_path / "ptycho_torch/__init__.py").write_text("")
    (tmp_path / "ptycho_torch/stage.py").write_text(
        "import os, sys\nprint(sys.argv[1:], os.getcwd(), os.environ['WORD'], __name__)\n"
        "print('torch' in sys.modules, file=sys.stderr)\nsys.exit(int(sys.argv[1]))\n"
    )
    (tmp_path / "ptycho_torch/crash.py").write_text("raise ValueError('planted')\n")
    words = warm.list_words(tmp_path / "python")
    environment = {"WORD": "said", "PATH": os.environ["PATH"]}

    def ask(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*words, *more],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    with warm.serving(tmp_path / "python", libraries=("colorsys",)):
        stage = ask("-m", "ptycho_torch.stage", "3")
        crash = ask("-m", "ptycho_torch.crash")
        plain = ask("-c", "import sys; print('colorsys' in sys.modules); sys.exit(4)")

    assert stage.stdout.split("\n")[0] == f"['3'] {tmp_path} said __main__"
    assert stage.returncode == 3
    assert crash.returncode == 1
    assert crash.stderr.rstrip().endswith("ValueError: planted")
    assert (plain.stdout, plain.returncode) == ("False\n", 4)
