"""What every kind of stage is given and what it gives back.

A stage runs something and tells how it went; it never decides about artifacts or guards.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Protocol

from harness.config import interpreters
from harness.config.project import StageSpec
from harness.evidence.hub import causes, failures
from harness.frozen import dataclass
from harness.runner.stages import child, watch
from harness.runner.stages.log_stream import LogStream
from harness.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """Where a stage runs: folders are absolute, ``values`` fill placeholders.

    ``clean`` makes a piece of output fit for a hub, ``clean_xml`` a JUnit file;
    ``overlap`` is the longest text that cleaning looks for [bytes]. ``declared`` are the
    inputs by path, ``own`` what is known by other means; where ``is_strict``, a stage that
    reads anything else fails. ``python`` is the command that starts the suite's interpreter,
    ``stage_python`` those of stages with their own.
    """

    root: Path
    work: Path
    hub: Path
    values: Mapping[str, str]
    environment: Mapping[str, str]
    clean: Callable[[bytes], bytes]
    clean_xml: Callable[[bytes], bytes]
    overlap: int
    stop: child.Stop
    on_line: Callable[[str, str], None]
    grace_s: float = child.GRACE_S
    declared: frozenset[str] = frozenset()
    own: tuple[Path, ...] = ()
    is_strict: bool = False
    python: tuple[str, ...] = ()
    stage_python: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def for_stage(self, stage: str) -> StageContext:
        """Return the context of one stage: ``{python}`` is its own interpreter."""
        python = self.stage_python.get(stage, self.python)
        if not python or python == self.python:
            return self
        values = {**self.values, "python": interpreters.join(python)}
        return replace(self, python=python, values=values)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """How a stage went before its artifacts were looked at.

    ``log`` is a file in the hub; ``attachments`` are further files in the hub, by the
    ending they get beside the log. ``flaky`` are tests that passed only when run again, and
    ``quarantined`` how each test in quarantine went. ``selection`` says what decided which
    tests ran, beside the selectors.
    """

    argv: tuple[str, ...]
    outcome: str
    verdict: Verdict
    reason: str
    exit: child.ChildExit
    log: Path
    tests: Mapping[str, int] = field(default_factory=dict)
    attachments: Mapping[str, Path] = field(default_factory=dict)
    flaky: tuple[str, ...] = ()
    quarantined: Mapping[str, str] = field(default_factory=dict)
    selection: tuple[str, ...] = ()


class StageKind(Protocol):
    """One kind of stage. Kinds are found by name in ``stages.registry``."""

    kind: str

    def argv(self, spec: StageSpec, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the argument vector with its placeholders filled."""

    def run(self, spec: StageSpec, context: StageContext) -> StageResult:
        """Run the stage to its end."""


def start(
    spec: StageSpec, argv: tuple[str, ...], context: StageContext, log: Path
) -> child.ChildExit:
    """Run a child for a stage and stream its output into ``log``."""

    def on_line(line: str) -> None:
        context.on_line(spec.id, line)

    stream = LogStream(log, context.clean, on_line, overlap=context.overlap)
    began = time.monotonic()
    exit_ = child.run_child(
        child.ChildSpec(
            argv=interpreters.splice(argv, context.python),
            cwd=context.root,
            environment=watch.variables(
                context.environment, context.root, context.work, spec.id
            ),
            timeout_s=spec.timeout_s,
            mark=child.mark_of(context.work, spec.id),
            grace_s=context.grace_s,
        ),
        stream,
        context.stop,
    )
    stream.close(*_remarks(exit_, spec, time.monotonic() - began))
    if stream.error is not None and exit_.ended == "exit":
        return child.ChildExit(
            ended="unlogged",
            exit_code=exit_.exit_code,
            duration_s=exit_.duration_s,
            peak_memory_bytes=exit_.peak_memory_bytes,
            survivors=exit_.survivors,
            error=stream.error,
        )
    return exit_


def describe_ending(exit_: child.ChildExit, spec: StageSpec) -> tuple[str, str] | None:
    """Return outcome and reason of a child that did not come to its own end.

    timeout      timeout      the bound on time was reached
    interrupted  interrupted  the run was told to stop
    unstartable  failed       the program could not be started
    unlogged     interrupted  its log could not be written: that is the machine's failure
    exit < 0     failed       a signal ended it
    """
    match exit_.ended:
        case "timeout":
            return "timeout", f"still running after {spec.timeout_s:g} s, so it was ended"
        case "interrupted":
            return "interrupted", "the run was told to stop"
        case "unstartable":
            return "failed", f"could not be started: {exit_.error}"
        case "unlogged":
            return "interrupted", f"its log could not be written: {exit_.error}"
        case _:
            pass
    if exit_.exit_code is not None and exit_.exit_code < 0:
        return "failed", f"ended by signal {-exit_.exit_code}{_name(-exit_.exit_code)}"
    return None


def _name(number: int) -> str:
    """Name a signal in brackets; one that this machine does not know has no name."""
    known = {one.value: one.name for one in signal.Signals}
    return f" ({known[number]})" if number in known else ""


def verdict_of(outcome: str) -> Verdict:
    """Return what an outcome proves: an interruption is neither a pass nor a failure."""
    if outcome == "interrupted":
        return Verdict.INCONCLUSIVE
    return Verdict.GREEN if outcome == "passed" else Verdict.RED


def describe_failure(log: Path) -> str:
    """Return the line of a log that says why a program failed, at most 200 characters."""
    return failures.find_ending(causes.tail(log)) or "no output"


def _remarks(exit_: child.ChildExit, spec: StageSpec, seconds: float) -> list[str]:
    ending = describe_ending(exit_, spec)
    remarks = [f"{ending[1]} ({seconds:.1f} s)"] if ending else []
    if exit_.survivors:
        remarks.append(f"{exit_.survivors} processes were left running and were ended")
    return remarks
