"""Nothing is concluded from text that was not read, nor from a name that stands twice."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.hub import printable
from harness.judgement.guards import registry
from harness.runner.stages.log_stream import LogStream
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard

GREEN, RED, OPEN = Verdict.GREEN, Verdict.RED, Verdict.INCONCLUSIVE
LONG = "x" * 1_100
CUT = "head\n[harness: log cut here: about 9,000 bytes left out]\ntail\n"
LOGS: dict[str, tuple[dict[str, Any], str, Verdict]] = {
    "forbidden word beyond 1,000 characters": ({"must_not": ["NaN"]}, f"{LONG} NaN\n", RED),
    "forbidden repetition beyond 1,000": ({"must_not": ["Na+N"]}, f"{LONG} NaN\n", OPEN),
    "repetition that ends at the cut": ({"must": ["x+$"]}, f"{LONG}y\n", OPEN),
    "wanted repetition beyond 1,000": ({"must": ["do+ne"]}, f"{LONG} done\n", OPEN),
    "wanted word beyond 1,000": ({"must": ["done"]}, f"{LONG} done\n", GREEN),
    "wanted repetition in another line": ({"must": ["do+ne"]}, f"{LONG}\ndone\n", GREEN),
    "number cut within its digits": (
        {"value": "loss=([0-9.]+)"},
        f"{'x' * 992}loss=0.25\n",
        OPEN,
    ),
    "number beyond the cut of one of two lines": (
        {"value": "loss=([0-9.]+)"},
        f"loss=0.25\n{LONG}loss=7\n",
        OPEN,
    ),
    "forbidden word in a log without its middle": ({"must_not": ["NaN"]}, CUT, OPEN),
    "wanted word in a log without its middle": ({"must": ["done"]}, CUT, OPEN),
    "wanted word that is there all the same": ({"must": ["tail"]}, CUT, GREEN),
    "forbidden word that is there all the same": ({"must_not": ["tail"]}, CUT, RED),
    "numbers of a log without its middle": ({"value": "loss=(.)"}, f"loss=1\n{CUT}", OPEN),
    "whole log": ({"must_not": ["Na+N"]}, "fine\n", GREEN),
    "line of 1,000": ({"must_not": ["Na+N"]}, "x" * 1_000 + "\n", GREEN),
}


@pytest.mark.parametrize("name", LOGS)
def test_absence_is_not_concluded_from_a_cut_log(tmp_path: Path, name: str) -> None:
    """What was found counts; that something is not there is said of a whole log only."""
    options, text, expected = LOGS[name]
    inputs = evidence(tmp_path, logs={"train": text})

    (result,) = registry.judge((guard("log", stage="train", **options),), inputs, None)

    assert result.verdict is expected


def test_stream_that_left_the_middle_out_is_told_by_its_log(tmp_path: Path) -> None:
    """The mark that guards look for is the one that a stage's stream writes."""
    place = tmp_path / "long.log"
    stream = LogStream(place, bytes, lambda _: None, overlap=1, head=100)
    for _ in range(40):
        stream.feed(b"line of text\n" * 10_000)
    stream.close()

    inputs = evidence(tmp_path, logs={"train": place.read_text()})
    (result,) = registry.judge((guard("log", stage="train", must_not=["NaN"]),), inputs, None)

    assert stream.cut > 0
    assert result.verdict is OPEN


BOUND = {"kind": "bound", "metric": "out:loss", "min": 0.0, "max": 1.0}
FILES: dict[str, tuple[str, bytes, dict[str, Any], Verdict]] = {
    "JSON name twice, the bad one first": (
        "out.json",
        b'{"loss": NaN, "loss": 0.25}',
        BOUND,
        OPEN,
    ),
    "JSON name twice, both the same": ("out.json", b'{"loss": 0.5, "loss": 0.5}', BOUND, OPEN),
    "JSON name twice, one by an escape": (
        "out.json",
        b'{"loss": 7, "l\\u006fss": 0.5}',
        BOUND,
        OPEN,
    ),
    "JSON name twice, deep inside": (
        "out.json",
        b'{"loss": 0.5, "a": [{"b": {"c": 1, "c": 2}}]}',
        BOUND,
        OPEN,
    ),
    "JSON with each name once": ("out.json", b'{"loss": 0.5, "a": {"loss": 7}}', BOUND, GREEN),
    "two JSON values in one file": ("out.json", b'{"loss": NaN}\n{"loss": 0.5}', BOUND, OPEN),
    "JSON beyond the bound of its size": (
        "out.json",
        b'{"loss": 0.5, "t": "' + b"x" * (17 << 20) + b'"}',
        BOUND,
        OPEN,
    ),
    "JSON beyond the bound of its values": (
        "out.json",
        b'{"loss": 0.5, "a": [' + b"[]," * 1_100_000 + b"0]}",
        BOUND,
        OPEN,
    ),
    "CSV column twice": (
        "out.csv",
        b"loss,loss\nNaN,0.5\n",
        {**BOUND, "metric": "out:[-1].loss"},
        OPEN,
    ),
    "CSV column twice, not the one asked for": (
        "out.csv",
        b"loss,a,a\n0.5,1,2\n",
        {**BOUND, "metric": "out:[-1].loss"},
        OPEN,
    ),
    "CSV with two columns without a name": (
        "out.csv",
        b"loss,,\n0.5,1,2\n",
        {**BOUND, "metric": "out:[-1].loss"},
        OPEN,
    ),
    "CSV whose quote is never closed": (
        "out.csv",
        b'loss,a\n0.5,"x\n9.0,y\n',
        {**BOUND, "metric": "out:[-1].loss"},
        OPEN,
    ),
    "CSV beyond the bound of its cells": (
        "out.csv",
        b"loss\n" + b"0.5\n" * 600_000,
        {"kind": "count", "records": "out:[loss=0.5]", "max": 3},
        OPEN,
    ),
    **{
        f"CSV cell that is a number to Python alone, {name}": (
            "out.csv",
            f"loss,a\n{cell},1\n".encode(),
            {**BOUND, "metric": "out:[-1].loss"},
            OPEN,
        )
        for name, cell in {
            "underscore": "0_1",
            "Arabic digits": "٠.٢",
            "full-width digits": "０.２",
            "no-break space": "\u00a00.2",
            "minus sign": "−0.2",
        }.items()
    },
    **{
        f"CSV of another {name}": (
            "out.csv",
            content.encode(),
            {**BOUND, "metric": "out:[-1].loss"},
            OPEN,
        )
        for name, content in {
            "separator": "step;loss\n1;0.5\n",
            "decimal point": "step;loss\n1;0,5\n",
            "number of cells": "step,loss\n1,0.5\n2\n",
            "missing value": "step,loss\n1,N/A\n",
            "spacing": "step, loss\n1, 0.5\n",
            "base": "step,loss\n1,0x10\n",
        }.items()
    },
    "CSV as it should be": (
        "out.csv",
        b"loss,a\n0.5,1\n",
        {**BOUND, "metric": "out:[-1].loss"},
        GREEN,
    ),
    "records beyond the bound are not none": (
        "out.json",
        json.dumps([{"a": 1}] * 600_000).encode(),
        {"kind": "count", "records": "out:[a=1].a", "max": 3},
        OPEN,
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_whole_or_not_at_all(tmp_path: Path, name: str) -> None:
    """A name that stands twice, and what is beyond a bound, leave the verdict open."""
    file, content, options, expected = FILES[name]
    inputs = evidence(tmp_path, files={file: content})

    (result, *_) = registry.judge((guard(**options),), inputs, None)

    assert result.verdict is expected


def test_name_twice_is_never_green_by_default(tmp_path: Path) -> None:
    """The guards that nobody declares do not take one of two values for the one."""
    inputs = evidence(tmp_path, files={"out.json": b'{"loss": NaN, "loss": 0.25}'})

    results = registry.judge((), inputs, None)

    assert [r.verdict for r in results] == [OPEN]


def test_large_json_costs_bounded_memory(tmp_path: Path) -> None:
    """Sixty MiB of JSON are refused before they are parsed, for each of many guards."""
    inputs = evidence(tmp_path, files={"out.json": b"[" + b"[],[1]," * (9 << 20) + b"0]"})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    specs = tuple(guard("bound", metric=f"out:[{i}]", min=0) for i in range(30))
    results = registry.judge(specs, inputs, None)

    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert {r.verdict for r in results} == {OPEN}
    assert grown < 100 << 10  # KiB


COMMANDS = [
    "done ##vso[task.setvariable variable=x]y",
    "50 % ##[group]x",
    "a ##teamcity[testFailed name='x']",
    "loss 0.1 ::error file=a.py::wrong",
    "x ::set-output name=a::b",
    "##VSO[task.complete result=Succeeded;]",
    "x ::add-mask::0",
    "\u200b::warning::x",
]


@pytest.mark.parametrize("line", COMMANDS)
def test_command_in_a_line_is_defused(line: str) -> None:
    """What a CI system obeys wherever it stands is no command when it is shown."""
    for made in (printable.safe_to_print(line), printable.defuse(line)):
        lowered = made.lower()
        assert not any(mark in lowered for mark in ("##vso[", "##[", "##teamcity["))
        assert not any(f"::{word}" in lowered for word in ("error", "set-output", "add-mask"))


def test_id_of_a_test_is_left_alone() -> None:
    """Colons that are no command stay as they are."""
    line = "tests/a.py::TestB::test_error passed"

    assert printable.safe_to_print(line) == line
