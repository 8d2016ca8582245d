"""Stage kinds, guard kinds and reporters that another installed package adds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli import main
from harness.errors import ConfigError
from harness.judgement.declaration import load_project
from tests.builders import hubs

_CODE = '''
from harness.judgement.guards.base import judge_interval
from harness.runner.stages.command import CommandStage

class Twice(CommandStage):
    """Runs a command with its last argument doubled."""
    kind = "twice"
    def argv(self, spec, values):
        *head, last = super().argv(spec, values)
        return (*head, str(2 * float(last)))

class Even:
    """Wants an even number."""
    kind = "even"
    def check_spec(self, spec):
        pass
    def judge(self, spec, evidence, golden):
        value = evidence.json("out")["value"]
        return judge_interval(spec, "out:value", value % 2, (0.0, 0.0))

def shout(hub, record):
    return f"{record.suite} IS {record.verdict}!\\n"
'''
_POINTS = """
[harness.stages]
twice = added_kinds:Twice
lost = added_kinds:Lost
[harness.guards]
even = added_kinds:Even
[harness.reporters]
shout = added_kinds:shout
"""


@pytest.fixture(autouse=True)
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a package with one of each."""
    site = tmp_path / "site"
    info = site / "added_kinds-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "added_kinds.py").write_text(_CODE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: added-kinds\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(_POINTS)
    monkeypatch.syspath_prepend(str(site))
    yield
    sys.modules.pop("added_kinds", None)


def declared(tmp_path: Path, kind: str, value: str) -> Path:
    stage = {**hubs.writing(value), "kind": kind}
    even = {"id": "even", "kind": "even", "remedy": "Make it even."}
    return hubs.declare(tmp_path / "p", tiny=hubs.suite(stage, guards=[even]))


@pytest.mark.road
@pytest.mark.parametrize(("value", "code"), [("3", 0), ("1.5", 1)])
def test_added_kinds_run_and_judge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], value: str, code: int
) -> None:
    """An added stage runs, an added guard judges it, an added reporter renders it."""
    root = str(declared(tmp_path, "twice", value))

    assert main.main(["run", "tiny", "-q", "-C", root]) == code
    capsys.readouterr()
    assert main.main(["report", "-C", root, "--hub", "latest", "--format", "shout"]) == 0

    assert capsys.readouterr().out == f"tiny IS {'red' if code else 'green'}!\n"


def test_unknown_kind_is_a_mistake(tmp_path: Path) -> None:
    """A kind that nobody adds is refused before anything runs."""
    with pytest.raises(ConfigError) as caught:
        load_project(declared(tmp_path, "thrice", "3"))

    assert caught.value.where.endswith("stages[0].kind")


def test_kind_that_cannot_be_loaded_is_a_mistake(tmp_path: Path) -> None:
    """An entry point that names nothing is one line, not a traceback."""
    root = declared(tmp_path, "lost", "3")

    assert main.main(["run", "tiny", "-q", "-C", str(root)]) == 2
    assert not list(root.glob("hubs/tiny/*"))


def test_unknown_format_names_what_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A format that is neither built in nor added is refused, with the nearest name."""
    root = str(declared(tmp_path, "command", "2"))
    main.main(["run", "tiny", "-q", "-C", root])

    assert main.main(["report", "-C", root, "--format", "shuot"]) == 2
    assert "Did you mean 'shout'?" in capsys.readouterr().err
