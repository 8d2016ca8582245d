"""What is stored of a run is whole, and nothing that a stage leaves behind changes it."""

from __future__ import annotations

import json
import os
import signal
import socket
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.hub import redact
from harness.judgement.verify import verify
from harness.runner import run_stage
from harness.runner.stages.log_stream import LogStream
from harness.verdict import Verdict
from tests.builders import hubs

VALUES = {
    "number": ("TOKEN_LIMIT", "131072"),
    "number with a point": ("AUTH_TIMEOUT", "1234.5678"),
    "switch": ("USE_API_KEY", "false"),
    "word": ("SECRET_BACKEND", "testsuite"),
    "short word": ("PASSWORD_STORE", "failure"),
}
TEXTS = {
    "out.json": b'{"n": 131072, "x": 1234.5678, "testsuite": false, "failure": "no"}',
    "out.jsonl": b'{"n": 131072}\n{"n": 1234.5678, "failure": false}\n',
    "out.csv": b"failure,testsuite\n131072,1234.5678\n",
    "out.xml": b'<testsuite n="131072"><failure>1234.5678</failure></testsuite>',
}


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", TEXTS)
def test_common_words_and_numbers_are_no_secrets(tmp_path: Path, name: str, value: str) -> None:
    """What stands behind TOKEN_LIMIT is not cut out of tables and structures."""
    variable, content = VALUES[value]
    made = redact.for_run(tmp_path, {variable: content, "HOME": "/home/tess"}, {})

    assert made.file(Path(name), TEXTS[name]) == TEXTS[name]


SECRETS = ["hunter2-hunter2", 'quo"te\\back-1', "x</y>&z-12", "naïve-µ-1234", "line\nend-1234"]


@pytest.mark.parametrize("secret", SECRETS)
def test_structures_stay_what_they_are(tmp_path: Path, secret: str) -> None:
    """JSON and XML can be read after a secret was taken out, and hold it no more."""
    made = redact.for_run(tmp_path, {"MY_TOKEN": secret, "HOME": "/home/tess"}, {})
    element = ET.Element("a", {"b": secret})
    element.text = f"it is {secret}"
    values = {"a": [secret, 1], "b": f"x {secret} y"}

    plain = made.file(Path("a.json"), json.dumps(values).encode())
    wide = made.file(Path("a.json"), json.dumps(values, ensure_ascii=False).encode())
    xml = made.xml(ET.tostring(element, "utf-8"))

    for text in (plain, wide):
        assert json.loads(text) == {"a": ["<secret>", 1], "b": "x <secret> y"}
    if secret == SECRETS[0]:
        assert ET.fromstring(xml).text == "it is <secret>"  # noqa: S314 - ours
    assert ET.fromstring(xml).tag == "a"  # noqa: S314 - ours


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1021, 65_533, 65_534, 65_535, 65_536, 65_537])
@pytest.mark.parametrize("character", ["é", "µm", "漢", "🙂"])
def test_log_of_one_long_line_is_text(tmp_path: Path, size: int, character: str) -> None:
    """No character is torn, wherever pieces of output end."""
    line = ("x" * (size % 7) + character * 200_000)[:200_000]
    raw = line.encode()
    redactor = redact.Redactor({"/srv/app": "root"}, ("a-secret-word",))
    stream = LogStream(
        tmp_path / "a.log", redactor.log, lambda _: None, overlap=redactor.longest
    )
    step = max(size, 1_021)
    for begin in range(0, len(raw), step):
        stream.feed(raw[begin : begin + step])
    stream.close()

    assert (tmp_path / "a.log").read_text("utf-8") == line


# ---------------------------------------------------------------- what stages leave behind

DAEMON = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.environ.clear()
os.execve(sys.executable, [sys.executable, '-S', '-E', '-c', '''
import os, time
for fd in range(3): os.close(fd)
open(%r, 'w').write(str(os.getpid()))
time.sleep(60)
'''], {})
"""


def test_daemon_with_a_clean_environment_is_ended(tmp_path: Path) -> None:
    """It leads its own session, has another parent and no mark, and is gone after its stage."""
    note = tmp_path / "pid"
    wait = f"import os, time\nwhile not os.path.exists({str(note)!r}): time.sleep(0.01)\n"
    daemon = DAEMON % str(note)
    start = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {daemon!r}])\n"
    made = hubs.project(tmp_path / "p", tiny=hubs.suite(hubs.command("make", start + wait)))

    record = hubs.run(made).record

    pid = int(note.read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)
    assert record.verdict is Verdict.GREEN


def fifo(hub: Path) -> None:
    os.mkfifo(hub / "red/pipe")


def unix_socket(hub: Path) -> None:
    made = socket.socket(socket.AF_UNIX)
    before = Path.cwd()
    os.chdir(hub)
    made.bind("sock")
    os.chdir(before)
    made.close()


def link(hub: Path) -> None:
    (hub / "analysis/link").symlink_to("/etc/passwd")


def odd_name(hub: Path) -> None:
    (hub / "analysis/a\\b").write_text("x")


def twin(hub: Path) -> None:
    (hub / "analysis/Metrics.JSON").write_text("x")
    (hub / "analysis/metrics.json").write_text("x")


@pytest.mark.parametrize("leave", [fifo, unix_socket, link, odd_name, twin])
@pytest.mark.parametrize("code", [0, 7])
def test_stray_in_the_hub_loses_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leave: Callable[[Path], None], code: int
) -> None:
    """What a stage leaves in the temporary hub is taken out and told, and the run is sealed."""
    made = hubs.project(
        tmp_path, tiny=hubs.suite(hubs.command("make", f"raise SystemExit({code})"))
    )
    settle = run_stage.settle

    def meddle(spec: Any, result: Any, context: Any, *rest: Any) -> Any:
        leave(context.hub)
        return settle(spec, result, context, *rest)

    monkeypatch.setattr(run_stage, "settle", meddle)
    outcome = hubs.run(made)

    assert outcome.record.verdict is (Verdict.RED if code else Verdict.INCONCLUSIVE)
    assert code or "taken out of it" in outcome.record.reason
    assert verify(made, outcome.hub).exit_code == (1 if code else 3)
