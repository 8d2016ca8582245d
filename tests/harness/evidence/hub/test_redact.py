"""What a hub may say: no layout of the machine, no secret, no terminal control."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from harness.evidence.hub import printable, redact

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
    (b"/var/tmp/x-1", b"<tmp>/x-1"),
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
    assert printable.visible(before) == after


@pytest.mark.parametrize("line", ["::error::x", "  ::set-output name=a::b", "##[group]x"])
def test_ci_commands_are_defused(line: str) -> None:
    """No line of a log is a command to a CI system when it is shown."""
    assert not printable.safe_to_print(line).lstrip().startswith(("::", "##["))


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
    assert printable.defuse(line) == defused


def test_time_to_defuse_is_linear() -> None:
    """A long line of beginnings is passed in a moment."""
    began = time.process_time()

    printable.defuse("::echo " * 100_000)

    assert time.process_time() - began < 2


def test_bytes_that_are_no_text_are_escaped(redactor: redact.Redactor) -> None:
    """A log is text, whatever a stage wrote."""
    made = redactor.log(bytes(range(256)))

    assert made.decode().isprintable() or set(made.decode()) <= set(
        map(chr, [9, 10, *range(32, 127)])
    )


SECRET_NAMES = [
    *("TOKEN", "GITHUB_TOKEN", "github_token", "npm_config_token", "Hf_Token"),
    *("SECRET", "client_secret", "PASSWORD", "db_password", "PGPASSWORD", "passwd"),
    *("API_KEY", "apikey", "ApiKey", "AWS_ACCESS_KEY_ID", "accesskey"),
    *("PRIVATE_KEY", "ssh_private", "CREDENTIALS", "credential_file"),
    *("AUTH", "auth", "PROXY_AUTH", "auth_header", "x_auth_y"),
]
PLAIN_NAMES = ["PATH", "AUTHOR", "author_name", "KEYMAP", "MONKEY", "LANG", "oauthor", "Pwd"]
VALUE = b"k7-Zq.93-xy"


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_value_of_a_secret_name_is_redacted(name: str) -> None:
    """In capitals, in small letters and mixed: proxies and npm write theirs small."""
    redactor = redact.for_run(ROOT, {name: VALUE.decode()}, {})
    assert redactor.clean(b"got " + VALUE + b"!") == b"got <secret>!"


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_value_of_another_name_stays(name: str) -> None:
    """A name that only looks alike hides nothing of a log."""
    redactor = redact.for_run(ROOT, {name: VALUE.decode()}, {})
    assert redactor.clean(b"got " + VALUE) == b"got " + VALUE


VALUES = [
    ("a1b2c", False),  # too short to be told from other text
    ("a1b2c3", True),
    ("123456", False),
    ("-1.5e+10", False),
    ("true", False),
    ("disabled", False),
    ("Disabled", False),
    ("TRUE", False),
    ("disabled1", True),
    ("abcdefghijklmno", False),  # a word
    ("abcdefghijklmnop", True),  # too long for one
    ("1234567890123456", True),
    ("with space", True),
]


@pytest.mark.parametrize(("value", "is_secret"), VALUES)
def test_what_counts_as_a_secret_value(value: str, *, is_secret: bool) -> None:
    """Numbers, switches and short words of a TOKEN_LIMIT stay; whatever else does not."""
    redactor = redact.for_run(ROOT, {"TOKEN_LIMIT": value}, {})
    cleaned = redactor.clean(f"[{value}]".encode())
    assert cleaned == (b"[<secret>]" if is_secret else f"[{value}]".encode())


FORMS = [
    *(f"gh{kind}_{'a1' * 10}" for kind in "pousr"),
    f"github_pat_{'a_1' * 7}",
    f"glpat-{'a1' * 8}",
    f"AKIA{'A1' * 8}",
    *(f"xox{kind}-{'a1' * 5}" for kind in "abprs"),
    "-----BEGIN PRIVATE KEY-----\nabc\ndef\n-----END PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("form", FORMS)
def test_known_forms_of_secrets_are_redacted(form: str) -> None:
    """Whatever the environment says; the text around them stays."""
    cleaned = redact.for_run(ROOT, {}, {}).clean(f"({form})".encode())
    assert cleaned == b"(<secret>)"


NESTED = [
    ({"HOME": "/srv"}, "/srv/lab/project/a", "<root>/a"),
    ({"HOME": "/srv/lab/project/home"}, "/srv/lab/project/home/a", "<home>/a"),
    ({"HOME": "/home/tess"}, "/home/tessa/b", "/home/tessa/b"),
    ({"HOME": "/"}, "/opt/x", "/opt/x"),
    ({"MY_TOKEN": "/srv/lab"}, "/srv/lab/project/a", "<root>/a"),
]


@pytest.mark.parametrize(("environment", "before", "after"), NESTED)
def test_the_longest_place_is_named(
    environment: dict[str, str], before: str, after: str
) -> None:
    """One place inside another is the inner one; the root of all is none."""
    assert redact.for_run(ROOT, environment, {}).text(before) == after


def test_secret_with_escapes_is_redacted_in_json_too() -> None:
    """In a JSON string a secret has other letters."""
    value = 'a"b\\c-é-1'
    redactor = redact.for_run(ROOT, {"TOKEN": value}, {})
    for is_ascii in (True, False):
        content = json.dumps({"x": f"y {value}"}, ensure_ascii=is_ascii).encode()
        assert json.loads(redactor.file(Path("a.json"), content)) == {"x": "y <secret>"}


@pytest.mark.parametrize(
    "name",
    [*("a.jsonl", "a.csv", "a.txt", "a.log", "a.md", "a.toml", "a.yaml", "a.yml"), "A.JSON"],
)
def test_text_artifacts_of_each_kind_are_redacted(redactor: redact.Redactor, name: str) -> None:
    """Whatever people read as text says nothing of the machine."""
    content = f'"{ROOT}/a"'.encode()
    assert redactor.file(Path(name), content) == b'"<root>/a"'


def test_redaction_knows_the_longest_text_that_it_looks_for() -> None:
    """By this much a stream holds output back."""
    secret = "k-" * 200
    assert redact.for_run(ROOT, {"TOKEN": secret}, {}).longest > len(secret)


def test_places_are_known_through_links_too(tmp_path: Path) -> None:
    """A program may say where a link leads, and its user where the link lies."""
    real, link = tmp_path.resolve() / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    redactor = redact.for_run(link, {"HOME": "/home/tess"}, {})
    assert redactor.text(f"{link}/a {real}/b") == "<root>/a <root>/b"


COMMANDS = [
    *("error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "add-matcher"),
    *("remove-matcher", "set-output", "save-state", "set-env", "add-path", "stop-commands"),
    *("echo", "ERROR", "Stop-Commands"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_a_ci_system_is_defused(command: str) -> None:
    """At the start of a line and inside one, in whatever letters."""
    assert printable.defuse(f"::{command}::x") == f": :{command}::x"
    assert printable.defuse(f"a ::{command} b::x") == f"a : :{command} b::x"


@pytest.mark.parametrize("mark", ["[group]", "vso[task]", "VSO[task]", "teamcity[x]"])
def test_marks_of_other_ci_systems_are_defused(mark: str) -> None:
    """Anywhere in a line."""
    assert printable.defuse(f"a ##{mark}") == f"a # #{mark}"
