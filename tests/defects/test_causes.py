"""The campaign of planted defects: each can be planted, and its page counts what was said."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from proofs.causes import __main__ as page
from proofs.causes import campaign, defects
from proofs.causes.campaign import Answer

_ROOT = Path(__file__).parents[2]


def test_there_are_enough_of_them() -> None:
    """Drills of the suite and at least twenty defects more, each of a name of its own."""
    planted = campaign.list_planted(_ROOT)
    names = [one.name for one in planted]

    assert len(defects.ALL) >= 20
    assert len(planted) - len(defects.ALL) >= 30
    assert len({*names}) == len(names)
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
    }
    return Answer(name=name, **{**plain, **keys})  # type: ignore[arg-type]


def test_page_counts_what_was_said() -> None:
    """What is not red counts for nothing; a second blocker or a lost file is a miss."""
    answers = [
        _answer("right"),
        _answer("other", guard="roof", first=("floor",), follows=("roof",), blockers=2),
        _answer("stopped", guard="stage:train", first=(), place=0),
        _answer("unseen", verdict="green", blockers=0, place=0),
        _answer("more", guard="", place=3),
    ]
    ranks = {"right": [("", 1), ("floor", 1)], "other": [("", 1), ("floor", 2)]}

    text = page.write_page(answers, ranks, 9)

    assert "5 of 9 defects" in text
    assert "4 were red, 3 of them drills" in text
    assert "| exactly one open blocker | 3 of 4 |" in text
    assert "| first cause names the guard or stage of the drill | 2 of 3 |" in text
    assert "| or says that it follows | 3 of 3 |" in text
    assert "| planted file among three suspects | 3 of 4 |" in text
    assert "| drill the likest, all guards there | 2 of 2 |" in text
    assert "| drill the likest, one guard left out | 1 of 2 |" in text


def test_answers_are_kept(tmp_path: Path) -> None:
    """A campaign that was stopped goes on from its file."""
    (tmp_path / "answers.jsonl").write_text(
        json.dumps(dataclasses.asdict(_answer("right"))) + "\n", "utf-8"
    )

    assert campaign.read_answers(tmp_path) == {"right": _answer("right")}
