"""Why a run is red: root causes with a signature that stays the same from run to run."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.errors import IntegrityError
from harness.evidence.hub import digest, failures
from harness.files import sha256_bytes
from harness.frozen import dataclass
from harness.records import GuardResult, HubRecord, StageRecord
from harness.verdict import Verdict

NOT_FINITE = "not finite"  # a direction of its own
OF_RUNS = "default:runs"  # the guard that further runs of a verdict did not fail
_TAIL = 256 << 10
_SHOWN_LINES = 24
_FARTHEST, _CONTEXT = 16 << 20, 4096  # bytes before a tail that are searched, and shown
# Patterns are compiled where they are first used: of what loads this, few read a log.
# An id may hold spaces, in its parameters; the error comes after a dash.
_TEST = r"(?m)^(?:FAILED|ERROR) (\S+\.py|\S+?::.+?)(?: - .*)?$"
# ENOSPC, EDQUOT, ESTALE, ENOTCONN and EIO as Python says them, and a device that is gone.
_LOST = (
    r"\[Errno (?:28|122|116|107|5)\]|No space left on device|Disk quota exceeded"
    r"|Stale file handle|CUDA error: (?:uncorrectable ECC|unspecified launch failure)"
    r"|GPU is lost"
)
_NUMBER = r"[-+]?\d{1,300}(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d{1,3})?(?![\w.,:])"
_SCRATCH = r"<root>/(?:[^\s/]+/)*work/\d{8}T\d{6}Z-[0-9a-f]{6}/"


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


def shorten(reason: str) -> str:
    """Leave the scratch folder out of a path: what a sentence is about stands at its end."""
    return re.sub(_SCRATCH, "", reason)


def signature(*parts: str) -> str:
    """Digest what identifies a cause."""
    return sha256_bytes("\0".join(failures.normalise(part) for part in parts).encode())


def direction(guard: GuardResult) -> str:
    """Say on which side of what is allowed a guard's number lies."""
    if guard.value is None:
        return NOT_FINITE if guard.found in ("nan", "inf", "-inf") else "off"
    if guard.low is not None and guard.value < guard.low:
        return "below"
    return "above" if guard.high is not None and guard.value > guard.high else "off"


def sizes(guards: Iterable[GuardResult]) -> dict[str, float]:
    """Return by id the number that each red guard found, where it found one.

    A guard that keeps no number says it first: ``8 records``, ``70 of 72 numbers differ``.
    """
    numbers = {}
    for guard in guards:
        match = re.match(_NUMBER, guard.found) if guard.value is None else None
        value = guard.value if match is None else float(match[0].replace(",", ""))
        if guard.verdict is Verdict.RED and value is not None and math.isfinite(value):
            numbers[guard.id] = value
    return numbers


def of_guard(suite: str, result: GuardResult, evidence: tuple[str, ...]) -> Cause:
    """Name the cause of one red guard: its rule and its direction, whatever the value was."""
    return of_guards(suite, (result,), evidence)


def of_guards(
    suite: str,
    results: Sequence[GuardResult],
    evidence: tuple[str, ...],
    follows: Sequence[str] = (),
) -> Cause:
    """Name the cause of red guards: their set and directions, in whatever suite.

    Args:
        suite: Where it was seen.
        results: The red guards, the one to look at first before the others.
        evidence: Paths in the hub.
        follows: What the cause explains.
    """
    members = sorted(f"{result.id}\0{_tell_direction(result)}" for result in results)
    lead = results[0]
    return Cause(
        signature=sha256_bytes("\0".join(["guards", *members]).encode()),
        title=f"guard-{lead.id}",
        suite=suite,
        stage=None,
        guard=lead.id,
        issue=f"Guard `{lead.id}` of suite `{suite}` is red."
        + (f" So {_are(len(results) - 1)} of the same stage." if len(results) > 1 else ""),
        excerpt="\n".join(
            [line for result in results for line in _describe(result, len(results) > 1)]
            + _list_follows(follows)
        ),
        evidence=evidence,
        fix=lead.remedy,
        policies=tuple(dict.fromkeys(p for result in results for p in result.policies)),
    )


def _tell_direction(result: GuardResult) -> str:
    """Say what is part of a cause: of a further run that failed, in what it did."""
    is_of_run = result.id == OF_RUNS
    return (
        failures.normalise(result.reason.partition(": ")[2]) if is_of_run else direction(result)
    )


def _are(count: int) -> str:
    return "is one more guard" if count == 1 else f"are {count} more guards"


def _describe(result: GuardResult, is_named: bool) -> list[str]:  # noqa: FBT001 - internal
    bounds = f"found {result.found}; expected {result.expected}"
    head = f"{result.id}: " if is_named else ""
    return [head + line for line in (bounds, result.reason) if line]


def _list_follows(follows: Sequence[str]) -> list[str]:
    return ["", "Follows from it: " + ", ".join(follows)] if follows else []


def of_stage(suite: str, record: StageRecord, hub: Path, follows: Sequence[str] = ()) -> Cause:
    """Name the cause of a red stage: where its program broke off, or what it left out."""
    log = tail(hub / record.log) if record.log else ""
    own = record.outcome == "failed" and "artifact" not in record.reason
    where = _find_place(record, log) if own else (record.reason,)
    excerpt = record.reason
    if own and log:
        lines = log.rstrip().splitlines()[-_SHOWN_LINES:]
        excerpt += "\n\n" + "\n".join(lines)
    tests = ", ".join(dict.fromkeys(re.findall(_TEST, log)))
    return Cause(
        signature=signature("stage", record.id, record.outcome, *where),
        title=f"stage-{record.id}",
        suite=suite,
        stage=record.id,
        guard=None,
        issue=f"Stage `{record.id}` of suite `{suite}` is red: {record.reason}."
        + (f" Tests: {tests}." if tests else ""),
        excerpt="\n".join([excerpt, *_list_follows(follows)]),
        evidence=(record.log,) if record.log else (),
        fix=_FIX.get(record.outcome, _FIX["failed"]),
        policies=(),
    )


def _find_place(record: StageRecord, log: str) -> tuple[str, ...]:
    """Return what was raised and where, or without either how the stage ended."""
    raised, frame = failures.list_raised(log)[-1:], failures.find_frame(log)
    if record.kind == "command":
        said = failures.find_said(log)
        if said not in raised:
            raised, frame = (said,) if said else (), ""
    return (*raised, frame) if raised or frame else (_spell(record.exit_code), record.reason)


def _spell(exit_code: int | None) -> str:
    """Write an exit code in letters: a number of a message changes, and this one does not."""
    digits = "" if exit_code is None else str(abs(exit_code))
    return "".join(chr(ord("a") + int(digit)) for digit in digits)


_FIX = {
    "failed": "Make the command below succeed; the log names where it broke off.",
    "timeout": "Find what hangs or slows the stage, or raise its timeout_s in harness.toml.",
}


def of_record(record: HubRecord, hub: Path) -> tuple[Cause, ...]:
    """Return what a red run's blockers are about: its red causes, one for each signature.

    Args:
        record: The run; its causes are in order already.
        hub: Folder of the hub.
    """
    paths = {a.id: a.path for a in record.artifacts if not a.external}
    stages = {stage.id: stage for stage in record.stages}
    guards = {guard.id: guard for guard in record.guards}
    causes = []
    for cause in record.causes:
        if cause.verdict is not Verdict.RED:
            continue
        if not cause.guards:
            causes.append(of_stage(record.suite, stages[cause.stage or ""], hub, cause.follows))
            continue
        results = [guards[id_] for id_ in cause.guards]
        proof = ("analysis/guards.json", *_named_paths(results, paths))
        causes.append(of_guards(record.suite, results, proof, cause.follows))
    return tuple({cause.signature: cause for cause in reversed(causes)}.values())[::-1]


def _named_paths(results: Sequence[GuardResult], paths: Mapping[str, str]) -> list[str]:
    words = [w for r in results for w in (r.metric or "", r.reason, r.found, r.id)]
    return [
        path
        for name, path in paths.items()
        if any(re.search(rf"\b{re.escape(name)}\b", word) for word in words)
    ]


def read_failures(record: StageRecord, hub: Path) -> tuple[str, ...]:
    """Return the errors in the log of a failed stage, as they look in every run.

    The last one, with the place it was raised at, is what ended the stage.
    """
    if record.log is None or record.verdict is Verdict.GREEN:
        return ()
    log = tail(hub / record.log)
    raised = [
        failures.normalise(re.sub(r"^E\s+", "", error)) for error in failures.list_raised(log)
    ]
    return tuple(dict.fromkeys(raised[:-1])) + tuple(raised[-1:])


def list_failed_tests(record: HubRecord, hub: Path) -> tuple[str, ...]:
    """Return the ids of the tests that failed, as pytest sums them up at the end of a log."""
    logs = (
        tail(hub / stage.log)
        for stage in record.stages
        if stage.verdict is Verdict.RED and stage.log
    )
    return tuple(dict.fromkeys(test for log in logs for test in re.findall(_TEST, log)))


def lost_ground(log: Path) -> str:
    """Return the error that says that the machine failed and not the program, if it was last.

    A full disk or quota, a lost file server or device: what broke off there proves nothing.
    """
    end = tail(log)
    # What a program printed of an error that it handled may come after its traceback.
    error = failures.find_first_raised(end) or failures.find_ending(end)
    return error if re.search(_LOST, error) else ""


def lost_tests(log: Path) -> str:
    """Return the last such error of a pytest session whose every failure was one."""
    errors = [e for e in failures.list_raised(tail(log)) if e.startswith("E ")]
    errors = [re.sub(r"^E\s+", "", error) for error in errors]
    return errors[-1] if errors and all(re.search(_LOST, e) for e in errors) else ""


def tail(log: Path, size: int = _TAIL) -> str:
    """Return the last ``size`` bytes of a log as text; nothing where there is no such file."""
    try:
        with digest.open_regular(log) as (handle, whole):
            end = os.pread(handle, size, max(0, whole - size))
            begun = _find_begun(handle, whole - size) if whole > size else b""
            return (begun + end).decode(errors="replace")
    except (OSError, IntegrityError):
        return ""


def _find_begun(handle: int, place: int) -> bytes:
    """Return what stands before a place in the middle of a line: how that line begins.

    An error that names a whole array is one line of megabytes, and says what it is at its
    start; the lines before it say where it was raised.
    """
    window = os.pread(handle, min(place, _FARTHEST), max(0, place - _FARTHEST))
    before, newline, line = window.rpartition(b"\n")
    if not newline or not line:
        return b""
    return before[-_CONTEXT:] + newline + line[:_CONTEXT] + b" [\xe2\x80\xa6] "
