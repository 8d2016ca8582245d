"""A sealed hub in; out, another run of its commit, classed and logged as an entry.

Only code that this repository already holds is run, and only when nothing about it comes from
the hub: a commit outside of the history of HEAD, or a hub that no ledger of this project saw
begin, is run when its commit is named by the user.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from harness.config import config_file, interpreters
from harness.config.project import Project
from harness.errors import ConfigError, EvidenceMissingError, IntegrityError
from harness.evidence.hub import checkout, digest, inventory, ledgers, plan, seal, stamp, starts
from harness.evidence.hub.store import read_record
from harness.evidence.ledger.keys import SecretKey
from harness.evidence.ledger.log import Entry
from harness.experiments.commits import environment, scratch
from harness.experiments.reproduce.answer import Finding, Run, compare_runs
from harness.files import real_path
from harness.frozen import dataclass
from harness.judgement.verify import Outcome, reproductions, verify
from harness.records import HubRecord
from harness.runner.stages.child import Stop
from harness.verdict import AnswerClass

_LISTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to reproduce, and how.

    ``datasets`` are files by role for those that the run was given; ``commit`` is the one that
    the user named, ``signer`` who answers. The packages are those of the lock that the run
    recorded; of ``python`` where the user names one; with ``is_present``, or without a lock,
    those that are here.
    """

    project: Project
    hub: Path
    datasets: Mapping[str, Path] = field(default_factory=dict)
    commit: str = ""
    python: str = ""
    is_present: bool = False
    signer: SecretKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduced:
    """What came of it: the class, what differs, what else was another, and the entry.

    ``lock`` is a lock file of the commit that names the packages of the run, ``packages`` says
    which the rerun had.
    """

    answer: AnswerClass
    findings: tuple[Finding, ...]
    environment: tuple[str, ...]
    lock: str
    packages: str
    entry: Entry


def reproduce(request: Request, stop: Stop) -> Reproduced:
    """Run a hub's commit again in a scratch tree, class the answer and log it.

    Raises:
        ConfigError: The code is not to be run, a file is missing or another one, or git
            cannot check the commit out.
        EvidenceMissingError: The run came from a tree that no commit holds.
        IntegrityError: The hub is not as it was sealed.
        HarnessError: The rerun left no hub.
    """
    project, hub = request.project, request.hub
    _require_whole(project, hub)
    record = read_record(hub)
    _require_commit(request, record)
    reproductions.require_other_key(hub, project, request.signer)
    with scratch.worktree(project, record.stamp.commit, "reproduce") as root:
        words = _words(request, record, root)
        with _packages(request, record, root) as (python, packages):
            again, other = scratch.run_suite(
                project,
                record.suite,
                root,
                stop,
                words,
                program=(request.python or sys.executable, scratch.JUDGED_HERE),
                environ={**os.environ, **python},
            )
        answer, findings = compare_runs(
            Run(hub=hub, record=record, root=project.root),
            Run(hub=again, record=other, root=root),
        )
        manifest = digest.sha256(again / inventory.MANIFEST)
    apart = _differences(record, other)
    body = {
        "suite": record.suite,
        "run_id": record.run_id,
        "manifest_sha256": digest.sha256(hub / inventory.MANIFEST),
        "commit": record.stamp.commit,
        "answer": answer.value,
        "differences": [
            f"{f.what}: {f.claimed} as sealed, {f.found} again"[:200]
            for f in findings[:_LISTED]
        ],
        "environment": list(apart),
        "packages": packages,
        "again": {"run_id": other.run_id, "manifest_sha256": manifest},
    }
    subject = seal.subject(record.suite, record.run_id)
    signed = reproductions.sign_body(subject, body, request.signer)
    local = ledgers.of_hub(hub, project).local
    entry = local.append(reproductions.KIND, subject, signed)
    return Reproduced(
        answer=answer,
        findings=findings,
        environment=apart,
        lock=_lock_of(hub),
        packages=packages,
        entry=entry,
    )


@contextlib.contextmanager
def _packages(
    request: Request, record: HubRecord, root: Path
) -> Iterator[tuple[dict[str, str], str]]:
    """Yield the variable that sets the interpreter of the stages, and whose packages it has.

    Raises:
        ConfigError: The lock is not the one of the run, or cannot be had.
    """
    lock = _lock_of(request.hub)
    if request.python or request.is_present or not lock:
        yield {}, "of the interpreter that was named" if request.python else "those present"
        return
    known = plan.read_plan(request.hub).inputs[lock]
    sha256 = digest.sha256(root / lock)
    if sha256 != known:
        raise ConfigError(
            lock,
            found=f"{sha256[:12]}… at the commit",
            expected=f"{known[:12]}…, as the run recorded it",
            remedy="Name an interpreter that has the packages with --python, or add --present.",
        )
    with environment.from_lock(root / lock, record.environment.get("python", "")) as python:
        yield {interpreters.INSTEAD: str(python)}, f"of {lock}, {sha256}"


def _require_whole(project: Project, hub: Path) -> None:
    """Require that a hub is as it was sealed.

    Raises:
        IntegrityError: It is not.
    """
    for row in verify(project, hub, allow_stale=True).rows:
        if row.outcome is Outcome.DAMAGED:
            raise IntegrityError(
                f"{hub.parent.name}/{hub.name}",
                found=f"{row.check}: {row.found}",
                expected=row.expected or "the hub as it was sealed",
                remedy=row.remedy or "Restore it from a copy.",
            )


def _require_commit(request: Request, record: HubRecord) -> None:
    """Require a commit that holds what ran, here, and that may be run.

    Raises:
        EvidenceMissingError: No commit holds what ran.
        ConfigError: It is not here, or the user has not asked for it by name.
    """
    commit = record.stamp.commit
    if record.stamp.dirty or commit == stamp.NONE:
        raise EvidenceMissingError(
            f"{record.suite}/{record.run_id}",
            found="a run from a tree with changes that no commit holds",
            expected="a run of a commit",
            remedy="Commit, run the suite again, and have that hub reproduced.",
        )
    root = request.project.root
    if checkout.ask(root, "cat-file", "-e", "--end-of-options", f"{commit}^{{commit}}") is None:
        raise ConfigError(
            f"commit {commit[:12]}",
            found="no such commit in this repository",
            expected="a clone that holds it",
            remedy="Fetch it with git fetch, read it, then reproduce.",
        )
    if request.commit:
        if commit != request.commit:
            raise ConfigError(
                "--commit",
                found=request.commit[:64],
                expected=f"{commit}, the one of the hub, in full",
                remedy="Read that commit before you name it: git show.",
            )
        return
    is_known = checkout.ask(root, "merge-base", "--is-ancestor", commit, "HEAD") is not None
    if not (is_known and _is_own(request.project, request.hub)):
        other = (
            "a hub that began elsewhere" if is_known else "a commit outside of HEAD's history"
        )
        raise ConfigError(
            f"{record.suite}/{record.run_id}",
            found=other,
            expected="code that you name, before it runs here",
            remedy=f"Read it with git show {commit[:12]}, then add --commit {commit}.",
        )


def _is_own(project: Project, hub: Path) -> bool:
    """Say whether a ledger of this repository saw the run begin, or holds it as published."""
    both, subject = ledgers.of_hub(hub, project), seal.subject(hub.parent.name, hub.name)
    known = both.runs().get(subject)
    is_begun = any((e.kind, e.subject) == (starts.KIND, subject) for e in both.local.walk())
    return is_begun or (known is not None and known.is_published)


def _words(request: Request, record: HubRecord, root: Path) -> list[str]:
    """Return the command line of the rerun: the parameters and files of the run.

    Raises:
        ConfigError: The commit declares no such suite; a file is missing or another one.
    """
    there = config_file.load(root, lambda _: None)
    suite = config_file.find_suite(there, record.suite)
    words = []
    for name, value in record.parameters.items():
        if suite.parameters.get(name) != value:
            words += ["--set", f"{name}={value}"]
    roles = {d.role: d for d in record.datasets if not d.generated}
    if extra := sorted(set(request.datasets) - set(roles)):
        raise ConfigError(
            f"--with {extra[0]}",
            found="a role that the run was not given a file for",
            expected=", ".join(roles) or "none",
            remedy="Leave it out: the suite makes the data itself.",
        )
    for role, dataset in roles.items():
        path = request.datasets.get(role)
        if path is None:
            raise ConfigError(
                f"dataset {role}",
                found="no file",
                expected=f"{dataset.name}, SHA-256 {dataset.sha256}",
                remedy=f"Name it: --with {role}=FILE.",
            )
        if (other := digest.sha256(path)) != dataset.sha256:
            raise ConfigError(
                f"--with {role}={path}",
                found=f"SHA-256 {other[:12]}…",
                expected=f"{dataset.sha256[:12]}…, as of the run",
                remedy="Give the file that the run was given.",
            )
        words += ["--with", f"{role}={real_path(path)}"]
    return words


def _differences(record: HubRecord, other: HubRecord) -> tuple[str, ...]:
    """Name what of the environment is another than that of the run."""
    return tuple(
        f"{key} {record.environment.get(key)} then, {other.environment.get(key)} now"
        for key in stamp.differing_parts(record.environment, other.environment)
    )


def _lock_of(hub: Path) -> str:
    """Name the lock file among the inputs of a run, where there is one."""
    known: dict[str, Any] = dict(plan.read_plan(hub).inputs)
    return next((path for path in known if Path(path).name in environment.LOCKS), "")
