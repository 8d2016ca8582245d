"""A metric under another name, in one command: guards, goldens, ledger; nothing else."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from harness import files
from harness.cli.main import group
from harness.config import toml_edit
from harness.config.project import Project
from harness.errors import ConfigError
from harness.evidence.ledger.log import Ledger
from harness.experiments.calibration import rename as renaming
from harness.judgement import verify
from harness.judgement.declaration import load_project
from harness.judgement.golden import store
from tests.builders import goldens, hubs

OLD, NEW = "out:value", "out:worth"
TEXT = """\
# The head stays.
schema = 1
name = "tiny"

[suites.tiny]
description = "It judges out:value."   # out:value here is prose
inputs = ["source/*.py"]
parameters = { value = "3" }

[[suites.tiny.stages]]
id = "make"
kind = "command"
argv = ["{python}", "-I", "-c", "CODE", "{work}/out.json", "{value}"]
artifacts = [{ id = "out", path = "out.json" }]

[[suites.tiny.guards]]
id = "steady"
kind = "golden"
metric = "out:value"   # the one that matters: out:value
missing = "note"
remedy = "out:value"

[[suites."tiny".guards]]
id = 'smallest'
kind = "golden"
aggregate = "min"
missing = "note"
metric = 'out:value'
remedy = "Look."

[suites.child]
extends = "tiny"
[[suites.child.guards]] # a table of its own
id = "b"
remedy = "r"
kind = "ratio"
numerator = "out:value"
min = 0.5
denominator = "out:value"

[suites.borrower]
extends = "child"
goldens_of = "tiny"

[suites.inline]
extends = "tiny"
guards = [ # as TOML also writes it
  { id = "c", kind = "bound", min = 1, metric = "out:value", remedy = "r" },
]
[suites.inline.bounds]
d = { metric = "out:value", max = 9 } # out:value
"""


def declare(root: Path, text: str = TEXT) -> Project:
    """Write a project with comments, prose and every way to write a table."""
    (root / "source").mkdir(parents=True, exist_ok=True)
    (root / "source/model.py").write_text("GAIN = 1\n")
    (root / "harness.toml").write_text(text.replace("CODE", hubs.WRITE), "utf-8")
    return load_project(root)


def judged(root: Path, *metrics: str) -> Project:
    """Run the suite and give it goldens of two metrics, logged as an update logs them."""
    project = declare(root)
    record = hubs.run(project).record
    made = [goldens.golden_set(record, metric, mean=3.0).values[0] for metric in metrics]
    golden = store.GoldenSet(values=tuple(made))
    store.save(project.golden / "tiny", golden)
    body = {"golden_sha256": golden.digest, "reason": "made for a test"}
    Ledger(project.hubs / "ledger.jsonl").append(store.LOGGED, "tiny", body)
    return project


def read(root: Path) -> str:
    return (root / "harness.toml").read_text("utf-8")


def test_one_command_renames_everywhere(tmp_path: Path) -> None:
    """Guards, goldens and ledger have the new name; a run is judged by the same numbers."""
    project = judged(tmp_path, OLD, f"min({OLD})", f"|{OLD}|", "out:value.other")
    before = read(tmp_path)

    done = CliRunner().invoke(
        group, ["golden", "rename", OLD, NEW, "-C", str(tmp_path)], env={"CI": ""}
    )

    assert done.exit_code == 0, done.output
    lines = difflib.ndiff(before.splitlines(), read(tmp_path).splitlines())
    changed = [line[2:] for line in lines if line.startswith(("+ ", "- "))]
    assert changed == [
        'metric = "out:value"   # the one that matters: out:value',
        'metric = "out:worth"   # the one that matters: out:value',
        "metric = 'out:value'",
        "metric = 'out:worth'",
        'numerator = "out:value"',
        'numerator = "out:worth"',
        'denominator = "out:value"',
        'denominator = "out:worth"',
        '  { id = "c", kind = "bound", min = 1, metric = "out:value", remedy = "r" },',
        '  { id = "c", kind = "bound", min = 1, metric = "out:worth", remedy = "r" },',
        'd = { metric = "out:value", max = 9 } # out:value',
        'd = { metric = "out:worth", max = 9 } # out:value',
    ]
    golden = store.load(project.golden / "tiny")
    assert {value.metric for value in golden.values} == {
        NEW,
        f"min({NEW})",
        f"|{NEW}|",
        "out:value.other",
    }
    entry = Ledger(project.hubs / "ledger.jsonl").entries()[-1]
    assert (entry.kind, entry.subject) == (store.LOGGED, "tiny")
    assert entry.body["golden_sha256"] == golden.digest
    assert entry.body["renamed"] == [OLD, NEW]
    assert NEW in entry.body["reason"]


def test_goldens_verify_after_a_renaming(tmp_path: Path) -> None:
    """A run under the new name is judged by the goldens, and the ledger knows them."""
    project = judged(tmp_path, OLD, f"min({OLD})")
    renaming.rename(project, (OLD, NEW), None, "the field is called worth", {})
    text = read(tmp_path).replace("'value': float", "'worth': float")
    (tmp_path / "harness.toml").write_text(text)
    after = load_project(tmp_path)

    outcome = hubs.run(after)

    assert outcome.exit_code == 0
    assert {r.metric for r in outcome.record.guards if r.kind == "golden"} == {
        NEW,
        f"min({NEW})",
    }
    assert verify.verify(after, outcome.hub).exit_code == 0


@pytest.mark.parametrize(
    ("names", "suite", "environ", "word"),
    [
        ((OLD, NEW), None, {"CI": "1"}, "CI is set"),
        (("out:valu", NEW), None, {}, "Did you mean 'out:value'"),
        (("out", NEW), None, {}, "cannot be read"),
        ((OLD, "min(out"), None, {}, "cannot be read"),
        ((OLD, OLD), None, {}, "twice"),
        ((OLD, NEW), "tyni", {}, "tiny"),
        ((OLD, "min(out:worth)"), None, {}, "without aggregate"),
        ((OLD, NEW), "borrower", {}, "Leave --suite out"),
        ((OLD, "out:other"), None, {}, "already"),
    ],
)
def test_what_cannot_stand_is_refused_and_changes_nothing(
    tmp_path: Path,
    names: tuple[str, str],
    suite: str | None,
    environ: dict[str, str],
    word: str,
) -> None:
    """Nothing is written before all is known to fit."""
    project = judged(tmp_path, OLD, "out:other")
    before = snapshot(tmp_path)

    with pytest.raises(ConfigError) as caught:
        renaming.rename(project, names, suite, "", environ)

    assert word in str(caught.value)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("write", ["append", "save", "write_text"])
def test_a_crash_is_mended_by_the_same_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    """Wherever it ends, calling again gives what an undisturbed call gives."""
    project = judged(tmp_path, OLD)
    owner: Any = {"append": Ledger, "save": store, "write_text": files}[write]

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(owner, write, crash)
        with pytest.raises(KeyboardInterrupt):
            renaming.rename(project, (OLD, NEW), None, "", {})
    renaming.rename(load_project(tmp_path), (OLD, NEW), None, "", {})

    golden = store.load(project.golden / "tiny")
    assert [value.metric for value in golden.values] == [NEW]
    assert Ledger(project.hubs / "ledger.jsonl").entries()[-1].body["golden_sha256"] == (
        golden.digest
    )
    assert 'metric = "out:worth"' in read(tmp_path)


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_one_suite_is_renamed_alone(tmp_path: Path) -> None:
    """With --suite the guards of that suite change, and those that inherit from it."""
    project = judged(tmp_path, OLD)

    made = renaming.rename(project, (OLD, NEW), "inline", "", {})

    assert made.guards == ("inline: c.metric", "inline: d.metric")
    assert made.values == {}
    assert read(tmp_path).count(NEW) == 2
    assert len(Ledger(project.hubs / "ledger.jsonl").entries()) == 1


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@example('"', "0", '"""{}"""')
@given(WORDS, WORDS, st.sampled_from(['"{}"', "'{}'", '"""{}"""', "'''{}'''"]))
def test_only_the_wanted_string_changes(old: str, new: str, quotes: str) -> None:
    """Whatever the strings hold, the file that is read differs in that value alone."""
    token = quotes.format(old)
    text = f"# {old}\na = {token} # {old}\n[t]\nb = [{token}, {token}]\n"
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    value = before["a"]

    changed, places = toml_edit.replace_strings(
        text, value, new, lambda place: place == ("t", "b", 1)
    )

    before["t"]["b"][1] = new
    assert tomllib.loads(changed) == before
    assert places == ((("t", "b", 1),) if value != new else ())
