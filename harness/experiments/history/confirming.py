"""Open shifts in, their commits run again on both sides out: reruns before blame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.config.project import Project
from harness.experiments.history.level_shift import Confirmation, LevelShift
from harness.experiments.history.points import Run
from harness.experiments.reproduce import rerun
from harness.experiments.reproduce.rerun import Request
from harness.runner.stages.child import Stop
from harness.verdict import AnswerClass

Teller = Callable[[Run, AnswerClass], None]


def list_reruns(shifts: Sequence[LevelShift]) -> tuple[Run, ...]:
    """Return the runs whose commits are to be run again, each once.

    A shift that has been rerun already, or has no commit on one side, asks for none.
    """
    runs: dict[Path, Run] = {}
    for shift in shifts:
        if shift.confirmation is Confirmation.NONE:
            both = (shift.rerun_before, shift.rerun_after)
            known = [run for run in both if run is not None]
            if len(known) == len(both):
                runs.update({run.hub: run for run in known})
    return tuple(runs.values())


def confirm(
    project: Project,
    shifts: Sequence[LevelShift],
    stop: Stop,
    tell: Teller,
    datasets: Mapping[str, Path],
) -> None:
    """Run the commits on both sides of the shifts again; the ledger keeps each answer.

    Raises:
        ConfigError: A commit is not to be run, or data are missing.
        EvidenceMissingError: The run came from a tree that no commit holds.
        IntegrityError: A hub is not as it was sealed.
        HarnessError: A rerun left no hub.
    """
    for run in list_reruns(shifts):
        if stop.signal is not None:
            return
        request = Request(project=project, hub=run.hub, datasets=datasets)
        tell(run, rerun.reproduce(request, stop).answer)
