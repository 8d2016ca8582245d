"""What a person may ask of a run, and what a run gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from harness.frozen import dataclass
from harness.records import HubRecord, MemberRecord
from harness.runner.observer import Observer, Silent
from harness.runner.stages.child import Stop

# Id of a run, indices of its further runs from 1, a wish to stop; gives those that were made.
Draw = Callable[[str, range, Stop], tuple[MemberRecord, ...]]
Renderer = Callable[[Path, HubRecord, HubRecord | None], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a person may ask of a run.

    Args:
        datasets: Files by role, instead of the generated ones.
        parameters: Parameters of the suite to change.
        only: Stages to run; the others are skipped, and the run cannot be green.
        if_stale: Do nothing where a fresh green hub exists.
        renderers: Makers of the hub's files for people, by file name; called just before
            the seal with the folder, the record and the record of the previous run.
        observer: Who watches.
        grace_s: Time between TERM and KILL [s].
        stop: A wish to stop that is another's too; the run's own without it.
        expects: Class of answer that is declared for this run; empty for none.
        is_staged: Leave the hub for another store to take in and log.
        runs: How many runs the verdict stands on; as the suite says without it.
        draw: Makes further runs; without it a verdict stands on one run.
    """

    datasets: Mapping[str, Path] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    if_stale: bool = False
    renderers: Mapping[str, Renderer] = field(default_factory=dict)
    observer: Observer = field(default_factory=Silent)
    grace_s: float = 5.0
    stop: Stop | None = None
    expects: str = ""
    is_staged: bool = False
    runs: int | None = None
    draw: Draw | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """A sealed hub and its record.

    ``reused`` says that nothing ran, for the evidence was fresh; ``signal`` is what ended
    the run early.
    """

    hub: Path
    record: HubRecord
    reused: bool = False
    signal: int | None = None

    @property
    def exit_code(self) -> int:
        """Exit code of the command: the verdict's, or 128 and the signal's number."""
        return self.record.verdict.exit_code if self.signal is None else 128 + self.signal
