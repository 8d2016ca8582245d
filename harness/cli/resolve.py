"""From words on the command line to a project and to hubs."""

from __future__ import annotations

import re
from pathlib import Path

from harness.cli.options import Session
from harness.config import config_file
from harness.config.project import Project
from harness.errors import ConfigError, EvidenceMissingError, NotAProjectError
from harness.evidence.hub import layout
from harness.evidence.hub.store import HubStore
from harness.judgement.declaration import load_project

_LATEST = re.compile(r"(?:(?P<suite>[^:/]+):)?latest(?:~(?P<back>\d{1,6}))?")


def project(session: Session) -> Project:
    """Load the project that the command works in, once.

    Raises:
        NotAProjectError: There is no ``harness.toml`` here or above.
        ConfigError: It cannot be used as written.
    """
    if session.declared is None:
        session.declared = load_project(config_file.find_root(session.start))
    return session.declared


def store(found: Project) -> HubStore:
    """Open the hub store of a project."""
    return HubStore(found.hubs, found.work)


def relative_place(hub: Path, found: Project | None = None) -> str:
    """Write a hub's place relative to its project, or to the working folder."""
    root = Path.cwd() if found is None else found.root
    return hub.relative_to(root).as_posix() if hub.is_relative_to(root) else str(hub)


def hub(words: str, session: Session, suite: str | None = None) -> Path:
    """Find a hub by folder, run id (or the beginning of one), ``latest`` or ``SUITE:latest~N``.

    Without a suite, ``latest`` counts in the suite that ran last.

    Raises:
        NotAProjectError: No hub can be named so here.
        EvidenceMissingError: There are not so many runs.
        ConfigError: The beginning of a run id fits several.
    """
    folder = session.start / words
    if (folder / layout.RECORD).is_file():
        return folder.resolve()
    if folder.is_dir():
        remedy = "Name a folder hubs/<suite>/<run id>; `harness status` lists them."
        raise NotAProjectError(words, found="no hub.json", expected="a hub", remedy=remedy)
    kept = store(project(session))
    if matched := _LATEST.fullmatch(words):
        back = int(matched["back"] or 0)
        return _latest(kept, matched["suite"] or suite, back, words)
    return _by_run_id(kept, words, suite)


def _latest(kept: HubStore, suite: str | None, back: int, words: str) -> Path:
    hubs = kept.hubs(suite)
    if suite is None and hubs:
        suite = _last_suite(kept, hubs)
        hubs = kept.hubs(suite)
    if suite is not None and back == 0 and (gone := kept.newest_gone(suite)):
        raise EvidenceMissingError(
            f"{suite}:latest",
            found=f"{gone.run_id}, {gone.verdict} as sealed, but its hub is gone",
            expected="the hub of the newest run",
            remedy=f"Restore hubs/{gone.subject} from a copy, or run harness run {suite}.",
        )
    if back < len(hubs):
        return hubs[-1 - back]
    count = f"{len(hubs)} run{'' if len(hubs) == 1 else 's'}"
    where = words if ":" in words or not suite else f"{suite}:{words}"
    remedy = f"Run the suite first: harness run {suite or 'SUITE'}."
    raise EvidenceMissingError(
        where, found=count, expected=f"at least {back + 1}", remedy=remedy
    )


def _last_suite(kept: HubStore, hubs: list[Path]) -> str:
    """Name the suite that ran last, whether or not the hub of that run is here."""
    runs = list(kept.runs().values())
    if runs and kept.newest_gone(runs[-1].suite):
        return runs[-1].suite
    return hubs[-1].parent.name


def _by_run_id(kept: HubStore, words: str, suite: str | None) -> Path:
    found = [path for path in kept.hubs(suite) if path.name.startswith(words)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(path.name for path in found[:3])
        remedy = "Type more of the run id."
        raise ConfigError(words, found=f"several: {names}", expected="one run", remedy=remedy)
    remedy = "Name a folder, a run id, latest or latest~1; `harness status` lists the runs."
    raise NotAProjectError(
        words, found="no such folder or run", expected="a hub", remedy=remedy
    )
