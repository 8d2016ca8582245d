"""Why a run is red: root causes with a signature that stays the same from run to run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.files import sha256_bytes
from harness.records import GuardResult, StageRecord
from harness.verdict import Verdict

_TAIL = 256 << 10
_SHOWN_LINES = 24
_FRAME = re.compile(
    r'^\s*File "(?P<file>[^"]+)", line \d+, in (?P<name>\S+)'
    r"|^(?P<path>\S+\.py):\d+: (?P<error>\w+)",
    re.MULTILINE,
)
_RAISED = re.compile(
    r"^(?:E   +)?(?:(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Failed)"
    r"|assert)\b[^\n]*",
    re.MULTILINE,
)
_TEST = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_CHANGING = (
    (re.compile(r"0x[0-9a-fA-F]+"), "0x…"),
    (re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}"), "<run id>"),
    (re.compile(r"[-+]?\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?"), "#"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One root cause: of a stage, or of a guard (``guard`` is its id)."""

    signature: str
    title: str
    suite: str
    stage: str | None
    guard: str | None
    issue: str
    excerpt: str
    evidence: tuple[str, ...]
    fix: str
    policies: tuple[str, ...]


def normalise(text: str) -> str:
    """Replace what changes from run to run: numbers, addresses, run ids, spacing."""
    for found, instead in _CHANGING:
        text = found.sub(instead, text)
    return text.strip()


def signature(*parts: str) -> str:
    """Digest what identifies a cause."""
    return sha256_bytes("\0".join(normalise(part) for part in parts).encode())


def of_guard(suite: str, result: GuardResult, evidence: tuple[str, ...]) -> Cause:
    """Name the cause of a red guard: its rule, whatever the value was."""
    bounds = f"found {result.found}; expected {result.expected}"
    return Cause(
        signature=sha256_bytes(f"{suite}\0guard\0{result.id}\0{result.kind}".encode()),
        title=f"guard-{result.id}",
        suite=suite,
        stage=None,
        guard=result.id,
        issue=f"Guard `{result.id}` of suite `{suite}` is red.",
        excerpt="\n".join(line for line in (bounds, result.reason) if line),
        evidence=evidence,
        fix=result.remedy,
        policies=result.policies,
    )


def of_stage(suite: str, record: StageRecord, hub: Path) -> Cause:
    """Name the cause of a red stage: where its program broke off, or what it left out."""
    log = _tail(hub / record.log) if record.log else ""
    raised, frame = _last_raised(log), _last_frame(log)
    own = record.outcome == "failed" and "artifact" not in record.reason
    where = (raised, frame) if own and (raised or frame) else (record.reason,)
    excerpt = record.reason
    if own and log:
        lines = log.rstrip().splitlines()[-_SHOWN_LINES:]
        excerpt += "\n\n" + "\n".join(lines)
    tests = ", ".join(dict.fromkeys(_TEST.findall(log)))
    return Cause(
        signature=signature(suite, "stage", record.id, record.outcome, *where),
        title=f"stage-{record.id}",
        suite=suite,
        stage=record.id,
        guard=None,
        issue=f"Stage `{record.id}` of suite `{suite}` is red: {record.reason}."
        + (f" Tests: {tests}." if tests else ""),
        excerpt=excerpt,
        evidence=(record.log,) if record.log else (),
        fix=_FIX.get(record.outcome, _FIX["failed"]),
        policies=(),
    )


_FIX = {
    "failed": "Make the command below succeed; the log names where it broke off.",
    "timeout": "Find what hangs or slows the stage, or raise its timeout_s in harness.toml.",
    "interrupted": "Nothing is known to be wrong: run the suite to its end.",
}


def all_of(
    suite: str,
    stages: tuple[StageRecord, ...],
    guards: tuple[GuardResult, ...],
    hub: Path,
    paths: Mapping[str, str],
) -> tuple[Cause, ...]:
    """Return the causes of a red run, one for each signature.

    Args:
        suite: Name of the suite.
        stages: Stages as they went.
        guards: What the guards found that count; warnings are no cause.
        hub: Folder of the hub.
        paths: Paths of artifacts in the hub by id.
    """
    causes = [of_stage(suite, s, hub) for s in stages if s.verdict is Verdict.RED]
    for result in guards:
        if result.verdict is Verdict.RED and result.severity == "fail":
            named = (result.metric or "", result.reason, result.found, result.id)
            used = tuple(
                path
                for name, path in paths.items()
                if any(re.search(rf"\b{re.escape(name)}\b", text) for text in named)
            )
            causes.append(of_guard(suite, result, ("analysis/guards.json", *used)))
    return tuple({cause.signature: cause for cause in reversed(causes)}.values())[::-1]


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL))
            return stream.read().decode(errors="replace")
    except OSError:
        return ""


def _last_raised(log: str) -> str:
    found = [match[0] for match in _RAISED.finditer(log)]
    return found[-1][:200] if found else ""


def _last_frame(log: str) -> str:
    found = [
        f"{m['file'] or m['path']}:{m['name'] or m['error']}" for m in _FRAME.finditer(log)
    ]
    return found[-1] if found else ""
