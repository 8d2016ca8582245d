"""What a hub may say: no layout of the machine, no secret, no terminal control."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from harness.evidence.hub import redact

ROOT = Path("/srv/lab/project")
ENVIRONMENT = {"HOME": "/home/tess", "API_TOKEN": "hunter2-hunter2", "PATH": "/bin"}


@pytest.fixture
def redactor() -> redact.Redactor:
    return redact.for_run(ROOT, ENVIRONMENT, {"train": Path("/data/scans/fly.npz")})


PLACES = [
    (b"/srv/lab/project/a/b.py", b"<root>/a/b.py"),
    (b"/srv/lab/projects/a", b"/srv/lab/projects/a"),
    (b"'/home/tess'", b"'<home>'"),
    (b"/tmp/x-1", b"<tmp>/x-1"),
    (b"--data=/data/scans/fly.npz", b"--data=<dataset:train>"),
    (b"/data/scans/other.npz", b"<data:train>/other.npz"),
    (b"key hunter2-hunter2.", b"key <secret>."),
    (b"ghp_" + b"a" * 36, b"<secret>"),
    (b"https://tess:pass@host/x", b"https://<secret>@host/x"),
]


@pytest.mark.parametrize(("before", "after"), PLACES)
def test_places_and_secrets_are_replaced(
    redactor: redact.Redactor, before: bytes, after: bytes
) -> None:
    """Whole paths become markers, secrets vanish, and names that only look alike stay."""
    assert redactor.clean(before) == after


def test_text_artifacts_stay_well_formed(redactor: redact.Redactor) -> None:
    """JSON stays JSON and XML stays XML when their paths are replaced."""
    path = f"{ROOT}/x.npz"

    as_json = redactor.file(Path("a.json"), json.dumps({"p": path}).encode())
    as_xml = redactor.file(Path("a.xml"), f'<t file="{path}">{path}</t>'.encode())

    assert json.loads(as_json) == {"p": "<root>/x.npz"}
    assert ET.fromstring(as_xml).get("file") == "<root>/x.npz"  # noqa: S314 - our own


def test_binary_artifacts_are_untouched(redactor: redact.Redactor) -> None:
    """Arrays and pictures keep their bytes, whatever these look like."""
    content = b"\x93NUMPY\0" + str(ROOT).encode()

    assert redactor.file(Path("a.npz"), content) == content
    assert redactor.file(Path("a.json"), content) == content


CONTROL = [
    ("\x1b[31mred\x1b[0m", "red"),
    ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
    ("\x1b[2J", "\\x1b[2J"),
    ("50 %\r100 %\r\n", "50 %\n100 %\n"),
    ("a\u202eb", "a\\u202eb"),
    ("tab\tkept", "tab\tkept"),
    ("naïve µm", "naïve µm"),
]


@pytest.mark.parametrize(("before", "after"), CONTROL)
def test_terminal_control_is_visible(before: str, after: str) -> None:
    """Colours go, other sequences are written out, and words are left alone."""
    assert redact.visible(before) == after


@pytest.mark.parametrize("line", ["::error::x", "  ::set-output name=a::b", "##[group]x"])
def test_ci_commands_are_defused(line: str) -> None:
    """No line of a log is a command to a CI system when it is shown."""
    assert not redact.safe_to_print(line).lstrip().startswith(("::", "##["))


@pytest.mark.parametrize(
    ("line", "defused"),
    [
        ("done x::error file=a::b", "done x: :error file=a::b"),
        ("a ::warning::b ::error::c", "a : :warning::b : :error::c"),
        ("std::error was thrown", "std::error was thrown"),
        ("std::error\nx::y", "std::error\nx::y"),
        ("a ##vso[task.complete]", "a # #vso[task.complete]"),
    ],
)
def test_ci_commands_inside_a_line_are_defused(line: str, defused: str) -> None:
    """Where a command is whole, also behind a word; a name of C++ is none."""
    assert redact.defuse(line) == defused


def test_time_to_defuse_is_linear() -> None:
    """A long line of beginnings is passed in a moment."""
    began = time.process_time()

    redact.defuse("::echo " * 100_000)

    assert time.process_time() - began < 2


def test_bytes_that_are_no_text_are_escaped(redactor: redact.Redactor) -> None:
    """A log is text, whatever a stage wrote."""
    made = redactor.log(bytes(range(256)))

    assert made.decode().isprintable() or set(made.decode()) <= set(
        map(chr, [9, 10, *range(32, 127)])
    )
