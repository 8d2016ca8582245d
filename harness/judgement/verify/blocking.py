"""Guards that today's declaration turns red in; blockers with a command to retry out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from harness.config.project import Project
from harness.errors import HarnessError
from harness.evidence.hub import blockers, causes, layout, store
from harness.evidence.hub.blockers import Blocker, Register, Sighting
from harness.evidence.hub.causes import Cause
from harness.judgement import causes as ordering
from harness.judgement.roads import roads_of, roads_of_record
from harness.judgement.verify.report import VerifyReport

_EVIDENCE = (layout.GUARDS, layout.METRICS)


def write(project: Project, verified: VerifyReport, commit: str) -> tuple[str, ...]:
    """Register each cause of red guards as a blocker; return the texts.

    A cause that is open already and names the same hub is told again, not counted again.
    Where the register cannot be written, the text is returned all the same.
    """
    register = Register(project.hubs)
    sighting = Sighting(
        run_id=verified.run_id,
        commit=commit,
        dirty=False,
        instant=layout.instant(dt.datetime.now(dt.UTC)),
    )
    command = f"harness verify --hub {relative_place(project, verified.hub)}"
    texts = []
    for cause in _name_causes(project, verified):
        body = blockers.body(cause, verified.hub, (command, f"harness run {verified.suite}"))
        texts.append(body.strip())
        _register(register, cause, sighting, body, command)
    return tuple(texts)


def _name_causes(project: Project, verified: VerifyReport) -> tuple[Cause, ...]:
    """Order the red guards of today: one cause for all that stand on common stages."""
    record = store.read_record(verified.hub)
    run_results = ordering.RunResults(stages=record.stages, guards=verified.red_today)
    suite = project.suites.get(verified.suite)
    roads = roads_of_record(record) if suite is None else roads_of(suite)
    red = {result.id: result for result in verified.red_today}
    return tuple(
        causes.of_guards(
            verified.suite, [red[id_] for id_ in cause.guards], _EVIDENCE, cause.follows
        )
        for cause in ordering.find_causes(run_results, roads)
        if cause.guards
    )


def relative_place(project: Project, hub: Path) -> str:
    """Write a hub's place relative to the project where it lies inside."""
    return (
        hub.relative_to(project.root).as_posix()
        if hub.is_relative_to(project.root)
        else str(hub)
    )


def _register(
    register: Register, cause: Cause, sighting: Sighting, body: str, command: str
) -> Blocker | None:
    path = register.folder / f"{blockers.identity(cause)}.md"
    try:
        if path.is_file():
            old = blockers.read_note(path)
            if old.status == "open" and command in blockers.read_text(path):
                return old
        blocker = register.count_sighting(cause, sighting)
        register.keep(blocker, body)
    except (HarnessError, OSError):
        return None  # a read-only checkout: the text on the terminal has to do
    return blocker
