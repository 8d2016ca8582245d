"""The commits between two revisions, and what a suite would depend on at each of them.

Everything is read from git's objects; nothing is checked out. Two commits at which a suite has
the same inputs, declaration and golden have the same digest, and so the same verdict.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from harness.config import config_file
from harness.config.project import Project, SuiteSpec
from harness.errors import ConfigError, HarnessError
from harness.evidence.hub import checkout, inputs, plan, stamp
from harness.experiments.commits import scratch
from harness.files import json_bytes, real_path, sha256_bytes
from harness.frozen import dataclass
from harness.judgement import freshness
from harness.judgement.declaration import load_project

_SKIPPED = frozenset({"__pycache__", ".venv", ".harness", "node_modules"})


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A commit and the digest of what the suite depends on there; None where it has none.

    ``declaration`` is the digest of the suite's declaration alone.
    """

    commit: str
    subject: str
    digest: str | None
    declaration: str | None


def states(
    project: Project, suite: str, good: str, bad: str, settings: Mapping[str, str]
) -> tuple[State, ...]:
    """Return the commits from ``good`` to ``bad``, both included, along first parents.

    Args:
        project: The project.
        suite: Name of the suite.
        good: Revision that is an ancestor of ``bad``.
        bad: Revision.
        settings: What else a verdict depends on, such as parameters that are set.

    Raises:
        ConfigError: A revision is unknown, or ``good`` is no ancestor of ``bad``.
    """
    scratch.top_of(project.root)  # refuses a folder without commits to search
    first, last = _commit(project, good), _commit(project, bad)
    if first == last or not _is_ancestor(project, first, last):
        raise ConfigError(
            f"--good {good} --bad {bad}",
            found="no way from the first to the second",
            expected="a good commit that is an ancestor of the bad one",
            remedy="Swap them, or name an older good commit.",
        )
    reader = _Reader(project, suite, settings)
    known = [*_list_commits(project, "--max-count=1", first)]
    known += _list_commits(project, "--first-parent", "--reverse", f"{first}..{last}")
    return tuple(reader.state(commit, subject) for commit, subject in known)


def _is_ancestor(project: Project, first: str, last: str) -> bool:
    return checkout.ask(project.root, "merge-base", "--is-ancestor", first, last) is not None


def _list_commits(project: Project, *words: str) -> Iterator[tuple[str, str]]:
    """Yield commit and subject of the commits that git lists."""
    said = checkout.call(project.root, "rev-list", "--format=%H %s", *words)
    # Before each line stands one that says "commit" and the same digits.
    for line in said.decode(errors="replace").splitlines()[1::2]:
        commit, _, subject = line.partition(" ")
        yield commit, subject


def head(project: Project) -> str:
    """Return the commit that a project's work tree stands on.

    Raises:
        ConfigError: There is no repository, or nothing is committed.
    """
    scratch.top_of(project.root)
    return _commit(project, "HEAD")


def declared_at(project: Project, commit: str) -> Project:
    """Return the project as a commit declares it, with the folders below today's root.

    Raises:
        ConfigError: The commit holds no declaration, or one that cannot be used.
    """
    name = f"{commit}:./{config_file.FILE}"
    try:
        content = checkout.call(project.root, "cat-file", "blob", name)
    except checkout.GitError as error:
        raise ConfigError(
            f"{config_file.FILE} at {commit[:12]}",
            found="no such file in the commit",
            expected="a declaration that is committed",
            remedy=f"Commit {config_file.FILE} first.",
        ) from error
    with tempfile.TemporaryDirectory(prefix="harness-toml-") as folder:
        root = real_path(Path(folder))
        (root / config_file.FILE).write_bytes(content)
        made = load_project(root)
    return replace(
        made,
        root=project.root,
        hubs=project.root / made.hubs.relative_to(root),
        golden=project.root / made.golden.relative_to(root),
        work=project.root / made.work.relative_to(root),
    )


def _commit(project: Project, revision: str) -> str:
    words = ("--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    output = checkout.ask(project.root, "rev-parse", *words)
    if output is None:
        raise ConfigError(
            f"revision {revision!r}"[:80],
            found="no such commit",
            expected="a commit, tag or branch",
            remedy="See git log --oneline.",
        )
    return output.decode().strip()


class _Reader:
    """Reads the state of a suite at commits; equal declarations are parsed once."""

    def __init__(self, project: Project, suite: str, settings: Mapping[str, str]) -> None:
        self._project, self._suite = project, suite
        self._settings = dict(settings)
        prefix = real_path(project.root).relative_to(scratch.top_of(project.root)).as_posix()
        self._prefix = "" if prefix == "." else f"{prefix}/"
        self._declared: dict[str, SuiteSpec | None] = {}

    def state(self, commit: str, subject: str) -> State:
        """Digest what the suite depends on at a commit."""
        blobs = dict(self._blobs(commit))
        suite = self._declaration(blobs.get(config_file.FILE), commit)
        digest = None if suite is None else self._digest(suite, blobs)
        declared = None if suite is None else plan.suite_sha256(suite)
        return State(commit=commit, subject=subject, digest=digest, declaration=declared)

    def _blobs(self, commit: str) -> Iterator[tuple[str, str]]:
        """Yield path relative to the project and blob id of every file of a commit."""
        words = ("-r", "-z", "--full-tree", commit)
        for entry in checkout.call(self._project.root, "ls-tree", *words).split(b"\0"):
            head, _, path = os.fsdecode(entry).partition("\t")
            if path and path.startswith(self._prefix):
                # A submodule is one commit in the place of its files.
                ending = "/" if head.startswith(checkout.SUBMODULE) else ""
                yield path.removeprefix(self._prefix) + ending, head.split()[2]

    def _declaration(self, blob: str | None, commit: str) -> SuiteSpec | None:
        if blob is None:
            return None
        if blob not in self._declared:
            self._declared[blob] = self._parse_commit(commit)
        return self._declared[blob]

    def _parse_commit(self, commit: str) -> SuiteSpec | None:
        try:
            return declared_at(self._project, commit).suites.get(self._suite)
        except HarnessError:
            return None

    def _digest(self, suite: SuiteSpec, blobs: Mapping[str, str]) -> str:
        globs = freshness.globs_of(suite)
        patterns = [inputs.pattern(glob) for glob in globs]
        golden = f"{self._project.golden.relative_to(self._project.root)}/{suite.judged_by}/"
        used = {
            path: blob
            for path, blob in blobs.items()
            if path.startswith(golden)
            or path in globs
            or (path.endswith("/") and any(inputs.may_name_below(g, path[:-1]) for g in globs))
            or (
                not _SKIPPED.intersection(path.split("/"))
                and any(pattern.fullmatch(path) for pattern in patterns)
            )
        }
        environment = stamp.environment_of(suite, self._project.root, may_start=True)
        depends = {
            "declaration": plan.suite_sha256(suite),
            "files": used,
            "environment": stamp.identity(environment),
            "settings": self._settings,
        }
        return sha256_bytes(json_bytes(depends))
