"""What a gate writes for others: foreign text stays text, whatever it holds."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath

import pytest

from harness.judgement.gate.difference import Change, Difference
from harness.judgement.gate.report import GateReport, RuleChange
from harness.judgement.verify import report
from harness.reporting import gate_page, rule_places
from harness.reporting.findings import Place

_HOSTILE = "a|b <img onerror=x>\n::set-output name=x::y\r\x1b[2J](http://x)`"
_TOML = """\
schema = 1
trusted_keys = []

[suites.quick]
description = "x"

[[suites.quick.stages]]
kind = "command"
id = "train"
timeout_s = 9

[[suites.quick.guards]]
id = "floor"
min = 1

[suites.quick.bounds]
loss = { metric = "m:loss", max = 1 }
"""


def _report(text: str) -> GateReport:
    difference = Difference(rule=text, was=text, now=text, change=Change.WEAKER, why=text)
    return GateReport(
        base=text,
        commit="0" * 40,
        head="1" * 40,
        hubs=(text,),
        rows=(report.damage_row("x", text, text, text),),
        changes=(RuleChange(difference=difference),),
    )


def _place(_rule: str) -> Place:
    return Place("harness.toml", 3)


def test_hostile_text_is_one_cell() -> None:
    """No name starts markup, a command or a second row."""
    hostile = _report(_HOSTILE)
    page, table = gate_page.render_html(hostile), gate_page.render_markdown(hostile)
    commands = gate_page.render_commands(hostile, _place).splitlines()

    assert "<img" not in page + table
    assert "\x1b" not in page + table + "".join(commands)
    assert all(line.startswith(("::error ", "::notice ")) for line in commands)
    assert len(commands) == 3
    (row,) = [line for line in table.splitlines() if "nobody" in line and line.startswith("|")]
    assert len(re.findall(r"(?<!\\)\|", row)) == len(gate_page.HEAD) + 1
    sarif = json.loads(gate_page.render_sarif(hostile, _place))
    assert "](" not in sarif["runs"][0]["results"][0]["message"]["text"]


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("suites.quick.guards.floor.min", 14),
        ("suites.quick.guards.floor", 13),
        ("suites.quick.guards.loss.max", 17),
        ("suites.quick.stages.train.timeout_s", 10),
        ("suites.quick.stages.gone.timeout_s", 4),
        ("suites.quick.description", 5),
        ("project.trusted_keys", 2),
        ("goldens.quick.x", 1),
        ("", 1),
    ],
)
def test_rules_have_lines(rule: str, line: int) -> None:
    """A rule is annotated where it is declared; one that is gone where its suite is."""
    places = rule_places.find_places(_TOML, PurePosixPath("sub"))

    place = rule_places.find_place(places, rule)

    assert (place.path, place.line) == ("sub/harness.toml", line)
