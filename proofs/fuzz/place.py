"""A small repository with everything a reading command may open, for mutations to bend.

Three runs (the newest red), a golden, a blocker, a checkpoint, a published hub, a drill and
a a store elsewhere: what is not there cannot be read wrongly.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.cli.main import main
from harness.evidence.hub.store import read_record
from harness.evidence.ledger.log import Ledger
from harness.judgement.golden import store as goldens
from tests.builders import hubs, sealed
from tests.builders.goldens import golden_set

PROJECT = "project"
CANARY = "canary"
OUTSIDE = "secret.json"
_GUARDS = """
[[suites.tiny.guards]]
id = "variance-as-ever"
kind = "golden"
metric = "stats:variance"
missing = "note"
remedy = "Look at the rows."

[[suites.tiny.guards]]
id = "falls"
kind = "ratio"
numerator = "rows:[-1].value"
denominator = "rows:[0].value"
max = 9.0
remedy = "Look at the rows."

[[suites.tiny.guards]]
id = "three-rows"
kind = "count"
records = "rows:[*]"
equals = 3
unique_by = ["step"]
remedy = "Look at the rows."

[[suites.tiny.guards]]
id = "says-measured"
kind = "log"
stage = "measure"
must = ["measured [0-9]+ rows"]
must_not = ["NaN"]
remedy = "Look at the log."

[[suites.tiny.guards]]
id = "picture-shows"
kind = "image"
artifact = "picture"
remedy = "Look at the picture."

[[suites.tiny.quarantine]]
guard = "falls"
owner = "Ada"
reason = "A rare jump."
expires = {expires}

[suites.tiny.matrix.seeds]
seed = ["1", "2"]
"""
_PICTURE = """
import struct, zlib
def part(name, body):
    end = struct.pack(">I", zlib.crc32(name + body))
    return struct.pack(">I", len(body)) + name + body + end
pixels = b"".join(b"\\0" + bytes((x * 7 + y * 13) % 256 for x in range(24)) for y in range(16))
open(out + "/picture.png", "wb").write(
    b"\\x89PNG\\r\\n\\x1a\\n" + part(b"IHDR", struct.pack(">IIBBBBB", 24, 16, 8, 0, 0, 0, 0))
    + part(b"IDAT", zlib.compress(pixels)) + part(b"IEND", b""))
"""
_DRILL = """\
Suite: tiny
Guard: variance-floor
Defect: The variance is lost.

diff --git a/source.py b/source.py
--- a/source.py
+++ b/source.py
@@ -1,4 +1,4 @@
 import os, sys
 out = sys.argv[1]
 os.makedirs(out)
-open(out + "/stats.json", "w").write('{"variance": 0.75, "count": 3}')
+open(out + "/stats.json", "w").write('{"variance": 0.05, "count": 3}')
"""


@dataclass(frozen=True, slots=True)
class Place:
    """The folder around a repository, with the names that commands are given."""

    folder: Path
    green: str
    red: str
    blocker: str

    @property
    def root(self) -> Path:
        """The repository."""
        return self.folder / PROJECT

    @property
    def hub(self) -> Path:
        """The folder of the green hub."""
        return self.root / "hubs/tiny" / self.green


def make(folder: Path) -> Place:
    """Make the repository by real runs."""
    root = folder / PROJECT
    root.mkdir(parents=True)
    picture = '  { id = "picture", path = "measured/picture.png" },\n]'
    text = sealed.DECLARATION.replace("\n]", "\n" + picture, 1)
    text = text.replace('inputs = ["source.py"]', 'inputs = ["source.py", "part/*.py"]')
    text = text.replace(
        "[[suites.tiny.stages]]", 'parameters = { seed = "1" }\n\n[[suites.tiny.stages]]', 1
    )
    (root / "harness.toml").write_text(text + _GUARDS.replace("{expires}", _in_two_months()))
    (root / "source.py").write_text(sealed.SOURCE + _PICTURE)
    (root / "part").mkdir()
    (root / "part/one.py").write_text("A = 1\n")
    (root / "drills").mkdir()
    (root / "drills/variance-lost.patch").write_text(_DRILL)
    (root / ".gitattributes").write_text("hubs/** -text\n")
    hubs.commit(root, "base")
    _call(root, "run", "tiny")
    record = read_record(next(root.glob("hubs/tiny/2*")))
    goldens.save(root / "golden/tiny", golden_set(record, "stats:variance", mean=0.75, sd=0.02))
    hubs.commit(root, "golden")
    green = _call(root, "run", "tiny")
    _call(root, "publish", green)
    hubs.commit(root, "published")
    (root / "source.py").write_text((root / "source.py").read_text().replace("0.75", "0.05"))
    hubs.commit(root, "broken")
    red = _call(root, "run", "tiny")
    _call(root, "ledger", "checkpoint")
    _call(root, "store", "push", green, (root / "bucket").as_uri())
    shutil.rmtree(root / ".git/hooks")  # samples: thousands of copies of nothing
    shutil.rmtree(root / ".harness/work", ignore_errors=True)
    (folder / OUTSIDE).write_text('{"secret": "outside the root"}')
    listed = json.loads(_said(root, "blockers", "list", "--json"))
    return Place(folder, green, red, _first_id(listed))


def _in_two_months() -> str:
    return str(dt.datetime.now(dt.UTC).date() + dt.timedelta(days=60))


def _call(root: Path, *words: str) -> str:
    """Call the harness and return the run id of the newest seal."""
    _said(root, *words)
    seals = [e for e in Ledger(root / ".harness/ledger.jsonl").walk() if e.kind == "seal"]
    return seals[-1].subject.rpartition("/")[2]


def _said(root: Path, *words: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main(["-C", str(root), *words])
    assert code in {0, 1, 3}, out.getvalue()
    return out.getvalue()


def _first_id(listed: object) -> str:
    rows = listed if isinstance(listed, list) else next(iter(dict(listed).values()))  # type: ignore[call-overload]
    return str(rows[0]["id"])
