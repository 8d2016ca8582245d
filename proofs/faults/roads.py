"""Calls that fail and processes that die, anywhere on the road run → seal → verify."""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
import signal
import time
from pathlib import Path

from harness.cli.main import main
from harness.evidence.hub import layout, seal
from proofs.faults import processes
from proofs.faults.figures import Campaign, Scale, every
from proofs.faults.injector import ACTIONS, Injector

DECLARATION = """\
schema = 1
name = "road"

[suites.road]
description = "One stage that copies what a guard judges."
inputs = ["source.json"]

[[suites.road.stages]]
id = "measure"
kind = "command"
argv = ["cp", "{root}/source.json", "{work}/stats.json"]
timeout_s = 30
artifacts = [{ id = "stats", path = "stats.json" }]

[[suites.road.guards]]
id = "floor"
kind = "bound"
metric = "stats:variance"
min = 0.5
remedy = "Look at the source."
"""
CALLS = "open, write, fsync, rename, link, unlink, mkdir, chmod, truncate"


def make(root: Path) -> Path:
    """Make a project with one sealed hub, so that there is something to lose.

    The road is walked in this process, so that what it imports late is there in every fork.
    """
    root.mkdir(parents=True)
    (root / "harness.toml").write_text(DECLARATION)
    (root / "source.json").write_text('{"variance": 0.75}')
    with contextlib.redirect_stdout(io.StringIO()):
        code = _prove(root)
    assert code == 0, code
    return root


def walk(root: Path) -> int:
    """Run, seal and verify; return the worse exit code."""
    place = ["-C", str(root)]
    return max(main([*place, "run", "road", "-q"]), main([*place, "verify", "latest", "-q"]))


def _prove(root: Path) -> int:
    place = ["-C", str(root)]
    return max(main([*place, "run", "road", "-q"]), main([*place, "verify", "--all", "-q"]))


def left_behind(root: Path) -> list[str]:
    """Name what only a manual step would remove."""
    paths = [
        *root.glob("hubs/*/.tmp-*"),
        *root.glob("hubs/.*"),
        *root.glob("**/.*.part"),
        *root.glob(".harness/**/*.lock"),
    ]
    return [path.relative_to(root).as_posix() for path in paths]


def find_problem(root: Path, before: bytes) -> str:
    """Say what the next run and the proof of the whole store find wrong; nothing when whole."""
    proved = processes.call(lambda: _prove(root))
    ledger = (root / ".harness/ledger.jsonl").read_bytes()
    hubs = [p.name for p in (root / "hubs/road").iterdir() if layout.RUN_ID.fullmatch(p.name)]
    entries = [json.loads(line) for line in ledger.splitlines()]
    sealed = [entry["subject"] for entry in entries if entry["kind"] == seal.KIND]
    if proved.code != 0:
        return f"the next command ended with {proved.code}: {proved.errors[-300:]}"
    if not ledger.startswith(before):
        return "entries lost"
    if sorted(sealed) != sorted(f"road/{name}" for name in hubs):
        return f"{len(hubs)} hubs and {len(sealed)} seals"
    left = left_behind(root)
    return f"left behind: {', '.join(left)}" if left else ""


def count_calls(root: Path) -> int:
    """Count the calls of one undisturbed road."""
    seen = root.with_name("count.json")

    def counted() -> int:
        injector = Injector(root, 0, "kill")
        injector.install()
        code = walk(root)
        with open(seen, "w") as stream:  # noqa: PTH123 - the replaced one, out of the store
            stream.write(str(injector.count))
        return code

    ended = processes.call(counted)
    assert ended.code == 0, ended.errors
    return int(seen.read_text())


def _disturbed(root: Path, nth: int, action: str) -> int:
    Injector(root, nth, action).install()
    return walk(root)


def calls(folder: Path, scale: Scale) -> Campaign:
    """Fail the N-th call of the road, for each N and each way of failing."""
    return _at_calls(
        folder,
        scale,
        Campaign(
            fault=f"{_nth(scale)} of {CALLS} in one run → seal → verify fails with EIO, ENOSPC,"
            " EACCES or a short write",
            target="the store verifies, the next run needs no manual step",
        ),
        ACTIONS[:-1],
    )


def kills_at_calls(folder: Path, scale: Scale) -> Campaign:
    """Kill the process at each of those calls."""
    return _at_calls(
        folder,
        scale,
        Campaign(
            fault=f"SIGKILL at {_nth(scale)} of those",
            target="0 corrupt, 0 needing an unlock, 0 entries lost",
        ),
        ACTIONS[-1:],
    )


def _nth(scale: Scale) -> str:
    return every(scale.stride, "call")


def _at_calls(
    folder: Path, scale: Scale, campaign: Campaign, actions: tuple[str, ...]
) -> Campaign:
    pristine = make(folder / "pristine")
    before = (pristine / ".harness/ledger.jsonl").read_bytes()
    total = count_calls(_fresh(pristine, folder / "count"))
    for action in actions:
        for nth in range(1, total + 1, scale.stride):
            root = _fresh(pristine, folder / "road")
            ended = processes.call(lambda r=root, n=nth, a=action: _disturbed(r, n, a))  # type: ignore[misc]
            problem = find_problem(root, before) or _said(ended)
            campaign.require(not problem, f"{action} at call {nth}: {problem}")
    campaign.notes.append(f"{total} calls on the road")
    return campaign


def _said(ended: processes.Ended) -> str:
    if ended.code in (processes.CRASHED, 6) or "Traceback" in ended.errors:
        return f"ended with {ended.code}: {ended.errors[-300:]}"
    return ""


def _fresh(pristine: Path, root: Path) -> Path:
    shutil.rmtree(root, ignore_errors=True)
    return Path(shutil.copytree(pristine, root, symlinks=True))


def kills_at_random(folder: Path, scale: Scale) -> Campaign:
    """Kill the process at random times; the store grows from kill to kill."""
    campaign = Campaign(
        fault=f"SIGKILL at {scale.kills} random times of run → seal → verify",
        target="0 corrupt, 0 needing an unlock, 0 entries lost",
    )
    pristine = make(folder / "pristine")
    root = _fresh(pristine, folder / "road")
    began = time.monotonic()
    processes.call(lambda: walk(root))
    longest = 1.2 * (time.monotonic() - began)
    chance = random.Random(20260102)  # noqa: S311 - repeatable, no secret
    killed = 0
    for number in range(scale.kills):
        if number % 20 == 0:
            root = _fresh(pristine, folder / "road")
        before = (root / ".harness/ledger.jsonl").read_bytes()
        after_s = chance.uniform(0, longest)
        ended = processes.call(lambda r=root: walk(r), kill_after_s=after_s)
        killed += ended.code == -signal.SIGKILL
        problem = find_problem(root, before)
        campaign.require(not problem, f"after {after_s:.4f} s: {problem}")
    campaign.notes.append(f"{killed} of them still under way when killed")
    return campaign
