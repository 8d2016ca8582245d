"""Sets that share nothing, and flags that arrive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.judgement.guards import registry
from harness.records import GuardResult
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard

RED, GREEN, OPEN = Verdict.RED, Verdict.GREEN, Verdict.INCONCLUSIVE
ARGV = (
    "python",
    "-m",
    "fit",
    "--steps",
    "12",
    "--data",
    "<root>/a/scan.npz",
    "--fast",
    "--quiet",
)
FIELDS = {"--steps": "values.n", "--data": "values.data", "--fast": "values.fast"}
SETTINGS = {"n": 12, "data": "/elsewhere/scan.npz", "fast": True}


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        ([1, 2, 3], [4, 5], GREEN),
        ([1, 2, 3], [3, 4], RED),
        ([[1, 2], [3]], [[4], [1]], RED),
        (["a.npz:1"], ["b.npz:1"], GREEN),
        (["a.npz:1"], ["a.npz:1"], RED),
        ([1], ["1"], GREEN),
        ([1], [1.0], RED),
        ([], [1], OPEN),
        ([1], [], OPEN),
        ([1], [None], OPEN),
        ([1], [True], OPEN),
    ],
)
def test_sets_share_nothing(tmp_path: Path, left: Any, right: Any, verdict: Verdict) -> None:
    """An item on both sides is red; an empty side proves nothing."""
    spec = guard("disjoint", left="a:l", right="a:r")
    held = evidence(tmp_path, {"a.json": {"l": left, "r": right}})

    assert registry.judge([spec], held, None)[0].verdict is verdict


def test_a_part_that_is_not_there_may_be_a_note(tmp_path: Path) -> None:
    """Training without validation shares nothing with it; where declared, that is a note."""
    held = evidence(tmp_path, {"a.json": {"l": [1]}})
    specs = [
        guard("disjoint", left="a:l", right="a:r", **more) for more in ({"missing": "note"}, {})
    ]

    note, plain = (registry.judge([spec], held, None)[0] for spec in specs)

    assert (note.verdict, note.severity) == (OPEN, "warn")
    assert (plain.verdict, plain.severity) == (OPEN, "fail")


def echo(
    tmp_path: Path,
    settings: dict[str, Any] | None = None,
    argv: tuple[str, ...] = ARGV,
    **options: Any,
) -> GuardResult:
    """Judge the echo of a command line in a file of settings."""
    usual = {"stage": "fit", "artifact": "c", "fields": FIELDS, "silent": ["--quiet"]}
    spec = guard("echo", **{**usual, **options})
    registry.check([spec])
    values = {"values": SETTINGS if settings is None else settings}
    held = evidence(tmp_path, {"c.json": values}, {"fit": ""}, argv=argv)
    return registry.judge([spec], held, None)[0]


def test_flags_that_arrive_are_green(tmp_path: Path) -> None:
    """Numbers, paths by their last part and switches are as the program says them."""
    judged = echo(tmp_path)

    assert (judged.verdict, judged.found) == (GREEN, "4 flags")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"n": 100}, "--steps 12 came to 100"),
        ({"n": None}, "--steps 12 came to None"),
        ({"data": "/elsewhere/test.npz"}, "--data"),
        ({"fast": False}, "--fast True came to False"),
        ({"fast": 1}, "--fast"),
        ({"n": True}, "--steps"),
    ],
)
def test_a_flag_that_is_dropped_is_named(
    tmp_path: Path, change: dict[str, Any], word: str
) -> None:
    """A setting at its default, another file, a switch that is off."""
    judged = echo(tmp_path, {**SETTINGS, **change})

    assert judged.verdict is RED
    assert word in judged.reason


def test_a_setting_that_is_missing_is_red(tmp_path: Path) -> None:
    """A flag whose setting is not written down did not arrive."""
    judged = echo(tmp_path, {"n": 12, "fast": True})

    assert judged.verdict is RED
    assert "no setting values.data" in judged.reason


def test_a_new_flag_wants_its_setting(tmp_path: Path) -> None:
    """A flag that is added to the command line is red until somebody says where it shows."""
    judged = echo(tmp_path, argv=(*ARGV, "--depth", "3"))

    assert judged.verdict is RED
    assert judged.reason == "--depth is compared with no setting"


def test_no_flag_at_all_is_red(tmp_path: Path) -> None:
    """A command line without any of the flags is another program's."""
    assert echo(tmp_path, argv=("python", "-m", "fit", "--quiet")).verdict is RED


def test_several_values_are_compared(tmp_path: Path) -> None:
    """A flag with several values is a list, in its order."""
    argv = ("fit", "--shape", "3", "4")
    fields = {"--shape": "values.shape"}

    right = echo(tmp_path, {"shape": [3, 4]}, argv, fields=fields)
    wrong = echo(tmp_path, {"shape": [4, 3]}, argv, fields=fields)

    assert (right.verdict, wrong.verdict) == (GREEN, RED)


def test_without_settings_nothing_is_said(tmp_path: Path) -> None:
    """Settings or stages that are not there cannot be compared."""
    assert echo(tmp_path, artifact="other").verdict is OPEN
    assert echo(tmp_path, stage="other").verdict is OPEN


def test_an_echo_of_nothing_is_refused() -> None:
    """A guard that compares no flag at all could never be red."""
    with pytest.raises(ConfigError, match="fields"):
        registry.check([guard("echo", stage="fit", artifact="c", fields={})])
