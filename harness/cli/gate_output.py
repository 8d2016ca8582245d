"""What ``harness gate`` does when it is called: gather, judge, and tell every reader."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from harness import files
from harness.cli import gate_drills, gate_tests, options, resolve
from harness.cli.options import Session
from harness.config import config_file
from harness.config.project import Project
from harness.errors import ConfigError, EvidenceMissingError
from harness.evidence.hub import checkout, digest, layout
from harness.evidence.ledger import checkpoint, keys
from harness.files import real_path
from harness.judgement.gate import conductor, policy
from harness.judgement.gate.options import GateOptions
from harness.judgement.gate.report import GateReport
from harness.judgement.verify.report import Outcome, Row
from harness.reporting import gate_page, rule_places, terminal, text
from harness.reporting.findings import Place

FORMATS = ("markdown", "github", "sarif", "json", "html")
_LIST_LIMIT, _KEYS_LIMIT = 8 << 20, 1 << 20
_GOOD = (Outcome.PASSED, Outcome.NOTE)
_WIDEST = 56
_ANY = re.compile(r"(?:[^:/]+:)?latest(?:~\d+)?")
_COLOURS = {"✗": "31", "✓": "32", "·": "2"}


def answer(session: Session, flags: dict[str, Any]) -> int:
    """Judge, print, write what was asked for, and return the exit code.

    Raises:
        ConfigError: An option that cannot be used.
        EvidenceMissingError: No hub was named.
    """
    outputs = read_outputs(flags["outputs"])
    project = resolve.project(session)
    hubs = find_hubs(session, project, flags["named"], flags["lists"])
    gate_options = read_options(project, flags)
    tests = gate_tests.gather(session, project, flags, hubs)
    gate_options = GateOptions(
        trust=gate_options.trust,
        pin=gate_options.pin,
        policy=gate_options.policy,
        base_tests=tests,
        without_tests=flags["tests"] == "none",
    )
    report = conductor.judge_change(project, flags["base"], hubs, gate_options)
    if flags["drills"] == "changed":
        report = gate_drills.run_changed(session, project, report, gate_options.policy)
    place = make_place(project)
    for kind, path in outputs:
        files.write_text(path, render(report, kind, place))
    session.answer(gate_page.make_json(report), show(report))
    return report.exit_code


def read_outputs(words: Iterable[str]) -> list[tuple[str, Path]]:
    """Read ``FORMAT=FILE`` words.

    Raises:
        ConfigError: A word is no pair, or names no format.
    """
    outputs = []
    for word in words:
        kind, sign, path = word.partition("=")
        if not sign or not path or kind not in FORMATS:
            raise ConfigError(
                "--output",
                found=repr(word)[:80],
                expected=f"FORMAT=FILE, the format one of {', '.join(FORMATS)}",
                remedy="Write it as --output markdown=gate.md.",
            )
        outputs.append((kind, Path(path)))
    return outputs


def find_hubs(
    session: Session, project: Project, named: Sequence[str], lists: Sequence[Path]
) -> list[Path]:
    """Find the hubs that the runs named; never one that only happens to be the last.

    Raises:
        ConfigError: A word means whichever hub is the newest.
        EvidenceMissingError: No hub was named.
        NotAProjectError: There is no such hub.
    """
    words = list(named)
    for path in lists:
        content = digest.read_bytes(path, _LIST_LIMIT).decode(errors="replace")
        words += [line for line in content.splitlines() if line.strip()]
    if not words:
        raise EvidenceMissingError(
            "harness gate",
            found="no hub was named",
            expected="the hub that the run named",
            remedy="Type harness run SUITE --name-hubs FILE, then harness gate --hubs FILE.",
        )
    paths = []
    for word in dict.fromkeys(words):
        if _ANY.fullmatch(word):
            raise ConfigError(
                "--hub",
                found=f"{word!r}: whichever hub that is"[:80],
                expected="the hub that the run named",
                remedy="Name a folder or a run id.",
            )
        below = project.root / word
        is_here = (below / layout.RECORD).is_file() and not (session.start / word).is_dir()
        paths.append(real_path(below) if is_here else resolve.hub(word, session))
    return paths


def read_options(project: Project, flags: Mapping[str, Any]) -> GateOptions:
    """Read what is given from outside: keys, a checkpoint, a policy.

    Raises:
        ConfigError: A key or the policy cannot be used.
        IntegrityError: The pin is no checkpoint.
    """
    trust: tuple[str, ...] = ()
    if flags["trust"] is not None:
        content = digest.read_bytes(flags["trust"], _KEYS_LIMIT).decode(errors="replace")
        lines = (line.strip() for line in content.splitlines())
        trust = tuple(line for line in lines if line and not line.startswith("#"))
        for line in trust:
            keys.read_public(line)
        if not trust:
            raise ConfigError(
                str(flags["trust"]),
                found="no key",
                expected="public keys, one on a line",
                remedy="Write harness ledger key new's public half into it.",
            )
    pin = None
    if flags["pin"] is not None:
        note = digest.read_bytes(flags["pin"], checkpoint.LIMIT)
        pin = checkpoint.read_checkpoint(note, str(flags["pin"])).checkpoint
    wanted = None if flags["policy"] is None else policy.read(flags["policy"], project.root)
    return GateOptions(trust=trust, pin=pin, policy=wanted)


def make_place(project: Project) -> gate_page.FindPlace:
    """Make the answer to where a rule is declared in the repository."""
    prefix = checkout.ask(project.root, "rev-parse", "--show-prefix") or b""
    written = config_file.read_bytes(project.root).decode(errors="replace")
    places = rule_places.find_places(written, PurePosixPath(os.fsdecode(prefix.strip())))

    def place(rule: str) -> Place:
        return rule_places.find_place(places, rule)

    return place


def render(report: GateReport, kind: str, place: gate_page.FindPlace) -> str:
    """Write the answer in one format."""
    if kind == "markdown":
        return gate_page.render_markdown(report)
    if kind == "github":
        return gate_page.render_commands(report, place)
    if kind == "sarif":
        return gate_page.render_sarif(report, place)
    if kind == "html":
        return gate_page.render_html(report)
    return files.json_bytes(gate_page.make_json(report)).decode()


def show(report: GateReport) -> str:
    """Write the answer for a terminal: checks that say something, the table, the verdict."""
    palette = terminal.Palette(options.has_colour())
    parts = [show_checks(report.rows, palette)]
    if report.changes:
        rows = []
        for cells in gate_page.make_rows(report.changes):
            rule, was, now, word, who, why = (terminal.clip(c, _WIDEST) for c in cells)
            rows.append((rule, was, now, palette.paint(word, _COLOURS[word[0]]), who, why))
        parts.append(terminal.table(gate_page.HEAD, rows, palette))
    remedies = dict.fromkeys(r.remedy for r in report.rows if r.outcome not in _GOOD)
    hints = [f"→ {text.visible(remedy)}" for remedy in remedies if remedy]
    if hints:
        parts.append("\n".join(hints))
    mark, colour = ("✓", "32") if report.exit_code == 0 else ("✗", "31")
    parts.append(palette.paint(f"{mark} {text.visible(gate_page.conclude(report))}", colour))
    return "\n\n".join(parts)


def show_checks(rows: Sequence[Row], palette: terminal.Palette) -> str:
    """Write the checks as a table."""
    cells = []
    for row in rows:
        wanted = f"; expected {row.expected}" if row.outcome not in _GOOD else ""
        is_good = row.outcome in _GOOD
        mark = "✓" if row.outcome is Outcome.PASSED else "·" if is_good else "✗"
        outcome = palette.paint(f"{mark} {row.outcome.value}", _COLOURS[mark])
        cells.append((row.check, outcome, text.visible(row.found + wanted)))
    return terminal.table(("check", "outcome", "found"), cells, palette)
