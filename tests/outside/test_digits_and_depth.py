"""Numbers of thousands of digits, depth and half characters in any text that is read."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import files, records
from harness.cli.main import main
from harness.config import config_file, toml_edit, toml_text
from harness.config.project import ReportSpec
from harness.errors import ConfigError, HarnessError, IntegrityError
from harness.evidence.hub import blockers
from harness.evidence.hub import store as hub_store
from harness.judgement import waivers
from harness.judgement.gate import policy, session_rules
from harness.judgement.golden import store as goldens
from harness.judgement.guards import numbers, remedies
from harness.judgement.guards.readers import json_lines, yaml_text
from harness.judgement.guards.readers.base import FormatError
from harness.records import DatasetRecord
from harness.reporting import rings
from tests.builders import sealed
from tests.builders.sealed import Store

DIGITS = "9" * 5_000  # more than Python reads
HUGE = "9" * 400  # read, and beyond floats
TOML = {
    "digits": f"x = {DIGITS}",
    "digits in an array": f"x = [1, [-{DIGITS}]]",
    "depth": "x = " + "[" * 20_000,
    "bytes": b'x = "\xff"',
    "half a character": 'x = "\\ud800"',
    "offset of days": "x = 1979-05-27T07:32:00-99:00",
}


@pytest.mark.parametrize("name", TOML)
def test_toml_is_read_or_refused(tmp_path: Path, name: str) -> None:
    """Every reader of TOML ends in one way for what Python's parser ends in several."""
    text = TOML[name]
    content = text if isinstance(text, bytes) else text.encode()
    written = tmp_path / "policy.toml"
    written.write_bytes(content)

    with pytest.raises(ValueError, match=r"."):
        toml_text.parse(content)
    with pytest.raises(ConfigError):
        config_file.read_content(tmp_path, content, lambda _: None)
    with pytest.raises(ConfigError):
        waivers.read(content, "one.toml")
    with pytest.raises(ConfigError):
        policy.read(written, tmp_path / "project")
    if isinstance(text, str):
        assert session_rules._read_table("pyproject.toml", text) == {"": text}


def test_toml_is_parsed_in_one_place() -> None:
    """Whoever reads TOML by another way meets exceptions that this one knows."""
    root = Path(files.__file__).parent
    importing = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import) and any(a.name == "tomllib" for a in node.names)
    }

    assert importing == {"config/toml_text.py"}


@pytest.mark.parametrize("command", ["status", "gate", "report", "doctor", "find", "verify"])
def test_declaration_of_many_digits_is_one_line(
    store: Store, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Exit code 2 and a line, whatever command comes upon it."""
    with (store.root / "harness.toml").open("a") as stream:
        stream.write(f"\n[suites.tiny.parameters]\nx = {DIGITS}\n")
    words = {"gate": ("--base", "HEAD"), "find": ("0" * 64,), "verify": ("latest",)}

    code = main(["-C", str(store.root), command, *words.get(command, ())])
    said = capsys.readouterr()

    assert code == 2
    assert "harness.toml" in said.err + said.out
    assert len(said.err.splitlines()) <= 1


def test_rename_passes_by_what_is_no_toml() -> None:
    """A replacement that no TOML can hold is none."""
    with pytest.raises(ValueError, match="digits"):
        toml_edit.replace_strings(f'x = {DIGITS}\ny = "a"', "a", "b", lambda _: True)


def _json(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


READERS: dict[str, Callable[[Path, str], Any]] = {
    "record of a hub": lambda p, t: hub_store.read_json(
        _json(p / "hub.json", t).parent, "hub.json"
    ),
    "golden": lambda p, t: goldens.load(_json(p / "tiny/a.json", t).parent),
    "JSON lines": lambda _, t: json_lines.read(t.encode()),
    "blocker": lambda _, t: blockers.split_note(f"---\nid: {t}\n---\n", Path("B-1.md")),
}


@pytest.mark.parametrize("text", [DIGITS, "[" * 100_000, '{"a": -' + DIGITS + "}"])
@pytest.mark.parametrize("reader", READERS)
def test_other_texts_are_read_or_refused(tmp_path: Path, reader: str, text: str) -> None:
    """Nothing but the errors that their readers know leaves them."""
    with pytest.raises((HarnessError, FormatError)):
        READERS[reader](tmp_path, text)


def test_yaml_of_many_digits_is_infinite() -> None:
    """A number of more digits than Python reads is beyond every float."""
    pytest.importorskip("yaml")

    assert yaml_text.read(f"a: {DIGITS}".encode()) == {"a": float("inf")}
    with pytest.raises(FormatError):
        yaml_text.read(b"[" * 100_000)


def test_integers_beyond_floats_are_infinite() -> None:
    """They are compared, drawn and told as what they are: more than any number."""
    huge = json.loads(HUGE)

    assert dict(numbers._walk({"a": huge, "b": [-huge]}, "")) == {
        ".a": float("inf"),
        ".b[0]": float("-inf"),
    }
    assert remedies._write(huge) == "inf"
    read = {
        "rings": {"freq": [0.1, 0.2], "curve": [1, huge], "n": [1, huge], "f_halfbit": huge}
    }
    assert rings.chart(json.dumps(read).encode(), ReportSpec(rings="rings")) is not None


ALONE = ("\ud800", "a\udfff", "\ud83d x")


@pytest.mark.parametrize("text", ALONE)
def test_half_a_character_is_refused_where_it_is_decoded(text: str) -> None:
    """No record holds what no file can: in a value, in a list, as a name."""
    whole = {"role": "a", "name": "b", "sha256": "c", "size": 1, "generated": False}

    for bent in ({"name": text}, {"sha256": text}, {"undeclared": [text]}, {"role": text}):
        with pytest.raises(IntegrityError) as caught:
            records.decode(DatasetRecord, {**whole, **bent}, "x")
        assert str(caught.value).isprintable()
    with pytest.raises(IntegrityError):
        records._decode(dict[str, str], {text: "a"}, "x")
    assert files.path_fault(text) is not None


def test_byte_of_a_name_stays() -> None:
    """A name that is no UTF-8 is kept as Python keeps it, and is refused in a hub."""
    assert records._decode(dict[str, str], {"\udcff": "a"}, "x") == {"\udcff": "a"}
    assert "bad byte" in str(files.path_fault("\udcff"))


@pytest.mark.parametrize("key", ["reason", "started", "suite"])
@pytest.mark.parametrize(
    "words",
    [
        ("diff",),
        ("report", "--format", "github"),
        ("report", "--format", "junit"),
        ("status",),
        ("verify",),
    ],
)
def test_hub_that_says_half_a_character_is_damaged(
    store: Store, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], key: str
) -> None:
    """Sealed anew or not: one line, and no command writes what it cannot encode."""
    record = json.loads((store.hub / "hub.json").read_bytes())
    record[key] = "\ud800"
    sealed.write(store.hub / "hub.json", json.dumps(record).encode())
    name = store.hub.name
    named = {"diff": (name, name), "status": ("--check",), "verify": ("latest",)}

    code = main(["-C", str(store.root), *words, *named.get(words[0], ("--hub", name))])

    assert code == 4, capsys.readouterr()
