"""``harness doctor``: does this machine and this project have what the harness needs?"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from harness.cli import doctor_checks, options, resolve
from harness.cli.doctor_checks import Finding
from harness.cli.options import Session
from harness.config import config_file
from harness.config.project import Project
from harness.errors import HarnessError
from harness.evidence.hub import checkout
from harness.reporting import terminal, text
from harness.verdict import Verdict, combine

EXAMPLES = """\b
Examples:
  harness doctor
  harness doctor --json
"""
_LEAST_FREE = 1 << 30
_USAGE = 2


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@options.common
@options.pass_session
def command(session: Session) -> int:
    """Check this machine and project for what the harness needs.

    Changes nothing. The exit code is 0 unless something is broken.
    """
    findings = [*_machine(session.start), *_project(session)]
    worst = combine(finding.verdict for finding in findings)
    palette = terminal.Palette(options.has_colour())
    words = {Verdict.GREEN: "ok", Verdict.INCONCLUSIVE: "warning", Verdict.RED: "broken"}
    rows = [
        (f.check, palette.verdict(f.verdict, words[f.verdict]), text.visible(f.found), f.remedy)
        for f in findings
    ]
    table = terminal.table(("check", "", "found", "remedy"), rows, palette)
    session.answer({"verdict": worst, "findings": [asdict(f) for f in findings]}, table)
    return _USAGE if worst is Verdict.RED else 0


def _machine(start: Path) -> Iterator[Finding]:
    yield Finding("python", Verdict.GREEN, sys.version.split()[0])
    for module, use in (("pytest", "pytest stages"), ("jinja2", "report.html")):
        if importlib.util.find_spec(module) is None:
            remedy = f"Install {module}: {use} need it."
            yield Finding(module, Verdict.RED, "not installed", remedy)
        else:
            yield Finding(module, Verdict.GREEN, "installed")
    yield _git(start)


def _git(start: Path) -> Finding:
    if shutil.which("git") is None:
        remedy = "Install git: without it evidence names no commit."
        return Finding("git", Verdict.INCONCLUSIVE, "not installed", remedy)
    try:
        commit = checkout.call(start, "rev-parse", "--verify", "HEAD").decode().strip()
    except checkout.GitError as error:
        remedy = "Run git init and commit: evidence of an unknown source proves little."
        message = f"no repository with a commit: {error.found}"
        return Finding("git", Verdict.INCONCLUSIVE, message, remedy)
    return Finding("git", Verdict.GREEN, f"commit {commit[:12]}")


def _project(session: Session) -> Iterator[Finding]:
    try:
        project = resolve.project(session)
    except HarnessError as error:
        message = f"{error.where}: {error.found}"
        yield Finding(config_file.FILE, Verdict.RED, message, error.remedy)
        return
    many = f"{len(project.suites)} suite{'' if len(project.suites) == 1 else 's'}"
    yield Finding(config_file.FILE, Verdict.GREEN, f"{project.name}: {many}")
    yield _folder("hub store", project.hubs)
    yield _folder("working folder", project.work)
    yield _space(project.root)
    yield _ledger(project)
    yield from doctor_checks.look(project)
    yield from _hubs(project)


def _folder(name: str, folder: Path) -> Finding:
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        return Finding(name, Verdict.RED, f"{existing} is read-only", "Fix the permissions.")
    note = "" if existing == folder else " (made by the first run)"
    return Finding(name, Verdict.GREEN, f"{folder.name}{note}")


def _space(root: Path) -> Finding:
    free = shutil.disk_usage(root).free
    if free < _LEAST_FREE:
        remedy = "Free space: a run may need more."
        return Finding("disk", Verdict.INCONCLUSIVE, f"{text.size(free)} free", remedy)
    return Finding("disk", Verdict.GREEN, f"{text.size(free)} free")


def _ledger(project: Project) -> Finding:
    both = resolve.store(project).ledgers
    if not both.by_name:
        return Finding("ledger", Verdict.GREEN, "none yet (made by the first seal)")
    parts = []
    for word, ledger in both.by_name:
        try:
            parts.append(f"{word}: {sum(1 for _ in ledger.walk())} entries")
        except HarnessError as error:
            message = f"{word}: {error.where}: {error.found}"
            return Finding("ledger", Verdict.RED, message, error.remedy)
    return Finding("ledger", Verdict.GREEN, ", ".join(parts))


def _hubs(project: Project) -> Iterator[Finding]:
    store = resolve.store(project)
    for suite in store.suites():
        hubs = sorted(store.folders(suite))
        if not hubs:
            continue
        try:
            store.read(hubs[-1])
        except HarnessError as error:
            message = f"{error.where}: {error.found}"
            yield Finding(f"hubs of {suite}", Verdict.RED, message, error.remedy)
        else:
            yield Finding(f"hubs of {suite}", Verdict.GREEN, f"{len(hubs)}, the last readable")
