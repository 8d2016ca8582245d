"""What ``harness verify`` does when it is called: find hubs, prove them, print the rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from harness.cli import options, resolve
from harness.cli.options import Session
from harness.config import config_file
from harness.config.project import Project
from harness.errors import ConfigError, EvidenceMissingError, HarnessError, NotAProjectError
from harness.evidence.hub import ledgers, seal, store
from harness.files import real_path
from harness.frozen import dataclass
from harness.judgement.verify import (
    Outcome,
    Row,
    VerifyReport,
    reference,
    report,
    sealing,
    verify,
)
from harness.reporting import terminal, text
from harness.verdict import Verdict

_MARKS = {
    Outcome.PASSED: ("✓", "32"),
    Outcome.NOTE: ("·", "2"),
    Outcome.INCONCLUSIVE: ("?", "33"),
    Outcome.STALE: ("~", "33"),
    Outcome.RED: ("✗", "31"),
    Outcome.DAMAGED: ("✗", "31"),
}
_WIDEST = 88
_PROGRESS_S, _PROGRESS_BYTES = 0.2, 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """How hubs are proved: as archives or fresh, what part is read, by whose rules too."""

    allow_stale: bool | None
    fraction: float
    base: str | None = None
    reproduced: int = 0


def prove(session: Session, words: str | None, request: VerifyOptions, *, is_all: bool) -> int:
    """Prove one hub or all of them, print what was found, and return the exit code.

    Raises:
        ConfigError: Neither a hub nor ``--all``, or both; a base for all of them.
        NotAProjectError: There is no such hub or project.
    """
    if is_all == (words is not None):
        raise ConfigError(
            "harness verify",
            found="no hub" if words is None else "a hub and --all",
            expected="one hub, or --all",
            remedy="Type harness verify --hub HUB, or harness verify --all.",
        )
    allow_stale, fraction = request.allow_stale, request.fraction
    project = _project(session)
    if is_all:
        _refuse_base(request)
        return _prove_all(session, project, allow_stale=allow_stale, fraction=fraction)
    hub = _find(session, words or "")
    _resume(hub, project)
    bar = _bar(session, hub)
    verified = verify(
        project,
        hub,
        allow_stale=_is_archive(hub, project) if allow_stale is None else allow_stale,
        require_fresh=allow_stale is False,
        fraction=fraction,
        reproduced=request.reproduced,
        done=bar,
    )
    if request.base is not None:
        verified = replace(
            verified, rows=(*verified.rows, *_by_base(project, verified, request))
        )
    texts = _blockers(project, verified)
    session.answer(_plain(verified, texts), _table(verified, texts))
    return verified.exit_code


def _refuse_base(request: VerifyOptions) -> None:
    if request.base is not None:
        raise ConfigError(
            "--base",
            found="a revision beside --all",
            expected="one hub",
            remedy="Name the hub, or leave --base out.",
        )


def _by_base(
    project: Project | None, verified: VerifyReport, request: VerifyOptions
) -> tuple[Row, ...]:
    """Return what a gate by the rules of a base would say of a hub that is whole.

    Raises:
        ConfigError: There is no project, or the base cannot be read.
    """
    if project is None:
        raise ConfigError(
            "--base", found="no project", expected="one", remedy="Verify inside the project."
        )
    if verified.worst is Outcome.DAMAGED:
        return ()
    from harness.judgement.gate import conductor  # the rules of two revisions: for who asks
    from harness.judgement.gate.options import GateOptions
    from harness.judgement.gate.rules import Reader

    reader = Reader(project.root)
    rules = reader.read(request.base or ""), reader.read("HEAD")
    proved = [conductor.open_proved(project, verified.hub)]
    gate_options = GateOptions(without_tests=True)
    judged = conductor.judge_proved(project, rules, proved, gate_options)
    refused = [
        Row(
            check="rules",
            outcome=Outcome.RED,
            found=report.printable(f"{d.rule}: {d.was} → {d.now}"),
            expected="a rule that is as strict",
        )
        for d in (change.difference for change in judged.refused_changes)
    ]
    return (*judged.rows, *refused)


def _project(session: Session) -> Project | None:
    try:
        return resolve.project(session)
    except NotAProjectError:
        return None


def _find(session: Session, words: str) -> Path:
    """Find a hub by its folder, however damaged, or by name in the project's store."""
    folder = session.start / words
    if folder.is_symlink() or folder.exists():
        # A link is left as it is: that a hub is one is something that verification has to say.
        return folder if folder.is_symlink() else real_path(folder)
    return resolve.hub(words, session)


def _resume(hub: Path, project: Project | None) -> None:
    """Finish seals that a crash cut short; a store that is fine is only looked at."""
    hubs = hub.parent.parent
    if not seal.intents(hubs):
        return
    both = ledgers.of_hub(hub, project)
    seal.resume(hubs, both.local, both.runs())


def _is_archive(hub: Path, project: Project | None) -> bool:
    """Say whether a hub is published: then it is judged at its own commit."""
    try:
        run = ledgers.of_hub(hub, project).runs().get(f"{hub.parent.name}/{hub.name}")
    except HarnessError:
        return False  # the check of the ledgers says so
    return run is not None and run.is_published


def _bar(session: Session, hub: Path) -> Callable[[int], None] | None:
    """Show how far the reading is, on a terminal and for large hubs only."""
    if session.json or session.verbosity < 0 or not options.is_live():
        return None
    total = sum(path.lstat().st_size for path in hub.rglob("*")) if hub.is_dir() else 0
    if total < _PROGRESS_BYTES:
        return None
    read, shown_at = 0, 0.0

    def count_read(size: int) -> None:
        nonlocal read, shown_at
        read += size
        if time.monotonic() - shown_at > _PROGRESS_S or read >= total:
            shown_at = time.monotonic()
            click.echo(f"\r\x1b[Kreading {100 * read / total:3.0f} %\r", nl=False, err=True)

    return count_read


def _blockers(project: Project | None, verified: VerifyReport) -> tuple[str, ...]:
    if project is None or not verified.red_today or verified.worst is Outcome.DAMAGED:
        return ()
    from harness.judgement.verify import blocking  # only where today's guards turn red

    commit = store.read_record(verified.hub).stamp.commit
    return blocking.write(project, verified, commit)


def _plain(verified: VerifyReport, blockers: tuple[str, ...]) -> dict[str, Any]:
    return {
        "hub": f"{verified.suite}/{verified.run_id}",
        "outcome": verified.worst.value,
        "exit_code": verified.exit_code,
        "rows": [_plain_row(row) for row in verified.rows],
        "blockers": list(blockers),
    }


def _plain_row(row: Row) -> dict[str, str]:
    return {
        "check": row.check,
        "outcome": row.outcome.value,
        "found": row.found,
        "expected": row.expected,
        "remedy": row.remedy,
    }


def _write_outcome(outcome: Outcome, palette: terminal.Palette) -> str:
    mark, colour = _MARKS[outcome]
    return palette.paint(f"{mark} {outcome.value}", colour)


def _table(verified: VerifyReport, blockers: tuple[str, ...]) -> str:
    palette = terminal.Palette(options.has_colour())
    rows = []
    for row in verified.rows:
        wanted = f"; expected {row.expected}" if _is_bad(row.outcome) and row.expected else ""
        rows.append(
            (row.check, _write_outcome(row.outcome, palette), text.visible(row.found + wanted))
        )
    parts = [terminal.table(("check", "outcome", "found"), rows, palette)]
    remedies = dict.fromkeys(
        row.remedy for row in verified.rows if row.remedy and _is_bad(row.outcome)
    )
    if remedies:
        parts.append("\n".join(f"→ {text.visible(remedy)}" for remedy in remedies))
    parts += ["\n".join(map(text.visible, blocker.splitlines())) for blocker in blockers]
    mark, colour = _MARKS[verified.worst]
    name = f"{verified.suite}/{verified.run_id}"
    says = "verified" if verified.exit_code == 0 else verified.worst.value
    parts.append(palette.paint(f"{mark} {says}", colour) + f"  {text.visible(name)}")
    return "\n\n".join(parts)


def _is_bad(outcome: Outcome) -> bool:
    return outcome not in (Outcome.PASSED, Outcome.NOTE)


def _newest(hub_store: store.HubStore) -> tuple[set[Path], list[Row]]:
    """Return the hubs that have to be fresh, and a row for each newest run without its hub."""
    sealed, rows = hub_store.runs(), []
    newest = {hub.parent.name: hub for hub in hub_store.hubs()}
    for suite in dict.fromkeys([*newest, *(run.suite for run in sealed.values())]):
        if gone := hub_store.newest_gone(suite):
            is_red = gone.verdict == Verdict.RED.value
            rows.append(
                Row(
                    check="newest",
                    outcome=Outcome.RED if is_red else Outcome.INCONCLUSIVE,
                    found=report.printable(f"{gone.subject}: {gone.verdict}, its hub is gone"),
                    expected="the hub of the newest run",
                    remedy=report.printable(f"Run harness run {suite}."),
                )
            )
    published = {run.subject for run in sealed.values() if run.is_published}
    fresh = {h for h in newest.values() if f"{h.parent.name}/{h.name}" not in published}
    return fresh, rows


def _left_out(project: Project) -> list[Row]:
    """Say which hubs are not among those that were verified."""
    folder = project.work / "calibration"
    count = len(store.HubStore(folder / "hubs", folder).folders())
    if not count:
        return []
    place = resolve.relative_place(folder, project)
    message = f"{count} runs of calibrations in {place} are not verified"
    return [report.note_row("left out", message, "harness golden update proves those it uses.")]


def _prove_all(
    session: Session, project: Project | None, *, allow_stale: bool | None, fraction: float
) -> int:
    """Verify the ledgers and every hub, matrices included; the worst outcome decides.

    Only the newest hub of a suite has to be fresh, and only where it is not published: the
    others are archives.
    """
    if project is None:
        config_file.find_root(session.start)  # raises: names what is missing
        return NotAProjectError.exit_code
    rows: list[Row] = []
    reports: list[VerifyReport] = []
    for part in resolve.stores(project):
        hub_store = store.HubStore(part.hubs, part.work)
        if seal.intents(part.hubs):
            seal.resume(part.hubs, hub_store.ledgers.local, hub_store.runs())
        present = hub_store.folders()
        rows += sealing.check_store(part, [f"{h.parent.name}/{h.name}" for h in present])
        newest: set[Path] = set()
        # Which run is the newest is read from the ledger: where that is damaged it says
        # nothing.
        if part is project and report.worst(row.outcome for row in rows) is not Outcome.DAMAGED:
            newest, gone = _newest(hub_store)
            rows += gone
        for hub in sorted(present, key=lambda path: (path.name, path.parent.name)):
            is_old = hub not in newest or bool(allow_stale)
            new = not is_old and allow_stale is False
            reports.append(
                verify(project, hub, allow_stale=is_old, require_fresh=new, fraction=fraction)
            )
    rows += [*reference.check_store(project), *_left_out(project)]
    worst = report.worst([row.outcome for row in rows] + [each.worst for each in reports])
    if not reports and worst is not Outcome.DAMAGED:
        raise EvidenceMissingError(
            str(project.hubs),
            found="no hub",
            expected="at least one",
            remedy="Run a suite first: harness run SUITE.",
        )
    value = {
        "outcome": worst.value,
        "exit_code": worst.exit_code,
        "ledger": [_plain_row(row) for row in rows],
        "hubs": [_plain(each, ()) for each in reports],
    }
    session.answer(value, _overview(rows, reports))
    return worst.exit_code


def _overview(rows: Sequence[Row], reports: Sequence[VerifyReport]) -> str:
    palette = terminal.Palette(options.has_colour())
    cells = [
        (row.check, _write_outcome(row.outcome, palette), text.visible(row.found))
        for row in rows
    ]
    for each in reports:
        bad = [row for row in each.rows if row.outcome is each.worst and each.exit_code]
        reason = f"{bad[0].check}: {bad[0].found}" if bad else ""
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        message = terminal.clip(text.visible(reason), _WIDEST) + more
        cells.append(
            (f"{each.suite}/{each.run_id}", _write_outcome(each.worst, palette), message)
        )
    return terminal.table(("", "outcome", "found"), cells, palette)
