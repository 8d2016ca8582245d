"""Malicious hubs given to the real command; and what a hostile stage says, shown to people."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from harness.cli.main import main
from proofs.faults import processes
from proofs.faults.figures import Campaign, Scale
from proofs.faults.malice import CANARY, CASES
from tests.builders import sealed
from tests.builders.sealed import Store

_MEMORY_LIMIT = 300_000_000
_REFUSED = (2, 4)
_WIDTH = 240
SPOKEN = (
    "\x1b[2J\x1b]0;owned\x07",
    "::error file=x::owned",
    "##[error]owned",
    "##vso[task.complete]owned",
    "##teamcity[message text='owned']",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\u202eowned",
)
TALKER = """
import os, sys
out = sys.argv[1]
os.makedirs(out)
for line in {spoken!r}:
    print(line)
open(out + "/stats.json", "w").write('{{"variance": 0.75, "count": 3}}')
open(out + "/rows.csv", "w").write("step,value\\n" + {spoken!r}[7] + ",1\\n")
open(out + "/weights.bin", "wb").write(bytes(4096))
raise SystemExit({spoken!r}[0] + {spoken!r}[5])
"""


def _around(root: Path) -> dict[str, tuple[int, int]]:
    """Describe everything beside the project, so that a change is seen."""
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in root.parent.rglob("*")
        if not path.is_relative_to(root)
    }


def _is_plain(text: str) -> bool:
    return all(c.isprintable() or c == "\n" for c in text)


def _spoken_commands(text: str) -> list[str]:
    marks = ("::", "##[", "##vso[", "##teamcity[")
    return [line for line in text.splitlines() if line.lstrip().startswith(marks)]


def _judge(ended: processes.Ended, codes: Sequence[int]) -> str:
    """Say what an answer does that it may not."""
    rules = {
        f"ended with {ended.code} {ended.errors[:200]}": ended.code not in codes,
        f"{ended.peak_bytes >> 20} MiB": ended.peak_bytes > _MEMORY_LIMIT,
        "a traceback": "Traceback" in ended.output + ended.errors,
        f"errors: {ended.errors[:80]!r}": len(ended.errors.splitlines()) > 1,
        "control characters": not _is_plain(ended.output + ended.errors),
        "a CI command": bool(_spoken_commands(ended.output + ended.errors)),
    }
    return "; ".join(name for name, is_wrong in rules.items() if is_wrong)


def _verify(store: Store) -> processes.Ended:
    return processes.command("-C", str(store.root), "verify", "--hub", str(store.hub))


def hubs(folder: Path, scale: Scale) -> Campaign:
    """Verify each malicious hub in a process of its own."""
    names = sorted(CASES)
    chosen = names if scale.stride == 1 else names[:: max(1, scale.stride // 8)]
    campaign = Campaign(
        fault=f"{len(chosen)} malicious hubs: paths, names, links, FIFO, device, sparse"
        " terabyte, bombs, deep and huge JSON, pickled payloads",
        target="no code run, nothing outside the root touched, < 300 MB, exit 2 or 4, one line",
    )
    os.environ["COLUMNS"] = str(_WIDTH)
    pristine = sealed.make(folder / "pristine" / "project")
    peak, largest = _verify(pristine).peak_bytes, "none of them"
    for name in chosen:
        place = folder / "case"
        shutil.rmtree(place, ignore_errors=True)
        store = sealed.copy(pristine, place / "project")
        CASES[name](store)
        before = _around(store.root)
        ended = _verify(store)
        problem = _judge(ended, _REFUSED)
        if _around(store.root) != before or (place / CANARY).exists():
            problem = f"touched something outside; {problem}"
        campaign.require(not problem, f"{name}: {problem}")
        peak, largest = max((peak, largest), (ended.peak_bytes, name))
    campaign.notes.append(f"peak memory of the whole process {peak / 1e6:.0f} MB, {largest}")
    return campaign


def words(folder: Path, scale: Scale) -> Campaign:
    """Let a failing stage say hostile things, and look at every way of showing them."""
    del scale
    campaign = Campaign(
        fault="terminal escapes, CI commands, HTML and CSV formulas in logs, artifacts and"
        " reasons, shown by every command and report",
        target="shown neutralised: no control character, no CI command, no markup",
    )
    store = sealed.make(folder / "project")
    (store.root / "source.py").write_text(TALKER.format(spoken=SPOKEN))
    root = str(store.root)
    place = ["-C", root]
    calls: dict[str, tuple[list[str], tuple[int, ...]]] = {
        "run": (["run", "tiny"], (1,)),
        "verify": (["verify", "--hub", "latest"], (1,)),
        "status": (["status"], (0, 1, 3)),
        "blockers": (["blockers", "list"], (0, 1)),
        "ledger log": (["ledger", "log"], (0,)),
        "diff": (["diff", "latest~1", "latest"], (0, 1)),
        "report text": (["report", "--format", "text"], (0,)),
        "report md": (["report", "--format", "md"], (0,)),
        "report junit": (["report", "--format", "junit"], (0,)),
    }
    for name, (words_, codes) in calls.items():
        ended = processes.call(lambda w=words_: main([*place, *w]))  # type: ignore[misc]
        problem = _judge(ended, codes)
        if "<script" in ended.output and name.startswith("report j"):
            problem = f"markup; {problem}"
        campaign.require(not problem, f"{name}: {problem}")
    page = store.root / "page.html"
    ended = processes.call(lambda: main([*place, "report", "-o", str(page)]))
    text = page.read_text() if page.exists() else ""
    is_safe = bool(text) and "<script>alert" not in text and "<img src=x" not in text
    campaign.require(is_safe, f"report html: {ended.code} {ended.errors}")
    return campaign
