"""``harness find``: from a model, a picture or a reconstruction to the run that made it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from harness.cli import options, resolve
from harness.cli.options import Session
from harness.errors import ConfigError, EvidenceMissingError, IntegrityError
from harness.evidence.hub import digest, stamp
from harness.files import real_path
from harness.judgement.verify import Outcome, VerifyReport
from harness.records import Stamp
from harness.reporting import terminal, text
from harness.sharing import find
from harness.sharing.find import Search, Trace

EXAMPLES = """\b
Examples:
  harness find wts.h5.zip
  harness find reconstruction.png --json
  harness find sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{12,64})")
_JUDGED = 3
_LISTED = 3


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("what", metavar="FILE|DIGEST")
@options.common
@options.pass_session
def command(session: Session, *, what: str) -> int:
    """Say which run made a file, and what that is worth today.

    By which rules and on what data is told as well. FILE is any file that a stage left: a
    bundle, a picture, a reconstruction, under whatever name it came. DIGEST is its SHA-256, or
    the first twelve digits or more. Nothing is asked of the network, and nothing in the file is
    opened. Of the runs that made it the three newest are proved again.

    The exit code is that of the newest run that made it: 0 intact and green, 1 red, 3
    inconclusive or no run known, 4 damaged.
    """
    project = resolve.project(session)
    sha256 = _read_digest(session, what)
    search = find.find_runs(resolve.stores(project), sha256)
    makers = [trace for trace in search.traces if trace.made]
    if not makers:
        _refuse_unknown(what, search)
    judged = [(trace, trace.judge()) for trace in makers[:_JUDGED]]
    readers = [trace for trace in search.traces if not trace.made]
    palette = terminal.Palette(options.has_colour())
    blocks = ["\n".join(_block(*one, palette)) for one in judged]
    blocks += ["\n".join(lines)] if (lines := list(_rest(makers, readers, search))) else []
    answer = {
        "sha256": sha256,
        "made_by": [_json(*one) for one in judged],
        "also_made_by": [trace.subject for trace in makers[_JUDGED:]],
        "read_by": [trace.subject for trace in readers],
        "unread": list(search.unread),
        "absent": list(search.absent),
    }
    session.answer(answer, "\n\n".join([f"{text.visible(what)}  sha256 {sha256}", *blocks]))
    return judged[0][1].exit_code


def _read_digest(session: Session, what: str) -> str:
    """Digest a file, or read a digest.

    Raises:
        ConfigError: It is neither.
        IntegrityError: The file cannot be read.
    """
    path = Path.cwd() / what
    if path.is_file():
        return digest.sha256(real_path(path))
    if (session.start / what).is_file():
        return digest.sha256(real_path(session.start / what))
    if match := _DIGEST.fullmatch(what):
        return match[1]
    raise ConfigError(
        text.visible(what)[:120],
        found="a folder" if path.is_dir() else "no such file",
        expected="a file, or a SHA-256 of twelve digits or more",
        remedy="Name the file that you were given.",
    )


def _refuse_unknown(what: str, search: Search) -> None:
    """Say that no run here made the file, and what was not looked at.

    Raises:
        EvidenceMissingError: Always.
        IntegrityError: Some hubs cannot be read: it may be in one of those.
    """
    if search.unread:
        raise IntegrityError(
            text.visible(what)[:120],
            found=f"no run that made it, but {text.visible(search.unread[0])}"[:300],
            expected="hubs that can be read",
            remedy="Restore the hub from a copy, then ask again.",
        )
    seen = f"no run that made {search.sha256[:12]}…"
    if search.sealed is not None:
        seen = f"the manifest of {search.sealed.subject} itself"
    elif readers := [t for t in search.traces if t.read]:
        seen = f"{readers[0].read} of {readers[0].subject}, which no run made"
    gone = len(search.absent)
    where = f"; {gone} sealed runs are not here" if gone else ""
    raise EvidenceMissingError(
        text.visible(what)[:120],
        found=text.visible(seen + where)[:300],
        expected="a file that a stage of a run here left",
        remedy="Fetch the hubs with git or harness store pull, or ask who sent it.",
    )


def _block(trace: Trace, judged: VerifyReport, palette: terminal.Palette) -> Iterator[str]:
    record = trace.record
    yield f"{palette.bold(trace.subject)}  {palette.verdict(record.verdict)}"
    lines = {
        "made": text.visible(trace.made),
        "when": f"{record.finished}, {_place_in_ledger(judged)}",
        "from": text.visible(_describe_source(record.stamp)),
        "data": text.visible(_describe_data(trace)),
        "rules": _describe_rules(trace),
        "today": text.visible(_describe_standing(judged)),
        "next": f"harness verify --hub {resolve.relative_place(trace.hub, trace.project)}",
    }
    yield from (f"  {word:6}  {line}" for word, line in lines.items())


def _place_in_ledger(judged: VerifyReport) -> str:
    rows = [row for row in judged.rows if row.check == "ledger"]
    return text.visible("; ".join(row.found for row in rows))


def _describe_source(source: Stamp) -> str:
    if source.commit == stamp.NONE:
        return "no commit"
    dirty = ", with changes that are not committed" if source.dirty else ""
    return f"commit {source.commit[:12]}{dirty}"


def _describe_data(trace: Trace) -> str:
    named = [f"{d.role} {d.name} {d.sha256[:12]}…" for d in trace.record.datasets]
    return ", ".join(named) or "none declared"


def _describe_rules(trace: Trace) -> str:
    record = trace.record
    by = f"{len(record.guards)} guard{'' if len(record.guards) == 1 else 's'}"
    golden = f", golden {record.golden_sha256[:12]}…" if record.golden_sha256 else ""
    return f"{by}, declaration {record.config_sha256[:12]}…{golden}"


def _describe_standing(judged: VerifyReport) -> str:
    """Say in one line what the hub is worth: the worst that counts, then what is told."""
    bad = [row for row in judged.rows if row.outcome not in (Outcome.PASSED, Outcome.NOTE)]
    stale = [row.found for row in judged.rows if row.check == "freshness" and row not in bad]
    said = ["intact, judged again"] if not bad else []
    said += [f"{row.outcome}: {row.check}: {row.found}" for row in bad[:_LISTED]]
    said += stale[:_LISTED]
    return "; ".join(said)


def _rest(makers: list[Trace], readers: list[Trace], search: Search) -> Iterator[str]:
    for word, traces in (("also made by", makers[_JUDGED:]), ("read by", readers)):
        if traces:
            more = f" and {len(traces) - _LISTED} more" if len(traces) > _LISTED else ""
            yield f"{word} {', '.join(t.subject for t in traces[:_LISTED])}{more}"
    for line in search.unread[:_LISTED]:
        yield f"not read: {text.visible(line)}"
    if search.absent:
        yield f"{len(search.absent)} sealed runs are not here and were not asked"


def _json(trace: Trace, judged: VerifyReport) -> dict[str, Any]:
    record = trace.record
    return {
        "hub": resolve.relative_place(trace.hub, trace.project),
        "made": trace.made,
        "verdict": record.verdict.value,
        "finished": record.finished,
        "commit": record.stamp.commit,
        "is_dirty": record.stamp.dirty,
        "datasets": {d.role: d.sha256 for d in record.datasets},
        "config_sha256": record.config_sha256,
        "golden_sha256": record.golden_sha256,
        "outcome": judged.worst.value,
        "exit_code": judged.exit_code,
        "today": _describe_standing(judged),
    }
