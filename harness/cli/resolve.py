"""From words on the command line to a project and to hubs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from harness import files
from harness.cli.options import Session
from harness.config import config_file
from harness.config.project import Project
from harness.errors import ConfigError, EvidenceMissingError, NotAProjectError
from harness.evidence.hub import layout
from harness.evidence.hub.store import HubStore
from harness.files import real_path
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


def store(project_: Project) -> HubStore:
    """Open the hub store of a project."""
    return HubStore(project_.hubs, project_.work)


def stores(project_: Project) -> list[Project]:
    """Return the project and, for each matrix that has cells, the project with their store."""
    names = sorted(path.name for path in files.subfolders(project_.hubs / layout.MATRICES))
    hubs, work = project_.hubs / layout.MATRICES, project_.work / layout.MATRICES
    return [project_, *(replace(project_, hubs=hubs / n, work=work / n) for n in names)]


def relative_place(hub: Path, project_: Project | None = None) -> str:
    """Write a hub's place relative to its project, or to the working folder."""
    root = Path.cwd() if project_ is None else project_.root
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
        return real_path(folder)
    if folder.is_dir():
        remedy = "Name a folder hubs/<suite>/<run id>; `harness status` lists them."
        raise NotAProjectError(words, found="no hub.json", expected="a hub", remedy=remedy)
    hub_store = store(project(session))
    if matched := _LATEST.fullmatch(words):
        back = int(matched["back"] or 0)
        return _latest(hub_store, matched["suite"] or suite, back, words)
    return _by_run_id(hub_store, words, suite)


def _latest(hub_store: HubStore, suite: str | None, back: int, words: str) -> Path:
    hubs = hub_store.hubs(suite)
    if suite is None and hubs:
        suite = _last_suite(hub_store, hubs)
        hubs = hub_store.hubs(suite)
    if suite is not None and back == 0 and (gone := hub_store.newest_gone(suite)):
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


def _last_suite(hub_store: HubStore, hubs: list[Path]) -> str:
    """Name the suite that ran last, whether or not the hub of that run is here."""
    runs = list(hub_store.runs().values())
    if runs and hub_store.newest_gone(runs[-1].suite):
        return runs[-1].suite
    return hubs[-1].parent.name


def _by_run_id(hub_store: HubStore, words: str, suite: str | None) -> Path:
    matching = [path for path in hub_store.hubs(suite) if path.name.startswith(words)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        names = ", ".join(path.name for path in matching[:3])
        remedy = "Type more of the run id."
        raise ConfigError(words, found=f"several: {names}", expected="one run", remedy=remedy)
    remedy = "Name a folder, a run id, latest or latest~1; `harness status` lists the runs."
    raise NotAProjectError(
        words, found="no such folder or run", expected="a hub", remedy=remedy
    )
