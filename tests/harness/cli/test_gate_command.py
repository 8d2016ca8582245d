"""``harness gate``, ``harness waive`` and ``harness verify --base`` as they are typed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.cli import main
from harness.judgement import waivers
from tests.builders import gates, hubs


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project on a branch that lowers its floor, and go there."""
    gates.make_base(tmp_path, top={"gate": {"unsigned_waivers": True}})
    hubs.git(tmp_path, "tag", "base")
    gates.make_change(tmp_path, top={"gate": {"unsigned_waivers": True}}, guards=[gates.WIDER])
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    return tmp_path


def _run(*words: str) -> int:
    return main.main(["run", "tiny", "-q", "--name-hubs", ".harness/named.txt", *words])


def _gate(*words: str) -> int:
    return main.main(["gate", "--base", "base", "--hubs", ".harness/named.txt", *words])


def test_refused_then_waived(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A weaker rule ends with 1 and its table; waived and committed, with 0."""
    _run()
    assert _gate() == 1
    assert "suites.tiny.guards.floor.min  1.0  -5.0  ✗ weaker" in capsys.readouterr().out

    rule = "suites.tiny.guards.floor.min"
    assert main.main(["waive", rule, "--base", "base", "--reason", "agreed"]) == 0
    hubs.git(root, "add", waivers.FOLDER)
    hubs.git(root, "commit", "--quiet", "--message", "waiver")
    _run()
    assert _gate() == 0


def test_every_format_is_written(root: Path) -> None:
    """Each reader gets the rule, with what it was and is."""
    _run()
    kinds = ("markdown", "github", "sarif", "json", "html")
    words = [word for kind in kinds for word in ("--output", f"{kind}=.harness/{kind}")]

    assert _gate("-q", *words) == 1

    texts = {kind: (root / ".harness" / kind).read_text("utf-8") for kind in kinds}
    assert all("suites.tiny.guards.floor.min" in text for text in texts.values())
    assert re.search(r"^::error file=harness.toml,line=\d+,title=weaker", texts["github"])
    answer = json.loads(texts["json"])
    assert (answer["exit_code"], answer["counts"]["weaker"]) == (1, 1)
    assert answer["rules"][0]["was"] == "1.0"
    results = json.loads(texts["sarif"])["runs"][0]["results"]
    assert {one["ruleId"] for one in results} == {"gate/weaker", "gate/check"}


@pytest.mark.parametrize("kind", ["html", "md", "summary"])
def test_report_has_the_table_of_rules(kind: str, root: Path) -> None:
    """The page of the hub says what was, what is, and that nobody answers for it."""
    _run()
    hub = (root / ".harness/named.txt").read_text("utf-8").strip()
    words = ["report", "--hub", hub, "--format", kind, "-o", f".harness/{kind}"]

    assert main.main([*words, "--base", "base"]) == 0

    said = (root / ".harness" / kind).read_text("utf-8").replace("\\", "")
    for word in ("suites.tiny.guards.floor.min", "1.0", "-5.0", "✗ weaker", "nobody"):
        assert word in said
    assert "✗ refused: 1 rule weaker than at base" in said
    assert main.main(words) == 0
    assert "✗ weaker" not in (root / ".harness" / kind).read_text("utf-8")


@pytest.mark.usefixtures("root")
def test_report_of_a_record_has_no_base(capsys: pytest.CaptureFixture[str]) -> None:
    """A format without a table of rules says where it is written."""
    _run()
    capsys.readouterr()

    assert main.main(["report", "--format", "junit", "--base", "base"]) == 2
    assert "harness gate --base REV --output" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["latest", "tiny:latest", "latest~1"])
@pytest.mark.usefixtures("root")
def test_no_hub_by_its_age(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever hub is the newest is not what the run named."""
    _run()

    assert main.main(["gate", "--base", "base", "--hub", word]) == 2
    assert "whichever hub that is" in capsys.readouterr().err


def test_no_hub_is_missing_evidence(root: Path) -> None:
    """A gate that was given no hub ends with 3, and so does one with an empty list."""
    empty = root / ".harness" / "none.txt"
    empty.parent.mkdir(exist_ok=True)
    empty.touch()

    assert main.main(["gate", "--base", "base"]) == 3
    assert main.main(["gate", "--base", "base", "--hubs", str(empty)]) == 3


def test_failed_run_names_no_older_hub(root: Path) -> None:
    """A run that is refused leaves an empty list, not that of the run before it."""
    _run()
    assert (root / ".harness/named.txt").read_text("utf-8")

    assert _run("--set", "nothing=1") == 2

    assert (root / ".harness/named.txt").read_text("utf-8") == ""


def test_outputs_of_a_step_name_the_hub(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a runner keeps outputs, the run names its hub there."""
    output = root / ".harness/output.txt"
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    output.parent.mkdir(exist_ok=True)

    _run()

    lines = output.read_text("utf-8").splitlines()
    assert re.fullmatch(r"hub=hubs/tiny/\d{8}T\d{6}Z-[0-9a-f]{6}", lines[0])
    assert lines[1].startswith("hubs<<")
    assert lines[2] == lines[0].removeprefix("hub=")


@pytest.mark.parametrize(
    "words",
    [
        ["waive", "suites.tiny.guards.flor.min", "--reason", "x", "--base", "base"],
        ["waive", "x", "--reason", " ", "--was", "1", "--now", "2"],
        ["waive", "x", "--reason", "y", "--was", "1"],
        ["waive", "x", "--reason", "y", "--was", "1", "--now", "2", "--until", "2001-01-01"],
        ["gate", "--base", "base", "--hubs", ".harness/named.txt", "--output", "pdf=x"],
        ["gate", "--base", "nowhere", "--hubs", ".harness/named.txt"],
        ["verify", "--all", "--base", "base"],
    ],
)
def test_mistakes_are_one_line(
    words: list[str], root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be used is one line and leaves no waiver behind."""
    _run()
    capsys.readouterr()

    assert main.main(words) in (2, 5)

    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (root / waivers.FOLDER).exists()


def test_verify_says_what_the_gate_would(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rows of an existing hub are followed by those of the rules."""
    _run()
    hub = (root / ".harness/named.txt").read_text("utf-8").strip()
    capsys.readouterr()

    alone = main.main(["verify", "--hub", hub])
    by_base = main.main(["verify", "--hub", hub, "--base", "base"])

    assert (alone, by_base) == (0, 1)
    assert "suites.tiny.guards.floor.min: 1.0 → -5.0" in capsys.readouterr().out
